//! The book: the rows a batch works on, and what the batch changed in them.
//!
//! A store fills it (`put_…`), operations read and change it, and the store saves [`Changes`]. The book knows
//! what it has looked for, so a row that was asked for and does not exist is "known to be absent".

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

// Every decision looks up dozens of rows by their numbers.
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

/// The oldest open debt Pays of an instrument, as far as they are at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldestDebts {
    /// All that are open up to this Pay are at hand.
    pub through: TransactionNumber,
    /// What is open of them.
    pub sum: Amount,
}

impl OldestDebts {
    const NONE: Self = Self { through: TransactionNumber(i64::MIN), sum: Amount::ZERO };

    /// Whether all that are open are at hand.
    pub fn is_complete(self) -> bool {
        self.through == TransactionNumber(i64::MAX)
    }
}

/// Answers to queries, good for one batch.
#[derive(Debug, Default)]
struct QueryResults {
    activity: HashMap<ActivityQuery, ActivityPage>,
    unfinished: HashSet<ActivityQuery>,
    tokens_under: HashSet<(AccountNumber, String)>,
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
    /// Accounts all of whose tokens are at hand; those made since are too.
    all_tokens_of: HashSet<AccountNumber>,
    tokens_under: HashMap<(AccountNumber, String), BTreeSet<TokenNumber>>,
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
    /// Whether an id was looked for that nothing has.
    notes_absence: bool,
    lists: QueryResults,
    changes: Changes,
    missing: MissingRows,
    broken: Option<InvariantViolation>,
}

/// Reading.
impl Book {
    /// An account by row.
    pub fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(&number).map(Arc::as_ref)
    }

    /// The same, to be kept beyond the batch.
    pub fn shared_account(&self, number: AccountNumber) -> Option<Arc<Account>> {
        self.accounts.get(&number).cloned()
    }

    /// A token by id.
    pub fn token(&self, id: &TokenId) -> Option<&Token> {
        let number = *self.token_ids.get(id)?;
        self.token_row(number?)
    }

    /// A token by row.
    pub fn token_row(&self, number: TokenNumber) -> Option<&Token> {
        self.tokens.get(&number)
    }

    /// A credit instrument by id.
    pub fn instrument(&self, id: &InstrumentId) -> Option<&Instrument> {
        let number = *self.instrument_ids.get(id)?;
        self.instrument_row(number?)
    }

    /// A credit instrument by row.
    pub fn instrument_row(&self, number: InstrumentNumber) -> Option<&Instrument> {
        self.instruments.get(&number)
    }

    /// A transaction by id.
    pub fn transaction(&self, id: &TransactionId) -> Option<&Transaction> {
        let number = *self.transaction_ids.get(id)?;
        self.transaction_row(number?)
    }

    /// A transaction by row.
    pub fn transaction_row(&self, number: TransactionNumber) -> Option<&Transaction> {
        self.transactions.get(&number).map(Arc::as_ref)
    }

    /// The same, to be kept beyond the batch.
    pub fn shared_transaction(&self, number: TransactionNumber) -> Option<Arc<Transaction>> {
        self.transactions.get(&number).cloned()
    }

    /// The transactions at hand that refund this one, oldest first.
    pub fn refunds_of(&self, number: TransactionNumber) -> impl Iterator<Item = &Transaction> {
        self.refunds.get(&number).into_iter().flatten().filter_map(|refund| self.transaction_row(*refund))
    }

    /// What is recorded of a caller reference that was used.
    pub fn reference(&self, key: &IdempotencyKey) -> Option<&IdempotencyRecord> {
        self.references.get(key)?.as_ref()
    }

    /// A page of an account's activity.
    pub fn activity(&self, query: &ActivityQuery) -> Option<&ActivityPage> {
        self.lists.activity.get(query)
    }

    /// The tokens at hand on an account, oldest first.
    pub fn tokens_of(&self, account: AccountNumber) -> impl Iterator<Item = &Token> {
        self.tokens_of.get(&account).into_iter().flatten().filter_map(|number| self.token_row(*number))
    }

    /// The tokens at hand that a caller made under a reference, oldest first.
    pub fn tokens_under(&self, caller: AccountNumber, reference: &str) -> impl Iterator<Item = &Token> {
        let made = self.tokens_under.get(&(caller, reference.to_owned()));
        made.into_iter().flatten().filter_map(|number| self.token_row(*number))
    }

    /// The account with an e-mail address, in any case.
    pub fn account_at(&self, email: &str) -> Option<&Account> {
        let number = *self.lists.accounts_at.get(&EmailKey::of(email))?;
        self.account(number?)
    }

    /// The first few accounts of a kind, if they have been looked for.
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

    /// The total of an account of the book.
    pub fn total(&self, account: LedgerAccount) -> Amount {
        self.totals.get(&account).copied().unwrap_or_default()
    }

    /// What is still owed of a debt Pay.
    pub fn open_debt(&self, instrument: InstrumentNumber, pay: TransactionNumber) -> Amount {
        self.open_debts.get(&(instrument, pay)).copied().unwrap_or_default()
    }
}
