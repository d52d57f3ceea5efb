//! What an error of PostgreSQL says about the transaction in which it occurred.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

/// A class of errors that are handled alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum PgErrorClass {
    /// The transaction is rolled back, and may succeed when it is run again.
    Conflict,
    /// A row with this key exists already, such as a reference that was used at another sandbox.
    UniqueViolation,
    /// The connection is lost.
    ConnectionLost,
    /// Any other error. The transaction is rolled back.
    Other,
}

impl PgErrorClass {
    /// Classifies an error by its SQLSTATE: 40 transaction rollback, 55P03 lock not available, 57014 query cancelled;
    /// 23505 unique violation; 08 connection exception, 57P server shutting down or starting, 25P03 idle in transaction
    /// too long, 25006 read-only (the server is a standby), 0A000 a statement prepared for an older schema.
    pub(in crate::store) fn of(error: &sqlx::Error) -> Self {
        let error = match error {
            sqlx::Error::Database(error) => error,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => {
                return Self::ConnectionLost;
            }
            _ => return Self::Other,
        };
        let severity = error.try_downcast_ref::<PgDatabaseError>().map(PgDatabaseError::severity);
        match error.code().as_deref().unwrap_or_default() {
            code if code.starts_with("08") || code.starts_with("57P") => Self::ConnectionLost,
            "25P03" | "25006" | "0A000" => Self::ConnectionLost,
            _ if matches!(severity, Some(PgSeverity::Panic)) => Self::ConnectionLost,
            "55P03" | "57014" => Self::Conflict,
            code if code.starts_with("40") => Self::Conflict,
            "23505" => Self::UniqueViolation,
            _ => Self::Other,
        }
    }
}
