//! The database of one world as its writer uses it: how a transaction begins, ends and is given up.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::ClockState;
use crate::ledger::Timestamp;

use super::batch_error::BatchError;
use super::engine::Connection;
use super::load::{self, WorldState};
use super::postgres::{self, Lease, Pool, Schema};
use super::sqlite::FileLock;

/// What a writer runs its transactions on.
pub(super) enum Session {
    /// An embedded database, which is this writer's alone.
    Own(Own),
    /// A schema of a database that other sandboxes use too.
    Shared(Shared),
}

/// An embedded database.
pub(super) struct Own {
    connection: Connection,
    /// Keeps other processes out until the database is closed.
    lock: Option<FileLock>,
    /// Whether a transaction is open.
    has_begun: bool,
}

/// A schema that other sandboxes use too.
pub(super) struct Shared {
    pool: Arc<Pool>,
    schema: Schema,
    /// The connection of the batch at hand.
    lease: Option<Lease>,
    /// The count of changes up to which the working set is true, and the generation of connections that told it.
    version: Option<(i64, u64)>,
    /// Between sending COMMIT and its answer.
    committing: bool,
}

impl Session {
    pub(super) const fn own(connection: Connection, lock: Option<FileLock>) -> Self {
        Self::Own(Own { connection, lock, has_begun: false })
    }

    pub(super) const fn shared(pool: Arc<Pool>, schema: Schema) -> Self {
        Self::Shared(Shared { pool, schema, lease: None, version: None, committing: false })
    }

    /// Whether other sandboxes change the world too.
    pub(super) const fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    /// How long the database may take for anything: one that is nobody else's may take as long as it takes.
    pub(super) fn timeout(&self) -> Duration {
        match self {
            Self::Own(_) => Duration::MAX,
            Self::Shared(shared) => shared.pool.server.timeout,
        }
    }

    /// Gets ready for a batch. On a shared database its transaction begins, when its turn comes; what others have changed
    /// since the last one is answered as the new state of the world.
    pub(super) async fn enter(&mut self) -> Result<Option<WorldState>, BatchError> {
        match self {
            Self::Own(_) => Ok(None),
            Self::Shared(shared) => shared.enter().await,
        }
    }

    /// Begins a transaction that changes something, unless it has begun: nobody else changes what was loaded from an embedded
    /// database.
    ///
    /// SQLite ends a transaction by itself when the disk is full or fails. sqlx counts open transactions, would miss that, and
    /// refuse every later one; so they are begun and ended by hand.
    pub(super) async fn begin(&mut self) -> Result<&mut Connection, BatchError> {
        if let Self::Own(own) = self
            && !std::mem::replace(&mut own.has_begun, true)
        {
            own.connection.run("BEGIN IMMEDIATE").await?;
        }
        self.connection()
    }

    /// Ends the transaction: what it changed is kept, all of it or none. Gives whether anything was written.
    pub(super) async fn end(&mut self, changed: bool) -> Result<bool, BatchError> {
        match self {
            Self::Own(own) => {
                let wrote = std::mem::take(&mut own.has_begun);
                if wrote {
                    own.connection.run("COMMIT").await?;
                }
                Ok(wrote)
            }
            Self::Shared(shared) => shared.end(changed).await.map(|()| changed),
        }
    }

    /// When the next work of a shared world is due, whoever has planned it, and how its clock goes. Waits for nobody's batch.
    pub(super) async fn planned_by_others(
        &mut self,
    ) -> Result<Option<(Option<Timestamp>, ClockState)>, BatchError> {
        match self {
            Self::Own(_) => Ok(None),
            Self::Shared(shared) => shared.look().await.map(Some),
        }
    }

    /// Ends what is left of a transaction that failed, and says what the failure means.
    pub(super) async fn give_up(&mut self, problem: BatchError) -> BatchError {
        match self {
            Self::Own(own) => {
                own.has_begun = false;
                // SQLite may have ended it already.
                let _ended_already = own.connection.run("ROLLBACK").await;
                if problem.is_full() {
                    // The log may hold one page many times over; put into the file it leaves room.
                    let _ended_or_not = own.connection.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
                }
                problem
            }
            Self::Shared(shared) => shared.give_up(problem).await,
        }
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        match self {
            Self::Own(own) => Ok(&mut own.connection),
            Self::Shared(shared) => shared.connection(),
        }
    }

    /// The whole of an embedded database in memory; `None` for any other database.
    pub(super) async fn image(&mut self) -> Result<Option<Vec<u8>>, BatchError> {
        match self {
            Self::Own(Own { connection, lock: None, .. }) => Ok(connection.image().await?),
            Self::Own(_) | Self::Shared(_) => Ok(None),
        }
    }

    pub(super) async fn close(self) {
        let Self::Own(Own { connection, lock, .. }) = self else { return };
        if let Err(problem) = connection.close().await {
            tracing::error!(%problem, "the database did not close cleanly");
        }
        // After the database: that may be opened again at once.
        drop(lock);
    }
}

impl Shared {
    async fn enter(&mut self) -> Result<Option<WorldState>, BatchError> {
        // Nothing is left of an earlier batch that was cut off by a timeout.
        self.lease = None;
        let generation = self.pool.generation();
        let lease = self.pool.lease(&self.schema).await.map_err(BatchError::Unreachable)?;
        let connection = &mut self.lease.insert(lease).connection;
        let version = Some((postgres::begin_changing(connection).await?, generation));
        if self.version == version {
            return Ok(None);
        }
        let state = load::world_state(connection).await?;
        self.version = version;
        Ok(Some(state))
    }

    async fn look(&self) -> Result<(Option<Timestamp>, ClockState), BatchError> {
        let mut lease = self.pool.lease(&self.schema).await.map_err(BatchError::Unreachable)?;
        match load::snapshot(&mut lease.connection).await {
            Ok(snapshot) => {
                lease.undo_use();
                Ok((snapshot.next_due, snapshot.clock))
            }
            Err(problem) => {
                let problem = BatchError::from(problem).judged();
                if matches!(problem, BatchError::Lost(_)) {
                    self.pool.lost();
                }
                Err(problem)
            }
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        let lease = self.lease.as_mut().ok_or_else(BatchError::away)?;
        Ok(&mut lease.connection)
    }

    async fn end(&mut self, changed: bool) -> Result<(), BatchError> {
        if changed {
            postgres::count_change(self.connection()?).await?;
            self.committing = true;
        }
        self.connection()?.run("COMMIT").await?;
        if std::mem::take(&mut self.committing) {
            self.version = self.version.map(|(version, generation)| (version + 1, generation));
        }
        if let Some(lease) = self.lease.take() {
            lease.undo_use();
        }
        Ok(())
    }

    async fn give_up(&mut self, problem: BatchError) -> BatchError {
        let committing = std::mem::take(&mut self.committing);
        self.version = None;
        let problem = problem.judged();
        let lease = self.lease.take();
        if matches!(problem, BatchError::Lost(_) | BatchError::TimedOut) {
            if lease.is_some() {
                self.pool.lost();
            }
            return if committing { BatchError::Uncertain } else { problem };
        }
        if let Some(mut lease) = lease {
            let rolled_back =
                tokio::time::timeout(self.pool.server.timeout, lease.connection.run("ROLLBACK")).await;
            if matches!(rolled_back, Ok(Ok(()))) {
                lease.undo_use();
            } else {
                self.pool.lost();
            }
        }
        problem
    }
}
