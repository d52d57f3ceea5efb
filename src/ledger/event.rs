//! What happened, for whoever has to be told of it.

use super::ids::{TokenNumber, TransactionNumber};
use super::time::Timestamp;
use super::transaction::{Status, StatusChange};

/// Something that parties are told of (guide: IPN). What else they are told stands in the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A transaction changed its status, or was accepted in its first.
    StatusChanged {
        /// Which transaction.
        transaction: TransactionNumber,
        /// The status before; none for a new transaction. It tells a settlement from the reservation that it settles:
        /// one row stands for both.
        from: Option<Status>,
        /// The status and code reached, and when.
        to: StatusChange,
    },
    /// A token was cancelled.
    TokenCancelled {
        /// Which token.
        token: TokenNumber,
        /// When.
        at: Timestamp,
    },
}
