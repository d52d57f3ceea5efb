//! Settle and Cancel: a reservation is charged, or a waiting transaction is cancelled (guide: Settle, Cancel).

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::ids::{AccountNumber, TransactionId};
use crate::ledger::lifecycle;
use crate::ledger::transaction::status::{Status, StatusChange, StatusCode};
use crate::ledger::transaction::{Operation, Receipt};

/// A Settle request.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The caller, who also made the reservation.
    pub caller: AccountNumber,
    /// The reservation.
    pub reservation: TransactionId,
    /// The amount; `None` means the whole reserved amount.
    pub amount: Option<Amount>,
}

impl Command for Settle {
    type Output = Receipt;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.transaction(&self.reservation);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Receipt, FpsError> {
        let reservation = book.find_own_transaction(self.caller, &self.reservation)?;
        if reservation.operation != Operation::Reserve {
            return Err(Code::InvalidTransactionId.into());
        }
        match reservation.status() {
            Status::Reserved => {}
            Status::Pending if reservation.progress.settled.is_none() => {
                return Err(Code::OriginalTransactionIncomplete.into());
            }
            Status::Failure => return Err(Code::OriginalTransactionFailed.into()),
            Status::Pending | Status::Success | Status::Cancelled => {
                return Err(Code::InvalidTransactionState.into());
            }
        }
        let amount = self.amount.unwrap_or(reservation.amount);
        if amount > reservation.amount {
            return Err(Code::SettleAmountGreaterThanReserveAmount.into());
        }
        context.rules.check_amount(amount, reservation.method)?;
        let fee = context.rules.fees.fee(Operation::Reserve, reservation.method, amount);
        // The marketplace fee was fixed for the whole reservation, so a part of the amount takes its share. FPS's fee
        // is that of the amount actually charged.
        let marketplace_fee =
            reservation.progress.marketplace_fee.share(amount, reservation.amount, Amount::CENT);
        // The funds are checked on a copy, because the book must not change before the last check.
        let mut settled = reservation.clone();
        settled.progress.settled = Some(amount);
        (settled.progress.fee, settled.progress.marketplace_fee) = (fee, marketplace_fee);
        lifecycle::check_balances(book, &settled)?;
        lifecycle::settle_reservation(book, context, &settled);
        Ok(Receipt { transaction: self.reservation.clone(), status: Status::Pending })
    }
}

/// A Cancel request.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// The caller, who also made the transaction.
    pub caller: AccountNumber,
    /// The transaction to cancel.
    pub transaction: TransactionId,
}

impl Command for Cancel {
    type Output = Receipt;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.transaction(&self.transaction);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Receipt, FpsError> {
        let found = book.find_own_transaction(self.caller, &self.transaction)?;
        // A refund cannot be cancelled, nor a reservation that is being settled: its money is on the way.
        let waiting = matches!(found.status(), Status::Reserved | Status::Pending);
        if !waiting || found.operation == Operation::Refund || found.progress.settled.is_some() {
            return Err(Code::InvalidTransactionState.into());
        }
        let number = found.number;
        let cancelled =
            StatusChange { at: context.now, status: Status::Cancelled, code: StatusCode::Canceled };
        book.change_status(number, cancelled, None);
        Ok(Receipt { transaction: self.transaction.clone(), status: Status::Cancelled })
    }
}
