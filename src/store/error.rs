//! Errors of opening a database.

use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migrator};

use super::engine::{BindValues, Connection};
use super::sqlite;

/// Why a database could not be opened or used. Each message is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file cannot be opened.
    #[error("cannot open the database {path}: {source}; check --database and the rights on its folder")]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// The engine's error.
        source: sqlx::Error,
    },
    /// The file is corrupt.
    #[error("the database {path} is damaged: {source}; put an intact copy in its place")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The engine's error.
        source: sqlx::Error,
    },
    /// The database does not exist.
    #[error("there is no database {0}; give what the sandbox was started with")]
    NotFound(String),
    /// The URL of the server is not valid.
    #[error("the database URL {database} cannot be used: {source}; check --database")]
    InvalidUrl {
        /// The URL without its password.
        database: String,
        /// What is wrong.
        source: sqlx::Error,
    },
    /// The server refused the connection.
    #[error("the database {database} cannot be used: {reason}; {advice}")]
    ConnectionRefused {
        /// The URL without its password.
        database: String,
        /// The server's message.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// The database exists but has none of our tables.
    #[error("the database {0} holds no sandbox; start one on it first, or give another --database")]
    NotInitialized(String),
    /// A world could not be created, because other sandboxes kept creating it at the same time.
    #[error("the world {0} could not be made: others are making it too; try again")]
    WorldNotCreated(String),
    /// The database has no persistent world with this name.
    #[error(
        "the database {database} has no world {world}; worlds in memory cannot be looked at from outside"
    )]
    WorldNotFound {
        /// Which database.
        database: String,
        /// The name that was requested.
        world: String,
    },
    /// The server does not answer.
    #[error("the database {database} cannot be reached: {source}; check --database and that the server runs")]
    Unreachable {
        /// The URL without its password.
        database: String,
        /// The engine's error.
        source: sqlx::Error,
    },
    /// The file was not closed in order, and its log is missing.
    #[error(
        "the database {database} was not closed in order and its log {log} is gone, and with it the last changes; \
         put the log back, or remove {index} to go on without", database = database.display(), log = log.display(), index = index.display()
    )]
    LogMissing {
        /// The file.
        database: PathBuf,
        /// The expected path of the log.
        log: PathBuf,
        /// The index of the log, which still exists.
        index: PathBuf,
    },
    /// The file was not closed in order, and its log is not beside this one of its hard links.
    #[error(
        "the database {database} was not closed in order and has another name (a hard link), beside which its log must \
         be, because {log} is not there; start on that name first, or remove it", database = database.display(), log = log.display()
    )]
    LogBesideOtherHardLink {
        /// The file.
        database: PathBuf,
        /// The expected path of the log.
        log: PathBuf,
    },
    /// There is a log, but the file that it belongs to is empty.
    #[error(
        "the database {database} is empty although its log {log} is there: the file was replaced or cut short; put it \
         back, or remove the log to begin afresh", database = database.display(), log = log.display()
    )]
    EmptyFileWithLog {
        /// The file.
        database: PathBuf,
        /// The log.
        log: PathBuf,
    },
    /// Another sandbox has the file open.
    #[error("the database {0} is in use by another sandbox; stop that one or give another --database")]
    InUse(PathBuf),
    /// Another program made the database.
    #[error("the database {0} was made by another program; give another --database")]
    MadeByOtherProgram(String),
    /// A newer version of this program has migrated the database.
    #[error(
        "the database {database} has schema version {version}, which is newer than this program knows; use the newer fps-sandbox or another --database"
    )]
    NewerVersion {
        /// Which database.
        database: String,
        /// Its schema version.
        version: i64,
    },
    /// The database has a migration that this program does not know.
    #[error(
        "the database {database} has a schema version {version} that this program did not write; give another --database"
    )]
    UnknownVersion {
        /// Which database.
        database: String,
        /// The unknown version.
        version: i64,
    },
    /// A migration failed.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(MigrateError),
    /// No thread could be started for the writer.
    #[error("the writer of the database could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// Any other error of the engine.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    /// The error of opening this file.
    pub(super) fn open(path: &Path, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        if sqlite::is_corruption(&source) {
            Self::Corrupt { path, source }
        } else {
            Self::CannotOpen { path, source }
        }
    }

    /// The same error with the path of the file, if it has none yet.
    pub(super) fn with_path(self, file: Option<&Path>) -> Self {
        match (self, file) {
            (Self::Database(source), Some(path)) => Self::open(path, source),
            (problem, _) => problem,
        }
    }
}

/// Fails if a newer version of this program has migrated the database.
pub(super) async fn check_not_newer(
    connection: &mut Connection,
    migrations: &Migrator,
    database: &str,
) -> Result<(), StoreError> {
    let text = "SELECT max(version) FROM _sqlx_migrations";
    let applied: i64 = connection.fetch_scalar(text, BindValues::default()).await?;
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or(0);
    if applied > known {
        return Err(StoreError::NewerVersion { database: database.to_owned(), version: applied });
    }
    Ok(())
}

pub(super) fn migration_error(problem: MigrateError, database: String) -> StoreError {
    match problem {
        MigrateError::VersionMissing(version) => StoreError::NewerVersion { database, version },
        MigrateError::VersionMismatch(version) => StoreError::UnknownVersion { database, version },
        other => StoreError::Migration(other),
    }
}
