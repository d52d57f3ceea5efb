//! The store: the only room that speaks SQL.
//!
//! [`Store::run`] hands a command to the writer, which puts whatever is waiting into one database transaction:
//! load, decide, save. Nobody is answered before the transaction is committed.

mod activity;
mod audit;
mod batch_error;
mod columns;
mod due_work;
mod engine;
mod expiry;
mod job;
mod keys;
mod load;
#[cfg(test)]
mod plans;
mod postgres;
mod reports;
mod save;
mod sqlite;
mod statement;
mod suspects;
mod writer;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock::{Clock, ClockState};
use crate::config::Database;
use crate::error::{Code, FpsError};
use crate::ledger::{Book, Command, Context, Ids, Needs, Numbering, Query, Rules, Timestamp};

pub use audit::{Finding, audit};
pub use keys::{AccessKey, NewAccessKey, PageSettings, Standing};

use activity::Searches;
use batch_error::UNCERTAIN;
use engine::{Connection, Values};
use expiry::Expiry;
use job::{Job, WaitingCommand, WaitingQuery};
use keys::Keys;
use load::WorldState;
use postgres::Server;
use suspects::Suspects;
use writer::{Access, Message, Sharing, Writer};

/// What is given beyond the patience with a shared database, for the answer to come back.
const GRACE: Duration = Duration::from_millis(500);
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
    fn open(path: &Path, source: sqlx::Error) -> Self {
        let path = path.to_owned();
        if sqlite::is_damage(&source) { Self::Damaged { path, source } } else { Self::Open { path, source } }
    }

    /// The same with the name of the file, if that is what is wrong.
    fn of(self, database: &Database) -> Self {
        match (self, database) {
            (Self::Database(source), Database::File(path)) => Self::open(path, source),
            (problem, _) => problem,
        }
    }
}

/// What a new database begins with.
#[derive(Debug, Default)]
pub struct Beginning {
    /// Its rows, as changes to an empty book.
    pub book: Book,
    /// Its access keys.
    pub keys: Vec<NewAccessKey>,
}

/// How a store works.
#[derive(Debug)]
pub struct StoreSettings {
    /// Where the database is.
    pub database: Database,
    /// The rules in force.
    pub rules: Rules,
    /// The world's clock. One that shows real time goes on as a filled database says.
    pub clock: Clock,
    /// Seed of the ids that a new database hands out.
    pub id_seed: u64,
    /// Most commands in one transaction.
    pub batch_max: usize,
    /// How long a shared database may take for anything before a request is told that it does not answer.
    pub patience: Duration,
    /// How many connections to a shared database only look things up.
    pub readers: usize,
}

/// A handle on the open database; clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    /// To the writer.
    messages: mpsc::Sender<Message>,
    /// To those who only look things up, where there are any.
    readers: Arc<[mpsc::Sender<Message>]>,
    next_reader: Arc<AtomicUsize>,
    /// How long to wait for an answer, when others may hold it up.
    patience: Option<Duration>,
    keys: Arc<Keys>,
    is_new: bool,
}

impl Store {
    /// Opens the database, and fills it when it is empty.
    ///
    /// `begin` makes the first rows; it is given where new numbers come from.
    pub async fn open<E>(
        settings: StoreSettings,
        begin: impl FnOnce(&mut Numbering) -> Result<Beginning, E>,
    ) -> Result<Result<Self, E>, StoreError> {
        let (opened, server) = match &settings.database {
            Database::Memory => (sqlite::open(None).await?, None),
            Database::File(path) => (sqlite::open(Some(path)).await?, None),
            Database::Postgres(url) => {
                let server = Server::new(url, settings.patience)?;
                (sqlite::Opened { connection: server.open().await?, lock: None }, Some(server))
            }
        };
        let sqlite::Opened { mut connection, lock } = opened;
        let contents = contents(&mut connection, &settings, begin).await;
        let Contents { is_new, keys, state } = match contents {
            Ok(Ok(contents)) => contents,
            Ok(Err(problem)) => {
                // Before the lock is let go, as in the writer.
                let _closed = connection.close().await;
                return Ok(Err(problem));
            }
            Err(problem) => {
                let _closed = connection.close().await;
                return Err(problem.of(&settings.database));
            }
        };
        let keys = Arc::new(keys);
        let rules = Arc::new(settings.rules);
        let (sender, messages) = mpsc::channel(QUEUE);
        let writer = |access: Access, connection, messages, lock| Writer {
            connection,
            sharing: server.clone().map(|server| Sharing::new(server, access)),
            lock,
            messages,
            clock: settings.clock.clone(),
            rules: Arc::clone(&rules),
            numbering: Numbering::new(state.ids, state.next_number, state.newest),
            batch_max: settings.batch_max,
            book: Book::default(),
            unfinished: Vec::new(),
            awaited: BTreeSet::new(),
            searches: Searches::new(Instant::now()),
            suspects: Suspects::default(),
            expiry: Expiry::new(Instant::now()),
            next_due: state.next_due,
            due_rests_until: None,
            refuses: false,
            is_away: false,
        };
        // SQLite has one connection for everything: others would only wait for it.
        let readers = server.as_ref().map_or(0, |_| settings.readers);
        let (readers, looking): (Vec<_>, Vec<_>) = (0..readers)
            .map(|_| {
                let (reader, messages) = mpsc::channel(QUEUE);
                (reader, writer(Access::Look(sender.clone()), None, messages, None))
            })
            .unzip();
        // The first connection made and filled the tables; on a shared database the writer takes one with bounds.
        let first = Some(connection).filter(|_| server.is_none());
        run_apart("fps-writer", vec![writer(Access::Change, first, messages, lock)])?;
        if !looking.is_empty() {
            run_apart("fps-readers", looking)?;
        }
        Ok(Ok(Self {
            messages: sender,
            readers: readers.into(),
            next_reader: Arc::default(),
            patience: server.map(|server| server.patience),
            keys,
            is_new,
        }))
    }

    /// Whether the database was empty, and this store has filled it.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Runs a command. Once it is queued it runs and commits even if nobody waits for the answer any more.
    pub async fn run<C: Command>(&self, command: C) -> Result<C::Output, FpsError> {
        let (answer, answered) = oneshot::channel();
        self.hand_over(&self.messages, Box::new(WaitingCommand::new(command, answer)), answered).await
    }

    /// Answers a query.
    pub async fn ask<Q: Query>(&self, query: Q) -> Result<Q::Output, FpsError> {
        let (answer, answered) = oneshot::channel();
        self.hand_over(self.reader(), Box::new(WaitingQuery::new(query, answer)), answered).await
    }

    async fn hand_over<T>(
        &self,
        messages: &mpsc::Sender<Message>,
        job: Box<dyn Job>,
        answered: oneshot::Receiver<Result<T, FpsError>>,
    ) -> Result<T, FpsError> {
        let job = Message::Run(job);
        let answered = async {
            messages.send(job).await.map_err(|_| FpsError::from(Code::ServiceUnavailable))?;
            // Nobody answers a command that was taken when the writer has panicked.
            answered.await.unwrap_or_else(|_| Err(Code::InternalError.into()))
        };
        let Some(patience) = self.patience else { return answered.await };
        // The writer itself gives up in time; this is for those who waited for it behind others.
        let in_time = tokio::time::timeout(patience + GRACE, answered).await;
        in_time.unwrap_or_else(|_| Err(FpsError::new(Code::ServiceUnavailable, UNCERTAIN)))
    }

    /// Whether the database can be reached and takes changes. A full disk shows when a change has been refused.
    pub async fn is_ready(&self) -> bool {
        if self.run(Ping).await.is_err() {
            return false;
        }
        let (answer, answered) = oneshot::channel();
        let asked = async {
            self.messages.send(Message::TakesChanges(answer)).await.is_ok() && answered.await.unwrap_or(false)
        };
        let Some(patience) = self.patience else { return asked.await };
        tokio::time::timeout(patience + GRACE, asked).await.unwrap_or(false)
    }

    /// Each reader in turn; the writer, where there are none.
    fn reader(&self) -> &mpsc::Sender<Message> {
        let turn = self.next_reader.fetch_add(1, Ordering::Relaxed).checked_rem(self.readers.len());
        turn.and_then(|turn| self.readers.get(turn)).unwrap_or(&self.messages)
    }

    /// The access key of this id.
    pub fn access_key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.keys.get(id)
    }

    /// The caller that stands in when signatures are not checked and no known key is named: the first seeded one.
    pub fn first_access_key(&self) -> Option<Arc<AccessKey>> {
        self.keys.first()
    }

    /// Makes the world's clock go otherwise, from now on and after a restart.
    pub async fn set_clock(&self, state: ClockState) -> Result<(), FpsError> {
        let (done, is_done) = oneshot::channel();
        let unavailable = || FpsError::from(Code::ServiceUnavailable);
        self.messages.send(Message::SetClock(state, done)).await.map_err(|_| unavailable())?;
        is_done.await.unwrap_or_else(|_| Err(unavailable()))
    }

    /// Finishes the commands that wait and closes the database.
    pub async fn close(&self) {
        for messages in self.readers.iter().chain([&self.messages]) {
            let (done, closed) = oneshot::channel();
            if messages.send(Message::Close(done)).await.is_ok() {
                let _ = closed.await;
            }
        }
    }
}

/// Asks the writer for nothing, and so learns whether it works.
#[derive(Debug)]
struct Ping;

impl Command for Ping {
    type Output = ();

    fn needs(&self, _: &mut Needs<'_>) {}

    fn decide(&self, _: &mut Book, _: &mut Context<'_>) -> Result<(), FpsError> {
        Ok(())
    }
}

/// What an open database holds that has to be known at once.
struct Contents {
    /// Whether it was empty.
    is_new: bool,
    keys: Keys,
    state: WorldState,
}

/// Fills the database if it is empty, and reads what has to be known of it.
async fn contents<E>(
    connection: &mut Connection,
    settings: &StoreSettings,
    begin: impl FnOnce(&mut Numbering) -> Result<Beginning, E>,
) -> Result<Result<Contents, E>, StoreError> {
    let is_new = match fill(connection, settings, begin).await? {
        Ok(is_new) => is_new,
        Err(problem) => return Ok(Err(problem)),
    };
    if let Connection::Sqlite(connection) = connection {
        sqlite::mark_in_use(connection).await?;
    }
    due_work::take_up_again(connection).await?;
    let keys = Keys::load(connection).await?;
    let state = load::world_state(connection).await?;
    let state = resume_clock(connection, settings, state).await?;
    Ok(Ok(Contents { is_new, keys, state }))
}

/// Fills an empty database, and says whether it was one. Of sandboxes that start together on a shared one, the first
/// does it.
async fn fill<E>(
    connection: &mut Connection,
    settings: &StoreSettings,
    begin: impl FnOnce(&mut Numbering) -> Result<Beginning, E>,
) -> Result<Result<bool, E>, StoreError> {
    if is_filled(connection).await? {
        return Ok(Ok(false));
    }
    match connection {
        Connection::Sqlite(_) => connection.run("BEGIN IMMEDIATE").await?,
        Connection::Postgres(_) => {
            connection.run("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE").await?;
            postgres::lock_beginning(connection).await?;
        }
    }
    let is_new = !is_filled(connection).await?;
    if is_new {
        let ids = Ids::new(settings.id_seed);
        match begin(&mut Numbering::new(ids, 1, Timestamp::MIN)) {
            Ok(beginning) => {
                save::begin_world(connection, ids, settings.clock.state()).await?;
                save::save(connection, &beginning.book, ids).await?;
                keys::save(connection, &beginning.keys).await?;
            }
            Err(problem) => {
                connection.run("ROLLBACK").await?;
                return Ok(Err(problem));
            }
        }
    }
    connection.run("COMMIT").await?;
    Ok(Ok(is_new))
}

async fn is_filled(connection: &mut Connection) -> sqlx::Result<bool> {
    let worlds: i64 = connection.scalar("SELECT count(*) FROM world", Values::default()).await?;
    Ok(worlds > 0)
}

/// A clock that shows real time goes on as the world's did. Any other was asked for: an embedded database follows it, a
/// shared one goes on as it was.
async fn resume_clock(
    connection: &mut Connection,
    settings: &StoreSettings,
    mut state: WorldState,
) -> sqlx::Result<WorldState> {
    let given = settings.clock.state();
    let follows = given != ClockState::REAL_TIME && matches!(connection, Connection::Sqlite(_));
    if follows {
        save::set_clock(connection, given).await?;
        state.clock = given;
    } else {
        settings.clock.set(state.clock);
    }
    Ok(state)
}

/// Runs writers on a thread and a runtime of their own: a writer goes to the database and back many times a batch, and
/// on the runtime of the listeners it would wait behind requests each time.
fn run_apart(name: &str, writers: Vec<Writer>) -> Result<(), StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(async {
            writers.into_iter().map(Writer::run).collect::<JoinSet<()>>().join_all().await
        });
    })?;
    Ok(())
}

/// Refuses a database that a newer program has written.
async fn refuse_newer(
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

fn migration_error(problem: MigrateError, database: String) -> StoreError {
    match problem {
        MigrateError::VersionMissing(version) => StoreError::Newer { database, version },
        MigrateError::VersionMismatch(version) => StoreError::Foreign { database, version },
        other => StoreError::Migration(other),
    }
}
