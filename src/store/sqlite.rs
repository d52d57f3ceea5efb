//! SQLite, the embedded engine: how a database is opened, and who may.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteOwnedBuf, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection as _, Row as _, SqliteConnection};

use super::engine::{Connection, Values};
use super::error::{StoreError, migration_error, refuse_newer};

/// How many pages of 4 KiB the write-ahead log gathers before they go into the database file: 32 MiB.
const LOG_PAGES: &str = "8000";
/// How much of the database SQLite keeps at hand, in KiB (negative: that is the unit). It looks through all of it at
/// the end of most transactions, so that more is not faster.
const CACHE_KIB: &str = "-32768";
/// How long a start waits for another sandbox to let the database go.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// `PRAGMA user_version` while a sandbox has the file open, and after a crash (it reads `FPSU`). It is in the file
/// itself before the first request, so that a write-ahead log that is missing later is noticed.
const IN_USE: i32 = 0x4650_5355;
/// `PRAGMA user_version` of a file that a sandbox has closed: it is complete without a log.
const CLOSED: i32 = 0;
/// The size of the header of a database file, and where the user version is in it
/// (<https://www.sqlite.org/fileformat.html#the_database_header>).
const HEADER_BYTES: usize = 100;
const USER_VERSION: std::ops::Range<usize> = 60..64;

/// `SQLITE_CORRUPT`, and the bits of an extended result code that hold the primary one.
const CORRUPT: i32 = 11;
const PRIMARY: i32 = 0xff;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// An open database: its one connection, and the lock that keeps other sandboxes out.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) lock: Option<FileLock>,
}

/// Opens a database in memory, with empty tables.
pub(super) async fn open_in_memory() -> Result<Opened, StoreError> {
    let mut connection = connect(None).await?;
    migrate(&mut connection).await.map_err(|problem| migration_error(problem, ":memory:".to_owned()))?;
    Ok(Opened { connection: Connection::Sqlite(connection), lock: None })
}

/// Opens a database in memory as it was when its image was made.
pub(super) async fn open_image(image: &[u8]) -> Result<Opened, StoreError> {
    let mut connection = connect(None).await?;
    connection.deserialize(None, SqliteOwnedBuf::try_from(image)?, false).await?;
    Ok(Opened { connection: Connection::Sqlite(connection), lock: None })
}

/// Opens a file, and brings its schema up to date.
pub(super) async fn open_file(path: &Path) -> Result<Opened, StoreError> {
    let lock = FileLock::take(path).await?;
    check_log(path)?;
    let mut connection = connect(Some(path)).await?;
    match prepare(&mut connection, path).await {
        Ok(()) => Ok(Opened { connection: Connection::Sqlite(connection), lock: Some(lock) }),
        Err(problem) => {
            // Before the lock is let go: see `FileLock`.
            let _closed = connection.close().await;
            Err(problem)
        }
    }
}

/// Another connection to a file that this sandbox has open; it only looks.
pub(super) async fn open_reader(path: &Path) -> sqlx::Result<Connection> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    Ok(Connection::Sqlite(with_file_settings(options).connect().await?))
}

/// Brings the tables up to date. The migrator's other methods have futures that are not `Send`.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    MIGRATIONS.run_direct(None, connection, false).await
}

async fn prepare(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    if is_foreign(connection).await.map_err(|source| StoreError::open(path, source))? {
        return Err(StoreError::NotOurs(path.display().to_string()));
    }
    migrate(connection).await.map_err(|problem| match problem {
        MigrateError::Execute(source) => StoreError::open(path, source),
        problem => migration_error(problem, path.display().to_string()),
    })
}

/// Notes in the database file that a sandbox has it open, and puts everything into it that is there so far: a file
/// without its log is then seen to be incomplete, and never taken for a new one.
pub(super) async fn mark_in_use(connection: &mut SqliteConnection) -> sqlx::Result<()> {
    set_user_version(connection, IN_USE).await?;
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(connection).await?;
    if checkpoint.try_get::<i64, _>("log")? > checkpoint.try_get::<i64, _>("checkpointed")? {
        tracing::warn!(
            "another program reads the database file: for now, the loss of its log would not be noticed"
        );
    }
    Ok(())
}

/// Closes a database: its file is complete and says so, and SQLite removes the log.
pub(super) async fn close(mut connection: SqliteConnection) -> sqlx::Result<()> {
    // A log that is all in the file is written from its beginning again, so that a full disk has room for the mark.
    let emptied = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut connection).await.map(drop);
    let marked = set_user_version(&mut connection, CLOSED).await;
    connection.close().await.and(emptied).and(marked)
}

async fn set_user_version(connection: &mut SqliteConnection, version: i32) -> sqlx::Result<()> {
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA user_version = {version}"));
    sqlx::query(pragma).execute(connection).await.map(drop)
}

/// Whether an error means that a database file is damaged.
pub(super) fn is_damage(problem: &sqlx::Error) -> bool {
    let code = problem.as_database_error().and_then(|problem| problem.code());
    code.and_then(|code| code.parse().ok()).is_some_and(|code: i32| code & PRIMARY == CORRUPT)
}

/// Refuses a database file without the log that belongs to it. To be asked before SQLite opens the file: that makes a
/// new log.
fn check_log(database: &Path) -> Result<(), StoreError> {
    let unreadable = |source| StoreError::open(database, sqlx::Error::Io(source));
    // SQLite follows symbolic links, so that a file has one log whatever links lead to it; hard links have one each.
    let file = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let (log, index) = (with_suffix(&file, "-wal"), with_suffix(&file, "-shm"));
    let log_bytes = fs::metadata(&log).ok().map(|log| log.len());
    let (bytes, names) = fs::metadata(&file).map_or((0, 1), |file| (file.len(), file.nlink()));
    let database = database.to_owned();
    match log_bytes {
        // SQLite would take the empty file for a new database, and remove the log.
        Some(1..) if bytes == 0 => return Err(StoreError::OnlyLog { database, log }),
        Some(1..) => return Ok(()),
        _ if bytes == 0 || !is_marked_in_use(&file).map_err(unreadable)? => return Ok(()),
        _ => {}
    }
    if names > 1 {
        return Err(StoreError::LogElsewhere { database, log });
    }
    // SQLite removes the index before the log.
    if log_bytes.is_none() && index.exists() {
        return Err(StoreError::LogLost { database, log, index });
    }
    // Another program that has opened the file since puts the log into it and removes both.
    tracing::warn!(
        "the database {} was not closed in order and has no log {}: unless another program has put the log into the \
         file, the last changes are lost",
        database.display(),
        log.display()
    );
    Ok(())
}

/// Whether a sandbox had the file open when it was last written, as its header says.
fn is_marked_in_use(database: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(database)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    Ok(header.get(USER_VERSION) == Some(&IN_USE.to_be_bytes()))
}

fn with_suffix(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Opens an existing database file for reading only.
pub(super) async fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.display().to_string()));
    }
    // One that this process has open has its log; and to read the file would cost SQLite its locks.
    if !FileLock::is_held_here(path) {
        check_log(path)?;
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

/// Checks that the file is intact: its pages, and that rows and indexes agree. One text for each fault, so many at
/// most.
pub(super) async fn damage(connection: &mut Connection, most: i64) -> sqlx::Result<Vec<String>> {
    let pragma = sqlx::AssertSqlSafe(format!("PRAGMA integrity_check({most})"));
    let told = match connection.all(pragma, Values::default()).await {
        Ok(rows) => rows.iter().map(|row| row.try_get(0)).collect::<sqlx::Result<Vec<String>>>()?,
        Err(problem) if is_damage(&problem) => vec![problem.to_string()],
        Err(problem) => return Err(problem),
    };
    Ok(told.into_iter().filter(|fault| fault != "ok").collect())
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
            .pragma("wal_autocheckpoint", LOG_PAGES),
    };
    let options = if file.is_some() { with_file_settings(options) } else { with_settings(options) };
    options.connect().await.map_err(|source| match file {
        None => StoreError::Database(source),
        Some(path) => StoreError::open(path, source),
    })
}

fn with_file_settings(options: SqliteConnectOptions) -> SqliteConnectOptions {
    // Nothing outside the database's own folder: a container has no /tmp, or a read-only one.
    with_settings(options.pragma("cache_size", CACHE_KIB).pragma("temp_store", "memory"))
}

/// All rows of a statement at once: its thread need not wait for ours in between.
fn with_settings(options: SqliteConnectOptions) -> SqliteConnectOptions {
    options.statement_cache_capacity(1024).row_buffer_size(4096).disable_statement_logging()
}

/// Whether somebody else has made tables in it: ours come with a record of migrations.
async fn is_foreign(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT count(*) > 0 AND sum(name = '_sqlx_migrations') = 0 FROM sqlite_master")
        .fetch_one(connection)
        .await
}

/// The files that sandboxes of this process have locked, by device and inode.
///
/// A process that closes any descriptor of a file loses all its POSIX locks on it, SQLite's included. So a second
/// sandbox in the same process must not even open the file to find that it is locked.
static LOCKED_HERE: Mutex<BTreeSet<Inode>> = Mutex::new(BTreeSet::new());

/// What a file is, whatever its names.
type Inode = (u64, u64);

fn inode(file: &Metadata) -> Inode {
    (file.dev(), file.ino())
}

/// Keeps other sandboxes off a database file, by whichever path they come: through symbolic and hard links and through
/// bind mounts. It must be dropped after SQLite has closed the file, because that drops SQLite's own locks.
#[derive(Debug)]
pub(super) struct FileLock {
    /// Locked until it is closed.
    file: Option<File>,
    inode: Inode,
}

impl FileLock {
    /// Makes the file if there is none. A sandbox that is just ending gets a moment to let go.
    async fn take(database: &Path) -> Result<Self, StoreError> {
        let patience = Instant::now() + LOCK_PATIENCE;
        loop {
            match Self::try_take(database) {
                Ok(Some(lock)) => return Ok(lock),
                Err(source) => return Err(StoreError::open(database, sqlx::Error::Io(source))),
                Ok(None) if Instant::now() >= patience => return Err(StoreError::InUse(database.to_owned())),
                Ok(None) => tokio::time::sleep(LOCK_PATIENCE / 20).await,
            }
        }
    }

    fn try_take(database: &Path) -> io::Result<Option<Self>> {
        let path = Self::file_to_lock(database);
        let mut locked_here = locked_here();
        if fs::metadata(&path).is_ok_and(|file| locked_here.contains(&inode(&file))) {
            return Ok(None);
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                let inode = inode(&file.metadata()?);
                locked_here.insert(inode);
                Ok(Some(Self { file: Some(file), inode }))
            }
            Err(TryLockError::Error(source)) => Err(source),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }

    /// Whether a sandbox of this process has the database open.
    fn is_held_here(database: &Path) -> bool {
        let file = fs::metadata(Self::file_to_lock(database));
        file.is_ok_and(|file| locked_here().contains(&inode(&file)))
    }

    /// On Linux the database itself: `try_lock` is flock(2) there, of which SQLite's POSIX locks know nothing, except
    /// on NFS, where SQLite's log does not work either. On other systems the two kinds of lock exclude each other, so
    /// that a file beside it is locked, which does not tell hard links.
    fn file_to_lock(database: &Path) -> PathBuf {
        if cfg!(target_os = "linux") {
            return database.to_owned();
        }
        let file = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
        with_suffix(&file, "-lock")
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // Closed before another sandbox of this process may open it.
        let mut locked_here = locked_here();
        drop(self.file.take());
        locked_here.remove(&self.inode);
    }
}

fn locked_here() -> MutexGuard<'static, BTreeSet<Inode>> {
    LOCKED_HERE.lock().unwrap_or_else(PoisonError::into_inner)
}
