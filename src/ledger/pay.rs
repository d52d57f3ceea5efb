//! Pay: money, or debt, from sender to recipient (guide: Pay; Using Postpaid Payment Tokens).

use crate::error::FpsError;

use super::Context;
use super::book::Book;
use super::completion::{self, Timing};
use super::idempotency::{ReferenceKey, Referenced, ReferencedAction};
use super::names::TransactionNumber;
use super::needs::Needs;
use super::payment::Payment;
use super::transaction::Operation;

/// A Pay as asked for.
#[derive(Clone, Debug)]
pub struct Pay(pub Payment);

impl Referenced for Pay {
    fn key(&self) -> ReferenceKey {
        self.0.remarks.reference_key(self.0.caller, ReferencedAction::Pay)
    }

    fn needs(&self, needs: &mut Needs<'_>) {
        self.0.needs(needs);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionNumber, FpsError> {
        let draft = self.0.checked(book, context, Operation::Pay)?;
        book.use_token_for(&draft);
        Ok(completion::start(book, context, draft, Timing::WithinMinutes(self.0.timeout_minutes)))
    }
}
