//! Pages of account activity: the query and its result.

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
    /// Only transactions that were received at this instant or later.
    pub from: Timestamp,
    /// Only transactions that were received at this instant or earlier.
    pub to: Timestamp,
    /// Whether the newest transaction comes first. Otherwise the oldest does.
    pub descending: bool,
    /// The maximum number of transactions on a page. A page ends between two milliseconds, so that paging by instants
    /// neither loses nor repeats a transaction. If more transactions than that share one millisecond, they form a
    /// page of their own (our choice).
    pub batch: u32,
    /// Only this operation, if given.
    pub operation: Option<Operation>,
    /// Only this payment method, if given.
    pub method: Option<PaymentMethod>,
    /// Only this status, if given.
    pub status: Option<Status>,
    /// Only transactions in which the account has one of these roles; empty means any role.
    pub roles: Vec<Role>,
    /// The number of the search, which makes every filtered query distinct. Finding its page may take several
    /// batches, so each request begins a search of its own, which sees all that was answered before it. Queries
    /// without a filter have the number 0, and equal ones in a batch share their page.
    pub search: u64,
}

/// A page of transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityPage {
    /// The transactions, in the order of the query.
    pub transactions: Vec<TransactionNumber>,
    /// The instant at which the next page begins; `None` for the last page.
    pub next: Option<Timestamp>,
}

impl ActivityQuery {
    /// Whether rows have to be scanned to find the matches, because no index gives them alone. The roles of sender
    /// and recipient have an index each. An index on callers holds only callers that are neither.
    pub fn is_filtered(&self) -> bool {
        let by_row = self.operation.is_some() || self.method.is_some() || self.status.is_some();
        by_row || self.roles.contains(&Role::Caller)
    }
}
