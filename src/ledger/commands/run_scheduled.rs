//! The steps that become due: what a card or a bank answers, and what time ends.

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::book::invariant::InvariantViolation;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::schedule::{Scheduled, ScheduledStep};
use crate::ledger::transaction::status::{Status, StatusChange, StatusCode};
use crate::ledger::transaction::{Operation, Transaction};

/// A reservation lapses after seven days (guide: Reserve).
const RESERVATION_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Runs a step that is due.
#[derive(Clone, Copy, Debug)]
pub struct RunScheduled(pub Scheduled);

impl Command for RunScheduled {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let transaction = reads.transaction_row(self.0.transaction);
        let clears = |found: &&Transaction| {
            self.0.step == ScheduledStep::Complete && found.operation == Operation::SettleDebt
        };
        let settled = transaction.filter(clears);
        if let Some((settled, instrument)) = settled.and_then(|found| Some((found, found.instrument?))) {
            reads.debts_to_clear(instrument, settled.amount);
        }
    }

    /// The transaction moves on at the instant the work was due, however late it is carried out.
    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let Scheduled { at, transaction: number, step } = self.0;
        let Some(transaction) = book.transaction_row(number) else {
            book.fail(InvariantViolation::transaction(number));
            return Ok(());
        };
        let reservation =
            transaction.operation == Operation::Reserve && transaction.progress.settled.is_none();
        let (status, code) = match (step, transaction.status()) {
            // The card holds the money: the reservation stands until it is settled, cancelled or lapses.
            (ScheduledStep::Complete, Status::Pending) if reservation => {
                (Status::Reserved, StatusCode::Success)
            }
            (ScheduledStep::Complete, Status::Pending) => (Status::Success, StatusCode::Success),
            (ScheduledStep::Expire, Status::Pending) => (Status::Failure, StatusCode::Expired),
            (ScheduledStep::Decline, Status::Pending) => (Status::Failure, StatusCode::TransactionDenied),
            (ScheduledStep::LackFunds, Status::Pending) => (Status::Failure, StatusCode::InsufficientFunds),
            (ScheduledStep::Lapse, Status::Reserved) => (Status::Cancelled, StatusCode::Expired),
            // The transaction has left that status in the meantime.
            _ => {
                book.unschedule(number);
                return Ok(());
            }
        };
        let lapse = Scheduled {
            at: at.plus_millis(RESERVATION_MILLIS),
            transaction: number,
            step: ScheduledStep::Lapse,
        };
        let due = Some(lapse).filter(|_| status == Status::Reserved);
        book.change_status(number, StatusChange { at, status, code }, due);
        Ok(())
    }
}
