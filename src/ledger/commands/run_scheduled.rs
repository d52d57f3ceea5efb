//! ScheduledStep steps that are due: answers of cards and banks, timeouts, and reservations that lapse.

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::book::invariant::InvariantViolation;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::schedule::{ScheduledStep, StepKind};
use crate::ledger::transaction::status::{Status, StatusChange, StatusCode};
use crate::ledger::transaction::{Operation, Transaction};

/// How long a reservation lasts, in milliseconds: it lapses after seven days (guide: Reserve).
const RESERVATION_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Runs a scheduled step that is due.
#[derive(Clone, Copy, Debug)]
pub struct RunScheduledStep(pub ScheduledStep);

impl Command for RunScheduledStep {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let transaction = reads.transaction_by_number(self.0.transaction);
        // Only a settlement that succeeds clears debt. A step that fails it needs no debts.
        let clears = |found: &&Transaction| {
            self.0.step == StepKind::Complete && found.operation == Operation::SettleDebt
        };
        let settled = transaction.filter(clears);
        if let Some((settled, instrument)) = settled.and_then(|found| Some((found, found.instrument?))) {
            reads.debts_to_clear(instrument, settled.amount);
        }
    }

    /// Changes the status of the transaction as of the instant at which the step was due, however late it runs. So
    /// the histories do not depend on when the program runs.
    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let ScheduledStep { at, transaction: number, step } = self.0;
        let Some(transaction) = book.transaction_by_number(number) else {
            book.record_violation(InvariantViolation::missing_transaction(number));
            return Ok(());
        };
        let reservation =
            transaction.operation == Operation::Reserve && transaction.progress.settled.is_none();
        let (status, code) = match (step, transaction.status()) {
            // The card now holds the money, until the reservation is settled, cancelled or lapses.
            (StepKind::Complete, Status::Pending) if reservation => (Status::Reserved, StatusCode::Success),
            (StepKind::Complete, Status::Pending) => (Status::Success, StatusCode::Success),
            (StepKind::Expire, Status::Pending) => (Status::Failure, StatusCode::Expired),
            (StepKind::Decline, Status::Pending) => (Status::Failure, StatusCode::TransactionDenied),
            (StepKind::LackFunds, Status::Pending) => (Status::Failure, StatusCode::InsufficientFunds),
            (StepKind::Lapse, Status::Reserved) => (Status::Cancelled, StatusCode::Expired),
            // The transaction has left the status for which the step was scheduled.
            _ => {
                book.unschedule(number);
                return Ok(());
            }
        };
        let lapse = ScheduledStep {
            at: at.plus_millis(RESERVATION_MILLIS),
            transaction: number,
            step: StepKind::Lapse,
        };
        let due = Some(lapse).filter(|_| status == Status::Reserved);
        book.change_status(number, StatusChange { at, status, code }, due);
        Ok(())
    }
}
