//! The status of a transaction, and every status that it has had.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::ledger::named::Named as _;
use crate::ledger::time::Timestamp;

/// The state of a transaction (schema: TransactionStatus).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum Status {
    /// Held on a card.
    Reserved,
    /// Done.
    Success,
    /// Failed, without effect.
    Failure,
    /// Waiting for a card or a bank.
    Pending,
    /// Cancelled.
    Cancelled,
}

/// The finer state of a transaction (guide: GetTransactionStatus).
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
pub enum StatusCode {
    /// The payment instrument was charged.
    Success,
    /// The payment processor has not answered yet.
    PendingNetworkResponse,
    /// The time allowed ran out.
    Expired,
    /// The processor refused for now.
    TransactionDenied,
    /// The processor refused because the sender lacks funds; on the wire `TransactionDenied` too.
    InsufficientFunds,
    /// Called off; the guide's spelling has one l here and two in the status.
    Canceled,
}

impl Status {
    /// Whether nothing comes after it.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Reserved)
    }
}

impl StatusCode {
    /// The code as it stands in answers.
    pub fn wire_name(self) -> &'static str {
        match self {
            Self::InsufficientFunds => Self::TransactionDenied.name(),
            other => other.name(),
        }
    }

    /// The sentence that goes with the code (the first two as recorded, the rest our choice).
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
    /// The sentence that goes with it: an amount that is only held was not charged (the variant's text is our choice).
    pub const fn message(&self) -> &'static str {
        match (self.status, self.code) {
            (Status::Reserved, StatusCode::Success) => {
                "The transaction was successful and the amount was reserved."
            }
            (_, code) => code.message(),
        }
    }
}

/// Every status that a transaction has had. Everybody may read it; nothing but a change of status adds to it.
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

    /// Every status so far, oldest first; empty only until the transaction is accepted.
    pub fn changes(&self) -> &[StatusChange] {
        &self.stages
    }

    /// The current status.
    pub fn last(&self) -> Option<StatusChange> {
        self.stages.last().copied()
    }

    /// When the transaction ended.
    pub fn completed(&self) -> Option<Timestamp> {
        self.completed
    }

    /// Enters a status, at its instant or with the one before it: a transaction may have been received a few
    /// milliseconds after the instant that the clock showed.
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
