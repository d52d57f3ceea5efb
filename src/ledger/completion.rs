//! How transactions end: in the call, or later by card and bank (guide: Pay; decisions 5).

use crate::error::{Code, FpsError};

use super::book::{Book, Due, Step};
use super::idempotency::ReferenceKey;
use super::instrument::CreditInstrument;
use super::money::Amount;
use super::names::TransactionNumber;
use super::needs::Needs;
use super::posting::LedgerAccount;
use super::token::Token;
use super::transaction::{
    ChargeFeeTo, Operation, PaymentMethod, Progress, Remarks, Stage, Status, StatusCode, Transaction,
};
use super::{Caller, Command, Context};

/// How long a pending transaction may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum Timing {
    /// It fails when it is not done after so many minutes.
    WithinMinutes(i64),
    /// It takes as long as it takes.
    Unbounded,
}

impl Timing {
    pub(super) const fn within_minutes(minutes: i64) -> Self {
        Self::WithinMinutes(minutes)
    }

    /// What will happen to a payment that takes `delay` milliseconds.
    fn due(self, payment: &Transaction, delay: i64) -> Due {
        let &Transaction { world, number: transaction, received, .. } = payment;
        let done = received.plus_millis(delay);
        match self {
            Self::WithinMinutes(minutes) if received.plus_minutes(minutes) < done => {
                Due { world, at: received.plus_minutes(minutes), transaction, step: Step::Expire }
            }
            Self::WithinMinutes(_) | Self::Unbounded => {
                Due { world, at: done, transaction, step: Step::Complete }
            }
        }
    }
}

/// Starting a transaction.
impl Transaction {
    /// A transaction of the caller's with himself, free and by debt; the methods below say what it really is.
    pub(super) fn draft(
        context: &mut Context<'_>,
        caller: Caller,
        operation: Operation,
        amount: Amount,
        remarks: &Remarks,
    ) -> Self {
        let (number, id) = context.numbering.transaction(context.now);
        Self {
            number,
            world: caller.world,
            id,
            operation,
            caller: caller.account,
            sender: caller.account,
            recipient: caller.account,
            sender_token: None,
            credit_instrument: None,
            method: PaymentMethod::Debt,
            amount,
            fee: Amount::ZERO,
            charge_fee_to: ChargeFeeTo::Recipient,
            remarks: remarks.clone(),
            original: None,
            received: context.now,
            progress: Progress {
                history: Vec::new(),
                completed: None,
                refunded: Amount::ZERO,
                fee_returned: Amount::ZERO,
                lines: 0,
            },
        }
    }

    /// Paid by the token's owner, by the token's method.
    pub(super) fn paid_with(self, token: &Token) -> Self {
        Self {
            sender: token.account,
            sender_token: Some(token.number),
            credit_instrument: token.credit_instrument,
            method: token.method,
            ..self
        }
    }

    /// Between debtor and creditor.
    pub(super) fn on_debt_of(self, instrument: &CreditInstrument) -> Self {
        Self { sender: instrument.sender, credit_instrument: Some(instrument.number), ..self }
    }

    /// With a fee.
    pub(super) fn charging(self, charge_fee_to: ChargeFeeTo, fee: Amount) -> Self {
        Self { fee, charge_fee_to, ..self }
    }

    /// With a fee that the recipient pays.
    pub(super) fn charging_recipient(self, fee: Amount) -> Self {
        self.charging(ChargeFeeTo::Recipient, fee)
    }
}

/// Whether the sender's balance covers a payment from it.
pub(super) fn funds_suffice(book: &Book, token: &Token, amount: Amount) -> Result<(), FpsError> {
    let short =
        token.method == PaymentMethod::ABT && book.total(LedgerAccount::balance(token.account)) < amount;
    if short { Err(Code::InsufficientBalance.into()) } else { Ok(()) }
}

/// Adds a transaction that is done as soon as it is made.
pub(super) fn finish_at_once(book: &mut Book, mut draft: Transaction) -> TransactionNumber {
    let (number, received) = (draft.number, draft.received);
    draft.progress.history = vec![Stage { at: received, status: Status::Success, code: StatusCode::Success }];
    draft.progress.completed = Some(received);
    book.add_transaction(draft);
    number
}

/// Adds a transaction and moves its money: at once inside FPS, later by card and bank.
pub(super) fn charge(
    book: &mut Book,
    context: &Context<'_>,
    mut draft: Transaction,
    timing: Timing,
) -> TransactionNumber {
    let Some(delay) = leaves_fps(&draft).and_then(|method| context.rules.delay_millis(method)) else {
        let number = finish_at_once(book, draft);
        take_effect(book, number, &[]);
        return number;
    };
    let (number, received) = (draft.number, draft.received);
    let code = StatusCode::PendingNetworkResponse;
    draft.progress.history = vec![Stage { at: received, status: Status::Pending, code }];
    let (held, due) = (hold(&draft), timing.due(&draft, delay));
    book.add_transaction(draft);
    book.post(number, &held);
    book.schedule(due);
    number
}

/// The external method a transaction waits for. Refunds of bank payments go to the sender's balance, at once.
fn leaves_fps(transaction: &Transaction) -> Option<PaymentMethod> {
    let refund_to_balance =
        transaction.operation == Operation::Refund && transaction.method == PaymentMethod::ACH;
    Some(transaction.method).filter(|method| method.is_external() && !refund_to_balance)
}

type Lines = Vec<(LedgerAccount, Amount)>;

/// The journal lines while a transaction is pending.
fn hold(transaction: &Transaction) -> Lines {
    let Transaction { amount, fee, recipient, sender, world, .. } = *transaction;
    let Some(clearing) = LedgerAccount::clearing(world, transaction.method) else { return Lines::new() };
    match transaction.operation {
        Operation::Refund => vec![
            (LedgerAccount::balance(sender), -(amount + fee)),
            (LedgerAccount::fees(world), fee),
            (clearing, amount),
        ],
        Operation::Pay | Operation::SettleDebt | Operation::WriteOffDebt | Operation::DepositFunds => {
            let mut lines =
                vec![(clearing, fee - amount), (LedgerAccount::incoming(recipient), amount - fee)];
            if let Some(instrument) = settled_instrument(transaction) {
                lines.push((LedgerAccount::debt(instrument), -amount));
                lines.push((LedgerAccount::debt_pending(instrument), amount));
            }
            lines
        }
    }
}

/// The journal lines of a transaction that is done.
fn effect(transaction: &Transaction) -> Lines {
    let Transaction { amount, fee, recipient, sender, caller, world, .. } = *transaction;
    let outside = leaves_fps(transaction).and_then(|method| LedgerAccount::outside(world, method));
    let from = |party| outside.unwrap_or(LedgerAccount::balance(party));
    if transaction.operation == Operation::Refund {
        return vec![
            (LedgerAccount::balance(sender), -(amount + fee)),
            (LedgerAccount::fees(world), fee),
            (from(recipient), amount),
        ];
    }
    let mut lines = vec![
        (from(sender), -amount),
        (LedgerAccount::balance(recipient), amount - fee),
        (LedgerAccount::fees(world), fee),
    ];
    if let Some(instrument) = settled_instrument(transaction) {
        lines.push((LedgerAccount::debt(instrument), -amount));
        lines.push((LedgerAccount::credit_extended(caller), amount));
    }
    lines
}

fn settled_instrument(transaction: &Transaction) -> Option<super::InstrumentNumber> {
    transaction.credit_instrument.filter(|_| transaction.operation == Operation::SettleDebt)
}

/// Writes a transaction's final lines, together with `released` holds, and clears the debt it settles.
fn take_effect(book: &mut Book, number: TransactionNumber, released: &[(LedgerAccount, Amount)]) {
    let Some(transaction) = book.transaction_row(number) else { return };
    let mut lines = effect(transaction);
    lines.extend_from_slice(released);
    let settled = settled_instrument(transaction).map(|instrument| (instrument, transaction.amount));
    book.post(number, &lines);
    if let Some((instrument, amount)) = settled {
        book.clear_debt(instrument, amount);
    }
}

/// Carries out work that has become due.
#[derive(Clone, Copy, Debug)]
pub struct CarryOut(pub Due);

impl Command for CarryOut {
    type Output = ();

    fn needs(&self, needs: &mut Needs<'_>) {
        let transaction = needs.transaction_row(self.0.transaction);
        if let Some(instrument) = transaction.and_then(settled_instrument) {
            needs.open_debts_on(instrument);
        }
    }

    /// The transaction ends at the instant the work was due, however late it is carried out.
    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        let Due { at, transaction: number, step, .. } = self.0;
        book.unschedule(self.0);
        let Some(transaction) =
            book.transaction_row(number).filter(|found| found.status() == Status::Pending)
        else {
            return Ok(());
        };
        let released: Lines =
            hold(transaction).into_iter().map(|(account, amount)| (account, -amount)).collect();
        let (token, amount, received) = (transaction.sender_token, transaction.amount, transaction.received);
        let (status, code) = match step {
            Step::Complete => {
                take_effect(book, number, &released);
                (Status::Success, StatusCode::Success)
            }
            Step::Expire => {
                book.post(number, &released);
                if let Some(token) = token {
                    book.use_token(token, |token| token.give_back(amount, received));
                }
                (Status::Failure, StatusCode::Expired)
            }
        };
        book.progress(number, |progress| {
            progress.history.push(Stage { at, status, code });
            progress.completed = Some(at);
        });
        Ok(())
    }
}

impl Remarks {
    /// The key of the reference in its caller's space.
    pub(super) fn reference_key(&self, caller: Caller) -> ReferenceKey {
        ReferenceKey { world: caller.world, caller: caller.account, reference: self.caller_reference.clone() }
    }
}
