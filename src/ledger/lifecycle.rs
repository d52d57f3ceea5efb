//! The first status of a transaction, and the step that is scheduled after it: inside FPS it finishes in the call, by
//! card or bank later (guide: Pay, Reserve). `book/status_change.rs` carries out the change of a status.

use std::collections::BTreeMap;

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::book::Book;
use crate::ledger::command::Context;
use crate::ledger::ids::TransactionNumber;
use crate::ledger::journal::posting_rules;
use crate::ledger::journal::{LedgerAccount, LedgerAccountKind};
use crate::ledger::schedule::{ScheduledStep, StepKind};
use crate::ledger::time::Timestamp;
use crate::ledger::transaction::status::{Status, StatusChange, StatusCode};
use crate::ledger::transaction::{Operation, Transaction};

/// How long a pending transaction may take.
#[derive(Clone, Copy, Debug)]
pub(super) enum PendingTimeout {
    /// The transaction fails if it is still pending after this many minutes.
    WithinMinutes(i64),
    /// The transaction stays pending until the card or bank answers.
    Unbounded,
}

impl PendingTimeout {
    /// The step to schedule for a transaction whose card or bank answers with `outcome` after `delay` milliseconds.
    /// An answer later than the timeout never counts, so one scheduled step is enough.
    fn due(
        self,
        transaction: TransactionNumber,
        from: Timestamp,
        delay: i64,
        outcome: StepKind,
    ) -> ScheduledStep {
        let answer = from.plus_millis(delay);
        match self {
            Self::WithinMinutes(minutes) if from.plus_minutes(minutes) < answer => {
                ScheduledStep { at: from.plus_minutes(minutes), transaction, step: StepKind::Expire }
            }
            Self::WithinMinutes(_) | Self::Unbounded => {
                ScheduledStep { at: answer, transaction, step: outcome }
            }
        }
    }
}

/// Whether every balance that a transaction lowers covers it. That is the sender's balance, the balance of a caller
/// whose fee is more than its share, or in a refund the balances of the parties that received the money. A
/// reservation lowers no balance: whether the caller can pay the fee is checked by Settle (our choice).
pub(super) fn check_balances(book: &Book, transaction: &Transaction) -> Result<(), FpsError> {
    // The postings that the transaction is about to write say what it takes. So this check cannot disagree with them.
    let next = if transaction.waits_for().is_some() { Status::Pending } else { Status::Success };
    let lines = posting_rules::lines_in_status(transaction, next);
    let mut taken: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
    // Two lines may concern one balance, as when the caller is also the sender. Only their sum has to be covered.
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

/// Adds a transaction that succeeds in the call.
pub(super) fn finish_at_once(book: &mut Book, draft: Transaction) -> TransactionNumber {
    let number = draft.number;
    let done = StatusChange { at: draft.received, status: Status::Success, code: StatusCode::Success };
    book.add_transaction(draft, done, None);
    number
}

/// Adds a transaction. It succeeds in the call if it stays inside FPS, and is pending if it waits for a card or a
/// bank.
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

/// Settles a reservation. `settled` is the reservation with the settled amount and its fees. The transaction is
/// pending again until the card answers.
pub(super) fn settle_reservation(book: &mut Book, context: &Context<'_>, settled: &Transaction) {
    let number = settled.number;
    let code = StatusCode::PendingNetworkResponse;
    let pending = StatusChange { at: context.now, status: Status::Pending, code };
    let delay = context.rules.delay_millis(settled.method).unwrap_or(0);
    // The card has approved the hold, so no magic amount declines the charge.
    let due = PendingTimeout::Unbounded.due(number, context.now, delay, StepKind::Complete);
    // The amount and the fees come first: the postings of the new status are computed from them. The hold of the
    // reservation does not depend on them, so it is still released in full.
    book.progress(number, |progress| *progress = settled.progress);
    book.change_status(number, pending, Some(due));
}
