//! The transactions of a writer: how they begin, commit and are rolled back on either engine.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::ClockState;
use crate::ledger::Timestamp;

use super::batch_error::BatchError;
use super::engine::Connection;
use super::postgres::{self, LeasedConnection, Pool, Schema};
use super::sqlite::FileLock;
use super::world_state::{Snapshot, WorldState};

/// The database of a world as its writer uses it.
pub(super) enum Session {
    /// An SQLite database. No other sandbox uses it.
    Embedded(SqliteSession),
    /// A schema of a PostgreSQL database. Other sandboxes may use it too.
    Shared(PostgresSession),
}

pub(super) struct SqliteSession {
    connection: Connection,
    /// Released when the database is closed. `None` for a database in memory.
    lock: Option<FileLock>,
    is_in_transaction: bool,
}

pub(super) struct PostgresSession {
    pool: Arc<Pool>,
    schema: Schema,
    /// The connection of the current batch.
    lease: Option<LeasedConnection>,
    /// The version of the world at which the rows in memory are current, and the generation of the pool that read it.
    version: Option<(i64, u64)>,
    /// Whether COMMIT of a change was sent and its response has not arrived.
    is_committing: bool,
}

impl Session {
    pub(super) const fn embedded(connection: Connection, lock: Option<FileLock>) -> Self {
        Self::Embedded(SqliteSession { connection, lock, is_in_transaction: false })
    }

    pub(super) const fn shared(pool: Arc<Pool>, schema: Schema) -> Self {
        Self::Shared(PostgresSession { pool, schema, lease: None, version: None, is_committing: false })
    }

    /// Whether other sandboxes may change the world too.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// The time limit of any operation. An embedded database has none.
    pub(super) fn timeout(&self) -> Duration {
        match self {
            Self::Embedded(_) => Duration::MAX,
            Self::Shared(session) => session.pool.server.timeout,
        }
    }

    /// Begins a batch. On a shared database this begins the transaction and waits for the lock on the world. If another
    /// sandbox has changed the world since the last batch, its new state is returned.
    pub(super) async fn begin_batch(&mut self) -> Result<Option<WorldState>, BatchError> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Shared(session) => session.begin_batch().await,
        }
    }

    /// Begins a transaction that writes, unless one is open, and returns its connection. On an embedded database a
    /// transaction begins only here: nobody else changes the rows that were loaded before.
    ///
    /// SQLite ends a transaction by itself when the disk is full or fails. sqlx counts open transactions, would not notice,
    /// and would refuse every later transaction. So transactions are begun and ended by plain statements.
    pub(super) async fn begin_write(&mut self) -> Result<&mut Connection, BatchError> {
        if let Self::Embedded(session) = self
            && !std::mem::replace(&mut session.is_in_transaction, true)
        {
            session.connection.execute("BEGIN IMMEDIATE").await?;
        }
        self.connection()
    }

    /// Commits the transaction. `changed` says whether it has changed the world. Returns whether anything was written.
    pub(super) async fn commit(&mut self, changed: bool) -> Result<bool, BatchError> {
        match self {
            Self::Embedded(session) => {
                let wrote = std::mem::take(&mut session.is_in_transaction);
                if wrote {
                    session.connection.execute("COMMIT").await?;
                }
                Ok(wrote)
            }
            Self::Shared(session) => session.commit(changed).await.map(|()| changed),
        }
    }

    /// Reads when the next work is due and the state of the clock, which other sandboxes may have changed. Waits for no
    /// batch. Returns `None` for an embedded database.
    pub(super) async fn poll_schedule(
        &mut self,
    ) -> Result<Option<(Option<Timestamp>, ClockState)>, BatchError> {
        match self {
            Self::Embedded(_) => Ok(None),
            Self::Shared(session) => session.poll_schedule().await.map(Some),
        }
    }

    /// Rolls back a transaction that has failed, and returns what the failure means.
    pub(super) async fn roll_back(&mut self, problem: BatchError) -> BatchError {
        match self {
            Self::Embedded(session) => {
                session.is_in_transaction = false;
                // Fails if SQLite has rolled back already.
                let _rolled_back = session.connection.execute("ROLLBACK").await;
                if problem.is_disk_full() {
                    // The log may hold several versions of a page. A checkpoint frees their space.
                    let _truncated = session.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await;
                }
                problem
            }
            Self::Shared(session) => session.roll_back(problem).await,
        }
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        match self {
            Self::Embedded(session) => Ok(&mut session.connection),
            Self::Shared(session) => session.connection(),
        }
    }

    /// The image of a database in memory; `None` for any other database.
    pub(super) async fn serialize(&mut self) -> Result<Option<Vec<u8>>, BatchError> {
        match self {
            Self::Embedded(SqliteSession { connection, lock: None, .. }) => {
                Ok(connection.serialize().await?)
            }
            Self::Embedded(_) | Self::Shared(_) => Ok(None),
        }
    }

    pub(super) async fn close(self) {
        let Self::Embedded(SqliteSession { connection, lock, .. }) = self else { return };
        if let Err(problem) = connection.close().await {
            tracing::error!(%problem, "the database did not close cleanly");
        }
        // Released after the database is closed: another sandbox may open it at once.
        drop(lock);
    }
}

impl PostgresSession {
    async fn begin_batch(&mut self) -> Result<Option<WorldState>, BatchError> {
        // A batch that was cut off by a timeout may have left its connection here.
        self.lease = None;
        let generation = self.pool.generation();
        let lease = self.pool.lease(&self.schema).await.map_err(BatchError::Unreachable)?;
        let connection = &mut self.lease.insert(lease).connection;
        let version = Some((postgres::begin_and_lock_world(connection).await?, generation));
        if self.version == version {
            // No other sandbox has changed the world, so the rows in memory are still current.
            return Ok(None);
        }
        let state = WorldState::load(connection).await?;
        self.version = version;
        Ok(Some(state))
    }

    async fn poll_schedule(&self) -> Result<(Option<Timestamp>, ClockState), BatchError> {
        let mut lease = self.pool.lease(&self.schema).await.map_err(BatchError::Unreachable)?;
        match Snapshot::load(&mut lease.connection).await {
            Ok(snapshot) => {
                lease.release();
                Ok((snapshot.next_due, snapshot.clock))
            }
            Err(problem) => {
                let problem = BatchError::from(problem).classified();
                if matches!(problem, BatchError::ConnectionLost(_)) {
                    self.pool.note_lost_connection();
                }
                Err(problem)
            }
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        let lease = self.lease.as_mut().ok_or_else(BatchError::not_connected)?;
        Ok(&mut lease.connection)
    }

    async fn commit(&mut self, changed: bool) -> Result<(), BatchError> {
        if changed {
            postgres::increment_version(self.connection()?).await?;
            self.is_committing = true;
        }
        self.connection()?.execute("COMMIT").await?;
        if std::mem::take(&mut self.is_committing) {
            // The lock was held since the version was read, so the version is now exactly one higher.
            self.version = self.version.map(|(version, generation)| (version + 1, generation));
        }
        if let Some(lease) = self.lease.take() {
            lease.release();
        }
        Ok(())
    }

    async fn roll_back(&mut self, problem: BatchError) -> BatchError {
        let was_committing = std::mem::take(&mut self.is_committing);
        self.version = None;
        let problem = problem.classified();
        let lease = self.lease.take();
        if matches!(problem, BatchError::ConnectionLost(_) | BatchError::TimedOut) {
            if lease.is_some() {
                self.pool.note_lost_connection();
            }
            // Without the response to COMMIT nobody knows whether the change was committed. The batch must not be run
            // again: it might take effect twice.
            return if was_committing { BatchError::OutcomeUnknown } else { problem };
        }
        if let Some(mut lease) = lease {
            let rollback = lease.connection.execute("ROLLBACK");
            let rolled_back = tokio::time::timeout(self.pool.server.timeout, rollback).await;
            if matches!(rolled_back, Ok(Ok(()))) {
                lease.release();
            } else {
                self.pool.note_lost_connection();
            }
        }
        problem
    }
}
