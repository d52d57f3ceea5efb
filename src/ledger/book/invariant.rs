//! Invariants of the book that are checked in release builds too.

use crate::ledger::amount::Amount;
use crate::ledger::ids::{InstrumentNumber, TransactionNumber};

/// An invariant of the book that does not hold. This is a bug of the sandbox: the batch stops, and none of it is
/// saved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvariantViolation {
    /// Postings do not sum to zero.
    #[error("the postings of transaction {} sum to {sum}, not to zero", transaction.0)]
    Unbalanced {
        /// The transaction.
        transaction: TransactionNumber,
        /// The sum of the postings.
        sum: Amount,
    },
    /// More debt is to be cleared than is open.
    #[error("{rest} more is to be cleared on instrument {} than is open", instrument.0)]
    NotOpen {
        /// The instrument.
        instrument: InstrumentNumber,
        /// The amount that is missing.
        rest: Amount,
    },
    /// A row that has to be changed is not in the book.
    #[error("{table} {number} is to be changed and is not there")]
    Missing {
        /// The kind of row.
        table: &'static str,
        /// The row number.
        number: i64,
    },
}

impl InvariantViolation {
    /// The violation that a transaction to be changed is not in the book.
    pub(in crate::ledger) const fn missing_transaction(number: TransactionNumber) -> Self {
        Self::Missing { table: "transaction", number: number.0 }
    }
}
