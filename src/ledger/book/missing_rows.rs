//! Rows that a command or query reads and that are not loaded yet.

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

/// Rows to load, named by their ids or by their row numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MissingRows {
    /// Caller references.
    pub references: BTreeSet<IdempotencyKey>,
    /// Tokens by id.
    pub token_ids: BTreeSet<TokenId>,
    /// Tokens by row number.
    pub tokens: BTreeSet<TokenNumber>,
    /// Credit and prepaid instruments by id.
    pub instrument_ids: BTreeSet<InstrumentId>,
    /// Credit and prepaid instruments by row number.
    pub instruments: BTreeSet<InstrumentNumber>,
    /// Transactions by id.
    pub transaction_ids: BTreeSet<TransactionId>,
    /// Transactions by row number.
    pub transactions: BTreeSet<TransactionNumber>,
    /// Transactions whose refunds are wanted.
    pub refunds_of: BTreeSet<TransactionNumber>,
    /// Pages of account activity.
    pub activity: BTreeSet<ActivityQuery>,
    /// Accounts whose own tokens are wanted.
    pub tokens_of: BTreeSet<AccountNumber>,
    /// Tokens by caller and reference.
    pub tokens_by_reference: BTreeSet<(AccountNumber, String)>,
    /// Subscriptions by id.
    pub subscriptions: BTreeSet<SubscriptionId>,
    /// Accounts by e-mail address.
    pub accounts_at: BTreeSet<EmailKey>,
    /// Kinds of account whose first few are wanted.
    pub first_accounts: BTreeSet<AccountKind>,
    /// Secrets.
    pub secrets: BTreeSet<SecretName>,
    /// Accounts by row number.
    pub accounts: BTreeSet<AccountNumber>,
    /// Totals of ledger accounts.
    pub totals: BTreeSet<LedgerAccount>,
    /// Credit instruments whose oldest open debt Pays are wanted.
    pub oldest_debts: BTreeMap<InstrumentNumber, MissingDebts>,
    /// Debt Pays whose open part is wanted.
    pub open_debts: BTreeSet<(InstrumentNumber, TransactionNumber)>,
}

/// The open debt Pays of an instrument that are wanted: those after the loaded ones, oldest first, until their open
/// amounts reach a sum or there are no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingDebts {
    /// The last Pay up to which all open debts are loaded.
    pub after: TransactionNumber,
    /// The sum that the open amounts of the wanted Pays have to reach.
    pub sum: Amount,
}

impl MissingRows {
    /// One of the rows that are wanted by row number, with its table. Such a number comes from a row that refers to
    /// it, so the row has to exist.
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
