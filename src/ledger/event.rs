//! Events: what happened to transactions and tokens, as notifications will report it. Nothing sends notifications
//! yet.

use crate::ledger::ids::{TokenNumber, TransactionNumber};
use crate::ledger::time::Timestamp;
use crate::ledger::transaction::status::{Status, StatusChange};

/// An event of which parties are to be notified (guide: IPN). The rows hold the rest of what a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A transaction changed its status. A new transaction enters its first status.
    StatusChanged {
        /// The transaction.
        transaction: TransactionNumber,
        /// The status before the change; `None` for a new transaction. It distinguishes a settlement from its
        /// reservation, because one row holds both.
        from: Option<Status>,
        /// The new status, its code and its instant.
        to: StatusChange,
    },
    /// A token was cancelled.
    TokenCancelled {
        /// The token.
        token: TokenNumber,
        /// The instant of the cancellation.
        at: Timestamp,
    },
}
