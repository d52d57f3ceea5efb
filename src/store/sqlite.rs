//! SQLite, the embedded engine: how a database is opened, and who may.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use super::engine::Connection;
use super::{StoreError, migration_error, refuse_newer};

/// How many pages of 4 KiB the write-ahead log gathers before they go into the database file: 32 MiB.
const LOG_PAGES: &str = "8000";
/// How much of the database SQLite keeps at hand, in KiB (negative: that is the unit). It looks through all of it at
/// the end of most transactions, so that more is not faster.
const CACHE_KIB: &str = "-32768";
/// How long a start waits for another sandbox to let the database go.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// An open database: its one connection, and the lock that keeps other processes out.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) lock: Option<File>,
}

/// Opens a file, or a database in memory, and brings its schema up to date.
pub(super) async fn open(file: Option<&Path>) -> Result<Opened, StoreError> {
    let lock = match file {
        None => None,
        Some(path) => Some(lock(path).await?),
    };
    let mut connection = connect(file).await?;
    if let Some(path) = file
        && is_foreign(&mut connection).await.map_err(|source| StoreError::open(path, source))?
    {
        return Err(StoreError::NotOurs(path.display().to_string()));
    }
    let name = || file.map_or_else(|| ":memory:".to_owned(), |path| path.display().to_string());
    MIGRATIONS.run(&mut connection).await.map_err(|problem| migration_error(problem, name()))?;
    Ok(Opened { connection: Connection::Sqlite(connection), lock })
}

/// Opens an existing database file for reading only.
pub(super) async fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.display().to_string()));
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let connection = options.connect().await.map_err(|source| StoreError::open(path, source))?;
    let mut connection = Connection::Sqlite(connection);
    refuse_newer(&mut connection, &MIGRATIONS, &path.display().to_string()).await.map_err(|problem| {
        match problem {
            StoreError::Database(source) => StoreError::open(path, source),
            other => other,
        }
    })?;
    Ok(connection)
}

async fn connect(file: Option<&Path>) -> Result<SqliteConnection, StoreError> {
    let options = match file {
        None => SqliteConnectOptions::new()
            .in_memory(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off),
        Some(path) => SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", LOG_PAGES)
            .pragma("cache_size", CACHE_KIB)
            // Nothing outside the database's own folder: a container has no /tmp, or a read-only one.
            .pragma("temp_store", "memory"),
    };
    // All rows of a statement at once: its thread need not wait for ours in between.
    let options = options.statement_cache_capacity(1024).row_buffer_size(4096).disable_statement_logging();
    options.connect().await.map_err(|source| match file {
        None => StoreError::Database(source),
        Some(path) => StoreError::open(path, source),
    })
}

/// Whether somebody else has made tables in it: ours come with a record of migrations.
async fn is_foreign(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT count(*) > 0 AND sum(name = '_sqlx_migrations') = 0 FROM sqlite_master")
        .fetch_one(connection)
        .await
}

/// Takes the lock file beside a database, so that no second sandbox writes to it. One that is just ending gets a
/// moment to let go.
async fn lock(path: &Path) -> Result<File, StoreError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push("-lock");
    let unusable = |source| StoreError::open(path, sqlx::Error::Io(source));
    let file = OpenOptions::new().create(true).append(true).open(PathBuf::from(beside)).map_err(unusable)?;
    let patience = Instant::now() + LOCK_PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
            Err(TryLockError::WouldBlock) if Instant::now() >= patience => {
                return Err(StoreError::InUse(path.to_owned()));
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PATIENCE / 20).await,
        }
    }
}
