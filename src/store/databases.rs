//! Where the databases of worlds are, and how one is opened: each world has a database of its own.
//!
//! On SQLite that is a database in memory or a file, on PostgreSQL a schema.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore, mpsc};

use crate::clock::{Clock, ClockState};
use crate::config::Database;
use crate::ledger::{Book, IdCodec, Rules};

use super::directory;
use super::engine::{Connection, Values};
use super::error::StoreError;
use super::keys::{self, Keys, NewAccessKey};
use super::load::{self, WorldState};
use super::postgres::{self, Pool, Schema, Server};
use super::reader::{Beside, Reader, Source};
use super::session::Session;
use super::sqlite::{self, Opened};
use super::threads::Threads;
use super::writer::Writer;
use super::{Open, due_work, save};

/// How many messages may wait for a writer or reader before requests wait in turn.
const QUEUE: usize = 4096;
/// On how many threads the writers of worlds other than the default one run.
const MAX_WORLD_THREADS: usize = 4;

/// The name of the world that requests without another one belong to.
pub const DEFAULT_WORLD: &str = "default";

/// Where a world that is asked to stay is kept beside the file of the default world.
pub fn file_beside(default: &Path, world: &str) -> PathBuf {
    folder_beside(default).join(format!("{world}.{WORLD_EXTENSION}"))
}

/// The worlds that are kept beside the file of the default world, and their files.
pub fn worlds_beside(default: &Path) -> Vec<(String, PathBuf)> {
    let Ok(files) = std::fs::read_dir(folder_beside(default)) else { return Vec::new() };
    let paths = files.flatten().map(|file| file.path());
    let mut worlds: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == WORLD_EXTENSION))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    worlds.sort();
    worlds
}

const WORLD_EXTENSION: &str = "db";

fn folder_beside(default: &Path) -> PathBuf {
    let mut folder = default.as_os_str().to_owned();
    folder.push(".worlds");
    folder.into()
}

/// How databases are used.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// Where the default world is, and with it all others.
    pub database: Database,
    /// The rules in force.
    pub rules: Rules,
    /// Most commands in one transaction.
    pub batch_max: usize,
    /// How long a shared database may take for anything before a request is told that it does not answer.
    pub timeout: Duration,
    /// How many connections only look things up, beside a database file or on a shared database.
    pub readers: usize,
    /// How many connections to a shared database change things, for all worlds together.
    pub connections: usize,
    /// How many transactions of a world may stay in memory between batches.
    pub cached_transactions: usize,
}

/// The first rows of a world.
#[derive(Debug, Default)]
pub struct InitialState {
    /// Its rows, as changes to an empty book.
    pub book: Book,
    /// Its access keys.
    pub keys: Vec<NewAccessKey>,
}

/// A world that is to be made.
#[derive(Debug)]
pub struct NewWorld {
    /// Its first rows.
    pub initial: InitialState,
    /// Makes its ids.
    pub ids: IdCodec,
    /// How its clock goes.
    pub clock: ClockState,
}

/// Where the database of a world is.
#[derive(Debug)]
pub enum Place {
    /// In memory, without rows.
    Memory,
    /// In memory, as it was when the world was put to sleep.
    Image(Vec<u8>),
    /// In a file.
    File(PathBuf),
    /// In a schema of a shared database.
    Schema(String),
}

/// An open database.
pub(super) struct OpenedDatabase {
    pub(super) open: Open,
    pub(super) keys: Keys,
    /// Whether it was empty, and has been filled.
    pub(super) is_new: bool,
    pub(super) id_seed: u64,
}

/// Opens databases, and owns what their writers share.
pub struct Databases {
    settings: StoreSettings,
    rules: Arc<Rules>,
    shared: Option<SharedDatabase>,
    /// The writer of the default world has a thread of its own, unless a shared database is what it waits for.
    writers: Threads,
    readers: Threads,
    world_writers: Threads,
    /// A database without rows, to make others from.
    empty_image: OnceCell<Vec<u8>>,
    /// One that was made from it before it is needed, so that a new world does not wait for it.
    spare: Mutex<Option<Opened>>,
    /// Whether a spare schema was taken since they were counted.
    pub(super) spares_may_lack: AtomicBool,
}

/// A database that other sandboxes use too.
pub(super) struct SharedDatabase {
    pub(super) server: Server,
    pub(super) changes: Arc<Pool>,
    pub(super) look_ups: Arc<Pool>,
    /// The schema of the default world.
    pub(super) first_schema: OnceCell<Schema>,
    /// For connections to the directory of worlds.
    pub(super) directory_permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Databases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Databases").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Databases {
    /// Nothing is opened yet. Fails when the URL of a server makes no sense.
    pub fn new(settings: StoreSettings) -> Result<Self, StoreError> {
        let shared = match &settings.database {
            Database::Memory | Database::File(_) => None,
            Database::Postgres(url) => {
                let server = Server::new(url, settings.timeout)?;
                Some(SharedDatabase {
                    changes: Pool::new(server.clone(), settings.connections),
                    look_ups: Pool::new(server.clone(), settings.readers),
                    server,
                    first_schema: OnceCell::new(),
                    directory_permits: Arc::new(Semaphore::new(directory::MAX_CONNECTIONS)),
                })
            }
        };
        let writers = Threads::new("fps-writer", 1);
        // A connection to a server belongs to the thread that made it, so that all worlds share one thread there.
        let world_writers = if shared.is_some() {
            writers.clone()
        } else {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            Threads::new("fps-worlds", cores.min(MAX_WORLD_THREADS))
        };
        Ok(Self {
            rules: Arc::new(settings.rules.clone()),
            shared,
            writers,
            readers: Threads::new("fps-readers", 1),
            world_writers,
            empty_image: OnceCell::new(),
            spare: Mutex::default(),
            spares_may_lack: AtomicBool::new(true),
            settings,
        })
    }

    /// How long a shared database may take for anything.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.shared.as_ref().map(|shared| shared.server.timeout)
    }

    /// The database that other sandboxes use too, if it is one.
    pub(super) fn shared(&self) -> Option<&SharedDatabase> {
        self.shared.as_ref()
    }

    /// Opens the default world, and makes it when its database is empty. A clock that shows real time goes on as the world's
    /// did. Any other was asked for: an embedded database follows it, a shared one goes on as it was.
    pub(super) async fn open_default<E>(
        &self,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<Result<OpenedDatabase, E>, StoreError> {
        match (&self.settings.database, &self.shared) {
            (Database::File(path), _) => {
                let opened = sqlite::open_file(path).await?;
                self.start_on_sqlite(opened, Some(path), &self.writers, clock, new_world).await
            }
            (_, Some(shared)) => {
                let mut connection = shared.server.open().await?;
                let schema = Schema::of(&mut connection).await?;
                directory::create(&mut connection).await?;
                let _set_before = shared.first_schema.set(schema.clone());
                self.start_on_schema(shared, connection, schema, clock, new_world).await
            }
            (_, None) => {
                let opened = sqlite::open_in_memory().await?;
                self.start_on_sqlite(opened, None, &self.writers, clock, new_world).await
            }
        }
    }

    /// Opens another world, and makes it when its database is empty.
    pub(super) async fn open<E>(
        self: &Arc<Self>,
        place: &Place,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<Result<OpenedDatabase, E>, StoreError> {
        let (opened, file) = match (place, &self.shared) {
            (Place::Memory, _) => (self.open_empty().await?, None),
            (Place::Image(image), _) => (sqlite::open_image(image).await?, None),
            (Place::File(path), _) => {
                create_folder_of(path)?;
                (sqlite::open_file(path).await?, Some(path.as_path()))
            }
            (Place::Schema(name), Some(shared)) => {
                let schema = Schema::named(name);
                let connection = shared.server.open_schema(&schema).await?;
                return self.start_on_schema(shared, connection, schema, clock, new_world).await;
            }
            (Place::Schema(name), None) => return Err(StoreError::NoSandbox(name.clone())),
        };
        let started = self.start_on_sqlite(opened, file, &self.world_writers, clock, new_world).await;
        if matches!(place, Place::Memory) {
            tokio::spawn(Arc::clone(self).open_spare());
        }
        started
    }

    /// A database in memory without rows.
    async fn open_empty(&self) -> Result<Opened, StoreError> {
        let spare = self.spare().take();
        match spare {
            Some(spare) => Ok(spare),
            None => sqlite::open_image(self.empty_image().await?).await,
        }
    }

    /// Opens the database of the next world in memory. Where that fails, the world itself will say so.
    async fn open_spare(self: Arc<Self>) {
        if self.spare().is_some() {
            return;
        }
        if let Ok(opened) = self.open_empty().await {
            *self.spare() = Some(opened);
        }
    }

    fn spare(&self) -> MutexGuard<'_, Option<Opened>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn empty_image(&self) -> Result<&[u8], StoreError> {
        let made = self.empty_image.get_or_try_init(|| async {
            let mut connection = sqlite::open_in_memory().await?.connection;
            let image = connection.image().await?.unwrap_or_default();
            connection.close().await?;
            Ok::<_, StoreError>(image)
        });
        made.await.map(Vec::as_slice)
    }

    async fn start_on_sqlite<E>(
        &self,
        opened: Opened,
        file: Option<&Path>,
        threads: &Threads,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<Result<OpenedDatabase, E>, StoreError> {
        let Opened { mut connection, lock } = opened;
        let mut prepared = prepare(&mut connection, clock, new_world).await;
        if let (Ok(Ok(_)), Some(_), Connection::Sqlite(connection)) = (&prepared, &lock, &mut connection)
            && let Err(problem) = sqlite::mark_in_use(connection).await
        {
            prepared = Err(problem.into());
        }
        let refused = match prepared {
            Ok(Ok(contents)) => {
                let reader =
                    file.map(|path| move || Source::File { path: path.to_owned(), connection: None });
                let session = Session::own(connection, lock);
                let open = self.start(session, clock, &contents.state, threads, reader)?;
                return Ok(Ok(contents.opened(open)));
            }
            Ok(Err(refused)) => Ok(Err(refused)),
            Err(problem) => Err(problem.in_file(file)),
        };
        // Before the lock is let go, as in the writer.
        let _closed = connection.close().await;
        drop(lock);
        refused
    }

    async fn start_on_schema<E>(
        &self,
        shared: &SharedDatabase,
        mut connection: Connection,
        schema: Schema,
        clock: &Clock,
        new_world: impl FnOnce() -> Result<NewWorld, E>,
    ) -> Result<Result<OpenedDatabase, E>, StoreError> {
        let prepared = prepare(&mut connection, clock, new_world).await;
        // This connection made and filled the tables; the writer takes one with bounds.
        let _closed = connection.close().await;
        let contents = match prepared? {
            Ok(contents) => contents,
            Err(problem) => return Ok(Err(problem)),
        };
        let session = Session::shared(Arc::clone(&shared.changes), schema.clone());
        let reader = Some(|| Source::Shared {
            pool: Arc::clone(&shared.look_ups),
            schema: schema.clone(),
            lease: None,
        });
        let open = self.start(session, clock, &contents.state, &self.writers, reader)?;
        Ok(Ok(contents.opened(open)))
    }

    /// Starts the writer and the readers of a world.
    fn start(
        &self,
        session: Session,
        clock: &Clock,
        state: &WorldState,
        threads: &Threads,
        reader: Option<impl Fn() -> Source>,
    ) -> Result<Open, StoreError> {
        let (sender, messages) = mpsc::channel(QUEUE);
        let bounds = (self.settings.batch_max, self.settings.cached_transactions);
        let (clock, rules) = (clock.clone(), Arc::clone(&self.rules));
        let beside = Beside { writer: sender.downgrade(), rules: Arc::clone(&rules), ids: state.ids };
        threads.spawn(Writer::new(session, messages, state, (clock, rules), bounds).run())?;
        let mut readers = Vec::new();
        if let Some(source) = reader {
            for _ in 0..self.settings.readers {
                let (sender, messages) = mpsc::channel(QUEUE);
                self.readers.spawn(Reader::new(source(), messages, &beside, bounds).run())?;
                readers.push(sender);
            }
        }
        Ok(Open::new(sender, readers))
    }

    /// Closes what the worlds of a shared database had in common.
    pub async fn close(&self) {
        let Some(shared) = &self.shared else { return };
        for (pool, threads) in [(&shared.changes, &self.writers), (&shared.look_ups, &self.readers)] {
            let pool = Arc::clone(pool);
            let _closed = threads.run(async move { pool.close().await }).await;
        }
    }
}

/// What an open database holds that has to be known at once.
struct Contents {
    is_new: bool,
    keys: Keys,
    state: WorldState,
}

impl Contents {
    fn opened(self, open: Open) -> OpenedDatabase {
        OpenedDatabase { open, keys: self.keys, is_new: self.is_new, id_seed: self.state.ids.seed() }
    }
}

/// Fills the database if it is empty, and reads what has to be known of it.
async fn prepare<E>(
    connection: &mut Connection,
    clock: &Clock,
    new_world: impl FnOnce() -> Result<NewWorld, E>,
) -> Result<Result<Contents, E>, StoreError> {
    let new_keys = match fill(connection, new_world).await? {
        Ok(new_keys) => new_keys,
        Err(problem) => return Ok(Err(problem)),
    };
    let is_new = new_keys.is_some();
    let keys = match new_keys {
        Some(keys) => keys,
        None => {
            due_work::take_up_again(connection).await?;
            Keys::load(connection).await?
        }
    };
    let mut state = load::world_state(connection).await?;
    let given = clock.state();
    if given != ClockState::REAL_TIME && given != state.clock && matches!(connection, Connection::Sqlite(_)) {
        save::set_clock(connection, given).await?;
        state.clock = given;
    } else {
        clock.set(state.clock);
    }
    Ok(Ok(Contents { is_new, keys, state }))
}

/// Fills an empty database and gives its keys; `None` when it was not empty. Of sandboxes that start together on a shared
/// one, the first does it.
async fn fill<E>(
    connection: &mut Connection,
    new_world: impl FnOnce() -> Result<NewWorld, E>,
) -> Result<Result<Option<Keys>, E>, StoreError> {
    if is_filled(connection).await? {
        return Ok(Ok(None));
    }
    let is_filled_meanwhile = match connection {
        Connection::Sqlite(_) => {
            connection.run("BEGIN IMMEDIATE").await?;
            false
        }
        Connection::Postgres(_) => {
            connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
            postgres::lock_beginning(connection).await?;
            is_filled(connection).await?
        }
    };
    let mut new_keys = None;
    if !is_filled_meanwhile {
        match new_world() {
            Ok(world) => {
                save_new(connection, &world).await?;
                new_keys = Some(Keys::of(&world.initial.keys));
            }
            Err(problem) => {
                connection.run("ROLLBACK").await?;
                return Ok(Err(problem));
            }
        }
    }
    connection.run("COMMIT").await?;
    Ok(Ok(new_keys))
}

/// The first world that stays beside the default one makes the folder of all that do.
fn create_folder_of(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|source| StoreError::Open { path: path.to_owned(), source: sqlx::Error::Io(source) })
}

/// Saves a new world into empty tables.
pub(super) async fn save_new(connection: &mut Connection, world: &NewWorld) -> sqlx::Result<()> {
    save::begin_world(connection, world.ids, world.clock).await?;
    save::save(connection, &world.initial.book, world.ids).await?;
    keys::save(connection, &world.initial.keys).await
}

async fn is_filled(connection: &mut Connection) -> sqlx::Result<bool> {
    let worlds: i64 = connection.scalar("SELECT count(*) FROM world", Values::default()).await?;
    Ok(worlds > 0)
}
