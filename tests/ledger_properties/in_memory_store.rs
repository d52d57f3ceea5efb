//! A minimal store of maps. It loads exactly the rows in the read set, saves what changed, and checks the invariants of its
//! rows.

mod invariants;

use std::collections::{BTreeMap, BTreeSet};

use fps_sandbox::ledger::{
    Account, AccountNumber, Amount, Book, Changes, EmailKey, Event, IdempotencyKey, IdempotencyRecord,
    IdempotentAction, Instrument, InstrumentNumber, LedgerAccount, LedgerAccountKind,
    MarketplaceRefundPolicy, MissingRows, Operation, Posting, ReadSet, RecordedOutcome, ScheduledStep,
    Status, StatusChange, Subscription, SubscriptionId, Timestamp, Token, TokenNumber, TokenType,
    Transaction, TransactionNumber,
};

use crate::world::DAY;

/// Records a violation unless the condition holds. The description is only computed for a violation.
type Check<'a> = dyn FnMut(bool, &dyn Fn() -> String) + 'a;

#[derive(Debug, Default)]
pub(crate) struct InMemoryStore {
    accounts: BTreeMap<AccountNumber, Account>,
    tokens: BTreeMap<TokenNumber, Token>,
    instruments: BTreeMap<InstrumentNumber, Instrument>,
    subscriptions: BTreeMap<SubscriptionId, Subscription>,
    pub(crate) transactions: BTreeMap<TransactionNumber, Transaction>,
    references: BTreeMap<IdempotencyKey, IdempotencyRecord>,
    /// The action that created each transaction, if it has a caller reference.
    created_by: BTreeMap<TransactionNumber, IdempotentAction>,
    totals: BTreeMap<LedgerAccount, Amount>,
    open_debts: BTreeMap<(InstrumentNumber, TransactionNumber), Amount>,
    due: BTreeSet<ScheduledStep>,
    postings: Vec<Posting>,
    events: Vec<Event>,
}

impl InMemoryStore {
    /// Loads rows in rounds until nothing in the read set is missing.
    pub(crate) fn load(&self, book: &mut Book, read_set: impl Fn(&mut ReadSet<'_>)) {
        for _ in 0..8 {
            let mut reads = ReadSet::new(book);
            read_set(&mut reads);
            let missing = reads.into_missing();
            if missing.is_empty() {
                return;
            }
            self.put(&missing, book);
        }
        panic!("still not satisfied after eight rounds");
    }

    /// Puts the missing rows into the book.
    pub(crate) fn put(&self, missing: &MissingRows, book: &mut Book) {
        for key in &missing.references {
            if let Some(reference) = self.references.get(key) {
                book.put_reference(key.clone(), reference.clone());
            }
        }
        let tokens = self.tokens.values().filter(|token| {
            missing.tokens.contains(&token.number) || missing.token_ids.contains(&token.id.clone())
        });
        tokens.for_each(|token| book.put_token(token.clone()));
        let instruments = self.instruments.values().filter(|instrument| {
            missing.instruments.contains(&instrument.number)
                || missing.instrument_ids.contains(&instrument.id.clone())
        });
        instruments.for_each(|instrument| book.put_instrument(instrument.clone()));
        let transactions = self.transactions.values().filter(|transaction| {
            missing.transactions.contains(&transaction.number)
                || missing.transaction_ids.contains(&transaction.id.clone())
                || transaction.original.is_some_and(|original| missing.refunds_of.contains(&original))
        });
        for transaction in transactions {
            // A transaction in the book may have unsaved changes.
            if book.transaction_by_number(transaction.number).is_none() {
                book.put_transaction(transaction.clone());
            }
        }
        for number in &missing.accounts {
            self.accounts.get(number).into_iter().for_each(|account| book.put_account(account.clone()));
        }
        for account in &missing.totals {
            book.put_total(*account, self.total(*account));
        }
        for (&(instrument, pay), &open) in &self.open_debts {
            if missing.open_debts.contains(&(instrument, pay)) {
                book.put_open_debt(instrument, pay, open);
            }
        }
        for (&instrument, debts) in &missing.oldest_debts {
            let (mut sum, mut through) = (Amount::ZERO, TransactionNumber(i64::MAX));
            let after = (instrument, TransactionNumber(debts.after.0.saturating_add(1)));
            for (&(_, pay), &open) in self.open_debts.range(after..=(instrument, through)) {
                book.put_open_debt(instrument, pay, open);
                sum += open;
                if sum >= debts.sum {
                    through = pay;
                    break;
                }
            }
            book.mark_oldest_debts_loaded(instrument, through);
        }
        self.put_rows_by_other_keys(missing, book);
        book.mark_all_loaded(missing);
    }

    /// Puts rows that are selected by other keys than ids and numbers, and subscriptions.
    fn put_rows_by_other_keys(&self, missing: &MissingRows, book: &mut Book) {
        let has_reference = |token: &&Token| {
            missing.tokens_by_reference.contains(&(token.caller, token.caller_reference.clone()))
        };
        for token in self.tokens.values().filter(has_reference) {
            if book.token_by_number(token.number).is_none() {
                book.put_token(token.clone());
            }
        }
        for account in self.accounts.values() {
            if missing.accounts_at.contains(&EmailKey::of(&account.email)) {
                book.put_account_at(account.clone());
            }
        }
        for kind in &missing.first_accounts {
            let first = self.accounts.values().filter(|account| account.kind == *kind);
            book.put_first_accounts(*kind, first.map(|account| account.number).collect());
        }
        for id in &missing.subscriptions {
            self.subscriptions.get(id).into_iter().for_each(|found| book.put_subscription(found.clone()));
        }
    }

    /// Saves the changes of a batch.
    pub(crate) fn save(&mut self, book: &Book) {
        let changes = book.changes();
        for number in &changes.accounts {
            self.accounts.extend(book.account(*number).map(|row| (*number, row.clone())));
        }
        for number in &changes.instruments {
            self.instruments.extend(book.instrument_by_number(*number).map(|row| (*number, row.clone())));
        }
        for number in changes.new_tokens.iter().chain(&changes.updated_tokens) {
            self.tokens.extend(book.token_by_number(*number).map(|row| (*number, row.clone())));
        }
        for number in changes.new_transactions.iter().chain(&changes.updated_transactions) {
            self.transactions.extend(book.transaction_by_number(*number).map(|row| (*number, row.clone())));
        }
        for key in &changes.references {
            self.references.extend(book.reference(key).map(|row| (key.clone(), row.clone())));
        }
        for (account, delta) in &changes.totals {
            *self.totals.entry(*account).or_default() += *delta;
        }
        for (key, open) in &changes.open_debts {
            if open.is_zero() {
                self.open_debts.remove(key);
            } else {
                self.open_debts.insert(*key, *open);
            }
        }
        self.postings.extend(&changes.postings);
        self.events.extend(&changes.events);
        self.due.retain(|due| !changes.due.contains_key(&due.transaction));
        self.due.extend(changes.due.values().flatten());
        self.save_subscriptions(book, changes);
        self.note_actions(changes);
    }

    fn save_subscriptions(&mut self, book: &Book, changes: &Changes) {
        for id in changes.new_subscriptions.iter().chain(&changes.cancelled_subscriptions) {
            self.subscriptions.extend(book.subscription(id).map(|row| (id.clone(), row.clone())));
        }
    }

    /// Records the action that created each transaction, because references are separate for each action.
    fn note_actions(&mut self, changes: &Changes) {
        for key in &changes.references {
            if let RecordedOutcome::Made { transaction, .. } = self.references[key].outcome {
                self.created_by.insert(transaction, key.action);
            }
        }
    }

    pub(crate) fn total(&self, account: LedgerAccount) -> Amount {
        self.totals.get(&account).copied().unwrap_or_default()
    }

    /// The work that is due, the earliest first.
    pub(crate) fn due_by(&self, now: Timestamp) -> Vec<ScheduledStep> {
        self.due.iter().copied().filter(|due| due.at <= now).collect()
    }

    /// The tokens in the order of their creation.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.values()
    }

    /// The instruments in the order of their creation.
    pub(crate) fn instruments(&self) -> impl Iterator<Item = &Instrument> {
        self.instruments.values()
    }

    /// Descriptions of all violated invariants.
    pub(crate) fn violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        let mut check = |holds: bool, what: &dyn Fn() -> String| {
            if !holds {
                violations.push(what());
            }
        };
        self.check_postings(&mut check);
        self.check_debts(&mut check);
        self.check_refunds(&mut check);
        self.check_references(&mut check);
        self.check_tokens(&mut check);
        self.check_events(&mut check);
        self.check_totals(&mut check);
        for transaction in self.transactions.values() {
            let due = self.due.iter().filter(|due| due.transaction == transaction.number).count();
            let waits = matches!(transaction.status(), Status::Pending | Status::Reserved);
            check(due == usize::from(waits), &|| format!("{due} things are due for {transaction:?}"));
            check(waits == transaction.history.completed().is_none(), &|| {
                format!("completed? {transaction:?}")
            });
        }
        violations
    }

    fn check_postings(&self, check: &mut Check<'_>) {
        let mut by_transaction: BTreeMap<TransactionNumber, Vec<&Posting>> = BTreeMap::new();
        let mut by_account: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
        for posting in &self.postings {
            by_transaction.entry(posting.transaction).or_default().push(posting);
            *by_account.entry(posting.account).or_default() += posting.amount;
        }
        for (number, postings) in &by_transaction {
            let sum: Amount = postings.iter().map(|posting| posting.amount).sum();
            check(sum.is_zero(), &|| format!("the postings of {number:?} sum to {sum}"));
            let lines: Vec<i64> = postings.iter().map(|posting| posting.line).collect();
            check(lines.iter().copied().eq(0..lines.len() as i64), &|| {
                format!("{number:?} has lines {lines:?}")
            });
        }
        // A pending transaction need not have postings: its fee may be the whole amount. Nor need a refund of a marketplace
        // to itself as the buyer, if it returns as much of the marketplace fee as it refunds: nothing moves in all.
        let moves_nothing = |refund: &Transaction| {
            refund.operation == Operation::Refund
                && refund.recipient == refund.caller
                && refund.progress.fee.is_zero()
                && refund.amount + refund.progress.marketplace_fee == Amount::ZERO
        };
        let successful = self.transactions.values().filter(|made| made.status() == Status::Success);
        for done in successful.filter(|done| !moves_nothing(done)) {
            check(by_transaction.contains_key(&done.number), &|| format!("{done:?} has no postings"));
        }
        let accounts: BTreeSet<_> = by_account.keys().chain(self.totals.keys()).copied().collect();
        for account in accounts {
            let (total, posted) =
                (self.total(account), by_account.get(&account).copied().unwrap_or_default());
            check(total == posted, &|| format!("{account:?}: total {total}, postings {posted}"));
            let may_fall = matches!(
                account.kind,
                LedgerAccountKind::CreditExtended
                    | LedgerAccountKind::CreditExtendedPending
                    | LedgerAccountKind::PrepaidLiability
                    | LedgerAccountKind::PrepaidLiabilityPending
                    | LedgerAccountKind::ClearingCards
                    | LedgerAccountKind::ClearingBanks
                    | LedgerAccountKind::OutsideCards
                    | LedgerAccountKind::OutsideBanks
            );
            check(may_fall || total >= Amount::ZERO, &|| format!("{account:?}: {total} is below zero"));
        }
    }

    fn check_debts(&self, check: &mut Check<'_>) {
        for instrument in self.instruments.values() {
            let owed = self.total(LedgerAccount::debt(instrument.number))
                + self.total(LedgerAccount::debt_pending(instrument.number));
            check(owed <= instrument.ceiling, &|| format!("{}: {owed} is owed", instrument.id));
            let own = self.open_debts.iter().filter(|((on, _), _)| *on == instrument.number);
            let open: Amount = own.map(|(_, open)| *open).sum();
            check(open == owed, &|| format!("{}: {open} is open, {owed} is owed", instrument.id));
        }
        for ((_, pay), open) in &self.open_debts {
            let pay = &self.transactions[pay];
            let left = pay.amount - pay.progress.refunded;
            check(*open <= left, &|| format!("{open} is open of {pay:?}"));
        }
    }

    fn check_refunds(&self, check: &mut Check<'_>) {
        let refunds_of = self.refunds_by_original();
        for original in self.transactions.values().filter(|transaction| transaction.original.is_none()) {
            let refunds = || refunds_of.get(&original.number).into_iter().flatten().copied();
            // A marketplace that returns its own fee alone refunds nothing of the payment.
            let of_payment = |refund: &&Transaction| {
                refund.refund_policy != Some(MarketplaceRefundPolicy::MarketplaceTxnOnly)
            };
            let refunded: Amount = refunds().filter(of_payment).map(|refund| refund.amount).sum();
            let fee_back: Amount = refunds().map(|refund| -refund.progress.fee).sum();
            check(refunded == original.progress.refunded, &|| {
                format!("refunds of {refunded} of {original:?}")
            });
            check(refunded <= original.charged(), &|| format!("{refunded} refunded of {original:?}"));
            check(fee_back == original.progress.fee_returned, &|| {
                format!("fees of {fee_back} back of {original:?}")
            });
            check(fee_back <= original.progress.fee, &|| format!("{fee_back} returned of {original:?}"));
        }
    }

    /// Two transactions of one caller and action under one reference must be seven days apart.
    fn check_references(&self, check: &mut Check<'_>) {
        let mut last: BTreeMap<(AccountNumber, IdempotentAction, &str), Timestamp> = BTreeMap::new();
        for (number, action) in &self.created_by {
            let made = &self.transactions[number];
            let key = (made.caller, *action, made.descriptions.caller_reference.as_str());
            if let Some(earlier) = last.insert(key, made.received) {
                let apart = made.received.millis() - earlier.millis();
                // The first may have been received a few milliseconds after the time of the clock.
                check(apart + 1_000 >= 7 * DAY, &|| format!("{key:?} has two effects, {apart} ms apart"));
            }
        }
        for (key, reference) in &self.references {
            if let RecordedOutcome::Made { transaction, .. } = &reference.outcome {
                let made = &self.transactions[transaction];
                let own = made.caller == key.caller && made.descriptions.caller_reference == key.reference;
                check(own, &|| format!("{key:?} points to {made:?}"));
            }
        }
    }

    /// The events must agree with the histories of the transactions.
    fn check_events(&self, check: &mut Check<'_>) {
        let mut told: BTreeMap<TransactionNumber, Vec<StatusChange>> = BTreeMap::new();
        for event in &self.events {
            let Event::StatusChanged { transaction, from, to } = *event else { continue };
            let before = told.entry(transaction).or_default();
            check(from == before.last().map(|stage| stage.status), &|| format!("{event:?} after {before:?}"));
            before.push(to);
        }
        let histories: BTreeMap<TransactionNumber, Vec<StatusChange>> = self
            .transactions
            .values()
            .map(|transaction| (transaction.number, transaction.history.changes().to_vec()))
            .collect();
        check(told == histories, &|| format!("the events tell {told:?}, the rows {histories:?}"));
    }

    fn check_tokens(&self, check: &mut Check<'_>) {
        for token in self.tokens.values() {
            let spent = token.usage.spent;
            let within = token.global_limit.is_none_or(|limit| spent <= limit);
            check(within && spent >= Amount::ZERO, &|| format!("spent {spent} with {}", token.id));
            let once = token.token_type != TokenType::SingleUse || token.usage.uses <= 1;
            check(once && token.usage.uses >= 0, &|| {
                format!("used {} times: {}", token.usage.uses, token.id)
            });
            for (limit, used) in token.limits.iter().zip(&token.usage.windows) {
                check((0..=limit.allowed).contains(&used.used), &|| {
                    format!("{used:?} of {limit:?} on {}", token.id)
                });
            }
        }
    }
}
