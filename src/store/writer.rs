//! The writer: the one task that loads, decides and saves, a batch at a time.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::error::{Code, FpsError};
use crate::ledger::{Book, CarryOut, Command, Context, Needs, Numbering, Rules, Timestamp, World};

use super::{load, save};

/// How often a batch may ask for more rows before that counts as a fault of ours.
const LOAD_ROUNDS: usize = 8;
/// How much due work goes into one transaction.
const DUE_BATCH: i64 = 256;
/// After a failure, due work waits this long, in milliseconds.
const DUE_RETRY_MILLIS: i64 = 1_000;
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
    /// Tells that nothing was saved.
    fn fail(self: Box<Self>);
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

    fn fail(self: Box<Self>) {
        let _ = self.answer.send(Err(Code::InternalError.into()));
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

    fn fail(self: Box<Self>) {}
}

/// Why a batch was not saved.
#[derive(Debug, thiserror::Error)]
enum BatchError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("the rows a batch needs were not complete after {LOAD_ROUNDS} rounds")]
    Unsatisfied,
    #[error("a decision panicked")]
    Panicked,
}

/// Everything the writer owns.
pub(super) struct Writer {
    pub(super) connection: SqliteConnection,
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
        if let Err(problem) = self.connection.close().await {
            tracing::error!(%problem, "the database did not close cleanly");
        }
        // Before anybody is told: whoever waits may open the database at once.
        drop(self.lock);
        for done in closing {
            let _ = done.send(());
        }
    }

    /// Runs a batch. When it cannot be saved, each command is tried alone, so that one cannot hold up the rest.
    async fn run_jobs(&mut self, mut jobs: Vec<Box<dyn Job>>, now: Timestamp) {
        if jobs.is_empty() {
            return;
        }
        if self.save_batch(&mut jobs, now).await.is_ok() {
            jobs.into_iter().for_each(Job::answer);
            return;
        }
        for job in jobs {
            let mut alone = [job];
            let saved = self.save_batch(&mut alone, now).await.is_ok();
            for job in alone {
                if saved { job.answer() } else { job.fail() }
            }
        }
    }

    /// Runs what is due by now, so that no command sees late state.
    async fn run_due_work(&mut self, now: Timestamp) {
        while self.next_due.is_some_and(|due| due <= now) {
            if let Err(problem) = self.run_due_batch(now).await {
                tracing::error!(%problem, "due work could not be saved; trying again shortly");
                self.next_due = Some(now.plus_millis(DUE_RETRY_MILLIS));
            }
        }
    }

    async fn run_due_batch(&mut self, now: Timestamp) -> Result<(), BatchError> {
        let due = load::due(&mut self.connection, self.world, now, DUE_BATCH).await?;
        for forced in due.iter().filter(|due| due.step.is_forced()) {
            tracing::info!(transaction = forced.transaction.0, step = ?forced.step, "a magic amount strikes");
        }
        let mut jobs: Vec<Box<dyn Job>> =
            due.into_iter().map(|due| Box::new(Unattended(CarryOut(due))) as Box<dyn Job>).collect();
        self.save_batch(&mut jobs, now).await?;
        self.next_due = load::next_due(&mut self.connection, self.world).await?;
        Ok(())
    }

    /// Load, decide, save. On failure the book is thrown away: the database alone knows what holds.
    async fn save_batch(&mut self, jobs: &mut [Box<dyn Job>], now: Timestamp) -> Result<(), BatchError> {
        let result = self.try_batch(jobs, now).await;
        if let Err(problem) = &result {
            tracing::error!(%problem, commands = jobs.len(), "a batch was not saved");
            self.book = Book::default();
        }
        result
    }

    async fn try_batch(&mut self, jobs: &mut [Box<dyn Job>], now: Timestamp) -> Result<(), BatchError> {
        self.load(jobs).await?;
        let (book, rules, numbering) = (&mut self.book, &self.rules, &mut self.numbering);
        catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context { now, rules, numbering };
            for job in jobs.iter_mut() {
                job.decide(book, &mut context);
            }
        }))
        .map_err(|_| BatchError::Panicked)?;
        if !self.book.changes().is_empty() {
            self.commit_changes().await?;
            let planned = self.book.changes().due.values().flatten().map(|due| due.at).min();
            self.next_due = [self.next_due, planned].into_iter().flatten().min();
        }
        self.book.saved();
        if self.book.kept_rows() > KEPT_ROWS {
            self.book = Book::default();
        }
        Ok(())
    }

    /// Saves the book's changes in a transaction of the database: all of them or none.
    ///
    /// SQLite ends a transaction by itself when the disk is full or fails. sqlx counts open transactions, would miss
    /// that, and refuse every later one; so they are begun and ended by hand, and a rollback may find nothing to do.
    async fn commit_changes(&mut self) -> sqlx::Result<()> {
        let saved = self.try_commit().await;
        if saved.is_err() {
            let _ended_already = sqlx::query("ROLLBACK").execute(&mut self.connection).await;
        }
        saved
    }

    async fn try_commit(&mut self) -> sqlx::Result<()> {
        sqlx::query("BEGIN IMMEDIATE").execute(&mut self.connection).await?;
        save::save(&mut self.connection, &self.book).await?;
        sqlx::query("COMMIT").execute(&mut self.connection).await?;
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
            load::fetch(&mut self.connection, &wanted, &mut self.book).await?;
        }
        Err(BatchError::Unsatisfied)
    }
}
