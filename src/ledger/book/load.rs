//! Filling the book from a store, and the record of what has been loaded.
//!
//! The book remembers what was looked for. So a row that was looked for and is not in the book is known to be absent.

use std::sync::Arc;

use crate::ledger::account::{Account, AccountKind, EmailKey};
use crate::ledger::amount::Amount;
use crate::ledger::book::activity::{ActivityPage, ActivityQuery};
use crate::ledger::book::changes::Changes;
use crate::ledger::book::invariant::InvariantViolation;
use crate::ledger::book::missing_rows::MissingRows;
use crate::ledger::book::{Book, OldestDebts, QueryResults};
use crate::ledger::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::ledger::ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TransactionId, TransactionNumber,
};
use crate::ledger::instrument::Instrument;
use crate::ledger::journal::LedgerAccount;
use crate::ledger::secret::{Secret, SecretName};
use crate::ledger::subscription::Subscription;
use crate::ledger::token::Token;
use crate::ledger::transaction::Transaction;

impl Book {
    /// Puts a stored account into the book.
    pub fn put_account(&mut self, account: Account) {
        self.accounts.insert(account.number, Arc::new(account));
    }

    /// Puts a stored token into the book.
    pub fn put_token(&mut self, token: Token) {
        self.token_ids.insert(token.id.clone(), Some(token.number));
        self.tokens_of.entry(token.account).or_default().insert(token.number);
        let made_under = (token.caller, token.caller_reference.clone());
        self.tokens_by_reference.entry(made_under).or_default().insert(token.number);
        self.tokens.insert(token.number, token);
    }

    /// Puts a stored credit or prepaid instrument into the book.
    pub fn put_instrument(&mut self, instrument: Instrument) {
        self.instrument_ids.insert(instrument.id.clone(), Some(instrument.number));
        self.instruments.insert(instrument.number, instrument);
    }

    /// Puts a stored transaction into the book.
    pub fn put_transaction(&mut self, transaction: Transaction) {
        self.transaction_ids.insert(transaction.id.clone(), Some(transaction.number));
        if let Some(original) = transaction.original {
            self.refunds.entry(original).or_default().insert(transaction.number);
        }
        self.transactions.insert(transaction.number, Arc::new(transaction));
    }

    /// Puts the stored record of a used caller reference into the book.
    pub fn put_reference(&mut self, key: IdempotencyKey, reference: IdempotencyRecord) {
        self.references.insert(key, Some(reference));
    }

    /// Puts a stored total into the book, and adds the changes of it that are not saved yet: a command may have
    /// changed the total before another command of the batch loads it.
    pub fn put_total(&mut self, account: LedgerAccount, amount: Amount) {
        let unsaved = self.changes.totals.get(&account).copied().unwrap_or_default();
        self.totals.insert(account, amount + unsaved);
    }

    /// Puts the stored open part of a debt Pay into the book, unless a command has changed it and the change is not
    /// saved yet.
    pub fn put_open_debt(&mut self, instrument: InstrumentNumber, pay: TransactionNumber, open: Amount) {
        if !self.changes.open_debts.contains_key(&(instrument, pay)) {
            self.open_debts.insert((instrument, pay), open);
        }
    }

    /// Notes that all open debts of the instrument up to and including this Pay have been put. The highest number
    /// means all that exist.
    pub fn mark_oldest_debts_loaded(&mut self, instrument: InstrumentNumber, through: TransactionNumber) {
        let from_first = (instrument, TransactionNumber(i64::MIN))..=(instrument, through);
        let sum = self.open_debts.range(from_first).map(|(_, open)| *open).sum();
        self.oldest_debts.insert(instrument, OldestDebts { through, sum });
    }

    /// Puts a page of account activity into the book.
    pub fn put_activity(&mut self, query: ActivityQuery, page: ActivityPage) {
        self.lists.activity.insert(query, page);
    }

    /// Notes that the search for a page of account activity goes on after this batch.
    pub fn mark_activity_unfinished(&mut self, query: ActivityQuery) {
        self.lists.unfinished.insert(query);
    }

    /// Puts a stored subscription into the book, unless it is there already: it may have been cancelled since.
    pub fn put_subscription(&mut self, subscription: Subscription) {
        let key = subscription.id.clone();
        self.lists.subscriptions.entry(key).or_insert(Some(subscription));
    }

    /// Puts an account into the book that was looked for by its e-mail address.
    pub fn put_account_at(&mut self, account: Account) {
        let key = EmailKey::of(&account.email);
        self.lists.accounts_at.insert(key, Some(account.number));
        self.put_account(account);
    }

    /// Puts the first few stored accounts of a kind into the book.
    pub fn put_first_accounts(&mut self, kind: AccountKind, numbers: Vec<AccountNumber>) {
        self.lists.first_accounts.insert(kind, numbers);
    }

    /// Puts a stored secret into the book.
    pub fn put_secret(&mut self, name: SecretName, value: Secret) {
        self.lists.secrets.insert(name, Some(value));
    }

    /// Notes that all rows of `wanted` that exist have been put. The others are now known to be absent.
    pub fn mark_all_loaded(&mut self, wanted: &MissingRows) {
        for key in &wanted.references {
            self.references.entry(key.clone()).or_default();
        }
        // More ids than before means that some of the wanted ids have no row. `mark_saved` then has absences to
        // forget.
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
        self.lists.tokens_by_reference.extend(wanted.tokens_by_reference.iter().cloned());
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

    /// Whether all tokens of an account have been put.
    pub fn has_loaded_tokens_of(&self, account: AccountNumber) -> bool {
        self.all_tokens_of.contains(&account)
    }

    /// Whether all tokens that a caller made under a reference have been put.
    pub fn has_loaded_tokens_by_reference(&self, key: &(AccountNumber, String)) -> bool {
        self.lists.tokens_by_reference.contains(key)
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

    /// How far the oldest open debts of the instrument have been put.
    pub fn oldest_debts(&self, instrument: InstrumentNumber) -> OldestDebts {
        self.oldest_debts.get(&instrument).copied().unwrap_or(OldestDebts::NONE)
    }

    /// Whether the open part of the debt Pay has been put.
    pub fn has_loaded_open_debt(&self, instrument: InstrumentNumber, pay: TransactionNumber) -> bool {
        self.open_debts_of.contains(&pay) || pay <= self.oldest_debts(instrument).through
    }

    /// Whether the search for the page of account activity goes on after this batch.
    pub fn is_activity_unfinished(&self, query: &ActivityQuery) -> bool {
        self.lists.unfinished.contains(query)
    }

    /// Whether the search for any page of account activity goes on after this batch.
    pub fn has_unfinished_activity(&self) -> bool {
        !self.lists.unfinished.is_empty()
    }

    /// The first invariant that was found not to hold since the book was made.
    pub fn violation(&self) -> Option<&InvariantViolation> {
        self.broken.as_ref()
    }

    /// Notes that an invariant does not hold. Nothing in the book may be saved after that.
    pub fn record_violation(&mut self, broken: InvariantViolation) {
        self.broken.get_or_insert(broken);
    }

    /// Whether the refunds of the transaction have been put.
    pub fn has_loaded_refunds_of(&self, number: TransactionNumber) -> bool {
        self.refunds_of.contains(&number)
    }

    /// The changes that have to be saved.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Notes that the changes are saved: forgets them, and the rows that are seldom needed again. Accounts, tokens,
    /// instruments and totals stay, so that a writer that is alone on its database need not load them again.
    /// `kept_transactions` is the maximum number of transactions that stay; if there are more, all are forgotten.
    pub fn mark_saved(&mut self, kept_transactions: usize) {
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
        // A row that does not exist now may exist later, and ids of requests that name nothing must not fill the
        // memory.
        if std::mem::take(&mut self.notes_absence) {
            self.token_ids.retain(|_, number| number.is_some());
            self.instrument_ids.retain(|_, number| number.is_some());
            self.transaction_ids.retain(|_, number| number.is_some());
        }
    }

    /// The number of accounts, tokens, instruments and totals in the book, which are kept between batches.
    pub fn kept_rows(&self) -> usize {
        self.accounts.len() + self.tokens.len() + self.instruments.len() + self.totals.len()
    }
}
