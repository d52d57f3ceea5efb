//! SQLite, the embedded engine: how a database is opened, and who may.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};

use crate::config::Database;

use super::StoreError;

/// How long a start waits for another sandbox to let the database go.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// An open database: its one connection, and the lock that keeps other processes out.
pub(super) struct Opened {
    pub(super) connection: SqliteConnection,
    pub(super) lock: Option<File>,
}

/// Opens the database and brings its schema up to date.
pub(super) async fn open(database: &Database) -> Result<Opened, StoreError> {
    let lock = match database {
        Database::Memory => None,
        Database::File(path) => Some(lock(path).await?),
    };
    let mut connection = connect(database).await?;
    if let Database::File(path) = database
        && is_foreign(&mut connection).await.map_err(|source| StoreError::open(path, source))?
    {
        return Err(StoreError::NotOurs(path.clone()));
    }
    migrate(&mut connection, database).await?;
    Ok(Opened { connection, lock })
}

/// Opens an existing database file for reading only.
pub(super) async fn open_to_read(path: &Path) -> Result<SqliteConnection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = options.connect().await.map_err(|source| StoreError::open(path, source))?;
    let applied: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut connection)
        .await
        .map_err(|source| StoreError::open(path, source))?;
    let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
    if applied > known {
        return Err(StoreError::Newer { database: path.display().to_string(), version: applied });
    }
    Ok(connection)
}

async fn connect(database: &Database) -> Result<SqliteConnection, StoreError> {
    let options = match database {
        Database::Memory => SqliteConnectOptions::new()
            .in_memory(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off),
        Database::File(path) => SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .pragma("wal_autocheckpoint", "4000")
            // Nothing outside the database's own folder: a container has no /tmp, or a read-only one.
            .pragma("temp_store", "memory"),
    };
    let options = options.statement_cache_capacity(1024).disable_statement_logging();
    options.connect().await.map_err(|source| match database {
        Database::Memory => StoreError::Database(source),
        Database::File(path) => StoreError::open(path, source),
    })
}

/// Whether somebody else has made tables in it: ours come with a record of migrations.
async fn is_foreign(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT count(*) > 0 AND sum(name = '_sqlx_migrations') = 0 FROM sqlite_master")
        .fetch_one(connection)
        .await
}

async fn migrate(connection: &mut SqliteConnection, database: &Database) -> Result<(), StoreError> {
    MIGRATIONS.run(connection).await.map_err(|problem| match problem {
        MigrateError::VersionMissing(version) => {
            StoreError::Newer { database: database.to_string(), version }
        }
        MigrateError::VersionMismatch(version) => {
            StoreError::Foreign { database: database.to_string(), version }
        }
        other => StoreError::Migration(other),
    })
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
