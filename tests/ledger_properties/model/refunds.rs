//! Refund, and subscriptions, which may be called off with a refund.

use fps_sandbox::ledger::MarketplaceRefundPolicy::{self, MarketplaceTxnOnly, MasterAndMarketplaceTxn};
use fps_sandbox::ledger::{
    ChargeFeeTo, MarketplaceRefundPolicy as Policy, PaymentMethod, Status, StatusCode,
};

use crate::history::Which;
use crate::world::{CC_DELAY, SUBSCRIPTIONS, Who};

use super::money::{Ends, Moves, due_back, in_range};
use super::{Decided, Kind, Model, Transaction, known, takes_part};

impl Model {
    pub(super) fn refund(
        &mut self,
        who: Who,
        reference: &str,
        of: Which,
        amount: Option<i64>,
        policy: Policy,
    ) -> Decided<Transaction> {
        let place = self.own(who, of)?;
        let original = self.transactions[place].clone();
        if !matches!(original.kind, Kind::Pay | Kind::Reserve) {
            return Err("TransactionTypeNotRefundable");
        }
        match original.status {
            Status::Success => {}
            Status::Pending => return Err("OriginalTransactionIncomplete"),
            Status::Reserved => return Err("InvalidTransactionState"),
            Status::Failure | Status::Cancelled => return Err("OriginalTransactionFailed"),
        }
        if policy == MarketplaceTxnOnly {
            self.return_own_fee(who, reference, place, amount)
        } else {
            self.return_payment(who, reference, place, amount, policy)
        }
    }

    /// The caller returns his own fee, or part of it, to the recipient. Nothing else happens.
    fn return_own_fee(
        &mut self,
        who: Who,
        reference: &str,
        place: usize,
        amount: Option<i64>,
    ) -> Decided<Transaction> {
        let original = self.transactions[place].clone();
        let left = original.marketplace_fee - original.own_fee_returned;
        if left == 0 {
            return Err("TransactionFullyRefundedAlready");
        }
        let amount = within(left, amount)?;
        let moves = vec![(who, -amount), (original.recipient, amount)];
        self.covers(&moves)?;
        self.move_balances(&moves);
        self.transactions[place].own_fee_returned += amount;
        Ok(Transaction {
            recipient: original.recipient,
            method: PaymentMethod::ABT,
            original: Some(place),
            completed: Some(self.now),
            ..self.draft(Kind::Refund, who, reference, amount)
        })
    }

    /// The recipient returns the amount, FPS its fee in proportion to whoever paid it, and the caller his own fee in
    /// proportion if so asked.
    fn return_payment(
        &mut self,
        who: Who,
        reference: &str,
        place: usize,
        amount: Option<i64>,
        policy: MarketplaceRefundPolicy,
    ) -> Decided<Transaction> {
        let original = self.transactions[place].clone();
        let paid = original.charged();
        if original.refunded == paid {
            return Err("TransactionFullyRefundedAlready");
        }
        // Of a debt Pay what is open and not being settled; of any other what is left.
        let left = match (original.method, original.instrument) {
            (PaymentMethod::Debt, Some(on)) => original.open.min(self.carried[on].available),
            _ => paid - original.refunded,
        };
        if left == 0 {
            return Err("TransactionTypeNotRefundable");
        }
        let amount = within(left, amount)?;
        let refunded = original.refunded + amount;
        let fee_back = due_back(original.fee, refunded, paid) - original.fee_returned;
        let marketplace_fee_back = if policy == MasterAndMarketplaceTxn {
            (due_back(original.marketplace_fee, refunded, paid) - original.own_fee_returned).max(0)
        } else {
            0
        };
        let mut made = Transaction {
            sender: original.recipient,
            recipient: original.sender,
            instrument: original.instrument,
            method: original.method,
            fee: -fee_back,
            marketplace_fee: -marketplace_fee_back,
            fee_to: original.fee_to,
            original: Some(place),
            completed: Some(self.now),
            ..self.draft(Kind::Refund, who, reference, amount)
        };
        match (original.method, original.instrument) {
            (PaymentMethod::Debt, Some(on)) => {
                self.carried[on].available -= amount;
                self.transactions[place].open -= amount;
            }
            // It goes back onto the instrument, also above the recharge limit.
            (_, Some(on)) => self.carried[on].available += amount,
            _ => self.pay_back(&original, &mut made)?,
        }
        let original = &mut self.transactions[place];
        original.refunded = refunded;
        original.fee_returned += fee_back;
        original.own_fee_returned += marketplace_fee_back;
        Ok(made)
    }

    /// Money goes back: to a card later, else to the balance at once, also what came from a bank.
    fn pay_back(&mut self, original: &Transaction, made: &mut Transaction) -> Decided<()> {
        let (fee_back, marketplace_fee_back) = (-made.fee, -made.marketplace_fee);
        let fee_payer = match original.fee_to {
            ChargeFeeTo::Recipient => original.recipient,
            ChargeFeeTo::Caller => original.caller,
        };
        let mut moves: Moves = vec![
            (original.recipient, marketplace_fee_back - made.amount),
            (original.caller, -marketplace_fee_back),
            (fee_payer, fee_back),
        ];
        let to_card = original.method == PaymentMethod::CC;
        if !to_card {
            moves.push((original.sender, made.amount));
        }
        self.covers(&moves)?;
        self.move_balances(&moves);
        self.fees -= fee_back;
        if to_card {
            *self.outgoing.entry(made.sender).or_default() += made.amount;
            (made.status, made.code) = (Status::Pending, StatusCode::PendingNetworkResponse);
            (made.completed, made.ends) = (None, Some((self.now + CC_DELAY, Ends::Well)));
        }
        Ok(())
    }

    /// Calls a subscription off; gives its last payment.
    pub(super) fn cancel_subscription(&mut self, who: Who, which: Which) -> Decided<Option<usize>> {
        let (place, last) = self.own_subscription(who, which)?;
        self.subscriptions[place].is_active = false;
        Ok(last)
    }

    /// The same with a refund of part of its last payment. When that is refused, the subscription goes on.
    pub(super) fn cancel_subscription_and_refund(
        &mut self,
        who: Who,
        reference: &str,
        which: Which,
        amount: i64,
    ) -> Decided<Transaction> {
        let (place, last) = self.own_subscription(who, which)?;
        let last = last.ok_or("RefundAmountExceeded")?;
        let made = self.refund(who, reference, Which::Known(last), Some(amount), Policy::MasterTxnOnly)?;
        self.subscriptions[place].is_active = false;
        Ok(made)
    }

    /// Only the recipient may call a subscription off, and only once. To strangers it does not exist.
    fn own_subscription(&self, who: Who, which: Which) -> Decided<(usize, Option<usize>)> {
        let (place, known) = known(SUBSCRIPTIONS, which, "InvalidParams")?;
        if who != known.sender && who != known.recipient {
            return Err("InvalidParams");
        }
        if who != known.recipient {
            return Err("AccessFailure");
        }
        takes_part(who)?;
        let found = &self.subscriptions[place];
        if found.is_active {
            Ok((place, found.payments.last().copied()))
        } else {
            Err("InvalidTransactionState")
        }
    }
}

/// The amount asked for, or all that is left.
fn within(left: i64, amount: Option<i64>) -> Decided<i64> {
    let amount = amount.unwrap_or(left);
    if amount > left {
        return Err("RefundAmountExceeded");
    }
    in_range(amount, PaymentMethod::ABT)?;
    Ok(amount)
}
