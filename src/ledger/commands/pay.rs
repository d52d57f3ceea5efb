//! Pay: money, or debt, from sender to recipient (guide: Pay; Using Postpaid Payment Tokens).

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::Context;
use crate::ledger::commands::idempotent::IdempotentOperation;
use crate::ledger::commands::payment::Payment;
use crate::ledger::idempotency::{IdempotencyKey, IdempotentAction};
use crate::ledger::ids::TransactionNumber;
use crate::ledger::lifecycle;
use crate::ledger::lifecycle::PendingTimeout;
use crate::ledger::transaction::Operation;

/// A Pay request.
#[derive(Clone, Debug)]
pub struct Pay(pub Payment);

impl IdempotentOperation for Pay {
    fn key(&self) -> IdempotencyKey {
        IdempotencyKey::new(self.0.caller, IdempotentAction::Pay, &self.0.descriptions.caller_reference)
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
