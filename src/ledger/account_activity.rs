//! GetAccountBalance and GetAccountActivity: what an account holds and what happened on it (guide: pages of the
//! same names).

use crate::error::{Code, FpsError};

use super::account::Role;
use super::amount::Amount;
use super::book::Book;
use super::ids::{AccountNumber, TransactionNumber};
use super::posting::LedgerAccount;
use super::read_set::ReadSet;
use super::time::Timestamp;
use super::transaction::{Operation, PaymentMethod, Status};
use super::transaction_views::TransactionDetail;
use super::{Query, QueryContext};

/// Asks for the caller's balances.
#[derive(Clone, Debug)]
pub struct GetAccountBalance {
    /// Who asks.
    pub caller: AccountNumber,
}

/// The balances of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountBalance {
    /// Money on the account.
    pub total: Amount,
    /// Money on its way to it.
    pub pending_in: Amount,
    /// Money on its way from it.
    pub pending_out: Amount,
}

impl Query for GetAccountBalance {
    type Output = AccountBalance;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        for account in [LedgerAccount::balance, LedgerAccount::incoming, LedgerAccount::outgoing] {
            reads.total(account(self.caller));
        }
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<AccountBalance, FpsError> {
        Ok(AccountBalance {
            total: book.total(LedgerAccount::balance(self.caller)),
            pending_in: book.total(LedgerAccount::incoming(self.caller)),
            pending_out: book.total(LedgerAccount::outgoing(self.caller)),
        })
    }
}

/// Which of an account's transactions are wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityQuery {
    /// Whose.
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
    /// Only this operation.
    pub operation: Option<Operation>,
    /// Only this method.
    pub method: Option<PaymentMethod>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only where the account played one of these roles; none = any.
    pub roles: Vec<Role>,
    /// Tells requests apart whose page may take several batches to find: each begins a search of its own, which sees all
    /// that was answered before it. Requests for a page that is found at once share it.
    pub search: u64,
}

/// A page of transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityPage {
    /// The transactions, in order.
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

/// Asks for the caller's transactions.
#[derive(Clone, Debug)]
pub struct GetAccountActivity {
    /// Who asks.
    pub caller: AccountNumber,
    /// Which transactions.
    pub query: ActivityQuery,
}

/// What happened on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountActivity {
    /// Whose.
    pub account: AccountNumber,
    /// The transactions, in order.
    pub transactions: Vec<TransactionDetail>,
    /// When the next page begins, if there is one.
    pub next: Option<Timestamp>,
}

impl Query for GetAccountActivity {
    type Output = AccountActivity;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let Some(page) = reads.activity(&self.query) else { return };
        for &number in &page.transactions {
            reads.transaction_shown(number);
        }
    }

    fn answer(&self, book: &Book, context: &QueryContext<'_>) -> Result<AccountActivity, FpsError> {
        // The newest transaction may have been received a little later than the clock shows.
        let latest = context.now.max(context.newest);
        if self.query.from > latest || self.query.to < self.query.from {
            return Err(Code::InvalidDateRange.into());
        }
        let page = book.activity(&self.query).cloned().unwrap_or_default();
        let details = page.transactions.iter().filter_map(|number| TransactionDetail::of(book, *number));
        Ok(AccountActivity { account: self.caller, transactions: details.collect(), next: page.next })
    }
}
