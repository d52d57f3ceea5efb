//! SQLite, the embedded engine: how databases in memory and in files are opened and closed.

mod file_lock;
mod log_check;

use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteOwnedBuf, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Row as _, SqliteConnection};

use super::engine::{BindValues, Connection};
use super::error::{StoreError, check_not_newer, migration_error};

pub(super) use file_lock::FileLock;
use log_check::{USER_VERSION_CLOSED, USER_VERSION_OPEN, check_log};

/// The size of the write-ahead log at which SQLite checkpoints it, in pages of 4 KiB: 32 MiB.
const CHECKPOINT_PAGES: &str = "8000";
/// The size of SQLite's page cache, in KiB (a negative number means this unit). SQLite scans the whole cache at the end of
/// most transactions, so a larger one is not faster.
const CACHE_KIB: &str = "-32768";

/// `SQLITE_CORRUPT`, and the bits of an extended result code that hold the primary code.
const SQLITE_CORRUPT: i32 = 11;
const PRIMARY_CODE_MASK: i32 = 0xff;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// An open database: its only writing connection, and the lock on its file.
pub(super) struct SqliteDatabase {
    pub(super) connection: Connection,
    /// `None` for a database in memory.
    pub(super) lock: Option<FileLock>,
}

impl SqliteDatabase {
    /// Opens a database in memory, with empty tables.
    pub(super) async fn open_in_memory() -> Result<Self, StoreError> {
        let mut connection = connect(None).await?;
        migrate(&mut connection).await.map_err(|problem| migration_error(problem, ":memory:".to_owned()))?;
        Ok(Self { connection: Connection::Sqlite(connection), lock: None })
    }

    /// Opens a database in memory with the contents of an image that [`Connection::serialize`] has made.
    pub(super) async fn open_image(image: &[u8]) -> Result<Self, StoreError> {
        let mut connection = connect(None).await?;
        connection.deserialize(None, SqliteOwnedBuf::try_from(image)?, false).await?;
        Ok(Self { connection: Connection::Sqlite(connection), lock: None })
    }

    /// Locks and opens a database file, and migrates its tables.
    pub(super) async fn open_file(path: &Path) -> Result<Self, StoreError> {
        let lock = FileLock::acquire(path).await?;
        check_log(path)?;
        let mut connection = connect(Some(path)).await?;
        match prepare_tables(&mut connection, path).await {
            Ok(()) => Ok(Self { connection: Connection::Sqlite(connection), lock: Some(lock) }),
            Err(problem) => {
                // Closed before the lock is released: see `FileLock`.
                let _closed = connection.close().await;
                Err(problem)
            }
        }
    }
}

/// Opens a read-only connection to a file that this sandbox has open.
pub(super) async fn open_reader(path: &Path) -> sqlx::Result<Connection> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    Ok(Connection::Sqlite(with_file_settings(options).connect().await?))
}

/// Runs the migrations. The migrator's other methods return futures that are not `Send`.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, connection, false).await
}

/// Migrates the tables of a file, unless another program has made the file.
async fn prepare_tables(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    if has_foreign_tables(connection).await.map_err(|source| StoreError::open(path, source))? {
        return Err(StoreError::MadeByOtherProgram(path.display().to_string()));
    }
    migrate(connection).await.map_err(|problem| match problem {
        MigrateError::Execute(source) => StoreError::open(path, source),
        problem => migration_error(problem, path.display().to_string()),
    })
}

/// Marks the database file as open, and checkpoints the log so that the mark is in the file itself. From then on a file
/// without its log is recognized as incomplete, and never mistaken for a new one.
pub(super) async fn mark_as_open(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    set_user_version(connection, USER_VERSION_OPEN).await?;
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await?;
    if checkpoint.try_get::<i64, _>("log")? > checkpoint.try_get::<i64, _>("checkpointed")? {
        tracing::warn!(
            "another program reads the database file: for now, the loss of its log would not be noticed"
        );
    }
    Ok(())
}

/// Closes a database. Its file is complete and marked as closed, and SQLite removes the log.
pub(super) async fn close(mut connection: SqliteConnection) -> sqlx::Result<()> {
    // After a complete checkpoint SQLite overwrites the log from its start. So the mark needs no space on a full disk.
    let checkpointed = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut connection).await.map(drop);
    let marked = set_user_version(&mut connection, USER_VERSION_CLOSED).await;
    connection.close().await.and(checkpointed).and(marked)
}

async fn set_user_version(connection: &mut SqliteConnection, version: i32) -> sqlx::Result<()> {
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"));
    sqlx::query(pragma).execute(connection).await.map(drop)
}

/// Whether an error means that the database file is corrupt.
pub(super) fn is_corruption(problem: &sqlx::Error) -> bool {
    let code = problem.as_database_error().and_then(|problem| problem.code());
    code.and_then(|code| code.parse().ok())
        .is_some_and(|code: i32| code & PRIMARY_CODE_MASK == SQLITE_CORRUPT)
}

/// The path with a suffix appended to the file name.
fn with_suffix(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Opens an existing database file read-only, whether or not a sandbox has it open.
pub(super) async fn open_read_only(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::NotFound(path.display().to_string()));
    }
    // A file that this process has open has its log. Reading the file's header here would release SQLite's locks on it.
    if !FileLock::is_held_by_this_process(path) {
        check_log(path)?;
    }
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let connection = options.connect().await.map_err(|source| StoreError::open(path, source))?;
    let mut connection = Connection::Sqlite(connection);
    check_not_newer(&mut connection, &MIGRATIONS, &path.display().to_string()).await.map_err(|problem| {
        match problem {
            StoreError::Database(source) => StoreError::open(path, source),
            other => other,
        }
    })?;
    Ok(connection)
}

/// Checks that the pages of the file are intact and that rows and indexes agree. Returns a text for each fault, at most
/// `limit`.
pub(super) async fn integrity_faults(connection: &mut Connection, limit: i64) -> sqlx::Result<Vec<String>> {
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA integrity_check({limit})"));
    let lines = match connection.fetch_all(pragma, BindValues::default()).await {
        Ok(rows) => rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<Vec<String>>>()?,
        Err(problem) if is_corruption(&problem) => vec![problem.to_string()],
        Err(problem) => return Err(problem),
    };
    Ok(lines.into_iter().filter(|line| line != "ok").collect())
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
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES),
    };
    let options = if file.is_some() { with_file_settings(options) } else { with_settings(options) };
    options.connect().await.map_err(|source| match file {
        None => StoreError::Database(source),
        Some(path) => StoreError::open(path, source),
    })
}

fn with_file_settings(options: SqliteConnectOptions) -> SqliteConnectOptions {
    // Temporary data stays in memory: a container may have no /tmp, or a read-only one.
    with_settings(options.pragma("cache_size", CACHE_KIB).pragma("temp_store", "memory"))
}

fn with_settings(options: SqliteConnectOptions) -> SqliteConnectOptions {
    // With a large row buffer SQLite's thread returns all rows of a statement at once, without waiting for the reader.
    options.statement_cache_capacity(1024).row_buffer_size(4096).disable_statement_logging()
}

/// Whether the database has tables but no record of our migrations: another program has made them.
async fn has_foreign_tables(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT count(*) > 0 AND sum(name = '_sqlx_migrations') = 0 FROM sqlite_master")
        .fetch_one(connection)
        .await
}
