//! One caller reference, one effect (guide: Important Values to Store).

use crate::error::{Code, FpsError};
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::idempotency::{IdempotencyKey, IdempotencyRecord, RecordedOutcome, RequestDigest};
use crate::ledger::ids::TransactionNumber;
use crate::ledger::transaction::Receipt;
use crate::ledger::transaction::status::Status;

/// How long a reference is remembered: seven days.
const MEMORY_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// An operation that makes a transaction under a caller reference.
pub trait IdempotentOperation: Send + 'static {
    /// The reference it uses.
    fn key(&self) -> IdempotencyKey;
    /// What it needs loaded, besides the reference.
    fn read_set(&self, reads: &mut ReadSet<'_>);
    /// Decides it, as if the reference were new.
    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError>;
}

/// Runs an operation once: the same request again gets the stored answer, another one `DuplicateRequest`.
#[derive(Debug)]
pub struct Idempotent<O> {
    /// The operation.
    pub operation: O,
    /// What makes the request the same.
    pub digest: RequestDigest,
}

impl<O: IdempotentOperation> Command for Idempotent<O> {
    type Output = Receipt;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.reference(self.operation.key());
        self.operation.read_set(reads);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Receipt, FpsError> {
        let key = self.operation.key();
        if let Some(used) = book.reference(&key).filter(|used| used.expires > context.now) {
            return if used.digest == self.digest {
                replay(book, &used.outcome)
            } else {
                Err(Code::DuplicateRequest.into())
            };
        }
        let outcome = match self.operation.decide(book, context) {
            Ok(transaction) => {
                let status = book.transaction_row(transaction).map_or(Status::Pending, |made| made.status());
                RecordedOutcome::Made { transaction, status }
            }
            Err(refusal) if is_recorded(&refusal) => RecordedOutcome::Refused(refusal),
            Err(refusal) => return Err(refusal),
        };
        let answer = replay(book, &outcome);
        let expires = context.now.plus_millis(MEMORY_MILLIS);
        book.add_idempotency_record(key, IdempotencyRecord { digest: self.digest, outcome, expires });
        answer
    }
}

/// A refusal uses its reference up, unless the request was ill-formed or the fault is ours (our choice).
fn is_recorded(refusal: &FpsError) -> bool {
    refusal.code != Code::InvalidParams && !refusal.code.is_server_error()
}

fn replay(book: &Book, outcome: &RecordedOutcome) -> Result<Receipt, FpsError> {
    match outcome {
        RecordedOutcome::Refused(refusal) => Err(refusal.clone()),
        RecordedOutcome::Made { transaction, status } => book
            .transaction_row(*transaction)
            .map(|made| Receipt { transaction: made.id.clone(), status: *status })
            .ok_or_else(|| Code::InternalError.into()),
    }
}
