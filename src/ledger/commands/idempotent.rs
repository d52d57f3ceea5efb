//! Idempotent operations: one caller reference has one effect (guide: Important Values to Store).

use crate::error::{Code, FpsError};
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::idempotency::{IdempotencyKey, IdempotencyRecord, RecordedOutcome, RequestDigest};
use crate::ledger::ids::TransactionNumber;
use crate::ledger::transaction::Receipt;
use crate::ledger::transaction::status::Status;

/// How long a caller reference is remembered, in milliseconds: seven days.
const MEMORY_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// An operation that makes a transaction under a caller reference.
pub trait IdempotentOperation: Send + 'static {
    /// The caller reference that the operation uses.
    fn key(&self) -> IdempotencyKey;
    /// Names the rows that the operation reads besides the reference.
    fn read_set(&self, reads: &mut ReadSet<'_>);
    /// Makes the decision as if the reference were new.
    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError>;
}

/// Runs an operation once. The same request again gets the recorded answer, and a different request under the same
/// reference gets `DuplicateRequest`.
#[derive(Debug)]
pub struct Idempotent<O> {
    /// The operation.
    pub operation: O,
    /// The digest of the request. Requests with equal digests are the same.
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
        // The reference comes before every other check: a repeated request gets its first answer even if the token
        // was cancelled or the money was spent in the meantime.
        if let Some(used) = book.reference(&key).filter(|used| used.expires > context.now) {
            return if used.digest == self.digest {
                replay(book, &used.outcome)
            } else {
                Err(Code::DuplicateRequest.into())
            };
        }
        let outcome = match self.operation.decide(book, context) {
            Ok(transaction) => {
                let status =
                    book.transaction_by_number(transaction).map_or(Status::Pending, |made| made.status());
                RecordedOutcome::Made { transaction, status }
            }
            Err(refusal) if is_recorded(&refusal) => RecordedOutcome::Refused(refusal),
            Err(refusal) => return Err(refusal),
        };
        // The first answer is made from the record as every repetition will be, so they cannot differ.
        let answer = replay(book, &outcome);
        let expires = context.now.plus_millis(MEMORY_MILLIS);
        book.add_idempotency_record(key, IdempotencyRecord { digest: self.digest, outcome, expires });
        answer
    }
}

/// Whether a refusal is recorded, so that it uses up its reference: all are, unless the request was ill-formed or the
/// fault is the sandbox's (our choice). So the same request gets the same refusal again, even if it could succeed by
/// then.
fn is_recorded(refusal: &FpsError) -> bool {
    refusal.code != Code::InvalidParams && !refusal.code.is_server_error()
}

fn replay(book: &Book, outcome: &RecordedOutcome) -> Result<Receipt, FpsError> {
    match outcome {
        RecordedOutcome::Refused(refusal) => Err(refusal.clone()),
        RecordedOutcome::Made { transaction, status } => book
            .transaction_by_number(*transaction)
            .map(|made| Receipt { transaction: made.id.clone(), status: *status })
            .ok_or_else(|| Code::InternalError.into()),
    }
}
