//! Changes of the book. The methods here change rows, and note in `Changes` what has to be saved. The status of a
//! transaction changes in `status_change.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ledger::account::Account;
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::book::invariant::InvariantViolation;
use crate::ledger::event::Event;
use crate::ledger::idempotency::{IdempotencyKey, IdempotencyRecord};
use crate::ledger::ids::{InstrumentNumber, SubscriptionId, TokenNumber, TransactionId, TransactionNumber};
use crate::ledger::instrument::Instrument;
use crate::ledger::journal::{LedgerAccount, Posting};
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::secret::{Secret, SecretName};
use crate::ledger::subscription::{Subscription, SubscriptionStatus};
use crate::ledger::time::Timestamp;
use crate::ledger::token::Token;
use crate::ledger::transaction::{Progress, Transaction};

impl Book {
    /// Adds a new account with a balance of zero.
    pub fn add_account(&mut self, account: Account) {
        self.changes.accounts.insert(account.number);
        self.put_total(LedgerAccount::balance(account.number), Amount::ZERO);
        self.put_account_at(account);
    }

    /// Adds a new token.
    pub fn add_token(&mut self, token: Token) {
        self.changes.new_tokens.insert(token.number);
        self.put_token(token);
    }

    /// Adds a new instrument that carries no debt and no money.
    pub fn add_instrument(&mut self, instrument: Instrument) {
        self.changes.instruments.insert(instrument.number);
        for account in instrument.ledger_accounts() {
            self.put_total(account, Amount::ZERO);
        }
        // A new instrument has no open debts, so none of them has to be loaded.
        self.mark_oldest_debts_loaded(instrument.number, TransactionNumber(i64::MAX));
        self.put_instrument(instrument);
    }

    /// Replaces the id of a transaction that is not saved yet by the id that a seed file gives.
    pub fn rename_transaction(&mut self, number: TransactionNumber, id: TransactionId) {
        if let Some(transaction) = self.transactions.get_mut(&number) {
            self.transaction_ids.remove(&transaction.id.clone());
            self.transaction_ids.insert(id.clone(), Some(number));
            Arc::make_mut(transaction).id = id;
        }
    }

    /// Changes the progress of a transaction. Its status is changed only by `change_status`.
    pub fn progress(&mut self, number: TransactionNumber, change: impl FnOnce(&mut Progress)) {
        let Some(transaction) = self.transactions.get_mut(&number) else {
            return self.record_violation(InvariantViolation::missing_transaction(number));
        };
        change(&mut Arc::make_mut(transaction).progress);
        if !self.changes.new_transactions.contains(&number) {
            self.changes.updated_transactions.insert(number);
        }
    }

    /// Changes the usage of a token. The uses of a token without limits are not counted, so it need not be saved.
    pub fn change_token_usage(&mut self, number: TokenNumber, change: impl FnOnce(&mut Token)) {
        if self.token_by_number(number).is_none_or(Token::is_limited) {
            self.change_token(number, change);
        }
    }

    /// Changes a token, and notes that it has to be saved.
    fn change_token(&mut self, number: TokenNumber, change: impl FnOnce(&mut Token)) {
        let Some(token) = self.tokens.get_mut(&number) else {
            return self.record_violation(InvariantViolation::Missing { table: "token", number: number.0 });
        };
        change(token);
        if !self.changes.new_tokens.contains(&number) {
            self.changes.updated_tokens.insert(number);
        }
    }

    /// Records the use of a transaction's sender token.
    pub fn record_token_use(&mut self, transaction: &Transaction) {
        if let Some(token) = transaction.sender_token {
            self.change_token_usage(token, |token| {
                token.record_use(transaction.amount, transaction.received);
            });
        }
    }

    /// Takes back the use of the sender token of a transaction that failed or was cancelled. What the transaction
    /// took from the token's limits is then available again.
    pub(super) fn undo_token_use(&mut self, transaction: &Transaction) {
        if let Some(token) = transaction.sender_token {
            self.change_token_usage(token, |token| token.undo_use(transaction.amount, transaction.received));
        }
    }

    /// Adds a new subscription.
    pub fn add_subscription(&mut self, subscription: Subscription) {
        let key = subscription.id.clone();
        self.changes.new_subscriptions.insert(key.clone());
        self.lists.subscriptions.insert(key, Some(subscription));
    }

    /// Cancels a subscription. No further payment is due.
    pub fn cancel_subscription(&mut self, key: &SubscriptionId) {
        if let Some(Some(subscription)) = self.lists.subscriptions.get_mut(key) {
            subscription.status = SubscriptionStatus::Cancelled;
            subscription.terms.next = None;
            self.changes.cancelled_subscriptions.insert(key.clone());
        }
    }

    /// Cancels a token.
    pub fn cancel_token(&mut self, number: TokenNumber, at: Timestamp) {
        self.change_token(number, |token| token.active = false);
        self.changes.events.push(Event::TokenCancelled { token: number, at });
    }

    /// Changes the payment method of a token.
    pub fn change_method(&mut self, number: TokenNumber, method: PaymentMethod) {
        self.change_token(number, |token| token.method = method);
    }

    /// Adds a new secret.
    pub fn store_secret(&mut self, name: SecretName, value: Secret) {
        self.changes.secrets.insert(name);
        self.put_secret(name, value);
    }

    /// Records the use of a caller reference.
    pub fn add_idempotency_record(&mut self, key: IdempotencyKey, reference: IdempotencyRecord) {
        self.changes.references.insert(key.clone());
        self.put_reference(key, reference);
    }

    /// Writes postings that sum to zero, one for each ledger account whose total changes.
    pub fn post(&mut self, transaction: TransactionNumber, lines: &[(LedgerAccount, Amount)]) {
        // A change of status gives the reversed lines of the old status and the lines of the new one. Where both
        // concern the same ledger account, only the difference is written.
        let mut moved: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
        for &(account, amount) in lines {
            *moved.entry(account).or_default() += amount;
        }
        moved.retain(|_, amount| !amount.is_zero());
        let sum: Amount = moved.values().copied().sum();
        if !sum.is_zero() {
            return self.record_violation(InvariantViolation::Unbalanced { transaction, sum });
        }
        let mut line = self.transaction_by_number(transaction).map_or(0, |made| made.progress.lines);
        for (account, amount) in moved {
            self.changes.postings.push(Posting { transaction, line, account, amount });
            // A total changes by a difference, which the database adds. So totals that no decision reads, such as
            // those of fees and clearing, need not be loaded.
            *self.changes.totals.entry(account).or_default() += amount;
            if let Some(total) = self.totals.get_mut(&account) {
                *total += amount;
            }
            line += 1;
        }
        self.progress(transaction, |progress| progress.lines = line);
    }

    /// Sets the amount of a debt Pay that is still open.
    pub fn set_open_debt(&mut self, instrument: InstrumentNumber, pay: TransactionNumber, open: Amount) {
        let key = (instrument, pay);
        self.changes.open_debts.insert(key, open);
        let before =
            if open.is_zero() { self.open_debts.remove(&key) } else { self.open_debts.insert(key, open) };
        // The sum of the loaded debts follows the change, so that the next command of the batch can tell whether they
        // suffice.
        if let Some(oldest) = self.oldest_debts.get_mut(&instrument).filter(|oldest| pay <= oldest.through) {
            oldest.sum += open - before.unwrap_or_default();
        }
    }

    /// Clears debt on an instrument, the oldest Pay first (our choice).
    pub fn clear_debt(&mut self, instrument: InstrumentNumber, amount: Amount) {
        // Beyond the last Pay of this range there may be open debts that are not loaded. A single debt that happens
        // to be loaded there must not be cleared before them.
        let oldest =
            (instrument, TransactionNumber(i64::MIN))..=(instrument, self.oldest_debts(instrument).through);
        let mut rest = amount;
        while rest.is_positive() {
            let Some((&(_, pay), &open)) = self.open_debts.range(oldest.clone()).next() else {
                return self.record_violation(InvariantViolation::NotOpen { instrument, rest });
            };
            let cleared = open.min(rest);
            self.set_open_debt(instrument, pay, open - cleared);
            rest -= cleared;
        }
    }

    /// Removes the step that is scheduled for a transaction.
    pub(in crate::ledger) fn unschedule(&mut self, transaction: TransactionNumber) {
        self.changes.due.insert(transaction, None);
    }
}
