//! How transactions start and end: in the call, or later by card and bank (guide: Pay, Reserve).

use std::collections::BTreeMap;

use crate::error::{Code, FpsError};

use super::book::{Book, BrokenInvariant, Due, Step};
use super::entries::{self, Lines};
use super::idempotency::{ReferenceKey, ReferencedAction};
use super::instrument::Instrument;
use super::money::Amount;
use super::names::{AccountNumber, TransactionNumber};
use super::needs::Needs;
use super::posting::{Kind, LedgerAccount};
use super::time::Timestamp;
use super::token::Token;
use super::transaction::{
    Balances, ChargeFeeTo, Operation, PaymentMethod, Progress, Remarks, Stage, Status, StatusCode,
    Transaction,
};
use super::{Command, Context};

/// A reservation lapses after seven days (guide: Reserve).
const RESERVATION_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// How long a pending transaction may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timing {
    /// It fails when it is not done after so many minutes.
    WithinMinutes(i64),
    /// It takes as long as it takes.
    Unbounded,
}

impl Timing {
    /// What will happen at the end of a wait of `delay` milliseconds that ends in `outcome`.
    fn due(self, transaction: &Transaction, from: Timestamp, delay: i64, outcome: Step) -> Due {
        let transaction = transaction.number;
        let answer = from.plus_millis(delay);
        match self {
            Self::WithinMinutes(minutes) if from.plus_minutes(minutes) < answer => {
                Due { at: from.plus_minutes(minutes), transaction, step: Step::Expire }
            }
            Self::WithinMinutes(_) | Self::Unbounded => Due { at: answer, transaction, step: outcome },
        }
    }
}

/// Starting a transaction.
impl Transaction {
    /// A transaction of the caller's with himself, free and by debt; the methods below say what it really is.
    pub(super) fn draft(
        context: &mut Context<'_>,
        caller: AccountNumber,
        operation: Operation,
        amount: Amount,
        remarks: &Remarks,
    ) -> Self {
        let (number, id, received) = context.numbering.transaction(context.now, context.clock_stands);
        Self {
            number,
            id,
            operation,
            caller,
            sender: caller,
            recipient: caller,
            sender_token: None,
            recipient_token: None,
            instrument: None,
            method: PaymentMethod::Debt,
            amount,
            charge_fee_to: ChargeFeeTo::Recipient,
            remarks: remarks.clone(),
            original: None,
            refund_policy: None,
            received,
            progress: Progress {
                history: Vec::new(),
                completed: None,
                settled: None,
                fee: Amount::ZERO,
                marketplace_fee: Amount::ZERO,
                refunded: Amount::ZERO,
                fee_returned: Amount::ZERO,
                marketplace_fee_returned: Amount::ZERO,
                balances: Balances::default(),
                lines: 0,
            },
        }
    }

    /// Paid by the token's owner, by the token's method.
    pub(super) fn paid_with(self, token: &Token) -> Self {
        Self {
            sender: token.account,
            sender_token: Some(token.number),
            instrument: token.instrument,
            method: token.method,
            ..self
        }
    }

    /// Between debtor and creditor.
    pub(super) fn on_debt_of(self, instrument: &Instrument) -> Self {
        Self { sender: instrument.sender, instrument: Some(instrument.number), ..self }
    }

    /// With a fee.
    pub(super) fn charging(mut self, charge_fee_to: ChargeFeeTo, fee: Amount) -> Self {
        self.charge_fee_to = charge_fee_to;
        self.progress.fee = fee;
        self
    }

    /// The card or bank whose answer it waits for. A refund of a bank payment goes to the sender's balance.
    pub(super) fn waits_for(&self) -> Option<PaymentMethod> {
        let inside = match self.operation {
            Operation::Refund => self.method == PaymentMethod::ACH,
            Operation::DepositFunds => true,
            _ => false,
        };
        Some(self.method).filter(|method| method.is_external() && !inside)
    }
}

/// Whether every balance that a transaction takes from covers it: the sender's, or that of a caller whose fee is more
/// than its share, or in a refund those of the parties that got the money. A reservation takes from none: whether the
/// caller can bear a fee is asked when it is settled (our choice).
pub(super) fn covered(book: &Book, transaction: &Transaction) -> Result<(), FpsError> {
    let waits = transaction.waits_for().is_some();
    let lines = if waits { entries::pending(transaction) } else { entries::done(transaction) };
    let mut taken: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
    for (account, amount) in lines.into_iter().filter(|(account, _)| account.kind == Kind::Balance) {
        *taken.entry(account).or_default() += amount;
    }
    let short = |(account, amount): &(LedgerAccount, Amount)| {
        *amount < Amount::ZERO && book.total(*account) + *amount < Amount::ZERO
    };
    let Some((account, _)) = taken.into_iter().find(short) else { return Ok(()) };
    let pays_fee =
        account == LedgerAccount::balance(transaction.caller) && transaction.caller != transaction.sender;
    if pays_fee && transaction.operation != Operation::Refund {
        let text = "The caller's balance does not cover the fee of the transaction.";
        return Err(FpsError::new(Code::InsufficientBalance, text));
    }
    Err(Code::InsufficientBalance.into())
}

/// Adds a transaction that is done as soon as it is made.
pub(super) fn finish_at_once(book: &mut Book, mut draft: Transaction) -> TransactionNumber {
    let (number, received) = (draft.number, draft.received);
    draft.progress.history = vec![Stage { at: received, status: Status::Success, code: StatusCode::Success }];
    draft.progress.completed = Some(received);
    book.add_transaction(draft);
    take_effect(book, number, Lines::new());
    number
}

/// Adds a transaction: done at once inside FPS, pending when it waits for a card or a bank.
pub(super) fn start(
    book: &mut Book,
    context: &Context<'_>,
    mut draft: Transaction,
    timing: Timing,
) -> TransactionNumber {
    let Some(delay) = draft.waits_for().and_then(|method| context.rules.delay_millis(method)) else {
        return finish_at_once(book, draft);
    };
    let (number, received) = (draft.number, draft.received);
    let code = StatusCode::PendingNetworkResponse;
    draft.progress.history = vec![Stage { at: received, status: Status::Pending, code }];
    let outcome = context.rules.outcome(&draft);
    let due = timing.due(&draft, context.now, delay, outcome);
    let held = entries::pending(&draft);
    book.add_transaction(draft);
    book.post(number, &held);
    record_balances(book, number);
    book.schedule(due);
    number
}

/// Settles a reservation: what was held is charged, and pending until the card answers.
pub(super) fn settle_reservation(
    book: &mut Book,
    context: &Context<'_>,
    number: TransactionNumber,
    amount: Amount,
    fees: (Amount, Amount),
) {
    let Some(released) = book.transaction_row(number).map(|held| entries::reversed(entries::reserved(held)))
    else {
        return book.break_off(BrokenInvariant::transaction(number));
    };
    let code = StatusCode::PendingNetworkResponse;
    book.progress(number, |progress| {
        progress.settled = Some(amount);
        (progress.fee, progress.marketplace_fee) = fees;
        progress.go_on(context.now, Status::Pending, code);
    });
    let Some(settling) = book.transaction_row(number) else {
        return book.break_off(BrokenInvariant::transaction(number));
    };
    let delay = context.rules.delay_millis(settling.method).unwrap_or(0);
    let due = Timing::Unbounded.due(settling, context.now, delay, Step::Complete);
    let lines: Lines = released.into_iter().chain(entries::pending(settling)).collect();
    book.post(number, &lines);
    record_balances(book, number);
    book.schedule(due);
}

/// Ends a transaction that is pending or reserved without effect, and gives its token's use back.
pub(super) fn end_without_effect(
    book: &mut Book,
    number: TransactionNumber,
    at: Timestamp,
    status: Status,
    code: StatusCode,
) {
    let Some(transaction) = book.transaction_row(number) else {
        return book.break_off(BrokenInvariant::transaction(number));
    };
    let held = match transaction.status() {
        Status::Reserved => entries::reserved(transaction),
        _ => entries::pending(transaction),
    };
    let (token, amount, received) = (transaction.sender_token, transaction.amount, transaction.received);
    book.post(number, &entries::reversed(held));
    if let Some(token) = token {
        book.use_token(token, |token| token.give_back(amount, received));
    }
    book.unschedule(number);
    book.progress(number, |progress| progress.go_on(at, status, code));
    record_balances(book, number);
}

/// Writes a transaction's final lines, together with what takes back the pending ones, and what follows for debt.
fn take_effect(book: &mut Book, number: TransactionNumber, released: Lines) {
    let Some(transaction) = book.transaction_row(number) else {
        return book.break_off(BrokenInvariant::transaction(number));
    };
    let lines: Lines = released.into_iter().chain(entries::done(transaction)).collect();
    let (operation, instrument, amount) =
        (transaction.operation, transaction.instrument, transaction.charged());
    let charged = transaction.debt_charged();
    book.post(number, &lines);
    match (operation, instrument) {
        (Operation::SettleDebt | Operation::WriteOffDebt, Some(instrument)) => {
            book.clear_debt(instrument, amount);
        }
        _ => {
            if let Some(instrument) = charged {
                book.set_open_debt(instrument, number, amount);
            }
        }
    }
    record_balances(book, number);
}

/// Notes the parties' balances, for the account activity.
fn record_balances(book: &mut Book, number: TransactionNumber) {
    let Some(transaction) = book.transaction_row(number) else {
        return book.break_off(BrokenInvariant::transaction(number));
    };
    let balance = |party| book.total(LedgerAccount::balance(party));
    let balances = Balances {
        sender: balance(transaction.sender),
        caller: balance(transaction.caller),
        recipient: balance(transaction.recipient),
    };
    book.progress(number, |progress| progress.balances = balances);
}

impl Progress {
    /// Goes on to a further state, at this instant or with the state before it: a transaction may have been received a
    /// few milliseconds after the instant that the clock showed.
    fn go_on(&mut self, at: Timestamp, status: Status, code: StatusCode) {
        let at = self.history.last().map_or(at, |last| at.max(last.at));
        self.history.push(Stage { at, status, code });
        if !matches!(status, Status::Pending | Status::Reserved) {
            self.completed = Some(at);
        }
    }
}

/// Carries out work that has become due.
#[derive(Clone, Copy, Debug)]
pub struct CarryOut(pub Due);

impl Command for CarryOut {
    type Output = ();

    fn needs(&self, needs: &mut Needs<'_>) {
        let transaction = needs.transaction_row(self.0.transaction);
        let clears =
            |found: &&Transaction| self.0.step == Step::Complete && found.operation == Operation::SettleDebt;
        let settled = transaction.filter(clears);
        if let Some((settled, instrument)) = settled.and_then(|found| Some((found, found.instrument?))) {
            needs.debts_to_clear(instrument, settled.amount);
        }
    }

    /// The transaction moves on at the instant the work was due, however late it is carried out.
    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let Due { at, transaction: number, step, .. } = self.0;
        book.unschedule(number);
        let Some(transaction) = book.transaction_row(number) else {
            book.break_off(BrokenInvariant::transaction(number));
            return Ok(());
        };
        let reservation =
            transaction.operation == Operation::Reserve && transaction.progress.settled.is_none();
        match (step, transaction.status()) {
            (Step::Complete, Status::Pending) if reservation => hold_reservation(book, number, at),
            (Step::Complete, Status::Pending) => {
                let released = entries::reversed(entries::pending(transaction));
                book.progress(number, |progress| progress.go_on(at, Status::Success, StatusCode::Success));
                take_effect(book, number, released);
            }
            (Step::Expire, Status::Pending) => {
                end_without_effect(book, number, at, Status::Failure, StatusCode::Expired);
            }
            (Step::Decline, Status::Pending) => {
                end_without_effect(book, number, at, Status::Failure, StatusCode::TransactionDenied);
            }
            (Step::LackFunds, Status::Pending) => {
                end_without_effect(book, number, at, Status::Failure, StatusCode::InsufficientFunds);
            }
            (Step::Lapse, Status::Reserved) => {
                end_without_effect(book, number, at, Status::Cancelled, StatusCode::Expired);
            }
            // It moved on by another way in the meantime.
            _ => {}
        }
        Ok(())
    }
}

/// The card holds the money: the reservation stands until it is settled, cancelled or lapses.
fn hold_reservation(book: &mut Book, number: TransactionNumber, at: Timestamp) {
    let Some(transaction) = book.transaction_row(number) else {
        return book.break_off(BrokenInvariant::transaction(number));
    };
    let lines = entries::reserved(transaction);
    let due = Due { at: at.plus_millis(RESERVATION_MILLIS), transaction: number, step: Step::Lapse };
    book.post(number, &lines);
    book.progress(number, |progress| progress.go_on(at, Status::Reserved, StatusCode::Success));
    book.schedule(due);
}

impl Remarks {
    /// The key of the caller reference of an action.
    pub(super) fn reference_key(&self, caller: AccountNumber, action: ReferencedAction) -> ReferenceKey {
        let reference = self.caller_reference.clone();
        ReferenceKey { caller, action, reference }
    }
}
