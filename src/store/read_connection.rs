//! The transactions of a reader on either engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::batch_error::BatchError;
use super::engine::Connection;
use super::postgres::{self, LeasedConnection, Pool, Schema};
use super::sqlite;

/// The database of a world as a reader uses it.
pub(super) enum ReadConnection {
    /// A database file.
    File {
        path: PathBuf,
        /// Opened for the first query.
        connection: Option<Connection>,
    },
    /// A schema of a PostgreSQL database.
    Shared {
        pool: Arc<Pool>,
        schema: Schema,
        /// The connection of the current batch.
        lease: Option<LeasedConnection>,
    },
}

impl ReadConnection {
    pub(super) const fn file(path: PathBuf) -> Self {
        Self::File { path, connection: None }
    }

    pub(super) const fn shared(pool: Arc<Pool>, schema: Schema) -> Self {
        Self::Shared { pool, schema, lease: None }
    }

    /// The time limit of any operation; `None` for a file.
    pub(super) fn timeout(&self) -> Option<Duration> {
        match self {
            Self::File { .. } => None,
            Self::Shared { pool, .. } => Some(pool.server.timeout),
        }
    }

    /// The connection of the open transaction.
    pub(super) fn get(&mut self) -> Result<&mut Connection, BatchError> {
        match self {
            Self::File { connection, .. } => connection.as_mut(),
            Self::Shared { lease, .. } => lease.as_mut().map(|lease| &mut lease.connection),
        }
        .ok_or_else(BatchError::not_connected)
    }

    /// Begins a read transaction. Returns the generation of its connection.
    pub(super) async fn begin(&mut self) -> Result<u64, BatchError> {
        match self {
            Self::File { path, connection } => {
                if connection.is_none() {
                    *connection = Some(sqlite::open_reader(path).await?);
                }
                self.get()?.execute("BEGIN").await?;
                Ok(0)
            }
            Self::Shared { pool, schema, lease } => {
                *lease = None;
                let generation = pool.generation();
                let leased = pool.lease(schema).await.map_err(BatchError::Unreachable)?;
                postgres::begin_snapshot(&mut lease.insert(leased).connection).await?;
                Ok(generation)
            }
        }
    }

    /// Ends the read transaction.
    pub(super) async fn end(&mut self) -> Result<(), BatchError> {
        self.get()?.execute("COMMIT").await?;
        if let Self::Shared { lease, .. } = self
            && let Some(lease) = lease.take()
        {
            lease.release();
        }
        Ok(())
    }

    /// Ends a read transaction that has failed, and returns what the failure means.
    pub(super) async fn roll_back(&mut self, problem: BatchError) -> BatchError {
        match self {
            Self::File { connection, .. } => {
                if let Some(connection) = connection {
                    // Fails if SQLite has ended the transaction already.
                    let _rolled_back = connection.execute("ROLLBACK").await;
                }
                problem
            }
            Self::Shared { pool, lease, .. } => {
                let problem = problem.classified();
                // Dropping the lease closes the connection, which ends its transaction.
                let was_leased = lease.take().is_some();
                if was_leased && matches!(problem, BatchError::ConnectionLost(_) | BatchError::TimedOut) {
                    pool.note_lost_connection();
                }
                problem
            }
        }
    }

    pub(super) async fn close(self) {
        if let Self::File { connection: Some(connection), .. } = self {
            let _closed = connection.close_read_only().await;
        }
    }
}
