//! The store: the only module that uses SQL.
//!
//! Each world has a database of its own ([`Databases`]). [`Store::run`] sends a command to the world's writer, which runs
//! all queued commands as one batch: load, decide, save in one database transaction. Nobody gets a response before the
//! transaction is committed. [`Store::query`] answers a query, concurrently with the writer where that is possible.

mod access_keys;
mod activity;
mod audit;
mod batch_error;
mod bulk_statement;
mod channels;
mod columns;
mod databases;
mod deferred_jobs;
mod directory;
mod engine;
mod error;
mod job;
mod load;
mod location;
mod new_world;
mod open_debts;
mod panics;
mod postgres;
mod quarantine;
#[cfg(test)]
mod query_plans;
mod read_connection;
mod reader;
mod save;
mod schedule;
mod session;
mod sqlite;
mod tables;
mod threads;
mod working_set;
mod world_state;
mod writer;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::mpsc::error::SendError;
use tokio::sync::{Mutex, oneshot};

use crate::clock::{Clock, ClockState};
use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Query, ReadSet};

pub use access_keys::{AccessKey, AccessKeys, CobrandedSettings, DeveloperStatus, NewAccessKey};
pub use audit::{AuditFinding, WorldAudit, audit};
pub use databases::{Databases, StoreSettings};
pub use directory::{DirectoryEntry, WorldDirectory};
pub use error::StoreError;
pub use location::{DEFAULT_WORLD, DatabaseLocation, list_world_files, world_file_path};
pub use new_world::{InitialState, NewWorld, OpenError};

use batch_error::OUTCOME_UNKNOWN;
use channels::WorldChannels;
use databases::RunningWorld;
use job::{CommandJob, QueryJob};
use reader::ReaderMessage;
use writer::WriterMessage;

/// How much longer than the time limit of a shared database a request waits for its response.
const RESPONSE_GRACE_PERIOD: Duration = Duration::from_millis(500);

/// A handle on the database of a world. Clones share it. The database of an unused world can be suspended: it is closed, and
/// opened again on next use.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    databases: Arc<Databases>,
    location: DatabaseLocation,
    clock: Clock,
    /// The channels to the open database; `None` while it is closed.
    channels: RwLock<Option<WorldChannels>>,
    /// Locked while the database is being opened or closed.
    state: Mutex<StoreState>,
}

#[derive(Debug)]
enum StoreState {
    Open,
    /// Closed until the next use. A database in memory is kept as an image.
    Suspended {
        image: Option<Vec<u8>>,
    },
    /// Closed for good.
    Closed,
}

/// A world whose database has just been opened.
#[derive(Debug)]
pub struct OpenedStore {
    /// Runs commands and answers queries.
    pub store: Store,
    /// The access keys of the world.
    pub keys: AccessKeys,
    /// Whether the database was empty and has been filled.
    pub is_new: bool,
    /// The seed of the world's ids.
    pub id_seed: u64,
}

impl Store {
    /// Opens the default world, and creates it if its database is empty.
    ///
    /// A clock that shows real time takes over the state that the world has stored. Any other clock state was configured: an
    /// embedded database stores it, a shared one keeps its own.
    pub async fn open_default<E>(
        databases: &Arc<Databases>,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<OpenedStore, OpenError<E>> {
        let (world, location) = databases.open_default(clock, new_world).await?;
        Ok(Self::opened(databases, location, clock, world))
    }

    /// Opens a world other than the default one, and creates it if its database is empty.
    pub async fn open<E>(
        databases: &Arc<Databases>,
        location: DatabaseLocation,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<OpenedStore, OpenError<E>> {
        let world = databases.open(&location, clock, new_world).await?;
        Ok(Self::opened(databases, location, clock, world))
    }

    fn opened(
        databases: &Arc<Databases>,
        location: DatabaseLocation,
        clock: &Clock,
        world: RunningWorld,
    ) -> OpenedStore {
        let store = Self(Arc::new(Inner {
            databases: Arc::clone(databases),
            location,
            clock: clock.clone(),
            channels: RwLock::new(Some(world.channels)),
            state: Mutex::new(StoreState::Open),
        }));
        OpenedStore { store, keys: world.keys, is_new: world.is_new, id_seed: world.id_seed }
    }

    /// The clock of the world.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Where the database is.
    pub fn location(&self) -> &DatabaseLocation {
        &self.0.location
    }

    /// Runs a command. Once it is queued it runs and commits, even if the caller stops waiting for the response.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, FpsError> {
        let (sender, response) = oneshot::channel();
        let message = WriterMessage::Run(Box::new(CommandJob::new(command, sender)));
        self.wait_for(self.send(message), response).await
    }

    /// Answers a query.
    pub async fn query<Q: Query>(&self, query: Q) -> Result<Q::Output, FpsError> {
        let (sender, response) = oneshot::channel();
        self.wait_for(self.send_query(QueryJob::new(query, sender)), response).await
    }

    /// Sets the world's clock, and stores its state.
    pub async fn set_clock(&self, state: ClockState) -> Result<(), FpsError> {
        let (sender, response) = oneshot::channel();
        self.wait_for(self.send(WriterMessage::SetClock(state, sender)), response).await
    }

    /// Replaces all rows of the world by those of a new one, in one transaction.
    pub async fn reset(&self, world: NewWorld) -> Result<(), FpsError> {
        let (sender, response) = oneshot::channel();
        self.wait_for(self.send(WriterMessage::Reset(Box::new(world), sender)), response).await
    }

    /// Whether the database can be reached and accepts writes. A full disk is noticed only after a write has failed.
    pub async fn is_ready(&self) -> bool {
        if self.run(Ping).await.is_err() {
            return false;
        }
        let (sender, response) = oneshot::channel();
        let accepts_writes = async {
            self.send(WriterMessage::CheckWritable(sender)).await.is_ok() && response.await.unwrap_or(false)
        };
        match self.0.databases.timeout() {
            None => accepts_writes.await,
            Some(timeout) => {
                tokio::time::timeout(timeout + RESPONSE_GRACE_PERIOD, accepts_writes).await.unwrap_or(false)
            }
        }
    }

    /// Sends a message and waits for its response.
    async fn wait_for<T>(
        &self,
        sent: impl Future<Output = Result<(), FpsError>>,
        response: oneshot::Receiver<Result<T, FpsError>>,
    ) -> Result<T, FpsError> {
        let response = async {
            sent.await?;
            // If the writer panics while it holds a job, the job's sender is dropped without a response.
            response.await.unwrap_or_else(|_| Err(Code::InternalError.into()))
        };
        let Some(timeout) = self.0.databases.timeout() else { return response.await };
        // The writer has its own time limit for a batch. This one covers the time that a job waits behind other batches.
        let in_time = tokio::time::timeout(timeout + RESPONSE_GRACE_PERIOD, response).await;
        in_time.unwrap_or_else(|_| Err(FpsError::new(Code::ServiceUnavailable, OUTCOME_UNKNOWN)))
    }

    /// Sends a message to the writer. If the database was suspended meanwhile, it is opened and the message is sent again.
    async fn send(&self, mut message: WriterMessage) -> Result<(), FpsError> {
        loop {
            let channels = self.open_channels().await?;
            match channels.writer.send(message).await {
                Ok(()) => return Ok(()),
                Err(SendError(unsent)) if self.has_been_closed(&channels) => message = unsent,
                Err(_) => return Err(Code::ServiceUnavailable.into()),
            }
        }
    }

    /// Sends a query to the readers in rotation, or to the writer if there are no readers.
    async fn send_query<Q: Query>(&self, query: QueryJob<Q>) -> Result<(), FpsError> {
        let mut channels = self.open_channels().await?;
        if !channels.has_readers() {
            return self.send(WriterMessage::Run(Box::new(query))).await;
        }
        let mut message = ReaderMessage::Run(Box::new(query));
        loop {
            let Some(reader) = channels.next_reader() else { return Err(Code::ServiceUnavailable.into()) };
            match reader.send(message).await {
                Ok(()) => return Ok(()),
                Err(SendError(unsent)) if self.has_been_closed(&channels) => message = unsent,
                Err(_) => return Err(Code::ServiceUnavailable.into()),
            }
            channels = self.open_channels().await?;
        }
    }

    /// Whether the database to which these channels lead has been closed.
    fn has_been_closed(&self, channels: &WorldChannels) -> bool {
        self.channels_if_open().is_none_or(|current| !current.is_same_as(channels))
    }

    fn channels_if_open(&self) -> Option<WorldChannels> {
        self.0.channels.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The channels to the database, which is opened if it is suspended.
    async fn open_channels(&self) -> Result<WorldChannels, FpsError> {
        if let Some(channels) = self.channels_if_open() {
            return Ok(channels);
        }
        // In a task of its own: a request that is cancelled must not leave the database half open.
        let store = self.clone();
        let resumed = tokio::spawn(async move { store.resume().await });
        resumed.await.unwrap_or_else(|_| Err(Code::InternalError.into()))
    }

    async fn resume(&self) -> Result<WorldChannels, FpsError> {
        let Inner { databases, location, clock, .. } = &*self.0;
        let mut state = self.0.state.lock().await;
        let no_new_world = || Err(FpsError::from(Code::InternalError));
        let opened = match &*state {
            StoreState::Open => {
                return self.channels_if_open().ok_or_else(|| Code::ServiceUnavailable.into());
            }
            StoreState::Closed => return Err(Code::ServiceUnavailable.into()),
            StoreState::Suspended { image: Some(image) } => {
                databases.open_image(image, clock, no_new_world).await
            }
            StoreState::Suspended { image: None } => databases.open(location, clock, no_new_world).await,
        };
        let world = opened.map_err(|problem| match problem {
            OpenError::Store(problem) => {
                tracing::error!(%problem, "a suspended world cannot be opened");
                FpsError::from(Code::ServiceUnavailable)
            }
            OpenError::NewWorld(error) => error,
        })?;
        self.replace_channels(Some(world.channels.clone()));
        *state = StoreState::Open;
        Ok(world.channels)
    }

    /// Replaces the channels and returns the former ones.
    fn replace_channels(&self, channels: Option<WorldChannels>) -> Option<WorldChannels> {
        std::mem::replace(&mut *self.0.channels.write().unwrap_or_else(PoisonError::into_inner), channels)
    }

    /// Whether the database is open.
    pub fn is_open(&self) -> bool {
        self.channels_if_open().is_some()
    }

    /// Closes the database until its next use. Returns whether it can be opened again: a database in memory of which
    /// no image can be made is lost.
    pub async fn suspend(&self) -> bool {
        // In a task of its own: the caller may be cancelled.
        let store = self.clone();
        tokio::spawn(async move { store.close_until_next_use().await }).await.unwrap_or(false)
    }

    async fn close_until_next_use(&self) -> bool {
        let mut state = self.0.state.lock().await;
        let Some(channels) = self.replace_channels(None) else {
            return !matches!(*state, StoreState::Closed);
        };
        let image = channels.close_with_image().await;
        *state = match (&self.0.location, image) {
            (DatabaseLocation::Memory, None) => StoreState::Closed,
            (DatabaseLocation::Memory, image) => StoreState::Suspended { image },
            (DatabaseLocation::File(_) | DatabaseLocation::Schema(_), _) => {
                StoreState::Suspended { image: None }
            }
        };
        matches!(*state, StoreState::Suspended { .. })
    }

    /// Waits for the queued commands and closes the database for good.
    pub async fn close(&self) {
        let mut state = self.0.state.lock().await;
        *state = StoreState::Closed;
        if let Some(channels) = self.replace_channels(None) {
            channels.close().await;
        }
    }
}

/// A command without effect. Its response shows that the writer works.
#[derive(Debug)]
struct Ping;

impl Command for Ping {
    type Output = ();

    fn read_set(&self, _: &mut ReadSet<'_>) {}

    fn decide(&self, _: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        Ok(())
    }
}
