//! The writer: the one task that loads, decides and saves, a batch at a time.
//!
//! On a database that several sandboxes share, each of them has one, and they take turns; beside it, others of the
//! same kind that only look things up.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::clock::{Clock, ClockState};
use crate::error::{Code, FpsError};
use crate::ledger::{ActivityQuery, Book, Context, Needs, Numbering, Rules, Timestamp};

use super::activity::Searches;
use super::batch_error::{BatchError, Fault, LOAD_ROUNDS};
use super::engine::{Connection, Values};
use super::expiry::{self, Expiry};
use super::job::Job;
use super::postgres::{self, Server};
use super::sqlite::FileLock;
use super::suspects::Suspects;
use super::{load, save};

/// How much due work goes into one transaction of a shared database, in pieces: when the clocks of sandboxes differ there
/// may always be more.
const DUE_ROUNDS: usize = 16;
/// How often a batch is run again that met another sandbox's or lost its connection before it was saved.
const ATTEMPTS: u32 = 8;
/// The wait before the second attempt; it grows with each.
const BACKOFF: Duration = Duration::from_millis(2);
/// How often to look for work that another sandbox has planned, in real time.
const GLANCE: Duration = Duration::from_secs(1);
/// How long a search may take.
const LONGEST_SEARCH: Duration = Duration::from_secs(60);
/// How many rows may stay in the book between batches; beyond that it starts afresh.
const KEPT_ROWS: usize = 200_000;

/// How much room is tried after a database has refused something.
const ROOM_BYTES: usize = 64 * 1024;
const TAKE_ROOM: &str = "INSERT INTO secrets (name, value) VALUES ('room', $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const GIVE_ROOM_BACK: &str = "DELETE FROM secrets WHERE name = 'room'";

/// What the writer is told.
pub(super) enum Message {
    /// Run a command.
    Run(Box<dyn Job>),
    /// Run what is due, and say so.
    RunDue(oneshot::Sender<()>),
    /// Make the world's clock go otherwise.
    SetClock(ClockState, oneshot::Sender<Result<(), FpsError>>),
    /// Say whether the database takes changes.
    TakesChanges(oneshot::Sender<bool>),
    /// Finish what is waiting, close the database and say so.
    Close(oneshot::Sender<()>),
}

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
    pub(super) clock: Clock,
    pub(super) rules: Arc<Rules>,
    pub(super) numbering: Numbering,
    pub(super) batch_max: usize,
    pub(super) book: Book,
    /// Commands that look for something that takes longer than a batch.
    pub(super) unfinished: Vec<Box<dyn Job>>,
    /// What they look for.
    pub(super) awaited: BTreeSet<ActivityQuery>,
    /// How far they have got.
    pub(super) searches: Searches,
    /// Commands that are kept apart because they failed.
    pub(super) suspects: Suspects,
    /// Removes caller references that have expired.
    pub(super) expiry: Expiry,
    pub(super) next_due: Option<Timestamp>,
    /// After due work failed: not again before this instant of real time.
    pub(super) due_rests_until: Option<Instant>,
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
        let mut is_open = true;
        while is_open || !self.unfinished.is_empty() {
            tokio::select! {
                biased;
                received = self.messages.recv_many(&mut messages, self.batch_max), if is_open => is_open = received > 0,
                () = std::future::ready(()), if !self.unfinished.is_empty() => {}
                () = due(&self.clock, self.next_due, self.due_rests_until), if changes => {}
                () = tokio::time::sleep(GLANCE), if changes && shares => self.look_for_due_work().await,
                () = sleep_until(self.expiry.next()), if changes => {}
            };
            // One instant for the whole round: what is due by then has happened before any command sees it.
            let now = self.clock.now();
            let mut jobs = self.go_on_with_unfinished();
            let searching = jobs.len();
            let mut waiting_for_due = Vec::new();
            let mut asking = Vec::new();
            let mut clock_settings = Vec::new();
            for message in messages.drain(..) {
                match message {
                    Message::Run(job) => jobs.push(job),
                    Message::RunDue(done) => waiting_for_due.push(done),
                    Message::SetClock(state, done) => clock_settings.push((state, done)),
                    Message::TakesChanges(answer) => asking.push(answer),
                    Message::Close(done) => {
                        self.messages.close();
                        closing.push(done);
                    }
                }
            }
            self.searches.share = jobs.len() > searching;
            if caught(self.run_jobs(jobs, now)).await.is_err() {
                // Whoever waited is told that there is no answer.
                let problem = self.give_up(BatchError::Panicked).await;
                tracing::error!(%problem, "a batch is given up; the writer goes on");
            }
            for (state, done) in clock_settings {
                let _ = done.send(self.set_clock(state).await);
            }
            for done in waiting_for_due {
                let _ = done.send(());
            }
            for answer in asking {
                let _ = answer.send(self.takes_changes().await);
            }
            if changes && Instant::now() >= self.expiry.next() {
                self.remove_expired_references(now).await;
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

    /// The commands that look for something since earlier batches. Those that take too long are given up: a client that
    /// has closed its side of the connection may have gone, which nobody tells.
    fn go_on_with_unfinished(&mut self) -> Vec<Box<dyn Job>> {
        let mut jobs = std::mem::take(&mut self.unfinished);
        jobs.retain(|job| !job.is_abandoned());
        for job in jobs.extract_if(.., |job| job.age() > LONGEST_SEARCH) {
            let text = "The search took too long. Ask for a shorter time, or with fewer filters.";
            job.fail(FpsError::new(Code::ServiceUnavailable, text));
        }
        jobs
    }

    /// Runs what is due, and the commands in one batch. Commands that failed a short while ago are run apart.
    async fn run_jobs(&mut self, mut jobs: Vec<Box<dyn Job>>, now: Timestamp) {
        let suspects = self.suspects.take_from(&mut jobs, Instant::now());
        if !jobs.is_empty() || self.has_due_work(now) {
            self.run_in_parts(jobs, now).await;
        }
        for job in suspects {
            self.run_in_parts(vec![job], now).await;
        }
        self.searches.keep_only(&std::mem::take(&mut self.awaited));
    }

    /// Runs a batch. When it cannot be saved, what is known to be at fault is taken out, or else it is run in halves, until
    /// a command that cannot be saved stands alone. So it fails alone, and the others do not fail with it.
    async fn run_in_parts(&mut self, jobs: Vec<Box<dyn Job>>, now: Timestamp) {
        let mut parts = vec![jobs];
        let mut for_everybody: Option<FpsError> = None;
        while let Some(mut jobs) = parts.pop() {
            if let Some(refusal) = &for_everybody {
                for job in jobs {
                    job.fail(refusal.clone());
                }
                continue;
            }
            let Err(problem) = self.save_batch(&mut jobs, now).await else {
                jobs.into_iter().for_each(Job::answer);
                continue;
            };
            for_everybody = problem.for_everybody();
            if for_everybody.is_some() {
                parts.push(jobs);
                continue;
            }
            let culprit = match (&problem, jobs.len()) {
                (BatchError::Faulty { job, .. }, _) => Some(*job),
                (_, 0 | 1) => Some(0),
                _ => None,
            };
            match culprit {
                Some(place) if place < jobs.len() => {
                    let job = jobs.remove(place);
                    tracing::error!(%problem, command = job.name(), "a command failed");
                    if problem.lies_in_the_work() {
                        self.suspects.remember(job.as_ref(), Instant::now());
                    }
                    job.fail(Code::InternalError.into());
                    if !jobs.is_empty() {
                        parts.push(jobs);
                    }
                }
                Some(_) => {}
                None => {
                    let second = jobs.split_off(jobs.len() / 2);
                    parts.extend([second, jobs]);
                }
            }
        }
    }

    /// Whether the database takes changes. After it has refused something that is tried, so that asking costs nothing while
    /// all is well.
    async fn takes_changes(&mut self) -> bool {
        if self.refuses {
            let patience = self.patience();
            let tried = tokio::time::timeout(patience, self.change_nothing()).await;
            if let Err(problem) = tried.unwrap_or(Err(BatchError::TimedOut)) {
                self.give_up(problem).await;
            }
        }
        !self.refuses
    }

    /// Keeps how the clock is to go, then makes it go so.
    async fn set_clock(&mut self, state: ClockState) -> Result<(), FpsError> {
        let patience = self.patience();
        let kept = tokio::time::timeout(patience, self.keep_clock(state)).await;
        if let Err(problem) = kept.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::error!(%problem, "the clock could not be set");
            let problem = self.give_up(problem).await;
            return Err(problem.for_everybody().unwrap_or_else(|| Code::InternalError.into()));
        }
        self.clock.set(state);
        Ok(())
    }

    async fn keep_clock(&mut self, state: ClockState) -> Result<(), BatchError> {
        self.enter().await?;
        let mut begun = self.sharing.is_some();
        let connection = self.connection()?;
        begin(connection, &mut begun).await?;
        save::set_clock(connection, state).await?;
        self.end(begun, true).await
    }

    /// Takes as much room as a batch may need and gives it back: on a disk that is nearly full a small change would fit.
    async fn change_nothing(&mut self) -> Result<(), BatchError> {
        self.enter().await?;
        if self.sharing.is_none() {
            let connection = self.connection()?;
            connection.run("BEGIN IMMEDIATE").await?;
            connection.all(TAKE_ROOM, Values::default().bind("0".repeat(ROOM_BYTES))).await?;
            connection.run("COMMIT").await?;
            connection.run("BEGIN IMMEDIATE").await?;
            connection.run(GIVE_ROOM_BACK).await?;
        }
        // On a shared database this counts a change.
        self.end(true, true).await
    }

    /// How long a database may take for anything: one that is nobody else's may take as long as it takes.
    pub(super) fn patience(&self) -> Duration {
        self.sharing.as_ref().map_or(Duration::MAX, |sharing| sharing.server.patience)
    }

    /// Whether work is due, and due work does not rest after a failure.
    pub(super) fn has_due_work(&self, now: Timestamp) -> bool {
        let rests = self.due_rests_until.is_some_and(|until| Instant::now() < until);
        !rests && self.next_due.is_some_and(|due| due <= now)
    }

    /// Removes some of the caller references that have expired. When that fails, they stay: nobody waits for it.
    async fn remove_expired_references(&mut self, now: Timestamp) {
        let patience = self.patience();
        let removed = tokio::time::timeout(patience, self.try_to_remove_expired_references(now)).await;
        if let Err(problem) = removed.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::debug!(%problem, "expired caller references could not be removed");
            self.expiry.rest(Instant::now());
            self.give_up(problem).await;
        }
    }

    async fn try_to_remove_expired_references(&mut self, now: Timestamp) -> Result<(), BatchError> {
        self.enter().await?;
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        let expired = self.expiry.expired(connection, now, Instant::now()).await?;
        let mut begun = self.sharing.is_some();
        if !expired.is_empty() {
            begin(connection, &mut begun).await?;
            let removed = expiry::remove(connection, &expired).await?;
            tracing::debug!(removed, "caller references have expired");
        }
        // The book keeps no references between batches, so that no other sandbox has to know of it.
        self.end(begun, false).await
    }

    /// Looks for work that another sandbox has planned, or has left undone.
    async fn look_for_due_work(&mut self) {
        let Some(patience) = self.sharing.as_ref().map(|sharing| sharing.server.patience) else { return };
        let looked = tokio::time::timeout(patience, async {
            self.connect().await?;
            Ok::<_, BatchError>(load::next_due(self.connection()?).await?)
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
    async fn save_batch(&mut self, jobs: &mut Vec<Box<dyn Job>>, now: Timestamp) -> Result<(), BatchError> {
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
                    tracing::error!(%problem, "due work could not be saved together; it is tried one by one");
                    self.run_due_work_one_by_one(now).await;
                    // There may be more than was tried: these commands do not wait for it.
                    due_first = false;
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
    async fn ask_for_due_work(&mut self, deadline: Option<Instant>) {
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
        jobs: &mut Vec<Box<dyn Job>>,
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
            Err(problem) => Err(self.give_up(problem).await),
        }
    }

    /// Ends what is left of a transaction that failed, and says what the failure means. What is in memory is thrown away:
    /// the database alone knows what holds.
    pub(super) async fn give_up(&mut self, problem: BatchError) -> BatchError {
        self.book = Book::default();
        self.refuses |= matches!(problem, BatchError::Database(_) | BatchError::Due(_));
        let Some(sharing) = &mut self.sharing else {
            // SQLite may have ended it already.
            if let Some(connection) = &mut self.connection {
                let _ended_already = connection.run("ROLLBACK").await;
                if problem.is_full() {
                    // The log may hold one page many times over; put into the file it leaves room.
                    let _ended_or_not = connection.run("PRAGMA wal_checkpoint(TRUNCATE)").await;
                }
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
        jobs: &mut Vec<Box<dyn Job>>,
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
        while may_change
            && due_first
            && self.has_due_work(now)
            && (rounds < DUE_ROUNDS || self.sharing.is_none())
        {
            let due = self.run_due_work(now, &mut begun).await;
            changed |= due.map_err(BatchError::while_due)?;
            rounds += 1;
        }
        changed |= self.load_decide_save(jobs, now, &mut begun).await?;
        self.end(begun, changed).await
    }

    /// Begins a transaction on a shared database, when its turn comes, and forgets what others have changed since.
    /// A database that is nobody else's needs neither.
    pub(super) async fn enter(&mut self) -> Result<(), BatchError> {
        if self.sharing.is_none() {
            return Ok(());
        }
        self.connect().await?;
        let (Some(sharing), Some(connection)) = (&mut self.sharing, &mut self.connection) else {
            return Err(BatchError::away());
        };
        let version = match sharing.access {
            Access::Change => postgres::begin_changing(connection).await?,
            Access::Look(_) => postgres::begin_looking(connection).await?,
        };
        if sharing.version != Some(version) {
            let state = load::world_state(connection).await?;
            self.book = Book::default();
            self.numbering.go_on_from(state.next_number, state.newest);
            self.next_due = state.next_due;
            if self.clock.state() != state.clock {
                self.clock.set(state.clock);
            }
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
    pub(super) async fn load_decide_save(
        &mut self,
        jobs: &mut Vec<Box<dyn Job>>,
        now: Timestamp,
        begun: &mut bool,
    ) -> Result<bool, BatchError> {
        self.load(jobs).await?;
        self.set_unfinished_aside(jobs);
        for (place, job) in jobs.iter_mut().enumerate() {
            if !self.book.changes().is_empty() {
                // What the commands before it have changed may make it need more than it did when all were asked.
                self.load(std::slice::from_mut(job)).await?;
            }
            self.decide(job.as_mut(), place, now).await?;
        }
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

    /// Decides one command; again, when it has found that rows are missing which it could not name before. Nothing of the
    /// batch may be saved after a fault.
    async fn decide(&mut self, job: &mut dyn Job, place: usize, now: Timestamp) -> Result<(), BatchError> {
        for _ in 0..LOAD_ROUNDS {
            let Self { book, rules, numbering, clock, .. } = self;
            let mut context = Context { now, clock_stands: clock.stands(), rules, numbering };
            let decided = catch_unwind(AssertUnwindSafe(|| job.decide(book, &mut context)));
            decided.map_err(|_| BatchError::Faulty { job: place, fault: Fault::Panicked })?;
            if let Some(broken) = self.book.broken() {
                return Err(BatchError::Faulty { job: place, fault: Fault::Broken(broken.clone()) });
            }
            let Some(missing) = self.book.take_missing() else { return Ok(()) };
            let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
            load::fetch(connection, &missing, self.numbering.ids, &mut self.searches, &mut self.book).await?;
        }
        Err(BatchError::Unsatisfied)
    }

    /// Takes out the commands that wait for a search which goes on in the next batch.
    fn set_unfinished_aside(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        if !self.book.has_unfinished() {
            return;
        }
        let waits = |job: &mut Box<dyn Job>| {
            let mut needs = Needs::new(&self.book);
            job.needs(&mut needs);
            self.awaited.extend(needs.unfinished().iter().cloned());
            !needs.unfinished().is_empty()
        };
        self.unfinished.extend(jobs.extract_if(.., waits));
    }

    /// Saves the book's changes. A transaction of SQLite begins here: nobody else changes what was loaded.
    async fn save(&mut self, begun: &mut bool) -> Result<(), BatchError> {
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        begin(connection, begun).await?;
        Ok(save::save(connection, &self.book, self.numbering.ids).await?)
    }

    /// Ends the transaction: what it changed is kept, all of it or none.
    pub(super) async fn end(&mut self, begun: bool, changed: bool) -> Result<(), BatchError> {
        let Some(connection) = &mut self.connection else { return Err(BatchError::away()) };
        let Some(sharing) = self.sharing.as_mut().filter(|_| changed) else {
            if begun {
                connection.run("COMMIT").await?;
                self.refuses &= !changed;
            }
            return Ok(());
        };
        postgres::count_change(connection).await?;
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
            load::fetch(connection, &wanted, self.numbering.ids, &mut self.searches, &mut self.book).await?;
        }
        Err(BatchError::Unsatisfied)
    }

    pub(super) fn connection(&mut self) -> Result<&mut Connection, BatchError> {
        self.connection.as_mut().ok_or_else(BatchError::away)
    }
}

/// Catches a panic of a future; it must not be polled again, and is dropped.
async fn caught<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Begins a transaction that changes something, unless it has begun.
///
/// SQLite ends a transaction by itself when the disk is full or fails. sqlx counts open transactions, would miss that, and
/// refuse every later one; so they are begun and ended by hand.
pub(super) async fn begin(connection: &mut Connection, begun: &mut bool) -> sqlx::Result<()> {
    if std::mem::replace(begun, true) { Ok(()) } else { connection.run("BEGIN IMMEDIATE").await }
}

/// Ends when work is due on the world's clock, and after a failure not before it has rested; never, when none is due.
async fn due(clock: &Clock, next: Option<Timestamp>, rests_until: Option<Instant>) {
    if let (Some(_), Some(until)) = (next, rests_until) {
        sleep_until(until).await;
    }
    clock.reaches(next).await;
}
