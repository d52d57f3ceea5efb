//! Why a database cannot be opened.

use std::path::{Path, PathBuf};

use sqlx::migrate::{MigrateError, Migrator};

use super::engine::{Connection, Values};
use super::sqlite;

/// Why a store could not be opened. Each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database file cannot be opened.
    #[error("cannot open the database {path}: {source}; check --database and the rights on its folder")]
    Open {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// The pages of the file make no sense.
    #[error("the database {path} is damaged: {source}; put an intact copy in its place")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// There is no such file.
    #[error("there is no database {0}; give what the sandbox was started with")]
    Missing(String),
    /// The URL of a server makes no sense.
    #[error("the database URL {database} cannot be used: {source}; check --database")]
    Url {
        /// The URL without its password.
        database: String,
        /// What is wrong.
        source: sqlx::Error,
    },
    /// The server answers, and says no.
    #[error("the database {database} cannot be used: {reason}; {advice}")]
    Refused {
        /// The URL without its password.
        database: String,
        /// What the server said.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// There is a database, with no sandbox in it.
    #[error("the database {0} holds no sandbox; start one on it first, or give another --database")]
    NoSandbox(String),
    /// A world could not be made.
    #[error("the world {0} could not be made: others are making it too; try again")]
    NotMade(String),
    /// The world is not among those that are kept.
    #[error(
        "the database {database} has no world {world}; worlds in memory cannot be looked at from outside"
    )]
    NoWorld {
        /// Which database.
        database: String,
        /// The name asked for.
        world: String,
    },
    /// The server does not answer.
    #[error("the database {database} cannot be reached: {source}; check --database and that the server runs")]
    Unreachable {
        /// The URL without its password.
        database: String,
        /// What the engine said.
        source: sqlx::Error,
    },
    /// It was not closed, and its log is gone.
    #[error(
        "the database {database} was not closed in order and its log {log} is gone, and with it the last changes; \
         put the log back, or remove {index} to go on without", database = database.display(), log = log.display(), index = index.display()
    )]
    LogLost {
        /// The file.
        database: PathBuf,
        /// Where its log was.
        log: PathBuf,
        /// What is left of the log.
        index: PathBuf,
    },
    /// It was not closed, and its log is not beside this one of its names.
    #[error(
        "the database {database} was not closed in order and has another name (a hard link), beside which its log must \
         be, because {log} is not there; start on that name first, or remove it", database = database.display(), log = log.display()
    )]
    LogElsewhere {
        /// The file.
        database: PathBuf,
        /// Where its log is not.
        log: PathBuf,
    },
    /// There is a log, and the file it belongs to is empty.
    #[error(
        "the database {database} is empty although its log {log} is there: the file was replaced or cut short; put it \
         back, or remove the log to begin afresh", database = database.display(), log = log.display()
    )]
    OnlyLog {
        /// The file.
        database: PathBuf,
        /// The log.
        log: PathBuf,
    },
    /// Another sandbox has it open.
    #[error("the database {0} is in use by another sandbox; stop that one or give another --database")]
    InUse(PathBuf),
    /// It is a database, but not a sandbox's.
    #[error("the database {0} was made by another program; give another --database")]
    NotOurs(String),
    /// A newer version has written it.
    #[error(
        "the database {database} has schema version {version}, which is newer than this program knows; use the newer fps-sandbox or another --database"
    )]
    Newer {
        /// Which database.
        database: String,
        /// Its schema version.
        version: i64,
    },
    /// Its schema is not ours.
    #[error(
        "the database {database} has a schema version {version} that this program did not write; give another --database"
    )]
    Foreign {
        /// Which database.
        database: String,
        /// The version in question.
        version: i64,
    },
    /// A migration failed.
    #[error("the database schema could not be brought up to date: {0}")]
    Migration(MigrateError),
    /// Its writer has no thread to run on.
    #[error("the writer of the database could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// Anything else.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl StoreError {
    pub(super) fn open(path: &Path, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        if sqlite::is_damage(&source) { Self::Damaged { path, source } } else { Self::Open { path, source } }
    }

    /// The same with the name of the file, if that is what is wrong.
    pub(super) fn in_file(self, file: Option<&Path>) -> Self {
        match (self, file) {
            (Self::Database(source), Some(path)) => Self::open(path, source),
            (problem, _) => problem,
        }
    }
}

/// Refuses a database that a newer program has written.
pub(super) async fn refuse_newer(
    connection: &mut Connection,
    ours: &Migrator,
    database: &str,
) -> Result<(), StoreError> {
    let applied: i64 =
        connection.scalar("SELECT max(version) FROM _sqlx_migrations", Values::default()).await?;
    let known = ours.iter().map(|migration| migration.version).max().unwrap_or(0);
    if applied > known {
        return Err(StoreError::Newer { database: database.to_owned(), version: applied });
    }
    Ok(())
}

pub(super) fn migration_error(problem: MigrateError, database: String) -> StoreError {
    match problem {
        MigrateError::VersionMissing(version) => StoreError::Newer { database, version },
        MigrateError::VersionMismatch(version) => StoreError::Foreign { database, version },
        other => StoreError::Migration(other),
    }
}
