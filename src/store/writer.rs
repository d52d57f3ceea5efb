//! The writer: the one task that loads, decides and saves, a batch at a time.
//!
//! On a database that several sandboxes share, each of them has one, and they take turns; beside it, writers of the
//! same kind that only look things up.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::error::{Code, FpsError};
use crate::ledger::{Book, CarryOut, Command, Context, Needs, Numbering, Rules, Timestamp, World};

use super::engine::Connection;
use super::postgres::{self, Failure, Server};
use super::{load, save};

/// How often a batch may ask for more rows before that counts as a fault of ours.
const LOAD_ROUNDS: usize = 8;
/// How much due work goes into one transaction.
const DUE_BATCH: i64 = 256;
/// After a failure, due work waits this long, in milliseconds.
const DUE_RETRY_MILLIS: i64 = 1_000;
/// How often a batch is run again that met another sandbox's or lost its connection before it was saved.
const ATTEMPTS: u32 = 8;
/// The wait before the second attempt; it grows with each.
const BACKOFF: Duration = Duration::from_millis(2);
/// How often to look for work that another sandbox has planned, in real time.
const GLANCE: Duration = Duration::from_secs(1);
/// How many rows may stay in the book between batches; beyond that it starts afresh.
const KEPT_ROWS: usize = 200_000;

/// What the writer is told.
pub(super) enum Message {
    /// Run a command.
    Run(Box<dyn Job>),
    /// Finish what is waiting, close the database and say so.
    Close(oneshot::Sender<()>),
}

/// A command on its way through a batch, its answer's type forgotten.
pub(super) trait Job: Send {
    /// Names the rows it needs.
    fn needs(&self, needs: &mut Needs<'_>);
    /// Decides, and keeps the answer.
    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>);
    /// Gives the answer, now that the batch is saved.
    fn answer(self: Box<Self>);
    /// Tells that it failed, and how.
    fn fail(self: Box<Self>, refusal: FpsError);
}

/// A command and whoever waits for its answer.
pub(super) struct Waiting<C: Command> {
    command: C,
    answer: oneshot::Sender<Result<C::Output, FpsError>>,
    decided: Option<Result<C::Output, FpsError>>,
}

impl<C: Command> Waiting<C> {
    pub(super) fn new(command: C, answer: oneshot::Sender<Result<C::Output, FpsError>>) -> Self {
        Self { command, answer, decided: None }
    }
}

impl<C: Command> Job for Waiting<C> {
    fn needs(&self, needs: &mut Needs<'_>) {
        self.command.needs(needs);
    }

    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        self.decided = Some(self.command.decide(book, context));
    }

    // Whoever waited may have gone; the command has run all the same.
    fn answer(self: Box<Self>) {
        let _ = self.answer.send(self.decided.unwrap_or_else(|| Err(Code::InternalError.into())));
    }

    fn fail(self: Box<Self>, refusal: FpsError) {
        let _ = self.answer.send(Err(refusal));
    }
}

/// Work of the sandbox itself: nobody waits for an answer.
struct Unattended<C>(C);

impl<C: Command> Job for Unattended<C> {
    fn needs(&self, needs: &mut Needs<'_>) {
        self.0.needs(needs);
    }

    fn decide(&mut self, book: &mut Book, context: &mut Context<'_>) {
        if let Err(refusal) = self.0.decide(book, context) {
            tracing::error!(%refusal, "due work was refused");
        }
    }

    fn answer(self: Box<Self>) {}

    fn fail(self: Box<Self>, _: FpsError) {}
}

/// Why a batch was not saved.
#[derive(Debug, thiserror::Error)]
enum BatchError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("undone in favour of another sandbox: {0}")]
    Undone(sqlx::Error),
    #[error("the connection was lost: {0}")]
    Lost(sqlx::Error),
    #[error("the database cannot be reached: {0}")]
    Unreachable(sqlx::Error),
    #[error("the database did not answer in time")]
    TimedOut,
    #[error("the database did not say whether it saved the batch")]
    Uncertain,
    #[error("work is due before it")]
    DueFirst,
    #[error("the rows a batch needs were not complete after {LOAD_ROUNDS} rounds")]
    Unsatisfied,
    #[error("a decision panicked")]
    Panicked,
}

impl BatchError {
    /// There is no connection.
    fn away() -> Self {
        Self::Unreachable(sqlx::Error::Io(std::io::ErrorKind::NotConnected.into()))
    }

    /// Whether the same batch may be run again: it is undone, and what struck it passes.
    const fn passes(&self) -> bool {
        matches!(self, Self::Undone(_) | Self::Lost(_))
    }

    /// What to tell everybody who waits, when it has nothing to do with any one command.
    fn for_everybody(&self) -> Option<FpsError> {
        match self {
            Self::Unreachable(_) | Self::TimedOut | Self::Lost(_) | Self::Undone(_) => Some(FpsError::new(
                Code::ServiceUnavailable,
                "The sandbox cannot reach its database; nothing was changed. Try again.",
            )),
            Self::Uncertain => Some(FpsError::new(
                Code::InternalError,
                "The database did not say whether it kept the change. Send the same request again: under its caller \
                 reference it takes effect once.",
            )),
            Self::Database(_) | Self::DueFirst | Self::Unsatisfied | Self::Panicked => None,
        }
    }
}

/// What a writer does on a shared database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// Changes things, when its turn comes.
    Change,
    /// Looks things up.
    Look,
}

/// What a writer on a shared database knows of it.
pub(super) struct Sharing {
    server: Server,
    access: Access,
    /// The count of changes up to which the book is true.
    version: Option<i64>,
    /// Between sending COMMIT and its answer.
    committing: bool,
}

impl Sharing {
    pub(super) const fn new(server: Server, access: Access) -> Self {
        Self { server, access, version: None, committing: false }
    }
}

/// Everything the writer owns.
pub(super) struct Writer {
    /// None while a shared database is away.
    pub(super) connection: Option<Connection>,
    /// For a database that other sandboxes use too.
    pub(super) sharing: Option<Sharing>,
    /// Keeps other processes out until the database is closed.
    pub(super) lock: Option<File>,
    pub(super) messages: mpsc::Receiver<Message>,
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) rules: Arc<Rules>,
    pub(super) numbering: Numbering,
    pub(super) batch_max: usize,
    pub(super) book: Book,
    pub(super) next_due: Option<Timestamp>,
}

/// What one transaction is for.
enum Work<'a> {
    /// These commands.
    Jobs(&'a mut [Box<dyn Job>]),
    /// What is due.
    Due,
}

impl Writer {
    /// Runs until it is told to close, or nobody can reach it any more.
    pub(super) async fn run(mut self) {
        let mut closing: Vec<oneshot::Sender<()>> = Vec::new();
        let mut messages = Vec::with_capacity(self.batch_max);
        loop {
            let open = tokio::select! {
                biased;
                received = self.messages.recv_many(&mut messages, self.batch_max) => received > 0,
                () = self.clock.reaches(self.next_due) => true,
                () = tokio::time::sleep(GLANCE), if self.access() == Some(Access::Change) => {
                    self.look_for_due_work().await;
                    true
                }
            };
            // One instant for the whole round: what is due by then has happened before any command sees it.
            let now = self.clock.now();
            self.run_due_work(now).await;
            let mut jobs = Vec::with_capacity(messages.len());
            for message in messages.drain(..) {
                match message {
                    Message::Run(job) => jobs.push(job),
                    Message::Close(done) => {
                        self.messages.close();
                        closing.push(done);
                    }
                }
            }
            self.run_jobs(jobs, now).await;
            if !open {
                break;
            }
        }
        if let Some(connection) = self.connection
            && let Err(problem) = connection.close().await
        {
            tracing::error!(%problem, "the database did not close cleanly");
        }
        // Before anybody is told: whoever waits may open the database at once.
        drop(self.lock);
        for done in closing {
            let _ = done.send(());
        }
    }

    fn access(&self) -> Option<Access> {
        self.sharing.as_ref().map(|sharing| sharing.access)
    }

    /// Runs a batch. When it cannot be saved, each command is tried alone, so that one cannot hold up the rest.
    async fn run_jobs(&mut self, mut jobs: Vec<Box<dyn Job>>, now: Timestamp) {
        if jobs.is_empty() {
            return;
        }
        let Err(problem) = self.save_batch(&mut jobs, now).await else {
            jobs.into_iter().for_each(Job::answer);
            return;
        };
        if let Some(refusal) = problem.for_everybody() {
            for job in jobs {
                job.fail(refusal.clone());
            }
            return;
        }
        for job in jobs {
            let mut alone = [job];
            let saved = self.save_batch(&mut alone, now).await;
            for job in alone {
                match &saved {
                    Ok(()) => job.answer(),
                    Err(problem) => job.fail(problem.for_everybody().unwrap_or(Code::InternalError.into())),
                }
            }
        }
    }

    /// Runs what is due by now, so that no command sees late state.
    async fn run_due_work(&mut self, now: Timestamp) {
        while self.next_due.is_some_and(|due| due <= now) {
            if let Err(problem) = self.attempt(Work::Due, now).await {
                tracing::error!(%problem, "due work could not be saved; trying again shortly");
                self.next_due = Some(now.plus_millis(DUE_RETRY_MILLIS));
            }
        }
    }

    /// Looks for work that another sandbox has planned, or has left undone.
    async fn look_for_due_work(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        match load::next_due(connection, self.world).await {
            Ok(next_due) => self.next_due = next_due,
            Err(problem) => {
                tracing::warn!(%problem, "the database is away");
                self.connection = None;
            }
        }
    }

    /// Load, decide, save; again, when what went wrong passes.
    async fn save_batch(&mut self, jobs: &mut [Box<dyn Job>], now: Timestamp) -> Result<(), BatchError> {
        let mut attempts = 1;
        loop {
            match self.attempt(Work::Jobs(jobs), now).await {
                Err(BatchError::DueFirst) if attempts < ATTEMPTS => self.run_due_work(now).await,
                Err(problem) if problem.passes() && attempts < ATTEMPTS => {
                    tracing::debug!(%problem, attempts, "a batch is run again");
                    tokio::time::sleep(BACKOFF * attempts).await;
                }
                Err(problem) => {
                    tracing::error!(%problem, commands = jobs.len(), "a batch was not saved");
                    return Err(problem);
                }
                Ok(()) => return Ok(()),
            }
            attempts += 1;
        }
    }

    /// One transaction of the database, within the time a shared one is given. On failure the book is thrown away:
    /// the database alone knows what holds.
    async fn attempt(&mut self, work: Work<'_>, now: Timestamp) -> Result<(), BatchError> {
        let result = match self.sharing.as_ref().map(|sharing| sharing.server.patience) {
            None => self.transact(work, now).await,
            Some(patience) => match tokio::time::timeout(patience, self.transact(work, now)).await {
                Ok(result) => result,
                Err(_) => Err(BatchError::TimedOut),
            },
        };
        match result {
            Ok(()) => Ok(()),
            Err(problem) => {
                self.book = Book::default();
                Err(self.give_up(problem).await)
            }
        }
    }

    /// Ends what is left of a transaction that failed, and says what the failure means.
    async fn give_up(&mut self, problem: BatchError) -> BatchError {
        let Some(sharing) = &mut self.sharing else {
            // SQLite may have ended it already.
            if let Some(connection) = &mut self.connection {
                let _ended_already = connection.run("ROLLBACK").await;
            }
            return problem;
        };
        let committing = std::mem::take(&mut sharing.committing);
        sharing.version = None;
        let problem = match problem {
            BatchError::Database(source) => match Failure::of(&source) {
                Failure::Undone => BatchError::Undone(source),
                Failure::Lost => BatchError::Lost(source),
                Failure::Final => BatchError::Database(source),
            },
            other => other,
        };
        if matches!(problem, BatchError::Lost(_) | BatchError::TimedOut) {
            self.connection = None;
            return if committing { BatchError::Uncertain } else { problem };
        }
        if let Some(connection) = &mut self.connection {
            let ended = tokio::time::timeout(sharing.server.patience, connection.run("ROLLBACK")).await;
            if !matches!(ended, Ok(Ok(()))) {
                self.connection = None;
            }
        }
        problem
    }

    async fn transact(&mut self, work: Work<'_>, now: Timestamp) -> Result<(), BatchError> {
        match work {
            Work::Jobs(jobs) => {
                self.enter(self.access()).await?;
                if self.next_due.is_some_and(|due| due <= now) {
                    return Err(BatchError::DueFirst);
                }
                self.load_decide_save(jobs, now).await
            }
            Work::Due => {
                self.enter(Some(Access::Change)).await?;
                let world = self.world;
                let due = load::due(self.connection()?, world, now, DUE_BATCH).await?;
                for forced in due.iter().filter(|due| due.step.is_forced()) {
                    tracing::info!(transaction = forced.transaction.0, step = ?forced.step, "a magic amount strikes");
                }
                let mut jobs: Vec<Box<dyn Job>> =
                    due.into_iter().map(|due| Box::new(Unattended(CarryOut(due))) as Box<dyn Job>).collect();
                self.load_decide_save(&mut jobs, now).await?;
                self.next_due = load::next_due(self.connection()?, world).await?;
                Ok(())
            }
        }
    }

    /// Begins a transaction on a shared database, when its turn comes, and forgets what others have changed since.
    /// A database that is nobody else's needs neither.
    async fn enter(&mut self, access: Option<Access>) -> Result<(), BatchError> {
        let (Some(sharing), Some(access)) = (&mut self.sharing, access) else { return Ok(()) };
        if self.connection.is_none() {
            self.connection = Some(sharing.server.connect().await.map_err(BatchError::Unreachable)?);
        }
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        let version = match access {
            Access::Change => postgres::begin_changing(connection, self.world).await?,
            Access::Look => postgres::begin_looking(connection, self.world).await?,
        };
        if sharing.version != Some(version) {
            let head = load::head(connection, self.world).await?;
            self.book = Book::default();
            self.numbering.go_on_from(head.next_number);
            self.next_due = head.next_due;
            sharing.version = Some(version);
        }
        Ok(())
    }

    async fn load_decide_save(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        now: Timestamp,
    ) -> Result<(), BatchError> {
        self.load(jobs).await?;
        let (book, rules, numbering) = (&mut self.book, &self.rules, &mut self.numbering);
        catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context { now, rules, numbering };
            for job in jobs.iter_mut() {
                job.decide(book, &mut context);
            }
        }))
        .map_err(|_| BatchError::Panicked)?;
        self.commit().await?;
        let planned = self.book.changes().due.values().flatten().map(|due| due.at).min();
        self.next_due = [self.next_due, planned].into_iter().flatten().min();
        self.book.saved();
        if self.book.kept_rows() > KEPT_ROWS {
            self.book = Book::default();
        }
        Ok(())
    }

    /// Saves the book's changes in a transaction of the database: all of them or none.
    ///
    /// SQLite ends a transaction by itself when the disk is full or fails. sqlx counts open transactions, would miss
    /// that, and refuse every later one; so they are begun and ended by hand.
    async fn commit(&mut self) -> Result<(), BatchError> {
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        let changed = !self.book.changes().is_empty();
        match &mut self.sharing {
            None if changed => {
                connection.run("BEGIN IMMEDIATE").await?;
                save::save(connection, &self.book).await?;
                connection.run("COMMIT").await?;
            }
            None => {}
            Some(sharing) if changed => {
                save::save(connection, &self.book).await?;
                postgres::count_change(connection, self.world).await?;
                sharing.committing = true;
                connection.run("COMMIT").await?;
                sharing.committing = false;
                sharing.version = sharing.version.map(|version| version + 1);
            }
            Some(_) => connection.run("COMMIT").await?,
        }
        Ok(())
    }

    /// Loads until no command needs anything that is unknown.
    async fn load(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), BatchError> {
        for _ in 0..LOAD_ROUNDS {
            let mut needs = Needs::new(&self.book);
            for job in jobs.iter() {
                job.needs(&mut needs);
            }
            let wanted = needs.into_unknown();
            if wanted.is_empty() {
                return Ok(());
            }
            let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
            load::fetch(connection, &wanted, &mut self.book).await?;
        }
        Err(BatchError::Unsatisfied)
    }

    fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        self.connection.as_mut().ok_or_else(BatchError::away)
    }
}
