//! Refund: a payment goes back, in part or in full (guide: Refund; decisions 2, 5, 9).

use crate::error::{Code, FpsError};

use super::account::Role;
use super::book::Book;
use super::completion::{self, Timing};
use super::fees::fee_due_back;
use super::idempotency::{ReferenceKey, Referenced};
use super::money::Amount;
use super::names::{InstrumentNumber, TransactionId, TransactionNumber};
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::transaction::{Operation, PaymentMethod, Remarks, Status, Transaction};
use super::{Caller, Context, unknown_id};

/// A Refund as asked for.
#[derive(Clone, Debug)]
pub struct Refund {
    /// Who asks: the caller of the original.
    pub caller: Caller,
    /// The transaction to refund.
    pub original: TransactionId,
    /// How much of it; none = all that is left.
    pub amount: Option<Amount>,
    /// What the caller says about it.
    pub remarks: Remarks,
}

impl Referenced for Refund {
    fn key(&self) -> ReferenceKey {
        self.remarks.reference_key(self.caller)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        needs.account(self.caller.account);
        needs.transaction(self.caller.world, &self.original);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let (original, amount) = self.checked(book, context)?;
        let refunded = original.progress.refunded + amount;
        let due_back = fee_due_back(original.fee, refunded, original.amount);
        let fee_back = due_back - original.progress.fee_returned;
        funds_suffice(book, original, amount - fee_back)?;
        let draft = Transaction {
            sender: original.recipient,
            recipient: original.sender,
            credit_instrument: original.credit_instrument,
            method: original.method,
            original: Some(original.number),
            fee: -fee_back,
            charge_fee_to: original.charge_fee_to,
            ..Transaction::draft(context, self.caller, Operation::Refund, amount, &self.remarks)
        };
        let (paid, debt) = (original.number, original.debt_charged());
        book.progress(paid, |progress| {
            progress.refunded = refunded;
            progress.fee_returned = due_back;
        });
        Ok(match debt {
            Some(instrument) => self.lower_debt(book, draft, paid, instrument),
            None => completion::charge(book, context, draft, Timing::Unbounded),
        })
    }
}

impl Refund {
    /// The checks: existence, right of access, type, state, amounts.
    fn checked<'b>(
        &self,
        book: &'b Book,
        context: &Context<'_>,
    ) -> Result<(&'b Transaction, Amount), FpsError> {
        let original = Transaction::find(book, self.caller, &self.original)?;
        if original.caller != self.caller.account {
            return Err(Code::InvalidTransactionId.into());
        }
        book.account(self.caller.account).ok_or(Code::AccessFailure)?.take_part(Role::Caller)?;
        if original.operation != Operation::Pay {
            return Err(Code::TransactionTypeNotRefundable.into());
        }
        match original.status() {
            Status::Success => {}
            Status::Pending => return Err(Code::OriginalTransactionIncomplete.into()),
            Status::Failure | Status::Cancelled => return Err(Code::OriginalTransactionFailed.into()),
            Status::Reserved => return Err(Code::InvalidTransactionState.into()),
        }
        let left = refundable(book, original)?;
        let amount = self.amount.unwrap_or(left);
        if amount > left {
            return Err(Code::RefundAmountExceeded.into());
        }
        context.rules.amount_in_range(amount, PaymentMethod::ABT)?;
        Ok((original, amount))
    }

    /// A refund of a debt Pay is the reverse of the Pay: debt falls, no money moves.
    fn lower_debt(
        &self,
        book: &mut Book,
        draft: Transaction,
        paid: TransactionNumber,
        instrument: InstrumentNumber,
    ) -> TransactionNumber {
        let amount = draft.amount;
        let number = completion::finish_at_once(book, draft);
        let credit = LedgerAccount::credit_extended(self.caller.account);
        book.post(number, &[(LedgerAccount::debt(instrument), -amount), (credit, amount)]);
        let open = book.open_debt(instrument, paid);
        book.set_open_debt(instrument, paid, open - amount);
        number
    }
}

/// What can still be refunded: of a debt Pay only what is open and not being settled.
fn refundable(book: &Book, original: &Transaction) -> Result<Amount, FpsError> {
    let unrefunded = original.amount - original.progress.refunded;
    if unrefunded.is_zero() {
        return Err(Code::TransactionFullyRefundedAlready.into());
    }
    let Some(instrument) = original.debt_charged() else { return Ok(unrefunded) };
    let open = book.open_debt(instrument, original.number);
    let left = open.min(book.total(LedgerAccount::debt(instrument)));
    if left.is_zero() {
        let text =
            "The debt of this transaction is settled, written off or being settled; it cannot be refunded.";
        return Err(FpsError::new(Code::TransactionTypeNotRefundable, text));
    }
    Ok(left)
}

/// The money goes back out of the original recipient's balance.
fn funds_suffice(book: &Book, original: &Transaction, amount: Amount) -> Result<(), FpsError> {
    let moves_money = original.debt_charged().is_none();
    if moves_money && book.total(LedgerAccount::balance(original.recipient)) < amount {
        return Err(Code::InsufficientBalance.into());
    }
    Ok(())
}

impl Transaction {
    /// The transaction of this id, if the caller had a part in it.
    pub(super) fn find<'b>(book: &'b Book, caller: Caller, id: &TransactionId) -> Result<&'b Self, FpsError> {
        let found = book.transaction(caller.world, id).ok_or_else(|| {
            let what = "transactionId has to be a valid transaction ID";
            unknown_id(id.has_fps_form(), Code::InvalidTransactionId, what, id.as_str())
        })?;
        if found.involves(caller.account) { Ok(found) } else { Err(Code::InvalidTransactionId.into()) }
    }
}
