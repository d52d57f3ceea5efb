//! Why a batch was not saved, and what follows from it.

use crate::error::{Code, FpsError};
use crate::ledger::InvariantViolation;

use super::postgres::Failure;

/// How often a batch may ask for more rows before that counts as a fault of ours.
pub(super) const LOAD_ROUNDS: usize = 8;

/// Why a batch was not saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum BatchError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("undone in favour of another sandbox: {0}")]
    Undone(sqlx::Error),
    #[error("there is already such a row: {0}")]
    Clash(sqlx::Error),
    #[error("the connection was lost: {0}")]
    Lost(sqlx::Error),
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("the database did not answer in time")]
    TimedOut,
    #[error("the database did not say whether it saved the batch")]
    Uncertain,
    #[error("due work failed: {0}")]
    Due(Box<BatchError>),
    #[error("the rows a batch needs were not complete after {LOAD_ROUNDS} rounds")]
    Unsatisfied,
    #[error("{table} {number} is referred to and is not there")]
    NotThere {
        /// What kind of row.
        table: &'static str,
        number: i64,
    },
    #[error("the writer panicked outside of a decision")]
    Panicked,
    #[error("{fault}")]
    Faulty {
        /// The place of the command in the batch.
        job: usize,
        fault: Fault,
    },
}

/// What a command did wrong when it was decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Broken(InvariantViolation),
    #[error("the decision panicked")]
    Panicked,
}

impl BatchError {
    /// There is no connection.
    pub(super) fn away() -> Self {
        Self::Unreachable(sqlx::Error::Io(std::io::ErrorKind::NotConnected.into()))
    }

    /// The same, said of due work: whatever it is, the commands may go on without.
    pub(super) fn while_due(self) -> Self {
        match self {
            Self::Database(source) if Failure::of(&source) != Failure::Final => Self::Database(source),
            problem => Self::Due(Box::new(problem)),
        }
    }

    /// What a failure of a shared database means for the transaction that it struck.
    pub(super) fn judged(self) -> Self {
        let Self::Database(source) = self else { return self };
        match Failure::of(&source) {
            Failure::Undone => Self::Undone(source),
            Failure::Clash => Self::Clash(source),
            Failure::Lost => Self::Lost(source),
            Failure::Final => Self::Database(source),
        }
    }

    /// Whether the same batch may be run again: it is undone, and what struck it passes.
    pub(super) const fn passes(&self) -> bool {
        matches!(self, Self::Undone(_) | Self::Clash(_) | Self::Lost(_) | Self::Due(_))
    }

    /// The place of the command that is known to be at fault.
    pub(super) const fn job_at_fault(&self) -> Option<usize> {
        match self {
            Self::Faulty { job, .. } => Some(*job),
            _ => None,
        }
    }

    /// Whether the cause lies in what was to be done: it will fail again, and other work will not.
    pub(super) fn lies_in_the_work(&self) -> bool {
        match self {
            Self::Faulty { .. }
            | Self::Unsatisfied
            | Self::NotThere { .. }
            | Self::Database(
                sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } | sqlx::Error::Encode(_),
            ) => true,
            Self::Database(sqlx::Error::Database(problem)) => {
                problem.code().is_some_and(|code| is_about_the_statement(&code))
            }
            _ => false,
        }
    }

    /// Whether the disk of an embedded database is full.
    pub(super) fn is_full(&self) -> bool {
        match self {
            Self::Due(problem) => problem.is_full(),
            Self::Database(sqlx::Error::Database(problem)) => problem.code().as_deref() == Some("13"),
            _ => false,
        }
    }

    /// What to tell everybody who waits, when it has nothing to do with any one command.
    pub(super) fn for_everybody(&self) -> Option<FpsError> {
        let (code, text) = match self {
            Self::Unreachable(_) | Self::TimedOut | Self::Lost(_) => (
                Code::ServiceUnavailable,
                "The sandbox cannot reach its database; nothing was changed. Try again.",
            ),
            Self::Undone(_) => (
                Code::ServiceUnavailable,
                "The sandbox did not get its turn at the database; nothing was changed. Try again.",
            ),
            Self::Uncertain => (Code::InternalError, UNCERTAIN),
            Self::Database(_)
            | Self::Clash(_)
            | Self::Due(_)
            | Self::Unsatisfied
            | Self::NotThere { .. }
            | Self::Panicked
            | Self::Faulty { .. } => return None,
        };
        Some(FpsError::new(code, text))
    }
}

/// Whether an engine's code says that it refuses what a statement says, and not that the engine itself is in trouble.
/// SQLite: too big, constraint, mismatch, in any extended form. SQLSTATE: data exception, integrity constraint,
/// exception of a trigger.
fn is_about_the_statement(code: &str) -> bool {
    match code.parse::<u32>() {
        // SQLSTATEs of digits alone have five of them; no code of SQLite has.
        Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 18..=20),
        _ => ["22", "23", "P0"].iter().any(|class| code.starts_with(class)),
    }
}

/// What is told when nobody can know.
pub(super) const UNCERTAIN: &str = "The database did not say in time whether it kept the change. Send the same request \
     again: under a caller reference it takes effect once.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_about_the_statement_and_full_disks_are_not() {
        for code in ["19", "275", "1555", "1811", "2067", "23505", "23514", "22003", "P0001"] {
            assert!(is_about_the_statement(code), "{code}");
        }
        for code in ["1", "5", "10", "13", "778", "2570", "53100", "57P01", "40001"] {
            assert!(!is_about_the_statement(code), "{code}");
        }
    }
}
