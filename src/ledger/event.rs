//! Events: what happened to transactions and tokens. Notifications are made of them.

use crate::ledger::ids::{TokenNumber, TransactionNumber};
use crate::ledger::time::Timestamp;
use crate::ledger::transaction::status::{Status, StatusChange};

/// An event that parties are notified of (guide: IPN). The rows hold the rest of what a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A transaction changed its status. A new transaction enters its first status.
    StatusChanged {
        /// The transaction.
        transaction: TransactionNumber,
        /// The status before; `None` for a new transaction. It distinguishes a settlement from its reservation, because
        /// one row holds both.
        from: Option<Status>,
        /// The new status, its code and its instant.
        to: StatusChange,
    },
    /// A token was cancelled.
    TokenCancelled {
        /// The token.
        token: TokenNumber,
        /// The instant.
        at: Timestamp,
    },
}
