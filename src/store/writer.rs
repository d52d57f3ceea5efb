//! The writer: the one task that loads, decides and saves, a batch at a time.
//!
//! On a database that several sandboxes share, each of them has one, and they take turns; beside it, others of the
//! same kind that only look things up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::clock::Clock;
use crate::error::{Code, FpsError};
use crate::ledger::{Book, CarryOut, Command, Context, Needs, Numbering, Rules, Timestamp, World};

use super::engine::{Connection, Values};
use super::postgres::{self, Failure, Server};
use super::sqlite::FileLock;
use super::{load, save};

/// How often a batch may ask for more rows before that counts as a fault of ours.
const LOAD_ROUNDS: usize = 8;
/// How much due work is decided at a time.
const DUE_BATCH: i64 = 256;
/// After a failure, due work waits this long, in milliseconds.
const DUE_RETRY_MILLIS: i64 = 1_000;
/// How much due work goes into one transaction of a shared database, in pieces of [`DUE_BATCH`]: when the clocks of
/// sandboxes differ there may always be more.
const DUE_ROUNDS: usize = 16;
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
    /// Run what is due, and say so.
    RunDue(oneshot::Sender<()>),
    /// Say whether the database takes changes.
    TakesChanges(oneshot::Sender<bool>),
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
    #[error("there is already such a row: {0}")]
    Clash(sqlx::Error),
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
    #[error("due work failed: {0}")]
    Due(Box<BatchError>),
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

    /// The same, said of due work: whatever it is, the commands may go on without.
    fn while_due(self) -> Self {
        match self {
            Self::Database(source) if Failure::of(&source) != Failure::Final => Self::Database(source),
            problem => Self::Due(Box::new(problem)),
        }
    }

    /// What a failure of a shared database means for the transaction that it struck.
    fn judged(self) -> Self {
        let Self::Database(source) = self else { return self };
        match Failure::of(&source) {
            Failure::Undone => Self::Undone(source),
            Failure::Clash => Self::Clash(source),
            Failure::Lost => Self::Lost(source),
            Failure::Final => Self::Database(source),
        }
    }

    /// Whether the same batch may be run again: it is undone, and what struck it passes.
    const fn passes(&self) -> bool {
        matches!(self, Self::Undone(_) | Self::Clash(_) | Self::Lost(_) | Self::DueFirst | Self::Due(_))
    }

    /// What to tell everybody who waits, when it has nothing to do with any one command.
    fn for_everybody(&self) -> Option<FpsError> {
        let (code, text) = match self {
            Self::Unreachable(_) | Self::TimedOut | Self::Lost(_) => (
                Code::ServiceUnavailable,
                "The sandbox cannot reach its database; nothing was changed. Try again.",
            ),
            Self::Undone(_) => (
                Code::ServiceUnavailable,
                "The sandbox did not get its turn at the database; nothing was changed. Try again.",
            ),
            Self::Uncertain => (Code::InternalError, UNCERTAIN),
            Self::Database(_)
            | Self::Clash(_)
            | Self::DueFirst
            | Self::Due(_)
            | Self::Unsatisfied
            | Self::Panicked => {
                return None;
            }
        };
        Some(FpsError::new(code, text))
    }
}

/// What is told when nobody can know.
pub(super) const UNCERTAIN: &str = "The database did not say in time whether it kept the change. Send the same request \
     again: under a caller reference it takes effect once.";

/// What a writer does on a shared database.
pub(super) enum Access {
    /// Changes things, when its turn comes.
    Change,
    /// Looks things up; whoever changes things is asked for what is due.
    Look(mpsc::Sender<Message>),
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

    const fn changes(&self) -> bool {
        matches!(self.access, Access::Change)
    }
}

/// Everything the writer owns.
pub(super) struct Writer {
    /// None while a shared database is away.
    pub(super) connection: Option<Connection>,
    /// For a database that other sandboxes use too.
    pub(super) sharing: Option<Sharing>,
    /// Keeps other processes out until the database is closed.
    pub(super) lock: Option<FileLock>,
    pub(super) messages: mpsc::Receiver<Message>,
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) rules: Arc<Rules>,
    pub(super) numbering: Numbering,
    pub(super) batch_max: usize,
    pub(super) book: Book,
    pub(super) next_due: Option<Timestamp>,
    /// After due work failed: not again before this instant.
    pub(super) due_rests_until: Option<Timestamp>,
    /// Whether the database has refused something since it last took a change: its disk may be full.
    pub(super) refuses: bool,
    /// Whether a shared database was away when it was last looked at.
    pub(super) is_away: bool,
}

impl Writer {
    /// Runs until it is told to close, or nobody can reach it any more.
    pub(super) async fn run(mut self) {
        let shares = self.sharing.is_some();
        let changes = self.sharing.as_ref().is_none_or(Sharing::changes);
        let mut closing: Vec<oneshot::Sender<()>> = Vec::new();
        let mut messages = Vec::with_capacity(self.batch_max);
        loop {
            let mut open = true;
            tokio::select! {
                biased;
                received = self.messages.recv_many(&mut messages, self.batch_max) => open = received > 0,
                () = self.clock.reaches(self.next_due.max(self.due_rests_until)), if changes && self.next_due.is_some() => {}
                () = tokio::time::sleep(GLANCE), if changes && shares => self.look_for_due_work().await,
            };
            // One instant for the whole round: what is due by then has happened before any command sees it.
            let now = self.clock.now();
            let mut jobs = Vec::with_capacity(messages.len());
            let mut waiting_for_due = Vec::new();
            let mut asking = Vec::new();
            for message in messages.drain(..) {
                match message {
                    Message::Run(job) => jobs.push(job),
                    Message::RunDue(done) => waiting_for_due.push(done),
                    Message::TakesChanges(answer) => asking.push(answer),
                    Message::Close(done) => {
                        self.messages.close();
                        closing.push(done);
                    }
                }
            }
            self.run_jobs(jobs, now).await;
            for done in waiting_for_due {
                let _ = done.send(());
            }
            for answer in asking {
                let _ = answer.send(self.takes_changes().await);
            }
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

    /// Runs what is due, and a batch. When it cannot be saved, each command is tried alone, so that one cannot hold up
    /// the rest.
    async fn run_jobs(&mut self, mut jobs: Vec<Box<dyn Job>>, now: Timestamp) {
        if jobs.is_empty() && !self.has_due_work(now) {
            return;
        }
        let Err(problem) = self.save_batch(&mut jobs, now).await else {
            jobs.into_iter().for_each(Job::answer);
            return;
        };
        let mut for_everybody = problem.for_everybody();
        for job in jobs {
            if let Some(refusal) = &for_everybody {
                job.fail(refusal.clone());
                continue;
            }
            let mut alone = [job];
            let saved = self.save_batch(&mut alone, now).await;
            for_everybody = saved.as_ref().err().and_then(BatchError::for_everybody);
            for job in alone {
                match &saved {
                    Ok(()) => job.answer(),
                    Err(_) => job.fail(for_everybody.clone().unwrap_or_else(|| Code::InternalError.into())),
                }
            }
        }
    }

    /// Whether the database takes changes. After it has refused something that is tried by a change of one row that
    /// leaves it as it is, so that asking costs nothing while all is well.
    async fn takes_changes(&mut self) -> bool {
        if self.refuses {
            let patience = self.sharing.as_ref().map_or(Duration::MAX, |sharing| sharing.server.patience);
            let tried = tokio::time::timeout(patience, self.change_nothing()).await;
            if let Err(problem) = tried.unwrap_or(Err(BatchError::TimedOut)) {
                self.give_up(problem).await;
            }
        }
        !self.refuses
    }

    async fn change_nothing(&mut self) -> Result<(), BatchError> {
        self.enter().await?;
        if self.sharing.is_none() {
            let world = Values::default().bind(self.world.0);
            let connection = self.connection()?;
            connection.run("BEGIN IMMEDIATE").await?;
            connection.all("UPDATE worlds SET name = name WHERE number = $1", world).await?;
        }
        // On a shared database this counts a change.
        self.end(true, true).await
    }

    /// Whether work is due, and due work does not rest after a failure.
    fn has_due_work(&self, now: Timestamp) -> bool {
        self.next_due.is_some_and(|due| due <= now) && self.due_rests_until.is_none_or(|until| until <= now)
    }

    /// Looks for work that another sandbox has planned, or has left undone.
    async fn look_for_due_work(&mut self) {
        let Some(patience) = self.sharing.as_ref().map(|sharing| sharing.server.patience) else { return };
        let looked = tokio::time::timeout(patience, async {
            self.connect().await?;
            let world = self.world;
            Ok::<_, BatchError>(load::next_due(self.connection()?, world).await?)
        });
        match looked.await.unwrap_or(Err(BatchError::TimedOut)) {
            Ok(next_due) => {
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the database is back");
                }
                self.next_due = next_due;
            }
            Err(problem) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(%problem, "the database is away");
                }
                self.connection = None;
            }
        }
    }

    /// Load, decide, save; again, when what went wrong passes, as long as a shared database is given.
    async fn save_batch(&mut self, jobs: &mut [Box<dyn Job>], now: Timestamp) -> Result<(), BatchError> {
        let patience = self.sharing.as_ref().map(|sharing| sharing.server.patience);
        let deadline = patience.map(|patience| Instant::now() + patience);
        let mut due_first = true;
        for attempt in 1.. {
            let problem = match self.attempt(jobs, now, due_first, deadline).await {
                Ok(()) => return Ok(()),
                Err(problem) => problem,
            };
            if attempt == ATTEMPTS || !problem.passes() {
                if matches!(problem, BatchError::Unreachable(_)) {
                    tracing::debug!(%problem, commands = jobs.len(), "the database is away");
                } else {
                    tracing::error!(%problem, commands = jobs.len(), "a batch was not saved");
                }
                return Err(problem);
            }
            match problem {
                BatchError::DueFirst => {
                    self.ask_for_due_work(deadline).await;
                    due_first = false;
                }
                BatchError::Due(problem) => {
                    tracing::error!(%problem, "due work could not be saved; trying again shortly");
                    self.due_rests_until = Some(now.plus_millis(DUE_RETRY_MILLIS));
                }
                problem => {
                    tracing::debug!(%problem, attempt, "a batch is run again");
                    tokio::time::sleep(BACKOFF * attempt).await;
                }
            }
        }
        Ok(())
    }

    /// Whoever only looks asks the writer for what is due, and waits a while for it.
    async fn ask_for_due_work(&self, deadline: Option<Instant>) {
        let (Some(Access::Look(writer)), Some(deadline)) =
            (self.sharing.as_ref().map(|sharing| &sharing.access), deadline)
        else {
            return;
        };
        let half = Instant::now() + deadline.saturating_duration_since(Instant::now()) / 2;
        let (done, is_done) = oneshot::channel();
        let _in_time = tokio::time::timeout_at(half, async {
            if writer.send(Message::RunDue(done)).await.is_ok() {
                let _ = is_done.await;
            }
        })
        .await;
    }

    /// One transaction of the database, before the deadline if there is one. On failure the book is thrown away: the
    /// database alone knows what holds.
    async fn attempt(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        now: Timestamp,
        due_first: bool,
        deadline: Option<Instant>,
    ) -> Result<(), BatchError> {
        let transaction = self.transact(jobs, now, due_first);
        let result = match deadline {
            None => transaction.await,
            Some(deadline) => match tokio::time::timeout_at(deadline, transaction).await {
                Ok(result) => result,
                Err(_) => Err(BatchError::TimedOut),
            },
        };
        match result {
            Ok(()) => Ok(()),
            Err(problem) => {
                self.book = Book::default();
                self.refuses |= matches!(problem, BatchError::Database(_) | BatchError::Due(_));
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
        let problem = problem.judged();
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

    /// What is due, then the commands, in one transaction.
    async fn transact(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        now: Timestamp,
        due_first: bool,
    ) -> Result<(), BatchError> {
        self.enter().await?;
        let mut begun = self.sharing.is_some();
        let mut changed = false;
        let may_change = self.sharing.as_ref().is_none_or(Sharing::changes);
        if due_first && !may_change && self.has_due_work(now) {
            return Err(BatchError::DueFirst);
        }
        let mut rounds = 0;
        while may_change && self.has_due_work(now) && (rounds < DUE_ROUNDS || self.sharing.is_none()) {
            let due = self.run_due_batch(now, &mut begun).await;
            changed |= due.map_err(BatchError::while_due)?;
            rounds += 1;
        }
        changed |= self.load_decide_save(jobs, now, &mut begun).await?;
        self.end(begun, changed).await
    }

    async fn run_due_batch(&mut self, now: Timestamp, begun: &mut bool) -> Result<bool, BatchError> {
        let world = self.world;
        let due = load::due(self.connection()?, world, now, DUE_BATCH).await?;
        for forced in due.iter().filter(|due| due.step.is_forced()) {
            tracing::info!(transaction = forced.transaction.0, step = ?forced.step, "a magic amount strikes");
        }
        let mut jobs: Vec<Box<dyn Job>> =
            due.into_iter().map(|due| Box::new(Unattended(CarryOut(due))) as Box<dyn Job>).collect();
        let changed = self.load_decide_save(&mut jobs, now, begun).await?;
        self.next_due = load::next_due(self.connection()?, world).await?;
        self.due_rests_until = None;
        Ok(changed)
    }

    /// Begins a transaction on a shared database, when its turn comes, and forgets what others have changed since.
    /// A database that is nobody else's needs neither.
    async fn enter(&mut self) -> Result<(), BatchError> {
        if self.sharing.is_none() {
            return Ok(());
        }
        self.connect().await?;
        let (Some(sharing), Some(connection)) = (&mut self.sharing, &mut self.connection) else {
            return Err(BatchError::away());
        };
        let version = match sharing.access {
            Access::Change => postgres::begin_changing(connection, self.world).await?,
            Access::Look(_) => postgres::begin_looking(connection, self.world).await?,
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

    /// Connects to a shared database that was away. It may have come back as another: nothing is known of it.
    async fn connect(&mut self) -> Result<(), BatchError> {
        if let (None, Some(sharing)) = (&self.connection, &mut self.sharing) {
            sharing.version = None;
            self.connection = Some(sharing.server.connect().await.map_err(BatchError::Unreachable)?);
        }
        Ok(())
    }

    /// Runs commands, and saves what they changed in the transaction that is open; gives whether they did.
    async fn load_decide_save(
        &mut self,
        jobs: &mut [Box<dyn Job>],
        now: Timestamp,
        begun: &mut bool,
    ) -> Result<bool, BatchError> {
        self.load(jobs).await?;
        let (book, rules, numbering) = (&mut self.book, &self.rules, &mut self.numbering);
        catch_unwind(AssertUnwindSafe(|| {
            let mut context = Context { now, rules, numbering };
            for job in jobs.iter_mut() {
                job.decide(book, &mut context);
            }
        }))
        .map_err(|_| BatchError::Panicked)?;
        let changed = !self.book.changes().is_empty();
        if changed {
            self.save(begun).await?;
            let planned = self.book.changes().due.values().flatten().map(|due| due.at).min();
            self.next_due = [self.next_due, planned].into_iter().flatten().min();
        }
        self.book.saved();
        if self.book.kept_rows() > KEPT_ROWS {
            self.book = Book::default();
        }
        Ok(changed)
    }

    /// Saves the book's changes. A transaction of SQLite begins here: nobody else changes what was loaded.
    ///
    /// SQLite ends a transaction by itself when the disk is full or fails. sqlx counts open transactions, would miss
    /// that, and refuse every later one; so they are begun and ended by hand.
    async fn save(&mut self, begun: &mut bool) -> Result<(), BatchError> {
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        if !std::mem::replace(begun, true) {
            connection.run("BEGIN IMMEDIATE").await?;
        }
        Ok(save::save(connection, &self.book).await?)
    }

    /// Ends the transaction: what it changed is kept, all of it or none.
    async fn end(&mut self, begun: bool, changed: bool) -> Result<(), BatchError> {
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        let Some(sharing) = self.sharing.as_mut().filter(|_| changed) else {
            if begun {
                connection.run("COMMIT").await?;
                self.refuses &= !changed;
            }
            return Ok(());
        };
        postgres::count_change(connection, self.world).await?;
        sharing.committing = true;
        connection.run("COMMIT").await?;
        sharing.committing = false;
        sharing.version = sharing.version.map(|version| version + 1);
        self.refuses = false;
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
