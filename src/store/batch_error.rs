//! Errors of batches, and what they mean for the jobs of the batch.

use crate::error::{Code, FpsError};
use crate::ledger::InvariantViolation;

use super::postgres::PgErrorClass;

/// How many rounds of loading a batch may take. More would mean an endless loop in a read set.
pub(super) const MAX_LOAD_ROUNDS: usize = 8;

/// The message when it is unknown whether a change was committed.
pub(super) const OUTCOME_UNKNOWN: &str = "The database did not say in time whether it kept the change. Send the same request \
     again: under a caller reference it takes effect once.";

/// Result codes of SQLite.
const SQLITE_FULL: &str = "13";
const SQLITE_TOOBIG: u32 = 18;
const SQLITE_MISMATCH: u32 = 20;

/// Why a batch was not committed.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("undone in favour of another sandbox: {0}")]
    Conflict(sqlx::Error),
    #[error("there is already such a row: {0}")]
    UniqueViolation(sqlx::Error),
    #[error("the connection was lost: {0}")]
    ConnectionLost(sqlx::Error),
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("the database did not answer in time")]
    TimedOut,
    #[error("the database did not say whether it saved the batch")]
    OutcomeUnknown,
    #[error("due work failed: {0}")]
    DueWork(Box<BatchError>),
    #[error("the rows a batch needs were not complete after {MAX_LOAD_ROUNDS} rounds")]
    ReadSetIncomplete,
    #[error("{table} {number} is referred to and is not there")]
    RowMissing {
        /// The kind of the row.
        table: &'static str,
        number: i64,
    },
    #[error("the writer panicked outside of a decision")]
    Panicked,
    #[error("{error}")]
    JobFailed {
        /// The index of the job in the batch.
        index: usize,
        error: DecideError,
    },
}

/// A programming error in the decision of a job.
#[derive(Debug, thiserror::Error)]
pub(super) enum DecideError {
    #[error(transparent)]
    InvariantViolated(InvariantViolation),
    #[error("the decision panicked")]
    Panicked,
}

impl BatchError {
    /// The error when there is no connection.
    pub(super) fn not_connected() -> Self {
        Self::Unreachable(sqlx::Error::Io(std::io::ErrorKind::NotConnected.into()))
    }

    /// The same error as one of due work. The commands of the batch can go on without due work, unless the database
    /// itself is in trouble.
    pub(super) fn in_due_work(self) -> Self {
        match self {
            Self::Database(source) if PgErrorClass::of(&source) != PgErrorClass::Other => {
                Self::Database(source)
            }
            problem => Self::DueWork(Box::new(problem)),
        }
    }

    /// Replaces an error of a shared database by what it means for the transaction.
    pub(super) fn classified(self) -> Self {
        let Self::Database(source) = self else { return self };
        match PgErrorClass::of(&source) {
            PgErrorClass::Conflict => Self::Conflict(source),
            PgErrorClass::UniqueViolation => Self::UniqueViolation(source),
            PgErrorClass::ConnectionLost => Self::ConnectionLost(source),
            PgErrorClass::Other => Self::Database(source),
        }
    }

    /// Whether the batch is rolled back and may succeed when it is run again unchanged.
    pub(super) const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Conflict(_) | Self::UniqueViolation(_) | Self::ConnectionLost(_) | Self::DueWork(_)
        )
    }

    /// The index of the job that caused the error, if it is known.
    pub(super) const fn failed_job(&self) -> Option<usize> {
        match self {
            Self::JobFailed { index, .. } => Some(*index),
            _ => None,
        }
    }

    /// Whether the cause is a job and not the database: the job will fail again, and other jobs will not.
    pub(super) fn is_caused_by_job(&self) -> bool {
        match self {
            Self::JobFailed { .. }
            | Self::ReadSetIncomplete
            | Self::RowMissing { .. }
            | Self::Database(
                sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_),
            ) => true,
            Self::Database(sqlx::Error::Database(problem)) => {
                problem.code().is_some_and(|code| rejects_values(&code))
            }
            _ => false,
        }
    }

    /// Whether the disk of an embedded database is full.
    pub(super) fn is_disk_full(&self) -> bool {
        match self {
            Self::DueWork(problem) => problem.is_disk_full(),
            Self::Database(sqlx::Error::Database(problem)) => problem.code().as_deref() == Some(SQLITE_FULL),
            _ => false,
        }
    }

    /// The response to every job of the batch, when the cause is none of the jobs.
    pub(super) fn response_to_all(&self) -> Option<FpsError> {
        let (code, text) = match self {
            Self::Unreachable(_) | Self::TimedOut | Self::ConnectionLost(_) => (
                Code::ServiceUnavailable,
                "The sandbox cannot reach its database; nothing was changed. Try again.",
            ),
            Self::Conflict(_) => (
                Code::ServiceUnavailable,
                "The sandbox did not get its turn at the database; nothing was changed. Try again.",
            ),
            Self::OutcomeUnknown => (Code::InternalError, OUTCOME_UNKNOWN),
            Self::Database(_)
            | Self::UniqueViolation(_)
            | Self::DueWork(_)
            | Self::ReadSetIncomplete
            | Self::RowMissing { .. }
            | Self::Panicked
            | Self::JobFailed { .. } => return None,
        };
        Some(FpsError::new(code, text))
    }
}

/// Whether an error code says that the engine rejects the values of a statement, and not that the engine itself is in
/// trouble. SQLite: `TOOBIG`, `CONSTRAINT` and `MISMATCH`, in any extended form. SQLSTATE: data exception, integrity
/// constraint violation, exception raised by a trigger.
fn rejects_values(code: &str) -> bool {
    match code.parse::<u32>() {
        // Every SQLSTATE has five characters; no code of SQLite has as many digits.
        Ok(sqlite) if code.len() < 5 => (SQLITE_TOOBIG..=SQLITE_MISMATCH).contains(&(sqlite & 0xff)),
        _ => ["22", "23", "P0"].iter().any(|class| code.starts_with(class)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_reject_values_and_full_disks_do_not() {
        for code in ["19", "275", "1555", "1811", "2067", "23505", "23514", "22003", "P0001"] {
            assert!(rejects_values(code), "{code}");
        }
        for code in ["1", "5", "10", "13", "778", "2570", "53100", "57P01", "40001"] {
            assert!(!rejects_values(code), "{code}");
        }
    }
}
