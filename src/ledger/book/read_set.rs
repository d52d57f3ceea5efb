//! The rows that commands and queries need before they can be decided.

use std::collections::BTreeSet;

use crate::error::{Code, FpsError};
use crate::ledger::account::{Account, AccountKind, EmailKey};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::activity::{ActivityPage, ActivityQuery};
use crate::ledger::book::missing_rows::{MissingDebts, MissingRows};
use crate::ledger::idempotency::{IdempotencyKey, IdempotencyRecord, RecordedOutcome};
use crate::ledger::ids::{
    AccountNumber, InstrumentId, InstrumentNumber, SubscriptionId, TokenId, TokenNumber, TransactionId,
    TransactionNumber,
};
use crate::ledger::instrument::Instrument;
use crate::ledger::journal::LedgerAccount;
use crate::ledger::secret::SecretName;
use crate::ledger::subscription::Subscription;
use crate::ledger::token::Token;
use crate::ledger::transaction::Transaction;

/// Names the rows that an operation reads, and notes those that the book does not know yet.
///
/// An operation names its rows in rounds, each time with more of them loaded, until nothing is missing. A row that is
/// loaded adds the rows that it refers to: a token adds its account and its instrument.
#[derive(Debug)]
pub struct ReadSet<'b> {
    book: &'b Book,
    missing: MissingRows,
    /// Pages of account activity whose searches go on after this batch.
    unfinished: BTreeSet<ActivityQuery>,
}

impl<'b> ReadSet<'b> {
    /// A read set without rows.
    pub fn new(book: &'b Book) -> Self {
        Self { book, missing: MissingRows::default(), unfinished: BTreeSet::new() }
    }

    /// The pages of account activity that the operation reads and whose searches go on after this batch.
    pub fn unfinished(&self) -> &BTreeSet<ActivityQuery> {
        &self.unfinished
    }

    /// The rows that have to be loaded.
    pub fn into_missing(self) -> MissingRows {
        self.missing
    }

    /// The record of a caller reference, and the transaction that was made under it.
    pub fn reference(&mut self, key: IdempotencyKey) -> Option<&'b IdempotencyRecord> {
        if !self.book.has_loaded_reference(&key) {
            self.missing.references.insert(key);
            return None;
        }
        let reference = self.book.reference(&key)?;
        if let RecordedOutcome::Made { transaction, .. } = reference.outcome {
            self.transaction_by_number(transaction);
        }
        Some(reference)
    }

    /// A token by id, with its account and its instrument.
    pub fn token(&mut self, id: &TokenId) -> Option<&'b Token> {
        let key = id.clone();
        if !self.book.has_loaded_token_id(&key) {
            self.missing.token_ids.insert(key);
            return None;
        }
        let token = self.book.token(id)?;
        self.token_by_number(token.number)
    }

    fn token_by_number(&mut self, number: TokenNumber) -> Option<&'b Token> {
        let Some(token) = self.book.token_by_number(number) else {
            self.missing.tokens.insert(number);
            return None;
        };
        self.account(token.account);
        token.instrument.map(|instrument| self.instrument_by_number(instrument));
        Some(token)
    }

    /// A credit or prepaid instrument by id, with its parties and the totals of its debt or balance.
    pub fn instrument(&mut self, id: &InstrumentId) -> Option<&'b Instrument> {
        let key = id.clone();
        if !self.book.has_loaded_instrument_id(&key) {
            self.missing.instrument_ids.insert(key);
            return None;
        }
        let instrument = self.book.instrument(id)?;
        self.instrument_by_number(instrument.number)
    }

    fn instrument_by_number(&mut self, number: InstrumentNumber) -> Option<&'b Instrument> {
        let Some(instrument) = self.book.instrument_by_number(number) else {
            self.missing.instruments.insert(number);
            return None;
        };
        self.account(instrument.sender);
        self.account(instrument.recipient);
        for account in instrument.ledger_accounts() {
            let _total = self.total(account);
        }
        Some(instrument)
    }

    /// The oldest open debt Pays of the instrument, as many as it takes to clear this amount.
    pub fn debts_to_clear(&mut self, instrument: InstrumentNumber, amount: Amount) {
        let at_hand = self.book.oldest_debts(instrument);
        if at_hand.is_complete() || amount <= at_hand.sum {
            return;
        }
        // Several commands of a batch may clear debt on one instrument, one after the other, so their amounts add up.
        let wanted = self.missing.oldest_debts.entry(instrument);
        let wanted = wanted.or_insert(MissingDebts { after: at_hand.through, sum: Amount::ZERO });
        wanted.sum = wanted.sum.saturating_add(amount);
    }

    /// A transaction by id, without the rows that it refers to.
    pub fn transaction_alone(&mut self, id: &TransactionId) -> Option<&'b Transaction> {
        let key = id.clone();
        if !self.book.has_loaded_transaction_id(&key) {
            self.missing.transaction_ids.insert(key);
            return None;
        }
        self.book.transaction(id)
    }

    /// A transaction by id, with all rows that a command on it needs: see [`transaction_by_number`](Self::transaction_by_number).
    pub fn transaction(&mut self, id: &TransactionId) -> Option<&'b Transaction> {
        let transaction = self.transaction_alone(id)?;
        self.transaction_by_number(transaction.number)
    }

    /// A transaction by row number, with all rows that a command on it needs: those of
    /// [`transaction_shown`](Self::transaction_shown), the same of its original, and the open amount of a debt Pay.
    pub fn transaction_by_number(&mut self, number: TransactionNumber) -> Option<&'b Transaction> {
        let transaction = self.transaction_shown(number)?;
        transaction.original.map(|original| self.transaction_by_number(original));
        if let Some(instrument) = transaction.debt_charged()
            && !self.book.has_loaded_open_debt(instrument, number)
        {
            self.missing.open_debts.insert((instrument, number));
        }
        Some(transaction)
    }

    /// A transaction by row number, with the rows that an answer shows of it: its parties, tokens and instrument, and
    /// its original.
    pub fn transaction_shown(&mut self, number: TransactionNumber) -> Option<&'b Transaction> {
        let Some(transaction) = self.book.transaction_by_number(number) else {
            self.missing.transactions.insert(number);
            return None;
        };
        for party in [transaction.caller, transaction.sender, transaction.recipient] {
            self.account(party);
        }
        for token in [transaction.sender_token, transaction.recipient_token].into_iter().flatten() {
            self.token_by_number(token);
        }
        transaction.instrument.map(|instrument| self.instrument_by_number(instrument));
        if let Some(original) = transaction.original
            && self.book.transaction_by_number(original).is_none()
        {
            self.missing.transactions.insert(original);
        }
        Some(transaction)
    }

    /// The refunds of a transaction.
    pub fn refunds_of(&mut self, number: TransactionNumber) {
        if !self.book.has_loaded_refunds_of(number) {
            self.missing.refunds_of.insert(number);
        }
    }

    /// A page of an account's activity.
    pub fn activity(&mut self, query: &ActivityQuery) -> Option<&'b ActivityPage> {
        let page = self.book.activity(query);
        if page.is_none() {
            let is_activity_unfinished = self.book.is_activity_unfinished(query);
            let queries =
                if is_activity_unfinished { &mut self.unfinished } else { &mut self.missing.activity };
            queries.insert(query.clone());
        }
        page
    }

    /// All tokens of an account.
    pub fn tokens_of(&mut self, account: AccountNumber) {
        if !self.book.has_loaded_tokens_of(account) {
            self.missing.tokens_of.insert(account);
        }
    }

    /// All tokens that a caller made under a reference.
    pub fn tokens_by_reference(&mut self, caller: AccountNumber, reference: &str) {
        let key = (caller, reference.to_owned());
        if !self.book.has_loaded_tokens_by_reference(&key) {
            self.missing.tokens_by_reference.insert(key);
        }
    }

    /// All tokens that a caller made under a reference, with their accounts and instruments.
    pub fn tokens_by_reference_with_instruments(&mut self, caller: AccountNumber, reference: &str) {
        self.tokens_by_reference(caller, reference);
        let made: Vec<_> =
            self.book.tokens_by_reference(caller, reference).map(|token| token.number).collect();
        for number in made {
            self.token_by_number(number);
        }
    }

    /// The account with an e-mail address.
    pub fn account_at(&mut self, email: &str) {
        let key = EmailKey::of(email);
        if !self.book.has_loaded_account_at(&key) {
            self.missing.accounts_at.insert(key);
        } else if let Some(found) = self.book.account_at(email) {
            self.account(found.number);
        }
    }

    /// The first few accounts of a kind.
    pub fn first_accounts(&mut self, kind: AccountKind) {
        let Some(numbers) = self.book.first_accounts(kind) else {
            self.missing.first_accounts.insert(kind);
            return;
        };
        for number in numbers {
            self.account(*number);
        }
    }

    /// A secret.
    pub fn secret(&mut self, name: SecretName) {
        if !self.book.has_loaded_secret(name) {
            self.missing.secrets.insert(name);
        }
    }

    /// A subscription and its parties.
    pub fn subscription(&mut self, id: &SubscriptionId) -> Option<&'b Subscription> {
        let key = id.clone();
        if !self.book.has_loaded_subscription(&key) {
            self.missing.subscriptions.insert(key);
            return None;
        }
        let subscription = self.book.subscription(id)?;
        self.account(subscription.sender);
        self.account(subscription.recipient);
        Some(subscription)
    }

    /// An account and its balance.
    pub fn account(&mut self, number: AccountNumber) -> Option<&'b Account> {
        let Some(account) = self.book.account(number) else {
            self.missing.accounts.insert(number);
            return None;
        };
        self.total(LedgerAccount::balance(number));
        Some(account)
    }

    /// The total of a ledger account.
    pub fn total(&mut self, account: LedgerAccount) -> Option<Amount> {
        if !self.book.has_loaded_total(account) {
            self.missing.totals.insert(account);
            return None;
        }
        Some(self.book.total(account))
    }
}

impl Book {
    /// Whether the open debts that it takes to clear this amount are loaded. If they are not, the book notes them as
    /// missing and this returns an error. The decision then has to stop before it changes anything. It is made again
    /// when they are loaded, so no caller gets this error.
    ///
    /// A decision requires them only when nothing else can refuse it. So a request that is refused, or that gets its
    /// recorded answer again, does not load the debts of an instrument that has very many.
    pub(in crate::ledger) fn require_debts_to_clear(
        &mut self,
        instrument: InstrumentNumber,
        amount: Amount,
    ) -> Result<(), FpsError> {
        let mut reads = ReadSet::new(self);
        reads.debts_to_clear(instrument, amount);
        self.missing = reads.into_missing();
        if self.missing.is_empty() { Ok(()) } else { Err(Code::InternalError.into()) }
    }

    /// Takes the rows that the last decision found missing, if any.
    pub fn take_missing_rows(&mut self) -> Option<MissingRows> {
        let missing = std::mem::take(&mut self.missing);
        if missing.is_empty() { None } else { Some(missing) }
    }
}
