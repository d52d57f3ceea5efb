//! Caller references: one reference has one effect (guide: Important Values to Store).

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::error::FpsError;
use crate::ledger::ids::{AccountNumber, TransactionNumber};
use crate::ledger::time::Timestamp;
use crate::ledger::transaction::status::Status;

/// An action that makes a transaction under a caller reference.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
pub enum IdempotentAction {
    /// Pay.
    Pay,
    /// Reserve.
    Reserve,
    /// Refund.
    Refund,
    /// FundPrepaid.
    FundPrepaid,
    /// SettleDebt.
    SettleDebt,
    /// WriteOffDebt.
    WriteOffDebt,
    /// CancelSubscriptionAndRefund with an amount.
    CancelSubscriptionAndRefund,
}

/// A caller reference in its scope. It is unique for a caller account and an action (inferred: a merchant in
/// production gave a Refund the reference of its Pay).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey {
    /// The caller.
    pub caller: AccountNumber,
    /// The action.
    pub action: IdempotentAction,
    /// The reference as sent.
    pub reference: String,
}

impl IdempotencyKey {
    /// The key of a caller reference.
    pub(super) fn new(caller: AccountNumber, action: IdempotentAction, reference: &str) -> Self {
        Self { caller, action, reference: reference.to_owned() }
    }
}

/// A digest of an action and its business parameters: two requests are the same when their digests are.
pub type RequestDigest = [u8; 16];

/// What is recorded of a caller reference that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// The digest of the request.
    pub digest: RequestDigest,
    /// The outcome that a repeated request gets again.
    pub outcome: RecordedOutcome,
    /// When the reference may be used for another request.
    pub expires: Timestamp,
}

/// The outcome of a request, as it is given again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedOutcome {
    /// A transaction was made.
    Made {
        /// The transaction.
        transaction: TransactionNumber,
        /// The status of the transaction in the first answer.
        status: Status,
    },
    /// The request was refused.
    Refused(FpsError),
}
