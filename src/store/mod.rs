//! The store: the only room that speaks SQL.
//!
//! [`Store::run`] hands a command to the writer, which puts whatever is waiting into one database transaction:
//! load, decide, save. Nobody is answered before the transaction is committed.

mod audit;
mod columns;
mod keys;
mod load;
#[cfg(test)]
mod plans;
mod reports;
mod save;
mod sqlite;
mod statement;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sqlx::migrate::MigrateError;
use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::config::Database;
use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Numbering, Rules, World};

pub use audit::{Finding, audit};
pub use keys::AccessKey;

use keys::Keys;
use writer::{Message, Waiting, Writer};

/// How many commands may wait for the writer before requests wait in turn.
const QUEUE: usize = 4096;

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
    /// There is no such file.
    #[error("there is no database {0}; give the file that the sandbox was started with")]
    Missing(PathBuf),
    /// Another sandbox has it open.
    #[error("the database {0} is in use by another sandbox; stop that one or give another --database")]
    InUse(PathBuf),
    /// It is a database, but not a sandbox's.
    #[error("the database {0} was made by another program; give another --database")]
    NotOurs(PathBuf),
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
    fn open(path: &Path, source: sqlx::Error) -> Self {
        Self::Open { path: path.to_owned(), source }
    }
}

/// What a new database begins with.
#[derive(Debug, Default)]
pub struct Beginning {
    /// Its rows, as changes to an empty book.
    pub book: Book,
    /// Its access keys.
    pub keys: Vec<AccessKey>,
}

/// How a store works.
#[derive(Debug)]
pub struct StoreSettings {
    /// Where the database is.
    pub database: Database,
    /// The rules in force.
    pub rules: Rules,
    /// The world's clock.
    pub clock: Clock,
    /// Seed of the ids it hands out.
    pub id_seed: u64,
    /// Most commands in one transaction.
    pub batch_max: usize,
}

/// A handle on the open database; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    messages: mpsc::Sender<Message>,
    keys: Arc<Keys>,
}

impl Store {
    /// Opens the database, and fills it when it is empty.
    ///
    /// `begin` makes the first rows; it is given where new numbers come from.
    pub async fn open<E>(
        settings: StoreSettings,
        begin: impl FnOnce(&mut Numbering) -> Result<Beginning, E>,
    ) -> Result<Result<Self, E>, StoreError> {
        let sqlite::Opened { mut connection, lock } = sqlite::open(&settings.database).await?;
        let mut numbering = Numbering::new(settings.id_seed, first_free_number(&mut connection).await?);
        if is_empty(&mut connection).await? {
            match begin(&mut numbering) {
                Ok(beginning) => write_beginning(&mut connection, &beginning).await?,
                Err(problem) => return Ok(Err(problem)),
            }
        }
        let keys = Arc::new(Keys::load(&mut connection).await?);
        let (sender, messages) = mpsc::channel(QUEUE);
        let world = World(1);
        let next_due = load::next_due(&mut connection, world).await?;
        let writer = Writer {
            connection,
            lock,
            messages,
            world,
            clock: settings.clock,
            rules: Arc::new(settings.rules),
            numbering,
            batch_max: settings.batch_max,
            book: Book::default(),
            next_due,
        };
        // A thread and runtime of its own: the writer goes to SQLite's thread and back many times a batch, and on the
        // runtime of the listeners it would wait behind requests each time.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("fps-writer".to_owned()).spawn(move || runtime.block_on(writer.run()))?;
        Ok(Ok(Self { messages: sender, keys }))
    }

    /// Runs a command. Once it is queued it runs and commits even if nobody waits for the answer any more.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, FpsError> {
        let (answer, answered) = oneshot::channel();
        let job = Message::Run(Box::new(Waiting::new(command, answer)));
        self.messages.send(job).await.map_err(|_| FpsError::from(Code::ServiceUnavailable))?;
        answered.await.unwrap_or_else(|_| Err(Code::ServiceUnavailable.into()))
    }

    /// The access key of this id.
    pub fn access_key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.keys.get(id)
    }

    /// The caller that stands in when signatures are not checked and no known key is named: the first seeded one.
    pub fn first_access_key(&self) -> Option<Arc<AccessKey>> {
        self.keys.first()
    }

    /// Finishes the commands that wait and closes the database.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.messages.send(Message::Close(done)).await.is_ok() {
            let _ = closed.await;
        }
    }
}

async fn is_empty(connection: &mut SqliteConnection) -> Result<bool, StoreError> {
    let worlds: i64 = sqlx::query_scalar("SELECT count(*) FROM worlds").fetch_one(connection).await?;
    Ok(worlds == 0)
}

async fn write_beginning(connection: &mut SqliteConnection, beginning: &Beginning) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    save::save(&mut transaction, &beginning.book).await?;
    keys::save(&mut transaction, &beginning.keys).await?;
    transaction.commit().await?;
    Ok(())
}

/// Accounts, tokens, instruments and transactions share one sequence of numbers.
async fn first_free_number(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let last: i64 = sqlx::query_scalar(
        "SELECT max(coalesce((SELECT max(number) FROM worlds), 0), coalesce((SELECT max(number) FROM accounts), 0), \
         coalesce((SELECT max(number) FROM instruments), 0), coalesce((SELECT max(number) FROM tokens), 0), \
         coalesce((SELECT max(number) FROM transactions), 0))",
    )
    .fetch_one(connection)
    .await?;
    Ok(last + 1)
}
