//! The writer of a world: the one task that changes it, a batch at a time.
//!
//! Here is what it is told and when it runs; [`super::batch`] is how a batch is loaded, decided and saved.

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
use crate::ledger::{IdAllocator, Rules, Timestamp};

use super::batch_error::BatchError;
use super::databases::NewWorld;
use super::engine::Values;
use super::expiry::{self, Expiry};
use super::job::Job;
use super::load::WorldState;
use super::save;
use super::session::Session;
use super::suspects::Suspects;
use super::working_set::{Unfinished, WorkingSet};

/// How often to look for work that another sandbox has planned, in real time.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How much room is tried after a database has refused something.
const ROOM_BYTES: usize = 64 * 1024;
const TAKE_ROOM: &str = "INSERT INTO secrets (name, value) VALUES ('room', $1) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const GIVE_ROOM_BACK: &str = "DELETE FROM secrets WHERE name = 'room'";

/// Whoever waits for something to be done.
type Done = oneshot::Sender<Result<(), FpsError>>;

/// What the writer is told.
pub(super) enum Message {
    /// Run a command.
    Run(Box<dyn Job>),
    /// Run what is due, and say so.
    RunDue(oneshot::Sender<()>),
    /// Make the world's clock go otherwise.
    SetClock(ClockState, Done),
    /// Make the world anew.
    Reset(Box<NewWorld>, Done),
    /// Say whether the database takes changes.
    TakesChanges(oneshot::Sender<bool>),
    /// Finish what is waiting, close the database and say so.
    Close(oneshot::Sender<()>),
    /// The same, and give the image of a database in memory.
    Sleep(oneshot::Sender<Option<Vec<u8>>>),
}

/// Whoever waits for the database to be closed.
enum Closing {
    Close(oneshot::Sender<()>),
    Sleep(oneshot::Sender<Option<Vec<u8>>>),
}

/// Everything the writer owns.
pub(super) struct Writer {
    pub(super) session: Session,
    pub(super) messages: mpsc::Receiver<Message>,
    pub(super) clock: Clock,
    pub(super) rules: Arc<Rules>,
    pub(super) numbering: IdAllocator,
    pub(super) batch_max: usize,
    pub(super) rows: WorkingSet,
    /// Commands that look for something that takes longer than a batch.
    pub(super) unfinished: Unfinished<dyn Job>,
    /// Commands that are kept apart because they failed.
    pub(super) suspects: Suspects,
    /// Removes caller references that have expired.
    expiry: Expiry,
    pub(super) next_due: Option<Timestamp>,
    /// After due work failed: not again before this instant of real time.
    pub(super) due_rests_until: Option<Instant>,
    /// Whether the database has refused something since it last took a change: its disk may be full.
    refuses: bool,
    /// Whether a shared database was away when it was last looked at.
    is_away: bool,
}

/// What was received between two batches, besides commands.
#[derive(Default)]
struct Requests {
    due: Vec<oneshot::Sender<()>>,
    clock: Vec<(ClockState, Done)>,
    reset: Vec<(Box<NewWorld>, Done)>,
    ready: Vec<oneshot::Sender<bool>>,
}

impl Writer {
    pub(super) fn new(
        session: Session,
        messages: mpsc::Receiver<Message>,
        state: &WorldState,
        (clock, rules): (Clock, Arc<Rules>),
        (batch_max, kept_transactions): (usize, usize),
    ) -> Self {
        Self {
            session,
            messages,
            clock,
            rules,
            numbering: IdAllocator::new(state.ids, state.next_number, state.newest),
            batch_max,
            rows: WorkingSet::new(state.ids, kept_transactions),
            unfinished: Unfinished::new(),
            suspects: Suspects::default(),
            expiry: Expiry::new(Instant::now()),
            next_due: state.next_due,
            due_rests_until: None,
            refuses: false,
            is_away: false,
        }
    }

    /// Runs until it is told to close, or nobody can reach it any more.
    pub(super) async fn run(mut self) {
        let mut closing = Vec::new();
        let mut messages = Vec::with_capacity(self.batch_max);
        let mut is_open = true;
        while is_open || !self.unfinished.is_empty() {
            tokio::select! {
                biased;
                received = self.messages.recv_many(&mut messages, self.batch_max), if is_open => is_open = received > 0,
                () = sleep_until(self.rows.searches.next()), if !self.unfinished.is_empty() => {}
                () = due(&self.clock, self.next_due, self.due_rests_until) => {}
                () = tokio::time::sleep(POLL_INTERVAL), if self.session.is_shared() => self.look_for_due_work().await,
                () = sleep_until(self.expiry.next()) => {}
            };
            // One instant for the whole round: what is due by then has happened before any command sees it.
            let now = self.clock.now();
            let mut jobs = self.unfinished.go_on();
            let searching = jobs.len();
            let mut requests = Requests::default();
            for message in messages.drain(..) {
                match message {
                    Message::Run(job) => jobs.push(job),
                    Message::RunDue(done) => requests.due.push(done),
                    Message::SetClock(state, done) => requests.clock.push((state, done)),
                    Message::Reset(world, done) => requests.reset.push((world, done)),
                    Message::TakesChanges(answer) => requests.ready.push(answer),
                    Message::Close(done) => closing.push(Closing::Close(done)),
                    Message::Sleep(image) => closing.push(Closing::Sleep(image)),
                }
            }
            if !closing.is_empty() {
                self.messages.close();
            }
            if jobs.len() > searching {
                self.rows.searches.make_way();
            }
            if caught(self.run_jobs(jobs, now)).await.is_err() {
                // Whoever waited is told that there is no answer.
                let problem = self.give_up(BatchError::Panicked).await;
                tracing::error!(%problem, "a batch is given up; the writer goes on");
            }
            if caught(self.answer(requests)).await.is_err() {
                let problem = self.give_up(BatchError::Panicked).await;
                tracing::error!(%problem, "what was asked of the writer is given up; it goes on");
            }
            if Instant::now() >= self.expiry.next() {
                self.remove_expired_references(now).await;
            }
        }
        self.close(closing).await;
    }

    async fn answer(&mut self, requests: Requests) {
        for (state, done) in requests.clock {
            let _ = done.send(self.set_clock(state).await);
        }
        for (world, done) in requests.reset {
            let _ = done.send(self.reset(&world).await);
        }
        for done in requests.due {
            let _ = done.send(());
        }
        for answer in requests.ready {
            let _ = answer.send(self.takes_changes().await);
        }
    }

    /// Closes the database before anybody is told: whoever waits may open it at once.
    async fn close(mut self, closing: Vec<Closing>) {
        let mut image = None;
        if closing.iter().any(|closing| matches!(closing, Closing::Sleep(_))) {
            image = self.session.image().await.unwrap_or_else(|problem| {
                tracing::error!(%problem, "a world in memory could not be put to sleep, and is lost");
                None
            });
        }
        self.session.close().await;
        for closing in closing {
            match closing {
                Closing::Close(done) => drop(done.send(())),
                Closing::Sleep(asked) => drop(asked.send(image.take())),
            }
        }
    }

    /// Keeps how the clock is to go, then makes it go so.
    async fn set_clock(&mut self, state: ClockState) -> Result<(), FpsError> {
        let timeout = self.session.timeout();
        let kept = tokio::time::timeout(timeout, self.keep_clock(state)).await;
        if let Err(problem) = kept.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::error!(%problem, "the clock could not be set");
            let problem = self.give_up(problem).await;
            return Err(problem.for_everybody().unwrap_or_else(|| Code::InternalError.into()));
        }
        self.clock.set(state);
        Ok(())
    }

    async fn keep_clock(&mut self, state: ClockState) -> Result<(), BatchError> {
        self.enter(self.clock.now()).await?;
        save::set_clock(self.session.begin().await?, state).await?;
        self.end(true).await
    }

    /// Whether the database takes changes. After it has refused something that is tried, so that asking costs nothing while
    /// all is well.
    async fn takes_changes(&mut self) -> bool {
        if self.refuses {
            let timeout = self.session.timeout();
            let tried = tokio::time::timeout(timeout, self.try_room()).await;
            if let Err(problem) = tried.unwrap_or(Err(BatchError::TimedOut)) {
                self.give_up(problem).await;
            }
        }
        !self.refuses
    }

    /// Takes as much room as a batch may need and gives it back: on a disk that is nearly full a small change would fit.
    async fn try_room(&mut self) -> Result<(), BatchError> {
        self.enter(self.clock.now()).await?;
        let room = Values::default().bind("0".repeat(ROOM_BYTES));
        self.session.begin().await?.all(TAKE_ROOM, room).await?;
        self.end(true).await?;
        self.enter(self.clock.now()).await?;
        self.session.begin().await?.run(GIVE_ROOM_BACK).await?;
        self.end(true).await
    }

    /// Whether work is due, and due work does not rest after a failure.
    pub(super) fn has_due_work(&self, now: Timestamp) -> bool {
        let rests = self.due_rests_until.is_some_and(|until| Instant::now() < until);
        !rests && self.next_due.is_some_and(|due| due <= now)
    }

    /// Removes some of the caller references that have expired. When that fails, they stay: nobody waits for it.
    async fn remove_expired_references(&mut self, now: Timestamp) {
        let timeout = self.session.timeout();
        let removed = tokio::time::timeout(timeout, self.try_to_remove_expired_references(now)).await;
        if let Err(problem) = removed.unwrap_or(Err(BatchError::TimedOut)) {
            tracing::debug!(%problem, "expired caller references could not be removed");
            self.expiry.rest(Instant::now());
            self.give_up(problem).await;
        }
    }

    async fn try_to_remove_expired_references(&mut self, now: Timestamp) -> Result<(), BatchError> {
        let now = self.enter(now).await?;
        let expired = self.expiry.expired(self.session.connection()?, now, Instant::now()).await?;
        if !expired.is_empty() {
            let removed = expiry::remove(self.session.begin().await?, &expired).await?;
            tracing::debug!(removed, "caller references have expired");
        }
        // The book keeps no references between batches, so that no other sandbox has to know of it.
        self.end(false).await
    }

    /// Looks for work that another sandbox has planned, or has left undone.
    async fn look_for_due_work(&mut self) {
        let timeout = self.session.timeout();
        let looked = tokio::time::timeout(timeout, self.session.planned_by_others()).await;
        match looked.unwrap_or(Err(BatchError::TimedOut)) {
            Ok(None) => {}
            Ok(Some((next_due, clock))) => {
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the database is back");
                }
                self.follow(clock);
                self.next_due = next_due;
            }
            Err(problem) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(%problem, "the database is away");
                }
            }
        }
    }

    /// Gets ready for a batch, and forgets what others have changed since the last one. Gives the instant of the batch: another,
    /// if others have moved the clock.
    pub(super) async fn enter(&mut self, now: Timestamp) -> Result<Timestamp, BatchError> {
        let Some(state) = self.session.enter().await? else { return Ok(now) };
        self.adopt(&state);
        Ok(if self.follow(state.clock) { self.clock.now() } else { now })
    }

    /// Makes the clock go as the database says; gives whether it went otherwise.
    fn follow(&self, clock: ClockState) -> bool {
        let went_otherwise = self.clock.state() != clock;
        if went_otherwise {
            self.clock.set(clock);
        }
        went_otherwise
    }

    /// Forgets what was known of the world, and goes on from this state.
    pub(super) fn adopt(&mut self, state: &WorldState) {
        self.rows.forget();
        self.rows.ids = state.ids;
        self.numbering = IdAllocator::new(state.ids, state.next_number, state.newest);
        self.next_due = state.next_due;
    }

    /// Ends the transaction: what it changed is kept, all of it or none.
    pub(super) async fn end(&mut self, changed: bool) -> Result<(), BatchError> {
        let wrote = self.session.end(changed).await?;
        self.refuses &= !(wrote && changed);
        Ok(())
    }

    /// Ends what is left of a transaction that failed, and says what the failure means. What is in memory is thrown away:
    /// the database alone knows what holds.
    pub(super) async fn give_up(&mut self, problem: BatchError) -> BatchError {
        self.rows.forget();
        self.refuses |= matches!(problem, BatchError::Database(_) | BatchError::Due(_));
        self.session.give_up(problem).await
    }
}

/// Catches a panic of a future; it must not be polled again, and is dropped.
pub(super) async fn caught<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Ends when work is due on the world's clock, and after a failure not before it has rested; never, when none is due.
async fn due(clock: &Clock, next: Option<Timestamp>, rests_until: Option<Instant>) {
    if let (Some(_), Some(until)) = (next, rests_until) {
        sleep_until(until).await;
    }
    clock.reaches(next).await;
}
