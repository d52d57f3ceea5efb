//! Refund: money of a payment goes back, in part or in full (guide: Refund).

use crate::error::{Code, FpsError};
use crate::ledger::account::Role;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::Context;
use crate::ledger::commands::idempotent::IdempotentOperation;
use crate::ledger::idempotency::{IdempotencyKey, IdempotentAction};
use crate::ledger::ids::{AccountNumber, TransactionId, TransactionNumber};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::lifecycle;
use crate::ledger::lifecycle::PendingTimeout;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::rules::fees::fee_due_back;
use crate::ledger::transaction::descriptions::Descriptions;
use crate::ledger::transaction::status::Status;
use crate::ledger::transaction::{MarketplaceRefundPolicy, Operation, Transaction};

/// A Refund request.
#[derive(Clone, Debug)]
pub struct Refund {
    /// The caller, who also made the original transaction.
    pub caller: AccountNumber,
    /// The transaction to refund.
    pub original: TransactionId,
    /// The amount; `None` means all that can still be refunded.
    pub amount: Option<Amount>,
    /// What happens to the marketplace fee.
    pub policy: MarketplaceRefundPolicy,
    /// The caller's reference and descriptions.
    pub descriptions: Descriptions,
}

impl IdempotentOperation for Refund {
    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(self.caller, IdempotentAction::Refund, &self.descriptions.caller_reference)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.transaction(&self.original);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let original = self.refundable(book)?;
        let draft = if self.policy == MarketplaceRefundPolicy::MarketplaceTxnOnly {
            self.marketplace_fee_back(original, context)?
        } else {
            self.payment_back(book, original, context)?
        };
        lifecycle::check_balances(book, &draft)?;
        // All checks are done. The original is changed when the refund is accepted, not when the card answers, so
        // that pending refunds together cannot exceed the payment.
        let (paid, debt) = (original.number, original.debt_charged());
        let (fee, marketplace_fee, amount) =
            (draft.progress.fee, draft.progress.marketplace_fee, draft.amount);
        book.progress(paid, |progress| {
            progress.fee_returned -= fee;
            if self.policy == MarketplaceRefundPolicy::MarketplaceTxnOnly {
                progress.marketplace_fee_returned += amount;
            } else {
                progress.refunded += amount;
                progress.marketplace_fee_returned -= marketplace_fee;
            }
        });
        if let Some(instrument) = debt {
            let open = book.open_debt(instrument, paid);
            book.set_open_debt(instrument, paid, open - amount);
        }
        Ok(lifecycle::start(book, context, draft, PendingTimeout::Unbounded))
    }
}

impl Refund {
    /// The original, if it can be refunded. The order of checks is the service's: existence, right of access, type,
    /// state.
    fn refundable<'b>(&self, book: &'b Book) -> Result<&'b Transaction, FpsError> {
        let original = book.find_transaction_of_party(self.caller, &self.original)?;
        if original.caller != self.caller {
            return Err(Code::InvalidTransactionId.into());
        }
        book.account(self.caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
        // The type comes before the state: a settlement that is still pending is not refundable either, and will
        // never be.
        if ![Operation::Pay, Operation::Reserve].contains(&original.operation) {
            return Err(Code::TransactionTypeNotRefundable.into());
        }
        match original.status() {
            Status::Success => Ok(original),
            Status::Pending => Err(Code::OriginalTransactionIncomplete.into()),
            Status::Failure | Status::Cancelled => Err(Code::OriginalTransactionFailed.into()),
            Status::Reserved => Err(Code::InvalidTransactionState.into()),
        }
    }

    /// Drafts a refund of the payment to its sender. FPS's fee is returned in proportion, and so is the marketplace
    /// fee if the policy says so.
    fn payment_back(
        &self,
        book: &Book,
        original: &Transaction,
        context: &mut Context<'_>,
    ) -> Result<Transaction, FpsError> {
        let amount = self.amount_within(left_of_payment(book, original)?, context)?;
        let (charged, before) = (original.charged(), &original.progress);
        let refunded = before.refunded + amount;
        // The fee due for all refunds so far, less what was returned: rounding errors of partial refunds do not add
        // up, and the last refund returns the exact rest.
        let fee_back = fee_due_back(before.fee, refunded, charged) - before.fee_returned;
        let marketplace_fee_back = if self.policy == MarketplaceRefundPolicy::MasterAndMarketplaceTxn {
            let due =
                fee_due_back(before.marketplace_fee, refunded, charged) - before.marketplace_fee_returned;
            // Earlier refunds of the marketplace fee alone may have returned more than the share that is due.
            due.max(Amount::ZERO)
        } else {
            Amount::ZERO
        };
        let mut draft = Transaction {
            sender: original.recipient,
            recipient: original.sender,
            instrument: original.instrument,
            method: original.method,
            ..self.draft(original, amount, context)
        };
        draft.progress.fee = -fee_back;
        draft.progress.marketplace_fee = -marketplace_fee_back;
        Ok(draft)
    }

    /// Drafts a refund of the marketplace fee alone, from the caller to the recipient of the payment.
    fn marketplace_fee_back(
        &self,
        original: &Transaction,
        context: &mut Context<'_>,
    ) -> Result<Transaction, FpsError> {
        let left = original.progress.marketplace_fee - original.progress.marketplace_fee_returned;
        if left.is_zero() {
            return Err(Code::TransactionFullyRefundedAlready.into());
        }
        let amount = self.amount_within(left, context)?;
        Ok(Transaction {
            sender: self.caller,
            recipient: original.recipient,
            method: PaymentMethod::ABT,
            ..self.draft(original, amount, context)
        })
    }

    fn draft(&self, original: &Transaction, amount: Amount, context: &mut Context<'_>) -> Transaction {
        Transaction {
            original: Some(original.number),
            refund_policy: Some(self.policy),
            charge_fee_to: original.charge_fee_to,
            ..context.draft_transaction(self.caller, Operation::Refund, amount, &self.descriptions)
        }
    }

    /// The amount of the refund: the requested one if it is at most `left`, or all of `left` if none is requested.
    fn amount_within(&self, left: Amount, context: &Context<'_>) -> Result<Amount, FpsError> {
        let amount = self.amount.unwrap_or(left);
        if amount > left {
            return Err(Code::RefundAmountExceeded.into());
        }
        context.rules.check_amount(amount, PaymentMethod::ABT)?;
        Ok(amount)
    }
}

/// The amount that can still be refunded. Of a debt Pay it is only the part that is open and not being settled.
fn left_of_payment(book: &Book, original: &Transaction) -> Result<Amount, FpsError> {
    let unrefunded = original.charged() - original.progress.refunded;
    if unrefunded.is_zero() {
        return Err(Code::TransactionFullyRefundedAlready.into());
    }
    let Some(instrument) = original.debt_charged() else { return Ok(unrefunded) };
    let open = book.open_debt(instrument, original.number);
    // A pending settlement does not say which Pays it will clear: that is known when it succeeds. Until then the debt
    // of the instrument that is not being settled bounds the refund.
    let left = open.min(book.total(LedgerAccount::debt(instrument)));
    if left.is_zero() {
        let text =
            "The debt of this transaction is settled, written off or being settled; it cannot be refunded.";
        return Err(FpsError::new(Code::TransactionTypeNotRefundable, text));
    }
    Ok(left)
}
