//! The book: the rows a batch works on, and what the batch changed in them.
//!
//! A store fills the book (`put_…`), operations read and change it, and the store saves [`Changes`]. The book
//! remembers what was looked for, so a row that was looked for and does not exist is known to be absent.

pub(super) mod activity;
pub(super) mod changes;
mod checks;
mod edit;
mod find;
pub(super) mod invariant;
mod load;
pub(super) mod missing_rows;
pub(super) mod read_set;
mod status_change;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

// Every decision looks up dozens of rows by their numbers, so the hash function has to be fast.
use foldhash::{HashMap, HashSet};

use crate::ledger::account::{Account, AccountKind, EmailKey};
use crate::ledger::amount::Amount;
use crate::ledger::book::activity::{ActivityPage, ActivityQuery};
use crate::ledger::book::changes::Changes;
use crate::ledger::book::invariant::InvariantViolation;
use crate::ledger::book::missing_rows::MissingRows;
use crate::ledger::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::ledger::ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TokenNumber, TransactionId,
    TransactionNumber,
};
use crate::ledger::instrument::Instrument;
use crate::ledger::journal::LedgerAccount;
use crate::ledger::secret::{Secret, SecretName};
use crate::ledger::subscription::Subscription;
use crate::ledger::token::Token;
use crate::ledger::transaction::Transaction;

/// How far the oldest open debt Pays of an instrument are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldestDebts {
    /// All open Pays up to and including this one are loaded.
    pub through: TransactionNumber,
    /// The sum of their open amounts.
    pub sum: Amount,
}

impl OldestDebts {
    const NONE: Self = Self { through: TransactionNumber(i64::MIN), sum: Amount::ZERO };

    /// Whether all open Pays of the instrument are loaded.
    pub fn is_complete(self) -> bool {
        self.through == TransactionNumber(i64::MAX)
    }
}

/// Results of look-ups that are kept for one batch only.
#[derive(Debug, Default)]
struct QueryResults {
    activity: HashMap<ActivityQuery, ActivityPage>,
    unfinished: HashSet<ActivityQuery>,
    tokens_by_reference: HashSet<(AccountNumber, String)>,
    accounts_at: HashMap<EmailKey, Option<AccountNumber>>,
    first_accounts: HashMap<AccountKind, Vec<AccountNumber>>,
    secrets: HashMap<SecretName, Option<Secret>>,
    subscriptions: HashMap<SubscriptionId, Option<Subscription>>,
}

/// The rows a batch works on.
#[derive(Debug, Default)]
pub struct Book {
    accounts: HashMap<AccountNumber, Arc<Account>>,
    tokens: HashMap<TokenNumber, Token>,
    token_ids: HashMap<TokenId, Option<TokenNumber>>,
    tokens_of: HashMap<AccountNumber, BTreeSet<TokenNumber>>,
    /// Accounts whose tokens are all loaded. Tokens that are made later are added to the book as well.
    all_tokens_of: HashSet<AccountNumber>,
    tokens_by_reference: HashMap<(AccountNumber, String), BTreeSet<TokenNumber>>,
    instruments: HashMap<InstrumentNumber, Instrument>,
    instrument_ids: HashMap<InstrumentId, Option<InstrumentNumber>>,
    transactions: BTreeMap<TransactionNumber, Arc<Transaction>>,
    transaction_ids: HashMap<TransactionId, Option<TransactionNumber>>,
    references: HashMap<IdempotencyKey, Option<IdempotencyRecord>>,
    totals: HashMap<LedgerAccount, Amount>,
    open_debts: BTreeMap<(InstrumentNumber, TransactionNumber), Amount>,
    oldest_debts: HashMap<InstrumentNumber, OldestDebts>,
    open_debts_of: HashSet<TransactionNumber>,
    refunds_of: HashSet<TransactionNumber>,
    refunds: HashMap<TransactionNumber, BTreeSet<TransactionNumber>>,
    /// Whether the book holds ids that are known to have no row.
    notes_absence: bool,
    lists: QueryResults,
    changes: Changes,
    missing: MissingRows,
    broken: Option<InvariantViolation>,
}

/// Reading.
impl Book {
    /// An account by row number.
    pub fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(&number).map(Arc::as_ref)
    }

    /// An account by row number, shared with an answer that outlives the batch.
    pub fn account_arc(&self, number: AccountNumber) -> Option<Arc<Account>> {
        self.accounts.get(&number).cloned()
    }

    /// A token by id.
    pub fn token(&self, id: &TokenId) -> Option<&Token> {
        let number = *self.token_ids.get(id)?;
        self.token_by_number(number?)
    }

    /// A token by row number.
    pub fn token_by_number(&self, number: TokenNumber) -> Option<&Token> {
        self.tokens.get(&number)
    }

    /// A credit or prepaid instrument by id.
    pub fn instrument(&self, id: &InstrumentId) -> Option<&Instrument> {
        let number = *self.instrument_ids.get(id)?;
        self.instrument_by_number(number?)
    }

    /// A credit or prepaid instrument by row number.
    pub fn instrument_by_number(&self, number: InstrumentNumber) -> Option<&Instrument> {
        self.instruments.get(&number)
    }

    /// A transaction by id.
    pub fn transaction(&self, id: &TransactionId) -> Option<&Transaction> {
        let number = *self.transaction_ids.get(id)?;
        self.transaction_by_number(number?)
    }

    /// A transaction by row number.
    pub fn transaction_by_number(&self, number: TransactionNumber) -> Option<&Transaction> {
        self.transactions.get(&number).map(Arc::as_ref)
    }

    /// A transaction by row number, shared with an answer that outlives the batch.
    pub fn transaction_arc(&self, number: TransactionNumber) -> Option<Arc<Transaction>> {
        self.transactions.get(&number).cloned()
    }

    /// The loaded refunds of this transaction, oldest first.
    pub fn refunds_of(&self, number: TransactionNumber) -> impl Iterator<Item = &Transaction> {
        self.refunds
            .get(&number)
            .into_iter()
            .flatten()
            .filter_map(|refund| self.transaction_by_number(*refund))
    }

    /// The record of a caller reference that was used.
    pub fn reference(&self, key: &IdempotencyKey) -> Option<&IdempotencyRecord> {
        self.references.get(key)?.as_ref()
    }

    /// A page of account activity, if it has been found.
    pub fn activity(&self, query: &ActivityQuery) -> Option<&ActivityPage> {
        self.lists.activity.get(query)
    }

    /// The loaded tokens of an account, oldest first.
    pub fn tokens_of(&self, account: AccountNumber) -> impl Iterator<Item = &Token> {
        self.tokens_of.get(&account).into_iter().flatten().filter_map(|number| self.token_by_number(*number))
    }

    /// The loaded tokens that a caller made under a reference, oldest first.
    pub fn tokens_by_reference(
        &self,
        caller: AccountNumber,
        reference: &str,
    ) -> impl Iterator<Item = &Token> {
        let made = self.tokens_by_reference.get(&(caller, reference.to_owned()));
        made.into_iter().flatten().filter_map(|number| self.token_by_number(*number))
    }

    /// The account with an e-mail address. Upper and lower case do not matter.
    pub fn account_at(&self, email: &str) -> Option<&Account> {
        let number = *self.lists.accounts_at.get(&EmailKey::of(email))?;
        self.account(number?)
    }

    /// The row numbers of the first few accounts of a kind, if they have been looked for.
    pub fn first_accounts(&self, kind: AccountKind) -> Option<&[AccountNumber]> {
        self.lists.first_accounts.get(&kind).map(Vec::as_slice)
    }

    /// A secret.
    pub fn secret(&self, name: SecretName) -> Option<&Secret> {
        self.lists.secrets.get(&name)?.as_ref()
    }

    /// A subscription by id.
    pub fn subscription(&self, id: &SubscriptionId) -> Option<&Subscription> {
        self.lists.subscriptions.get(id)?.as_ref()
    }

    /// The total of a ledger account.
    pub fn total(&self, account: LedgerAccount) -> Amount {
        self.totals.get(&account).copied().unwrap_or_default()
    }

    /// The amount of a debt Pay that is still open: neither settled, written off nor refunded.
    pub fn open_debt(&self, instrument: InstrumentNumber, pay: TransactionNumber) -> Amount {
        self.open_debts.get(&(instrument, pay)).copied().unwrap_or_default()
    }
}
