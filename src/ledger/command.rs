//! What the ledger does: commands change the book, queries read it.

use crate::error::FpsError;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::id_allocator::IdAllocator;
use crate::ledger::ids::AccountNumber;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::rules::Rules;
use crate::ledger::time::Timestamp;
use crate::ledger::transaction::descriptions::Descriptions;
use crate::ledger::transaction::status::History;
use crate::ledger::transaction::{ChargeFeeTo, Operation, Progress, Transaction};

/// An operation that may change the book.
pub trait Command: Send + 'static {
    /// The result.
    type Output: Send + 'static;

    /// Names the rows that the operation reads, as far as the rows loaded so far determine them.
    fn read_set(&self, reads: &mut ReadSet<'_>);

    /// Makes the decision. It checks first and changes last. A refused command has changed nothing, except that it
    /// may have used its caller reference: the changes of a batch are saved together, so one command's changes cannot
    /// be undone alone.
    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<Self::Output, FpsError>;
}

/// An operation that reads the book and changes nothing.
pub trait Query: Send + 'static {
    /// The result.
    type Output: Send + 'static;

    /// Names the rows that the operation reads, as far as the rows loaded so far determine them.
    fn read_set(&self, reads: &mut ReadSet<'_>);

    /// Computes the answer from the loaded rows.
    fn answer(&self, book: &Book, context: &QueryContext<'_>) -> Result<Self::Output, FpsError>;
}

/// What a query may depend on besides the book.
#[derive(Clone, Copy, Debug)]
pub struct QueryContext<'a> {
    /// The time of the world's clock.
    pub now: Timestamp,
    /// When the newest transaction was received. This may be a little later than the clock shows.
    pub newest: Timestamp,
    /// The rules in force.
    pub rules: &'a Rules,
}

/// What a decision may depend on besides the book.
#[derive(Debug)]
pub struct Context<'a> {
    /// The time of the world's clock.
    pub now: Timestamp,
    /// Whether the world's clock is frozen.
    pub is_clock_frozen: bool,
    /// The rules in force.
    pub rules: &'a Rules,
    /// Allocates row numbers and ids.
    pub ids: &'a mut IdAllocator,
}

impl Context<'_> {
    /// The part of the context that queries use.
    pub fn query_context(&self) -> QueryContext<'_> {
        QueryContext { now: self.now, newest: self.ids.newest(), rules: self.rules }
    }

    /// A new transaction in which the caller is every party, the method is debt, and there is no fee. The methods of
    /// [`Transaction`] then set its parties, method and fee. If the command is refused after that, the row number
    /// stays unused.
    pub(super) fn draft_transaction(
        &mut self,
        caller: AccountNumber,
        operation: Operation,
        amount: Amount,
        descriptions: &Descriptions,
    ) -> Transaction {
        let (number, id, received) = self.ids.next_transaction(self.now, self.is_clock_frozen);
        Transaction {
            number,
            id,
            operation,
            caller,
            sender: caller,
            recipient: caller,
            sender_token: None,
            recipient_token: None,
            instrument: None,
            method: PaymentMethod::Debt,
            amount,
            charge_fee_to: ChargeFeeTo::Recipient,
            descriptions: descriptions.clone(),
            original: None,
            refund_policy: None,
            received,
            history: History::default(),
            progress: Progress::default(),
        }
    }
}
