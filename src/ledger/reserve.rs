//! Reserve, Settle, Cancel: money held on a card, captured later or let go (guide: Reserve, Settle, Cancel).

use crate::error::{Code, FpsError};

use super::account::Role;
use super::amount::Amount;
use super::book::Book;
use super::idempotency::{IdempotencyKey, IdempotentAction, IdempotentOperation};
use super::ids::{AccountNumber, TransactionId, TransactionNumber};
use super::lifecycle::{self, PendingTimeout};
use super::payment::Payment;
use super::read_set::ReadSet;
use super::transaction::{Operation, Receipt, Status, StatusChange, StatusCode, Transaction};
use super::{Command, Context};

/// A Reserve as asked for.
#[derive(Clone, Debug)]
pub struct Reserve(pub Payment);

impl IdempotentOperation for Reserve {
    fn key(&self) -> IdempotencyKey {
        self.0.descriptions.idempotency_key(self.0.caller, IdempotentAction::Reserve)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let draft = self.0.validate(book, context, Operation::Reserve)?;
        book.record_token_use(&draft);
        Ok(lifecycle::start(book, context, draft, PendingTimeout::WithinMinutes(self.0.timeout_minutes)))
    }
}

/// A Settle as asked for.
#[derive(Clone, Debug)]
pub struct Settle {
    /// Who asks: the caller of the reservation.
    pub caller: AccountNumber,
    /// The reservation.
    pub reservation: TransactionId,
    /// How much of it; none = all.
    pub amount: Option<Amount>,
}

impl Command for Settle {
    type Output = Receipt;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.transaction(&self.reservation);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Receipt, FpsError> {
        let reservation = own_transaction(book, self.caller, &self.reservation)?;
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
        let marketplace_fee =
            reservation.progress.marketplace_fee.share(amount, reservation.amount, Amount::CENT);
        let mut settled = reservation.clone();
        settled.progress.settled = Some(amount);
        (settled.progress.fee, settled.progress.marketplace_fee) = (fee, marketplace_fee);
        lifecycle::check_funds(book, &settled)?;
        lifecycle::settle_reservation(book, context, &settled);
        Ok(Receipt { transaction: self.reservation.clone(), status: Status::Pending })
    }
}

/// A Cancel as asked for.
#[derive(Clone, Debug)]
pub struct Cancel {
    /// Who asks: the caller of the transaction.
    pub caller: AccountNumber,
    /// The transaction to call off.
    pub transaction: TransactionId,
}

impl Command for Cancel {
    type Output = Receipt;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.account(self.caller);
        reads.transaction(&self.transaction);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Receipt, FpsError> {
        let found = own_transaction(book, self.caller, &self.transaction)?;
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

/// The transaction of this id that the caller himself made.
fn own_transaction<'b>(
    book: &'b Book,
    caller: AccountNumber,
    id: &TransactionId,
) -> Result<&'b Transaction, FpsError> {
    let found = Transaction::find(book, caller, id)?;
    if found.caller != caller {
        return Err(Code::InvalidTransactionId.into());
    }
    book.account(caller).ok_or(Code::AccessFailure)?.check_role(Role::Caller)?;
    Ok(found)
}
