//! Which status a transaction starts in, and which comes next: in the call, or later by card and bank (guide: Pay,
//! Reserve). How a status is changed stands in `book/transition.rs`.

use std::collections::BTreeMap;

use crate::error::{Code, FpsError};

use super::amount::Amount;
use super::book::{Book, History, InvariantViolation, Scheduled, ScheduledStep};
use super::idempotency::{IdempotencyKey, IdempotentAction};
use super::ids::{AccountNumber, TransactionNumber};
use super::instrument::Instrument;
use super::posting::{LedgerAccount, LedgerAccountKind};
use super::posting_rules;
use super::read_set::ReadSet;
use super::time::Timestamp;
use super::token::Token;
use super::transaction::{
    ChargeFeeTo, Descriptions, Operation, PaymentMethod, Progress, Status, StatusChange, StatusCode,
    Transaction,
};
use super::{Command, Context};

/// A reservation lapses after seven days (guide: Reserve).
const RESERVATION_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

/// How long a pending transaction may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum PendingTimeout {
    /// It fails when it is not done after so many minutes.
    WithinMinutes(i64),
    /// It takes as long as it takes.
    Unbounded,
}

impl PendingTimeout {
    /// What will happen at the end of a wait of `delay` milliseconds that ends in `outcome`.
    fn due(
        self,
        transaction: TransactionNumber,
        from: Timestamp,
        delay: i64,
        outcome: ScheduledStep,
    ) -> Scheduled {
        let answer = from.plus_millis(delay);
        match self {
            Self::WithinMinutes(minutes) if from.plus_minutes(minutes) < answer => {
                Scheduled { at: from.plus_minutes(minutes), transaction, step: ScheduledStep::Expire }
            }
            Self::WithinMinutes(_) | Self::Unbounded => Scheduled { at: answer, transaction, step: outcome },
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
        descriptions: &Descriptions,
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
            descriptions: descriptions.clone(),
            original: None,
            refund_policy: None,
            received,
            history: History::default(),
            progress: Progress::default(),
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
pub(super) fn check_funds(book: &Book, transaction: &Transaction) -> Result<(), FpsError> {
    let next = if transaction.waits_for().is_some() { Status::Pending } else { Status::Success };
    let lines = posting_rules::lines_in_status(transaction, next);
    let mut taken: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
    for (account, amount) in
        lines.into_iter().filter(|(account, _)| account.kind == LedgerAccountKind::Balance)
    {
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
pub(super) fn finish_at_once(book: &mut Book, draft: Transaction) -> TransactionNumber {
    let number = draft.number;
    let done = StatusChange { at: draft.received, status: Status::Success, code: StatusCode::Success };
    book.add_transaction(draft, done, None);
    number
}

/// Adds a transaction: done at once inside FPS, pending when it waits for a card or a bank.
pub(super) fn start(
    book: &mut Book,
    context: &Context<'_>,
    draft: Transaction,
    timing: PendingTimeout,
) -> TransactionNumber {
    let Some(delay) = draft.waits_for().and_then(|method| context.rules.delay_millis(method)) else {
        return finish_at_once(book, draft);
    };
    let number = draft.number;
    let code = StatusCode::PendingNetworkResponse;
    let pending = StatusChange { at: draft.received, status: Status::Pending, code };
    let due = timing.due(number, context.now, delay, context.rules.processor_outcome(&draft));
    book.add_transaction(draft, pending, Some(due));
    number
}

/// Settles a reservation, which says by now how much is settled and at what fees: what was held is charged, and pending
/// until the card answers.
pub(super) fn settle_reservation(book: &mut Book, context: &Context<'_>, settled: &Transaction) {
    let number = settled.number;
    let code = StatusCode::PendingNetworkResponse;
    let pending = StatusChange { at: context.now, status: Status::Pending, code };
    let delay = context.rules.delay_millis(settled.method).unwrap_or(0);
    let due = PendingTimeout::Unbounded.due(number, context.now, delay, ScheduledStep::Complete);
    book.progress(number, |progress| *progress = settled.progress);
    book.change_status(number, pending, Some(due));
}

/// Carries out work that has become due.
#[derive(Clone, Copy, Debug)]
pub struct RunScheduled(pub Scheduled);

impl Command for RunScheduled {
    type Output = ();

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        let transaction = reads.transaction_row(self.0.transaction);
        let clears = |found: &&Transaction| {
            self.0.step == ScheduledStep::Complete && found.operation == Operation::SettleDebt
        };
        let settled = transaction.filter(clears);
        if let Some((settled, instrument)) = settled.and_then(|found| Some((found, found.instrument?))) {
            reads.debts_to_clear(instrument, settled.amount);
        }
    }

    /// The transaction moves on at the instant the work was due, however late it is carried out.
    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let Scheduled { at, transaction: number, step } = self.0;
        let Some(transaction) = book.transaction_row(number) else {
            book.fail(InvariantViolation::transaction(number));
            return Ok(());
        };
        let reservation =
            transaction.operation == Operation::Reserve && transaction.progress.settled.is_none();
        let (status, code) = match (step, transaction.status()) {
            // The card holds the money: the reservation stands until it is settled, cancelled or lapses.
            (ScheduledStep::Complete, Status::Pending) if reservation => {
                (Status::Reserved, StatusCode::Success)
            }
            (ScheduledStep::Complete, Status::Pending) => (Status::Success, StatusCode::Success),
            (ScheduledStep::Expire, Status::Pending) => (Status::Failure, StatusCode::Expired),
            (ScheduledStep::Decline, Status::Pending) => (Status::Failure, StatusCode::TransactionDenied),
            (ScheduledStep::LackFunds, Status::Pending) => (Status::Failure, StatusCode::InsufficientFunds),
            (ScheduledStep::Lapse, Status::Reserved) => (Status::Cancelled, StatusCode::Expired),
            // It moved on by another way in the meantime.
            _ => {
                book.unschedule(number);
                return Ok(());
            }
        };
        let lapse = Scheduled {
            at: at.plus_millis(RESERVATION_MILLIS),
            transaction: number,
            step: ScheduledStep::Lapse,
        };
        let due = Some(lapse).filter(|_| status == Status::Reserved);
        book.change_status(number, StatusChange { at, status, code }, due);
        Ok(())
    }
}

impl Descriptions {
    /// The key of the caller reference of an action.
    pub(super) fn idempotency_key(&self, caller: AccountNumber, action: IdempotentAction) -> IdempotencyKey {
        let reference = self.caller_reference.clone();
        IdempotencyKey { caller, action, reference }
    }
}
