//! Rows that a decision reads and that are not loaded yet.

use std::collections::{BTreeMap, BTreeSet};

use crate::ledger::account::{AccountKind, EmailKey};
use crate::ledger::amount::Amount;
use crate::ledger::book::activity::ActivityQuery;
use crate::ledger::idempotency::IdempotencyKey;
use crate::ledger::ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TokenNumber, TransactionId,
    TransactionNumber,
};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::secret::SecretName;

/// Rows to load, named by their ids on the wire or by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissingRows {
    /// Caller references.
    pub references: BTreeSet<IdempotencyKey>,
    /// Tokens by id.
    pub token_ids: BTreeSet<TokenId>,
    /// Tokens by row.
    pub tokens: BTreeSet<TokenNumber>,
    /// Credit instruments by id.
    pub instrument_ids: BTreeSet<InstrumentId>,
    /// Credit instruments by row.
    pub instruments: BTreeSet<InstrumentNumber>,
    /// Transactions by id.
    pub transaction_ids: BTreeSet<TransactionId>,
    /// Transactions by row.
    pub transactions: BTreeSet<TransactionNumber>,
    /// Transactions whose refunds are wanted.
    pub refunds_of: BTreeSet<TransactionNumber>,
    /// Pages of account activity.
    pub activity: BTreeSet<ActivityQuery>,
    /// Accounts whose own tokens are wanted.
    pub tokens_of: BTreeSet<AccountNumber>,
    /// Tokens by caller and reference.
    pub tokens_under: BTreeSet<(AccountNumber, String)>,
    /// Subscriptions by id.
    pub subscriptions: BTreeSet<SubscriptionId>,
    /// Accounts by e-mail address.
    pub accounts_at: BTreeSet<EmailKey>,
    /// Kinds of account whose first few are wanted.
    pub first_accounts: BTreeSet<AccountKind>,
    /// Secrets.
    pub secrets: BTreeSet<SecretName>,
    /// Accounts by row.
    pub accounts: BTreeSet<AccountNumber>,
    /// Totals of accounts of the book.
    pub totals: BTreeSet<LedgerAccount>,
    /// Credit instruments whose oldest open debt Pays are wanted.
    pub oldest_debts: BTreeMap<InstrumentNumber, MissingDebts>,
    /// Debt Pays whose open part is wanted.
    pub open_debts: BTreeSet<(InstrumentNumber, TransactionNumber)>,
}

/// Which open debt Pays of an instrument are wanted: those after the ones at hand, oldest first, until their open
/// amounts reach a sum or there are no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingDebts {
    /// The last one at hand.
    pub after: TransactionNumber,
    /// How much the wanted ones have to add up to.
    pub sum: Amount,
}

impl MissingRows {
    /// A row that is wanted by its number, which another row has told.
    pub fn first_row(&self) -> Option<(&'static str, i64)> {
        let transaction = self.transactions.first().map(|number| ("transaction", number.0));
        let token = || self.tokens.first().map(|number| ("token", number.0));
        let instrument = || self.instruments.first().map(|number| ("instrument", number.0));
        let account = || self.accounts.first().map(|number| ("account", number.0));
        transaction.or_else(token).or_else(instrument).or_else(account)
    }

    /// Whether nothing is wanted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
