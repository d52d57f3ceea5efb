//! GetAccountBalance and GetAccountActivity: the balances of an account, and its transactions (guide: pages of the
//! same names).

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::activity::ActivityQuery;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::ids::AccountNumber;
use crate::ledger::journal::LedgerAccount;
use crate::ledger::queries::transactions::TransactionDetail;
use crate::ledger::time::Timestamp;

/// Asks for the caller's balances.
#[derive(Clone, Debug)]
pub struct GetAccountBalance {
    /// The caller.
    pub caller: AccountNumber,
}

/// The balances of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountBalance {
    /// The Amazon Payments balance.
    pub total: Amount,
    /// What the account will receive from pending payments.
    pub pending_in: Amount,
    /// What the account has paid for pending card refunds.
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

/// Asks for the caller's transactions.
#[derive(Clone, Debug)]
pub struct GetAccountActivity {
    /// The caller.
    pub caller: AccountNumber,
    /// The selection of transactions.
    pub query: ActivityQuery,
}

/// The activity of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountActivity {
    /// The account.
    pub account: AccountNumber,
    /// The transactions, in the order of the query.
    pub transactions: Vec<TransactionDetail>,
    /// The instant at which the next page begins; `None` for the last page.
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
