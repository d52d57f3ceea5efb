//! Refund, and subscriptions, which can be cancelled with a refund.

use fps_sandbox::ledger::MarketplaceRefundPolicy::{self, MarketplaceTxnOnly, MasterAndMarketplaceTxn};
use fps_sandbox::ledger::{
    ChargeFeeTo, MarketplaceRefundPolicy as Policy, PaymentMethod, Status, StatusCode,
};

use crate::history::Selector;
use crate::world::{CC_DELAY, Party, SUBSCRIPTIONS};

use super::money::{BalanceChanges, ScheduledEnd, check_amount_range, due_back};
use super::{Model, ModelResult, Transaction, TransactionType, check_caller_state, select};

impl Model {
    pub(super) fn refund(
        &mut self,
        party: Party,
        reference: &str,
        of: Selector,
        amount: Option<i64>,
        policy: Policy,
    ) -> ModelResult<Transaction> {
        let index = self.find_own(party, of)?;
        let original = self.transactions[index].clone();
        if !matches!(original.kind, TransactionType::Pay | TransactionType::Reserve) {
            return Err("TransactionTypeNotRefundable");
        }
        match original.status {
            Status::Success => {}
            Status::Pending => return Err("OriginalTransactionIncomplete"),
            Status::Reserved => return Err("InvalidTransactionState"),
            Status::Failure | Status::Cancelled => return Err("OriginalTransactionFailed"),
        }
        if policy == MarketplaceTxnOnly {
            self.refund_marketplace_fee(party, reference, index, amount)
        } else {
            self.refund_payment(party, reference, index, amount, policy)
        }
    }

    /// Refunds the marketplace fee, or a part of it, to the recipient.
    fn refund_marketplace_fee(
        &mut self,
        party: Party,
        reference: &str,
        index: usize,
        amount: Option<i64>,
    ) -> ModelResult<Transaction> {
        let original = self.transactions[index].clone();
        let left = original.marketplace_fee - original.marketplace_fee_returned;
        if left == 0 {
            return Err("TransactionFullyRefundedAlready");
        }
        let amount = within(left, amount)?;
        let moves = vec![(party, -amount), (original.recipient, amount)];
        self.check_balances(&moves)?;
        self.move_balances(&moves);
        self.transactions[index].marketplace_fee_returned += amount;
        Ok(Transaction {
            recipient: original.recipient,
            method: PaymentMethod::ABT,
            original: Some(index),
            completed: Some(self.now),
            ..self.draft(TransactionType::Refund, party, reference, amount)
        })
    }

    /// Refunds the payment. The fee of FPS is returned in proportion, and so is the marketplace fee if the policy says so.
    fn refund_payment(
        &mut self,
        party: Party,
        reference: &str,
        index: usize,
        amount: Option<i64>,
        policy: MarketplaceRefundPolicy,
    ) -> ModelResult<Transaction> {
        let original = self.transactions[index].clone();
        let paid = original.charged();
        if original.refunded == paid {
            return Err("TransactionFullyRefundedAlready");
        }
        // A Pay on credit can be refunded as far as its debt is open and has no pending settlement.
        let left = match (original.method, original.instrument) {
            (PaymentMethod::Debt, Some(on)) => original.open.min(self.instruments[on].available),
            _ => paid - original.refunded,
        };
        if left == 0 {
            return Err("TransactionTypeNotRefundable");
        }
        let amount = within(left, amount)?;
        let refunded = original.refunded + amount;
        let fee_back = due_back(original.fee, refunded, paid) - original.fee_returned;
        let marketplace_fee_back = if policy == MasterAndMarketplaceTxn {
            (due_back(original.marketplace_fee, refunded, paid) - original.marketplace_fee_returned).max(0)
        } else {
            0
        };
        let mut transaction = Transaction {
            sender: original.recipient,
            recipient: original.sender,
            instrument: original.instrument,
            method: original.method,
            fee: -fee_back,
            marketplace_fee: -marketplace_fee_back,
            fee_to: original.fee_to,
            original: Some(index),
            completed: Some(self.now),
            ..self.draft(TransactionType::Refund, party, reference, amount)
        };
        match (original.method, original.instrument) {
            (PaymentMethod::Debt, Some(on)) => {
                self.instruments[on].available -= amount;
                self.transactions[index].open -= amount;
            }
            // A refund to a prepaid instrument may exceed its recharge limit.
            (_, Some(on)) => self.instruments[on].available += amount,
            _ => self.pay_back(&original, &mut transaction)?,
        }
        let original = &mut self.transactions[index];
        original.refunded = refunded;
        original.fee_returned += fee_back;
        original.marketplace_fee_returned += marketplace_fee_back;
        Ok(transaction)
    }

    /// Pays money back: to a card later, otherwise to the balance at once, also for a payment by bank.
    fn pay_back(&mut self, original: &Transaction, transaction: &mut Transaction) -> ModelResult<()> {
        let (fee_back, marketplace_fee_back) = (-transaction.fee, -transaction.marketplace_fee);
        let fee_payer = match original.fee_to {
            ChargeFeeTo::Recipient => original.recipient,
            ChargeFeeTo::Caller => original.caller,
        };
        let mut moves: BalanceChanges = vec![
            (original.recipient, marketplace_fee_back - transaction.amount),
            (original.caller, -marketplace_fee_back),
            (fee_payer, fee_back),
        ];
        let to_card = original.method == PaymentMethod::CC;
        if !to_card {
            moves.push((original.sender, transaction.amount));
        }
        self.check_balances(&moves)?;
        self.move_balances(&moves);
        self.fees -= fee_back;
        if to_card {
            *self.outgoing.entry(transaction.sender).or_default() += transaction.amount;
            (transaction.status, transaction.code) = (Status::Pending, StatusCode::PendingNetworkResponse);
            (transaction.completed, transaction.scheduled_end) =
                (None, Some((self.now + CC_DELAY, ScheduledEnd::Accepted)));
        }
        Ok(())
    }

    /// Cancels a subscription and returns its last payment.
    pub(super) fn cancel_subscription(
        &mut self,
        party: Party,
        selector: Selector,
    ) -> ModelResult<Option<usize>> {
        let (index, last) = self.own_subscription(party, selector)?;
        self.subscriptions[index].is_active = false;
        Ok(last)
    }

    /// Cancels a subscription and refunds part of its last payment. If the refund fails, the subscription remains active.
    pub(super) fn cancel_subscription_and_refund(
        &mut self,
        party: Party,
        reference: &str,
        selector: Selector,
        amount: i64,
    ) -> ModelResult<Transaction> {
        let (index, last) = self.own_subscription(party, selector)?;
        let last = last.ok_or("RefundAmountExceeded")?;
        let transaction =
            self.refund(party, reference, Selector::Index(last), Some(amount), Policy::MasterTxnOnly)?;
        self.subscriptions[index].is_active = false;
        Ok(transaction)
    }

    /// Finds an active subscription for its recipient. For other parties than the sender it does not exist.
    fn own_subscription(&self, party: Party, selector: Selector) -> ModelResult<(usize, Option<usize>)> {
        let (index, known) = select(SUBSCRIPTIONS, selector, "InvalidParams")?;
        if party != known.sender && party != known.recipient {
            return Err("InvalidParams");
        }
        if party != known.recipient {
            return Err("AccessFailure");
        }
        check_caller_state(party)?;
        let found = &self.subscriptions[index];
        if found.is_active {
            Ok((index, found.payments.last().copied()))
        } else {
            Err("InvalidTransactionState")
        }
    }
}

/// The requested amount, or everything that is left.
fn within(left: i64, amount: Option<i64>) -> ModelResult<i64> {
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err("RefundAmountExceeded");
    }
    check_amount_range(amount, PaymentMethod::ABT)?;
    Ok(amount)
}
