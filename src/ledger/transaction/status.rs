//! The status of a transaction, and the history of its statuses.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ledger::named::Named as _;
use crate::ledger::time::Timestamp;

/// The state of a transaction (schema: TransactionStatus).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum Status {
    /// A card holds the amount.
    Reserved,
    /// The transaction succeeded.
    Success,
    /// The transaction failed and has no effect.
    Failure,
    /// The transaction waits for a card or a bank.
    Pending,
    /// The transaction was cancelled and has no effect.
    Cancelled,
}

/// The finer state of a transaction (guide: GetTransactionStatus).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum StatusCode {
    /// The payment instrument was charged, or a card holds the amount.
    Success,
    /// The payment processor has not answered yet.
    PendingNetworkResponse,
    /// The transaction was not completed within the time allowed, or a reservation lapsed.
    Expired,
    /// The payment processor declined for now.
    TransactionDenied,
    /// The payment processor declined because the sender lacks funds. In answers the code is `TransactionDenied` too.
    InsufficientFunds,
    /// The transaction was cancelled. The guide spells the code with one l and the status with two.
    Canceled,
}

impl Status {
    /// Whether no other status follows.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Reserved)
    }
}

impl StatusCode {
    /// The code as it is written in answers.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::InsufficientFunds => Self::TransactionDenied.name(),
            other => other.name(),
        }
    }

    /// The message for the code (the first two are recorded, the others are our choice).
    pub const fn message(self) -> &'static str {
        match self {
            Self::Success => "The transaction was successful and the payment instrument was charged.",
            Self::PendingNetworkResponse => {
                "The transaction is awaiting a response from the backend payment processor."
            }
            Self::Expired => "The transaction could not be completed within the time allowed.",
            Self::TransactionDenied => "The payment processor declined the transaction for now.",
            Self::InsufficientFunds => "The payment processor denied the transaction: insufficient funds.",
            Self::Canceled => "The transaction was cancelled.",
        }
    }
}

/// A change of status: one entry of a transaction's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusChange {
    /// The instant of the change.
    pub at: Timestamp,
    /// The status.
    pub status: Status,
    /// The status code.
    pub code: StatusCode,
}

impl StatusChange {
    /// The message for the change. A reservation has a message of its own, because an amount that is only held was
    /// not charged (our choice).
    pub const fn message(&self) -> &'static str {
        match (self.status, self.code) {
            (Status::Reserved, StatusCode::Success) => {
                "The transaction was successful and the amount was reserved."
            }
            (_, code) => code.message(),
        }
    }
}

/// Every status that a transaction has had. Only `Book::change_status` adds to it, so the fields are private.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    stages: Vec<StatusChange>,
    completed: Option<Timestamp>,
}

impl History {
    /// A history as stored.
    pub fn stored(stages: Vec<StatusChange>, completed: Option<Timestamp>) -> Self {
        Self { stages, completed }
    }

    /// Every status so far, oldest first. There is none only before the transaction is accepted.
    pub fn changes(&self) -> &[StatusChange] {
        &self.stages
    }

    /// The last status change, which gives the current status.
    pub fn last(&self) -> Option<StatusChange> {
        self.stages.last().copied()
    }

    /// When the transaction reached its final status; `None` until then.
    pub fn completed(&self) -> Option<Timestamp> {
        self.completed
    }

    /// Enters a status, at its instant but not before the last change: a transaction may count as received a little
    /// later than the clock shows. Returns the change with the instant that was entered.
    pub(in crate::ledger) fn enter(&mut self, to: StatusChange) -> StatusChange {
        let at = self.last().map_or(to.at, |last| to.at.max(last.at));
        let entered = StatusChange { at, ..to };
        self.stages.push(entered);
        if to.status.is_final() {
            self.completed = Some(at);
        }
        entered
    }
}
