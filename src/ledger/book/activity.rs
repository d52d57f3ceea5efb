//! A page of account activity: what is asked for, and what is found.

use crate::ledger::account::Role;
use crate::ledger::ids::{AccountNumber, TransactionNumber};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::time::Timestamp;
use crate::ledger::transaction::Operation;
use crate::ledger::transaction::status::Status;

/// Selects transactions of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityQuery {
    /// The account.
    pub account: AccountNumber,
    /// Received at this instant or later.
    pub from: Timestamp,
    /// Received at this instant or earlier.
    pub to: Timestamp,
    /// Newest first.
    pub descending: bool,
    /// How many on a page, at most. A page ends between two milliseconds, so that paging by instants neither loses nor
    /// repeats a transaction; where more share one millisecond, they make a page of their own (our choice).
    pub batch: u32,
    /// Only this operation, if given.
    pub operation: Option<Operation>,
    /// Only this payment method, if given.
    pub method: Option<PaymentMethod>,
    /// Only this status, if given.
    pub status: Option<Status>,
    /// Only transactions in which the account has one of these roles; empty means any role.
    pub roles: Vec<Role>,
    /// Tells requests apart whose page may take several batches to find: each begins a search of its own, which sees all
    /// that was answered before it. Requests for a page that is found at once share it.
    pub search: u64,
}

/// A page of transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityPage {
    /// The transactions, in the order asked for.
    pub transactions: Vec<TransactionNumber>,
    /// When the next page begins, if there is one.
    pub next: Option<Timestamp>,
}

impl ActivityQuery {
    /// Whether it leaves out some transactions of the time that it asks for.
    pub fn is_filtered(&self) -> bool {
        let by_row = self.operation.is_some() || self.method.is_some() || self.status.is_some();
        by_row || self.roles.contains(&Role::Caller)
    }
}
