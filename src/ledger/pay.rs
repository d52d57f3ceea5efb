//! Pay: money, or debt, from sender to recipient (guide: Pay; Using Postpaid Payment Tokens).

use crate::error::FpsError;

use super::Context;
use super::book::Book;
use super::idempotency::{IdempotencyKey, IdempotentAction, IdempotentOperation};
use super::ids::TransactionNumber;
use super::lifecycle::{self, PendingTimeout};
use super::payment::Payment;
use super::read_set::ReadSet;
use super::transaction::Operation;

/// A Pay as asked for.
#[derive(Clone, Debug)]
pub struct Pay(pub Payment);

impl IdempotentOperation for Pay {
    fn key(&self) -> IdempotencyKey {
        self.0.descriptions.idempotency_key(self.0.caller, IdempotentAction::Pay)
    }

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.0.read_set(reads);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let draft = self.0.validate(book, context, Operation::Pay)?;
        book.record_token_use(&draft);
        Ok(lifecycle::start(book, context, draft, PendingTimeout::WithinMinutes(self.0.timeout_minutes)))
    }
}
