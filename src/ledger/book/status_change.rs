//! The only place where a transaction changes its status, with everything that a change of status entails.
//!
//! `lifecycle.rs`, `commands/run_scheduled.rs` and `commands/settle.rs` decide which status comes next. Here the
//! status is entered in the history, and with it change the journal, the open debts, the use of the token and the
//! scheduled step. An event reports the change.

use std::sync::Arc;

use crate::ledger::book::Book;
use crate::ledger::book::invariant::InvariantViolation;
use crate::ledger::event::Event;
use crate::ledger::ids::{AccountNumber, TransactionNumber};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::journal::posting_rules;
use crate::ledger::journal::posting_rules::UnnumberedPostings;
use crate::ledger::schedule::ScheduledStep;
use crate::ledger::transaction::status::{Status, StatusChange};
use crate::ledger::transaction::{Balances, Operation, Transaction};

impl Book {
    /// Adds a new transaction in its first status. `due` is the step that is scheduled for it.
    pub(in crate::ledger) fn add_transaction(
        &mut self,
        draft: Transaction,
        first: StatusChange,
        due: Option<ScheduledStep>,
    ) {
        let number = draft.number;
        self.changes.new_transactions.insert(number);
        self.put_transaction(draft);
        self.change_status(number, first, due);
    }

    /// Changes the status of a transaction: reverses the postings of the old status, and writes those of the new one.
    /// `due` replaces the step that was scheduled before.
    pub(in crate::ledger) fn change_status(
        &mut self,
        number: TransactionNumber,
        to: StatusChange,
        due: Option<ScheduledStep>,
    ) {
        let Some(transaction) = self.transactions.get_mut(&number) else {
            return self.record_violation(InvariantViolation::missing_transaction(number));
        };
        let history = &mut Arc::make_mut(transaction).history;
        let from = history.last().map(|last| last.status);
        let to = history.enter(to);

        let row = Arc::clone(transaction);
        // A pending or reserved status only holds money or debt. Reversing its postings releases the hold in full, so
        // the rules of the new status need not know which status came before.
        let held =
            from.map_or_else(UnnumberedPostings::new, |from| posting_rules::lines_in_status(&row, from));
        let lines = [posting_rules::reversed(held), posting_rules::lines_in_status(&row, to.status)].concat();
        match to.status {
            Status::Success => self.change_debt(&row),
            // The use was recorded when the transaction was accepted, so that pending payments count against the
            // limits.
            Status::Failure | Status::Cancelled => self.undo_token_use(&row),
            Status::Pending | Status::Reserved => {}
        }
        let (sender, caller, recipient) = (row.sender, row.caller, row.recipient);
        // While the row is shared, a change of it would copy it.
        drop(row);

        self.post(number, &lines);
        // A hold on a card changes no balance, so the balances that were noted when the reservation was accepted
        // stay.
        if to.status != Status::Reserved {
            let balance = |party: AccountNumber| self.total(LedgerAccount::balance(party));
            let balances =
                Balances { sender: balance(sender), caller: balance(caller), recipient: balance(recipient) };
            self.progress(number, |progress| progress.balances = balances);
        }
        // A new transaction has no scheduled step that would have to be removed.
        if from.is_some() || due.is_some() {
            self.changes.due.insert(number, due);
        }
        self.changes.events.push(Event::StatusChanged { transaction: number, from, to });
    }

    /// Changes the open debts as a successful transaction requires: it clears debt, or opens it.
    fn change_debt(&mut self, done: &Transaction) {
        match (done.operation, done.instrument, done.debt_charged()) {
            (Operation::SettleDebt | Operation::WriteOffDebt, Some(instrument), _) => {
                self.clear_debt(instrument, done.charged());
            }
            (_, _, Some(charged)) => self.set_open_debt(charged, done.number, done.charged()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{
        Amount, Context, Descriptions, FeeTable, IdAllocator, IdCodec, PaymentMethod, Rules, StatusCode,
        StepKind, Timestamp,
    };

    const RECEIVED: Timestamp = Timestamp::from_millis(1_338_508_800_000);

    fn dollars(dollars: i64) -> Amount {
        Amount::from_micros(dollars * 1_000_000)
    }

    /// A transaction of ten dollars by card from account 1 to account 2.
    fn draft(operation: Operation) -> Transaction {
        let rules = Rules {
            fees: FeeTable::new(&FeeTable::default_rules()).unwrap(),
            cc_delay_millis: 0,
            ach_delay_millis: 0,
            max_amount: dollars(100),
            magic: false,
        };
        let mut ids = IdAllocator::new(IdCodec::new(1), 1, Timestamp::MIN);
        let mut context = Context { now: RECEIVED, is_clock_frozen: true, rules: &rules, ids: &mut ids };
        let caller = AccountNumber(2);
        let descriptions = Descriptions::default();
        Transaction {
            sender: AccountNumber(1),
            method: PaymentMethod::CC,
            ..context.draft_transaction(caller, operation, dollars(10), &descriptions)
        }
    }

    fn stage(minute: i64, status: Status, code: StatusCode) -> StatusChange {
        StatusChange { at: RECEIVED.plus_minutes(minute), status, code }
    }

    /// The stages that the events report of a book's only transaction. Each event has to begin at the stage before
    /// it.
    fn told(book: &Book) -> Vec<StatusChange> {
        let mut told: Vec<StatusChange> = Vec::new();
        for event in &book.changes().events {
            let Event::StatusChanged { from, to, .. } = *event else { panic!("{event:?}") };
            assert_eq!(from, told.last().map(|before| before.status));
            told.push(to);
        }
        told
    }

    #[test]
    fn a_reservation_that_is_settled_leaves_its_whole_way_in_history_events_journal_and_plan() {
        let mut book = Book::default();
        let draft = draft(Operation::Reserve);
        let number = draft.number;
        let due = |minute, step| {
            Some(ScheduledStep { at: RECEIVED.plus_minutes(minute), transaction: number, step })
        };
        for account in [LedgerAccount::balance(AccountNumber(1)), LedgerAccount::balance(AccountNumber(2))] {
            book.put_total(account, Amount::ZERO);
        }
        let total = |book: &Book, account| book.changes().totals.get(&account).copied().unwrap_or_default();
        let (reserved, incoming, balance) = (
            LedgerAccount::reserved(AccountNumber(2)),
            LedgerAccount::incoming(AccountNumber(2)),
            LedgerAccount::balance(AccountNumber(2)),
        );
        let way = [
            stage(0, Status::Pending, StatusCode::PendingNetworkResponse),
            stage(2, Status::Reserved, StatusCode::Success),
            stage(4, Status::Pending, StatusCode::PendingNetworkResponse),
            stage(6, Status::Success, StatusCode::Success),
        ];

        book.add_transaction(draft, way[0], due(2, StepKind::Complete));
        assert!(book.changes().postings.is_empty(), "{:?}", book.changes().postings);
        assert_eq!(book.changes().due[&number], due(2, StepKind::Complete));

        book.change_status(number, way[1], due(99, StepKind::Lapse));
        assert_eq!(total(&book, reserved), dollars(10));
        assert_eq!(book.changes().due[&number], due(99, StepKind::Lapse));

        book.progress(number, |progress| progress.settled = Some(dollars(7)));
        book.change_status(number, way[2], due(6, StepKind::Complete));
        assert_eq!((total(&book, reserved), total(&book, incoming)), (Amount::ZERO, dollars(7)));
        assert_eq!(book.transaction_by_number(number).unwrap().history.completed(), None);

        book.change_status(number, way[3], None);
        assert_eq!((total(&book, incoming), total(&book, balance)), (Amount::ZERO, dollars(7)));
        assert_eq!(book.changes().due[&number], None);
        let made = book.transaction_by_number(number).unwrap();
        assert_eq!(made.progress.balances.recipient, dollars(7));
        assert_eq!(made.history.completed(), Some(way[3].at));
        assert_eq!(made.history.changes(), way);
        assert_eq!(told(&book), way);
        assert_eq!(book.violation(), None);
    }

    #[test]
    fn a_failure_takes_back_what_was_held_and_moves_no_balance() {
        let mut book = Book::default();
        let draft = draft(Operation::Pay);
        let number = draft.number;
        book.add_transaction(draft, stage(0, Status::Pending, StatusCode::PendingNetworkResponse), None);
        assert!(book.changes().totals.values().any(|moved| !moved.is_zero()));
        book.change_status(number, stage(1, Status::Failure, StatusCode::Expired), None);
        assert!(book.changes().totals.values().all(|moved| moved.is_zero()), "{:?}", book.changes().totals);
        assert_eq!(book.changes().due[&number], None);
        assert_eq!(told(&book).len(), 2);
    }

    #[test]
    fn no_status_is_reached_before_the_one_before_it() {
        let mut book = Book::default();
        let draft = draft(Operation::Pay);
        let number = draft.number;
        book.add_transaction(draft, stage(5, Status::Pending, StatusCode::PendingNetworkResponse), None);
        book.change_status(number, stage(3, Status::Success, StatusCode::Success), None);
        let made = book.transaction_by_number(number).unwrap();
        assert_eq!(made.last_change(), stage(5, Status::Success, StatusCode::Success));
        assert_eq!(made.history.completed(), Some(RECEIVED.plus_minutes(5)));
        assert_eq!(told(&book), made.history.changes());
    }

    #[test]
    fn a_transaction_that_is_done_at_once_plans_nothing() {
        let mut book = Book::default();
        let draft = draft(Operation::Pay);
        book.add_transaction(draft, stage(0, Status::Success, StatusCode::Success), None);
        assert!(book.changes().due.is_empty(), "{:?}", book.changes().due);
    }

    #[test]
    fn a_transaction_that_is_not_there_breaks_the_batch_off_and_tells_nothing() {
        let mut book = Book::default();
        let number = TransactionNumber(9);
        book.change_status(number, stage(0, Status::Success, StatusCode::Success), None);
        assert_eq!(book.violation(), Some(&InvariantViolation::missing_transaction(number)));
        assert!(book.changes().is_empty());
    }
}
