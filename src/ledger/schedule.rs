//! Steps of transactions that are scheduled for later.

use strum::{EnumString, IntoStaticStr};

use crate::ledger::ids::TransactionNumber;
use crate::ledger::time::Timestamp;

/// A step of a transaction that is scheduled for an instant of the world's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduledStep {
    /// The instant.
    pub at: Timestamp,
    /// The transaction.
    pub transaction: TransactionNumber,
    /// The kind of step.
    pub step: StepKind,
}

/// The kinds of steps that can be scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum StepKind {
    /// The payment processor answers: the transaction succeeds.
    Complete,
    /// The transaction was pending for too long: it fails.
    Expire,
    /// The payment processor declines: the transaction fails.
    Decline,
    /// The payment processor declines because the sender lacks funds: the transaction fails.
    LackFunds,
    /// The reservation was not settled in time: it is cancelled.
    Lapse,
}

impl StepKind {
    /// Whether a magic amount forced the step.
    pub const fn is_forced(self) -> bool {
        matches!(self, Self::Decline | Self::LackFunds)
    }
}
