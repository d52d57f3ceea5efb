//! The book: the rows a batch works on, and what the batch changed in them.
//!
//! A store fills it (`put_…`), operations read and change it, and the store saves [`Changes`]. The book knows
//! what it has looked for, so a row that was asked for and does not exist is "known to be absent".

mod transition;

pub use transition::History;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

// Every decision looks up dozens of rows by their numbers.
use foldhash::{HashMap, HashSet};

use crate::error::{Code, FpsError};

use super::account::{Account, AccountKind, EmailKey};
use super::account_activity::{ActivityPage, ActivityQuery};
use super::amount::Amount;
use super::event::Event;
use super::idempotency::{IdempotencyKey, IdempotencyRecord};
use super::ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TokenNumber, TransactionId,
    TransactionNumber,
};
use super::instrument::Instrument;
use super::posting::{LedgerAccount, Posting};
use super::read_set::{MissingRows, ReadSet};
use super::secret::{Secret, SecretName};
use super::subscription::{Subscription, SubscriptionStatus};
use super::time::Timestamp;
use super::token::Token;
use super::transaction::{PaymentMethod, Progress, Transaction};

/// Work that becomes due at an instant of the world's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scheduled {
    /// When.
    pub at: Timestamp,
    /// For which transaction.
    pub transaction: TransactionNumber,
    /// What happens.
    pub step: ScheduledStep,
}

/// What can become due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScheduledStep {
    /// The payment processor answers: the transaction succeeds.
    Complete,
    /// The time allowed is over: the transaction fails.
    Expire,
    /// The payment processor declines.
    Decline,
    /// The payment processor declines for want of funds.
    LackFunds,
    /// A reservation was not settled in time.
    Lapse,
}

impl ScheduledStep {
    /// Whether a magic amount asked for it.
    pub const fn is_forced(self) -> bool {
        matches!(self, Self::Decline | Self::LackFunds)
    }
}

/// An invariant of the book that does not hold. It is a fault of ours: the batch is given up, and nothing of it is saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvariantViolation {
    /// Postings do not sum to zero.
    #[error("the postings of transaction {} sum to {sum}, not to zero", transaction.0)]
    Unbalanced {
        /// Whose.
        transaction: TransactionNumber,
        /// What they sum to.
        sum: Amount,
    },
    /// More debt is to be cleared than is open.
    #[error("{rest} more is to be cleared on instrument {} than is open", instrument.0)]
    NotOpen {
        /// Where.
        instrument: InstrumentNumber,
        /// How much there is too little.
        rest: Amount,
    },
    /// A row that a change is for is not in the book.
    #[error("{table} {number} is to be changed and is not there")]
    Missing {
        /// What kind of row.
        table: &'static str,
        /// Its number.
        number: i64,
    },
}

impl InvariantViolation {
    /// A transaction that is to be changed is not in the book.
    pub(super) const fn transaction(number: TransactionNumber) -> Self {
        Self::Missing { table: "transaction", number: number.0 }
    }
}

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

/// Everything a batch has to save.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// New accounts.
    pub accounts: BTreeSet<AccountNumber>,
    /// New tokens.
    pub new_tokens: BTreeSet<TokenNumber>,
    /// New credit instruments.
    pub instruments: BTreeSet<InstrumentNumber>,
    /// Older tokens whose usage or state changed.
    pub updated_tokens: BTreeSet<TokenNumber>,
    /// New transactions.
    pub new_transactions: BTreeSet<TransactionNumber>,
    /// Older transactions that got further.
    pub updated_transactions: BTreeSet<TransactionNumber>,
    /// New journal lines.
    pub postings: Vec<Posting>,
    /// How totals moved.
    pub totals: BTreeMap<LedgerAccount, Amount>,
    /// Open debts that changed; an amount of zero means closed.
    pub open_debts: BTreeMap<(InstrumentNumber, TransactionNumber), Amount>,
    /// New subscriptions.
    pub new_subscriptions: BTreeSet<SubscriptionId>,
    /// Older subscriptions that were called off.
    pub cancelled_subscriptions: BTreeSet<SubscriptionId>,
    /// New secrets.
    pub secrets: BTreeSet<SecretName>,
    /// References used.
    pub references: BTreeSet<IdempotencyKey>,
    /// The work that is now due for a transaction, or that none is any more.
    pub due: BTreeMap<TransactionNumber, Option<Scheduled>>,
    /// What happened, in the order of decisions. Events always come with other changes, and nobody keeps them yet.
    pub events: Vec<Event>,
}

impl Changes {
    /// Whether there is nothing to save.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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

/// Filling the book from a store.
impl Book {
    /// An account as stored.
    pub fn put_account(&mut self, account: Account) {
        self.accounts.insert(account.number, Arc::new(account));
    }

    /// A token as stored.
    pub fn put_token(&mut self, token: Token) {
        self.token_ids.insert(token.id.clone(), Some(token.number));
        self.tokens_of.entry(token.account).or_default().insert(token.number);
        let made_under = (token.caller, token.caller_reference.clone());
        self.tokens_under.entry(made_under).or_default().insert(token.number);
        self.tokens.insert(token.number, token);
    }

    /// A credit instrument as stored.
    pub fn put_instrument(&mut self, instrument: Instrument) {
        self.instrument_ids.insert(instrument.id.clone(), Some(instrument.number));
        self.instruments.insert(instrument.number, instrument);
    }

    /// A transaction as stored.
    pub fn put_transaction(&mut self, transaction: Transaction) {
        self.transaction_ids.insert(transaction.id.clone(), Some(transaction.number));
        if let Some(original) = transaction.original {
            self.refunds.entry(original).or_default().insert(transaction.number);
        }
        self.transactions.insert(transaction.number, Arc::new(transaction));
    }

    /// A used reference as stored.
    pub fn put_reference(&mut self, key: IdempotencyKey, reference: IdempotencyRecord) {
        self.references.insert(key, Some(reference));
    }

    /// A total as stored; what is changed and not saved yet comes on top.
    pub fn put_total(&mut self, account: LedgerAccount, amount: Amount) {
        let unsaved = self.changes.totals.get(&account).copied().unwrap_or_default();
        self.totals.insert(account, amount + unsaved);
    }

    /// The open part of a debt Pay as stored; one that is changed and not saved yet stays as it is.
    pub fn put_open_debt(&mut self, instrument: InstrumentNumber, pay: TransactionNumber, open: Amount) {
        if !self.changes.open_debts.contains_key(&(instrument, pay)) {
            self.open_debts.insert((instrument, pay), open);
        }
    }

    /// All open debts of the instrument through this Pay have been put.
    pub fn put_oldest_debts(&mut self, instrument: InstrumentNumber, through: TransactionNumber) {
        let from_first = (instrument, TransactionNumber(i64::MIN))..=(instrument, through);
        let sum = self.open_debts.range(from_first).map(|(_, open)| *open).sum();
        self.oldest_debts.insert(instrument, OldestDebts { through, sum });
    }

    /// A page of account activity as stored.
    pub fn put_activity(&mut self, query: ActivityQuery, page: ActivityPage) {
        self.lists.activity.insert(query, page);
    }

    /// A page of account activity is not found yet and takes longer than this batch.
    pub fn put_unfinished(&mut self, query: ActivityQuery) {
        self.lists.unfinished.insert(query);
    }

    /// A subscription as stored.
    pub fn put_subscription(&mut self, subscription: Subscription) {
        let key = subscription.id.clone();
        self.lists.subscriptions.entry(key).or_insert(Some(subscription));
    }

    /// The account with this e-mail address as stored.
    pub fn put_account_at(&mut self, account: Account) {
        let key = EmailKey::of(&account.email);
        self.lists.accounts_at.insert(key, Some(account.number));
        self.put_account(account);
    }

    /// The first few accounts of a kind as stored.
    pub fn put_first_accounts(&mut self, kind: AccountKind, numbers: Vec<AccountNumber>) {
        self.lists.first_accounts.insert(kind, numbers);
    }

    /// A secret as stored.
    pub fn put_secret(&mut self, name: SecretName, value: Secret) {
        self.lists.secrets.insert(name, Some(value));
    }

    /// All that was wanted and exists has been put: what is missing does not exist.
    pub fn put_all(&mut self, wanted: &MissingRows) {
        for key in &wanted.references {
            self.references.entry(key.clone()).or_default();
        }
        let mut known = self.token_ids.len() + self.instrument_ids.len() + self.transaction_ids.len();
        for key in &wanted.token_ids {
            self.token_ids.entry(key.clone()).or_default();
        }
        for key in &wanted.instrument_ids {
            self.instrument_ids.entry(key.clone()).or_default();
        }
        for key in &wanted.transaction_ids {
            self.transaction_ids.entry(key.clone()).or_default();
        }
        known = self.token_ids.len() + self.instrument_ids.len() + self.transaction_ids.len() - known;
        self.notes_absence |= known > 0;
        self.open_debts_of.extend(wanted.open_debts.iter().map(|(_, pay)| pay));
        self.refunds_of.extend(&wanted.refunds_of);
        self.all_tokens_of.extend(&wanted.tokens_of);
        self.lists.tokens_under.extend(wanted.tokens_under.iter().cloned());
        for key in &wanted.accounts_at {
            self.lists.accounts_at.entry(key.clone()).or_default();
        }
        for key in &wanted.secrets {
            self.lists.secrets.entry(*key).or_default();
        }
        for key in &wanted.subscriptions {
            self.lists.subscriptions.entry(key.clone()).or_default();
        }
    }

    /// Whether the tokens on an account have been put.
    pub fn has_loaded_tokens_of(&self, account: AccountNumber) -> bool {
        self.all_tokens_of.contains(&account)
    }

    /// Whether the tokens made under a reference have been put.
    pub fn has_loaded_tokens_under(&self, key: &(AccountNumber, String)) -> bool {
        self.lists.tokens_under.contains(key)
    }

    /// Whether the account with an e-mail address has been looked for.
    pub fn has_loaded_account_at(&self, key: &EmailKey) -> bool {
        self.lists.accounts_at.contains_key(key)
    }

    /// Whether the secret has been looked for.
    pub fn has_loaded_secret(&self, key: SecretName) -> bool {
        self.lists.secrets.contains_key(&key)
    }

    /// Whether the subscription has been looked for.
    pub fn has_loaded_subscription(&self, key: &SubscriptionId) -> bool {
        self.lists.subscriptions.contains_key(key)
    }

    /// Whether the reference has been looked for.
    pub fn has_loaded_reference(&self, key: &IdempotencyKey) -> bool {
        self.references.contains_key(key)
    }

    /// Whether the token has been looked for.
    pub fn has_loaded_token_id(&self, key: &TokenId) -> bool {
        self.token_ids.contains_key(key)
    }

    /// Whether the instrument has been looked for.
    pub fn has_loaded_instrument_id(&self, key: &InstrumentId) -> bool {
        self.instrument_ids.contains_key(key)
    }

    /// Whether the transaction has been looked for.
    pub fn has_loaded_transaction_id(&self, key: &TransactionId) -> bool {
        self.transaction_ids.contains_key(key)
    }

    /// Whether the total has been put.
    pub fn has_loaded_total(&self, account: LedgerAccount) -> bool {
        self.totals.contains_key(&account)
    }

    /// The oldest open debts of the instrument that have been put.
    pub fn oldest_debts(&self, instrument: InstrumentNumber) -> OldestDebts {
        self.oldest_debts.get(&instrument).copied().unwrap_or(OldestDebts::NONE)
    }

    /// Whether the open part of the debt Pay has been put.
    pub fn has_loaded_open_debt(&self, instrument: InstrumentNumber, pay: TransactionNumber) -> bool {
        self.open_debts_of.contains(&pay) || pay <= self.oldest_debts(instrument).through
    }

    /// Whether the page of account activity takes longer than this batch.
    pub fn is_unfinished(&self, query: &ActivityQuery) -> bool {
        self.lists.unfinished.contains(query)
    }

    /// Whether any page of account activity takes longer than this batch.
    pub fn has_unfinished(&self) -> bool {
        !self.lists.unfinished.is_empty()
    }

    /// The first invariant that was found not to hold since the book was made.
    pub fn violation(&self) -> Option<&InvariantViolation> {
        self.broken.as_ref()
    }

    /// Notes that an invariant does not hold: nothing in the book may be saved any more.
    pub fn fail(&mut self, broken: InvariantViolation) {
        self.broken.get_or_insert(broken);
    }

    /// Whether the refunds of the transaction have been put.
    pub fn has_loaded_refunds_of(&self, number: TransactionNumber) -> bool {
        self.refunds_of.contains(&number)
    }

    /// What has to be saved.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The changes are saved: forgets them, and whatever is seldom asked for again. Accounts, tokens, instruments and
    /// totals stay, and at most so many transactions (none when there are more), so a writer that is alone on its database
    /// need not load them again.
    pub fn saved(&mut self, kept_transactions: usize) {
        self.changes = Changes::default();
        self.references.clear();
        self.open_debts.clear();
        self.oldest_debts.clear();
        self.open_debts_of.clear();
        self.lists = QueryResults::default();
        if self.transactions.len() > kept_transactions {
            self.transactions.clear();
            self.transaction_ids.clear();
            self.refunds_of.clear();
            self.refunds.clear();
        }
        // What does not exist may exist tomorrow.
        if std::mem::take(&mut self.notes_absence) {
            self.token_ids.retain(|_, number| number.is_some());
            self.instrument_ids.retain(|_, number| number.is_some());
            self.transaction_ids.retain(|_, number| number.is_some());
        }
    }

    /// How many rows are kept between batches.
    pub fn kept_rows(&self) -> usize {
        self.accounts.len() + self.tokens.len() + self.instruments.len() + self.totals.len()
    }
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

    /// A used reference.
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

/// Changing.
impl Book {
    /// A new account.
    pub fn add_account(&mut self, account: Account) {
        self.changes.accounts.insert(account.number);
        self.put_total(LedgerAccount::balance(account.number), Amount::ZERO);
        self.put_account_at(account);
    }

    /// A new token.
    pub fn add_token(&mut self, token: Token) {
        self.changes.new_tokens.insert(token.number);
        self.put_token(token);
    }

    /// A new instrument, with nothing on it.
    pub fn add_instrument(&mut self, instrument: Instrument) {
        self.changes.instruments.insert(instrument.number);
        for account in instrument.ledger_accounts() {
            self.put_total(account, Amount::ZERO);
        }
        self.put_oldest_debts(instrument.number, TransactionNumber(i64::MAX));
        self.put_instrument(instrument);
    }

    /// Gives a transaction that is not saved yet another id: seed files name theirs.
    pub fn rename_transaction(&mut self, number: TransactionNumber, id: TransactionId) {
        if let Some(transaction) = self.transactions.get_mut(&number) {
            self.transaction_ids.remove(&transaction.id.clone());
            self.transaction_ids.insert(id.clone(), Some(number));
            Arc::make_mut(transaction).id = id;
        }
    }

    /// Changes how far a transaction got; not its status, which changes by `change_status` alone.
    pub fn progress(&mut self, number: TransactionNumber, change: impl FnOnce(&mut Progress)) {
        let Some(transaction) = self.transactions.get_mut(&number) else {
            return self.fail(InvariantViolation::transaction(number));
        };
        change(&mut Arc::make_mut(transaction).progress);
        if !self.changes.new_transactions.contains(&number) {
            self.changes.updated_transactions.insert(number);
        }
    }

    /// Changes how much of a token is used; a token without limits is left alone.
    pub fn use_token(&mut self, number: TokenNumber, change: impl FnOnce(&mut Token)) {
        if self.token_row(number).is_none_or(Token::is_limited) {
            self.change_token(number, change);
        }
    }

    /// Changes a token, and notes that it has to be saved.
    fn change_token(&mut self, number: TokenNumber, change: impl FnOnce(&mut Token)) {
        let Some(token) = self.tokens.get_mut(&number) else {
            return self.fail(InvariantViolation::Missing { table: "token", number: number.0 });
        };
        change(token);
        if !self.changes.new_tokens.contains(&number) {
            self.changes.updated_tokens.insert(number);
        }
    }

    /// Counts the use of a transaction's sender token.
    pub fn record_token_use(&mut self, transaction: &Transaction) {
        if let Some(token) = transaction.sender_token {
            self.use_token(token, |token| token.record_use(transaction.amount, transaction.received));
        }
    }

    /// Takes back the use of a transaction's sender token: it came to nothing.
    fn undo_token_use(&mut self, transaction: &Transaction) {
        if let Some(token) = transaction.sender_token {
            self.use_token(token, |token| token.undo_use(transaction.amount, transaction.received));
        }
    }

    /// A new subscription.
    pub fn add_subscription(&mut self, subscription: Subscription) {
        let key = subscription.id.clone();
        self.changes.new_subscriptions.insert(key.clone());
        self.lists.subscriptions.insert(key, Some(subscription));
    }

    /// Calls a subscription off.
    pub fn cancel_subscription(&mut self, key: &SubscriptionId) {
        if let Some(Some(subscription)) = self.lists.subscriptions.get_mut(key) {
            subscription.status = SubscriptionStatus::Cancelled;
            subscription.terms.next = None;
            self.changes.cancelled_subscriptions.insert(key.clone());
        }
    }

    /// Takes a token out of use.
    pub fn cancel_token(&mut self, number: TokenNumber, at: Timestamp) {
        self.change_token(number, |token| token.active = false);
        self.changes.events.push(Event::TokenCancelled { token: number, at });
    }

    /// Changes how a token pays.
    pub fn change_method(&mut self, number: TokenNumber, method: PaymentMethod) {
        self.change_token(number, |token| token.method = method);
    }

    /// Keeps a new secret.
    pub fn store_secret(&mut self, name: SecretName, value: Secret) {
        self.changes.secrets.insert(name);
        self.put_secret(name, value);
    }

    /// Uses a reference.
    pub fn add_idempotency_record(&mut self, key: IdempotencyKey, reference: IdempotencyRecord) {
        self.changes.references.insert(key.clone());
        self.put_reference(key, reference);
    }

    /// Writes journal lines that sum to zero, one for each account that moves.
    pub fn post(&mut self, transaction: TransactionNumber, lines: &[(LedgerAccount, Amount)]) {
        let mut moved: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
        for &(account, amount) in lines {
            *moved.entry(account).or_default() += amount;
        }
        moved.retain(|_, amount| !amount.is_zero());
        let sum: Amount = moved.values().copied().sum();
        if !sum.is_zero() {
            return self.fail(InvariantViolation::Unbalanced { transaction, sum });
        }
        let mut line = self.transaction_row(transaction).map_or(0, |made| made.progress.lines);
        for (account, amount) in moved {
            self.changes.postings.push(Posting { transaction, line, account, amount });
            *self.changes.totals.entry(account).or_default() += amount;
            if let Some(total) = self.totals.get_mut(&account) {
                *total += amount;
            }
            line += 1;
        }
        self.progress(transaction, |progress| progress.lines = line);
    }

    /// Sets what is still owed of a debt Pay.
    pub fn set_open_debt(&mut self, instrument: InstrumentNumber, pay: TransactionNumber, open: Amount) {
        let key = (instrument, pay);
        self.changes.open_debts.insert(key, open);
        let before =
            if open.is_zero() { self.open_debts.remove(&key) } else { self.open_debts.insert(key, open) };
        if let Some(oldest) = self.oldest_debts.get_mut(&instrument).filter(|oldest| pay <= oldest.through) {
            oldest.sum += open - before.unwrap_or_default();
        }
    }

    /// Whether the open debts are at hand that it takes to clear this amount. When they are not, the book notes them as
    /// missing, and the decision has to stop before it changes anything: it is made again when they are loaded.
    ///
    /// A decision asks for them only when nothing else can refuse it. So a request that is refused, or answered as it was
    /// before, does not load the debts of an instrument that has very many.
    pub(super) fn require_debts_to_clear(
        &mut self,
        instrument: InstrumentNumber,
        amount: Amount,
    ) -> Result<(), FpsError> {
        let mut reads = ReadSet::new(self);
        reads.debts_to_clear(instrument, amount);
        self.missing = reads.into_missing();
        if self.missing.is_empty() { Ok(()) } else { Err(Code::InternalError.into()) }
    }

    /// The rows without which the last decision could not be made, if there are any.
    pub fn take_missing(&mut self) -> Option<MissingRows> {
        let missing = std::mem::take(&mut self.missing);
        if missing.is_empty() { None } else { Some(missing) }
    }

    /// Clears debt on an instrument, the oldest Pay first (our choice).
    pub fn clear_debt(&mut self, instrument: InstrumentNumber, amount: Amount) {
        let oldest =
            (instrument, TransactionNumber(i64::MIN))..=(instrument, self.oldest_debts(instrument).through);
        let mut rest = amount;
        while rest.is_positive() {
            let Some((&(_, pay), &open)) = self.open_debts.range(oldest.clone()).next() else {
                return self.fail(InvariantViolation::NotOpen { instrument, rest });
            };
            let cleared = open.min(rest);
            self.set_open_debt(instrument, pay, open - cleared);
            rest -= cleared;
        }
    }

    /// Planned work on a transaction came to nothing.
    pub(super) fn unschedule(&mut self, transaction: TransactionNumber) {
        self.changes.due.insert(transaction, None);
    }
}
