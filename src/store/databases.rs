//! Opens the databases of worlds, and starts their writers and readers. Each world has a database of its own.
//!
//! On SQLite that is a database in memory or a file, on PostgreSQL a schema.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OnceCell, mpsc};

use crate::clock::Clock;
use crate::config::Database;
use crate::ledger::Rules;

use super::access_keys::AccessKeys;
use super::channels::WorldChannels;
use super::directory::WorldDirectory;
use super::engine::Connection;
use super::error::StoreError;
use super::location::{DatabaseLocation, create_parent_folder};
use super::new_world::{LoadedWorld, NewWorld, OpenError, fill_or_load};
use super::postgres::{Pool, PostgresServer, Schema};
use super::read_connection::ReadConnection;
use super::reader::{Reader, SharedReaderState};
use super::session::Session;
use super::sqlite::{self, SqliteDatabase};
use super::threads::WorkerThreads;
use super::working_set::BatchLimits;
use super::world_state::WorldState;
use super::writer::Writer;

/// How many messages to a writer or a reader may be queued before senders have to wait.
const QUEUE_CAPACITY: usize = 4096;
/// The maximum number of threads for the writers of worlds other than the default one.
const MAX_WORLD_THREADS: usize = 4;

/// How databases are used.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// The database of the default world. It also decides where other worlds are.
    pub database: Database,
    /// The rules in force.
    pub rules: Rules,
    /// The maximum number of commands in one transaction.
    pub max_batch_commands: usize,
    /// The time limit of any operation on a shared database. A request that waits longer fails.
    pub timeout: Duration,
    /// The number of read-only connections: for each database file, or for all worlds of a shared database together.
    pub read_connections: usize,
    /// The number of writing connections to a shared database, for all worlds together.
    pub write_connections: usize,
    /// The maximum number of transactions that a world keeps in memory between batches.
    pub max_cached_transactions: usize,
}

/// A world whose database is open and whose writer and readers are running.
pub(super) struct RunningWorld {
    pub(super) channels: WorldChannels,
    pub(super) keys: AccessKeys,
    /// Whether the database was empty and has been filled.
    pub(super) is_new: bool,
    pub(super) id_seed: u64,
}

/// Opens the databases of worlds, and owns what their writers and readers share.
pub struct Databases {
    settings: StoreSettings,
    rules: Arc<Rules>,
    shared: Option<SharedDatabase>,
    /// The writer of the default world has a thread of its own, except on PostgreSQL, where all writers share it.
    writer_threads: WorkerThreads,
    reader_threads: WorkerThreads,
    world_writer_threads: WorkerThreads,
    /// The image of a database with empty tables. Databases in memory are copies of it.
    empty_image: OnceCell<Vec<u8>>,
    /// A copy of the empty image that is opened in advance, so that a new world does not wait for it.
    spare: Mutex<Option<SqliteDatabase>>,
}

/// A PostgreSQL database, which other sandboxes may use too.
struct SharedDatabase {
    server: PostgresServer,
    write_pool: Arc<Pool>,
    read_pool: Arc<Pool>,
    directory: WorldDirectory,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Databases").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Databases {
    /// Opens nothing yet. Fails if the URL of a server is not valid.
    pub fn new(settings: StoreSettings) -> Result<Self, StoreError> {
        let shared = match &settings.database {
            Database::Memory | Database::File(_) => None,
            Database::Postgres(url) => {
                let server = PostgresServer::new(url, settings.timeout)?;
                Some(SharedDatabase {
                    write_pool: Pool::new(server.clone(), settings.write_connections),
                    read_pool: Pool::new(server.clone(), settings.read_connections),
                    directory: WorldDirectory::new(server.clone()),
                    server,
                })
            }
        };
        let writer_threads = WorkerThreads::new("fps-writer", 1);
        // A PostgreSQL connection belongs to the runtime that opened it. Worlds share connections, so they share a thread.
        let world_writer_threads = if shared.is_some() {
            writer_threads.clone()
        } else {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            WorkerThreads::new("fps-worlds", cores.min(MAX_WORLD_THREADS))
        };
        Ok(Self {
            rules: Arc::new(settings.rules.clone()),
            shared,
            writer_threads,
            reader_threads: WorkerThreads::new("fps-readers", 1),
            world_writer_threads,
            empty_image: OnceCell::new(),
            spare: Mutex::default(),
            settings,
        })
    }

    /// The time limit of any operation on a shared database; `None` for an embedded one.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.shared.as_ref().map(|shared| shared.server.timeout)
    }

    /// The directory of worlds, which other sandboxes share; `None` unless the database is PostgreSQL.
    pub fn directory(&self) -> Option<&WorldDirectory> {
        self.shared.as_ref().map(|shared| &shared.directory)
    }

    /// Opens the default world, and creates it if its database is empty. Also returns where its database is.
    pub(super) async fn open_default<E>(
        &self,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<(RunningWorld, DatabaseLocation), OpenError<E>> {
        match (&self.settings.database, &self.shared) {
            (Database::File(path), _) => {
                let database = SqliteDatabase::open_file(path).await?;
                let threads = &self.writer_threads;
                let world = self.start_sqlite(database, Some(path), threads, clock, new_world).await?;
                Ok((world, DatabaseLocation::File(path.clone())))
            }
            (_, Some(shared)) => {
                let mut connection = shared.server.open().await?;
                let schema = Schema::current(&mut connection).await?;
                shared.directory.open(&mut connection, &schema).await?;
                let location = DatabaseLocation::Schema(schema.name().to_owned());
                let world = self.start_schema(shared, connection, schema, clock, new_world).await?;
                Ok((world, location))
            }
            (_, None) => {
                let database = SqliteDatabase::open_in_memory().await?;
                let world = self.start_sqlite(database, None, &self.writer_threads, clock, new_world).await?;
                Ok((world, DatabaseLocation::Memory))
            }
        }
    }

    /// Opens a world other than the default one, and creates it if its database is empty.
    pub(super) async fn open<E>(
        self: &Arc<Self>,
        location: &DatabaseLocation,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<RunningWorld, OpenError<E>> {
        let threads = &self.world_writer_threads;
        match (location, &self.shared) {
            (DatabaseLocation::Memory, _) => {
                let database = self.open_empty().await?;
                let started = self.start_sqlite(database, None, threads, clock, new_world).await;
                tokio::spawn(Arc::clone(self).open_spare());
                started
            }
            (DatabaseLocation::File(path), _) => {
                create_parent_folder(path)?;
                let database = SqliteDatabase::open_file(path).await?;
                self.start_sqlite(database, Some(path.as_path()), threads, clock, new_world).await
            }
            (DatabaseLocation::Schema(name), Some(shared)) => {
                let schema = Schema::named(name);
                let connection = shared.server.open_schema(&schema).await?;
                self.start_schema(shared, connection, schema, clock, new_world).await
            }
            (DatabaseLocation::Schema(name), None) => Err(StoreError::NotInitialized(name.clone()).into()),
        }
    }

    /// Opens a world in memory from an image of its database.
    pub(super) async fn open_image<E>(
        &self,
        image: &[u8],
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<RunningWorld, OpenError<E>> {
        let database = SqliteDatabase::open_image(image).await?;
        self.start_sqlite(database, None, &self.world_writer_threads, clock, new_world).await
    }

    /// Opens a database in memory with empty tables.
    async fn open_empty(&self) -> Result<SqliteDatabase, StoreError> {
        // If a spare is being opened, waiting for it is quicker than opening another beside it.
        let spare = self.spare.lock().await.take();
        match spare {
            Some(spare) => Ok(spare),
            None => SqliteDatabase::open_image(self.empty_image().await?).await,
        }
    }

    /// Opens the database of the next world in memory. If that fails, the world itself reports the error.
    async fn open_spare(self: Arc<Self>) {
        let mut spare = self.spare.lock().await;
        if spare.is_some() {
            return;
        }
        let opened = async { SqliteDatabase::open_image(self.empty_image().await?).await };
        *spare = opened.await.ok();
    }

    async fn empty_image(&self) -> Result<&[u8], StoreError> {
        let image = self.empty_image.get_or_try_init(|| async {
            let mut connection = SqliteDatabase::open_in_memory().await?.connection;
            let image = connection.serialize().await?.unwrap_or_default();
            connection.close().await?;
            Ok::<_, StoreError>(image)
        });
        image.await.map(Vec::as_slice)
    }

    /// Starts a world on an SQLite database: in this file, or in memory without one.
    async fn start_sqlite<E>(
        &self,
        mut database: SqliteDatabase,
        file: Option<&Path>,
        threads: &WorkerThreads,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<RunningWorld, OpenError<E>> {
        let world = match fill_or_load_sqlite(&mut database, clock, new_world).await {
            Ok(world) => world,
            Err(problem) => {
                // Closed before the lock is released: see `FileLock`.
                let _closed = database.connection.close().await;
                drop(database.lock);
                return Err(match problem {
                    OpenError::Store(problem) => problem.with_path(file).into(),
                    problem @ OpenError::NewWorld(_) => problem,
                });
            }
        };
        let read_connection = file.map(|path| move || ReadConnection::file(path.to_owned()));
        let session = Session::embedded(database.connection, database.lock);
        let channels = self.start_tasks(session, clock, &world.state, threads, read_connection)?;
        Ok(RunningWorld::new(world, channels))
    }

    /// Starts a world on a schema of a PostgreSQL database.
    async fn start_schema<E>(
        &self,
        shared: &SharedDatabase,
        mut connection: Connection,
        schema: Schema,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<RunningWorld, OpenError<E>> {
        let loaded = fill_or_load(&mut connection, clock, new_world).await;
        // This connection may have no time limits. The writer takes one from the pool.
        let _closed = connection.close().await;
        let world = loaded?;
        let session = Session::shared(Arc::clone(&shared.write_pool), schema.clone());
        let reader = Some(|| ReadConnection::shared(Arc::clone(&shared.read_pool), schema.clone()));
        let channels = self.start_tasks(session, clock, &world.state, &self.writer_threads, reader)?;
        Ok(RunningWorld::new(world, channels))
    }

    /// Starts the tasks of a world: its writer, and its readers if it has any.
    fn start_tasks(
        &self,
        session: Session,
        clock: &Clock,
        state: &WorldState,
        threads: &WorkerThreads,
        read_connection: Option<impl Fn() -> ReadConnection>,
    ) -> Result<WorldChannels, StoreError> {
        let limits = BatchLimits {
            max_jobs: self.settings.max_batch_commands,
            max_cached_transactions: self.settings.max_cached_transactions,
        };
        let (writer, messages) = mpsc::channel(QUEUE_CAPACITY);
        let context = SharedReaderState {
            writer: writer.downgrade(),
            rules: Arc::clone(&self.rules),
            ids: state.ids,
            limits,
        };
        let rules = Arc::clone(&self.rules);
        threads.spawn(Writer::new(session, messages, state, clock.clone(), rules, limits).run())?;
        let mut readers = Vec::new();
        if let Some(read_connection) = read_connection {
            for _ in 0..self.settings.read_connections {
                let (reader, messages) = mpsc::channel(QUEUE_CAPACITY);
                self.reader_threads.spawn(Reader::new(read_connection(), messages, &context).run())?;
                readers.push(reader);
            }
        }
        Ok(WorldChannels::new(writer, readers))
    }

    /// Closes the connections that the worlds of a shared database have in common.
    pub async fn close(&self) {
        let Some(shared) = &self.shared else { return };
        let pools = [(&shared.write_pool, &self.writer_threads), (&shared.read_pool, &self.reader_threads)];
        for (pool, threads) in pools {
            let pool = Arc::clone(pool);
            // On the thread whose runtime the connections belong to.
            let _closed = threads.run(async move { pool.close().await }).await;
        }
    }
}

impl RunningWorld {
    fn new(world: LoadedWorld, channels: WorldChannels) -> Self {
        Self { channels, keys: world.keys, is_new: world.is_new, id_seed: world.state.ids.seed() }
    }
}

/// Fills or loads an SQLite database, and marks its file as open.
async fn fill_or_load_sqlite<E>(
    database: &mut SqliteDatabase,
    clock: &Clock,
    new_world: impl FnOnce() -> Result<NewWorld, E>,
) -> Result<LoadedWorld, OpenError<E>> {
    let world = fill_or_load(&mut database.connection, clock, new_world).await?;
    // Marked only after the database is filled: a new file without rows needs no log to be complete.
    if let (Some(_), Connection::Sqlite(connection)) = (&database.lock, &mut database.connection) {
        sqlite::mark_as_open(connection).await?;
    }
    Ok(world)
}
