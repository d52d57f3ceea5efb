//! The writer of a world: the only task that changes the world, one batch at a time.
//!
//! This file has the writer's queue, its main loop, and the boundaries of its transactions. [`batch`] runs a batch,
//! [`recovery`] handles batches that fail, [`due_work`] runs scheduled work, and [`control`] handles the messages that are
//! not jobs.

mod batch;
mod control;
mod due_work;
mod recovery;
pub(super) mod reference_expiry;
mod reset;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use crate::clock::{Clock, ClockState};
use crate::error::FpsError;
use crate::ledger::{IdAllocator, Rules, Timestamp};

use super::batch_error::BatchError;
use super::deferred_jobs::DeferredJobs;
use super::job::WriterJob;
use super::new_world::NewWorld;
use super::panics::catch_panic;
use super::quarantine::Quarantine;
use super::session::Session;
use super::working_set::{BatchLimits, WorkingSet};
use super::world_state::WorldState;
use batch::Jobs;
use control::ControlMessages;
use reference_expiry::ReferenceExpiry;

/// How often to look for work that other sandboxes have scheduled, in real time.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The channel for the result of a control message.
type ResultSender = oneshot::Sender<Result<(), FpsError>>;

/// A message to a writer.
pub(super) enum WriterMessage {
    /// Run a job.
    Run(Box<dyn WriterJob>),
    /// Run the work that is due, and confirm.
    RunDueWork(oneshot::Sender<()>),
    /// Set the world's clock.
    SetClock(ClockState, ResultSender),
    /// Replace the world by a new one.
    Reset(Box<NewWorld>, ResultSender),
    /// Report whether the database accepts writes.
    CheckWritable(oneshot::Sender<bool>),
    /// Run the queued jobs, close the database and confirm.
    Close(oneshot::Sender<()>),
    /// The same, and send the image of a database in memory.
    CloseWithImage(oneshot::Sender<Option<Vec<u8>>>),
}

/// A request to close the database.
enum CloseRequest {
    Close(oneshot::Sender<()>),
    CloseWithImage(oneshot::Sender<Option<Vec<u8>>>),
}

/// The messages that were received at the same time, and the jobs that were deferred from earlier batches.
struct ReceivedBatch {
    jobs: Jobs,
    control: ControlMessages,
}

impl ReceivedBatch {
    /// Adds a message. A request to close the database outlives the batch.
    fn add(&mut self, message: WriterMessage, close_requests: &mut Vec<CloseRequest>) {
        match message {
            WriterMessage::Run(job) => self.jobs.push(job),
            WriterMessage::RunDueWork(done) => self.control.run_due_work.push(done),
            WriterMessage::SetClock(state, result) => self.control.set_clock.push((state, result)),
            WriterMessage::Reset(world, result) => self.control.reset.push((world, result)),
            WriterMessage::CheckWritable(response) => self.control.check_writable.push(response),
            WriterMessage::Close(done) => close_requests.push(CloseRequest::Close(done)),
            WriterMessage::CloseWithImage(image) => close_requests.push(CloseRequest::CloseWithImage(image)),
        }
    }
}

/// The state of a writer.
pub(super) struct Writer {
    session: Session,
    messages: mpsc::Receiver<WriterMessage>,
    clock: Clock,
    rules: Arc<Rules>,
    id_allocator: IdAllocator,
    max_jobs: usize,
    working_set: WorkingSet,
    deferred: DeferredJobs<dyn WriterJob>,
    quarantine: Quarantine,
    reference_expiry: ReferenceExpiry,
    /// When the next work is due on the world's clock.
    next_due: Option<Timestamp>,
    /// Due work that failed is not run again before this instant of real time.
    due_work_paused_until: Option<Instant>,
    /// Whether a write has failed since the last one that succeeded. The disk may be full.
    has_write_failed: bool,
    /// Whether a shared database could not be reached when it was last polled.
    is_unreachable: bool,
}

impl Writer {
    pub(super) fn new(
        session: Session,
        messages: mpsc::Receiver<WriterMessage>,
        state: &WorldState,
        clock: Clock,
        rules: Arc<Rules>,
        limits: BatchLimits,
    ) -> Self {
        Self {
            session,
            messages,
            clock,
            rules,
            id_allocator: IdAllocator::new(state.ids, state.next_number, state.newest),
            max_jobs: limits.max_jobs,
            working_set: WorkingSet::new(state.ids, limits.max_cached_transactions),
            deferred: DeferredJobs::new(),
            quarantine: Quarantine::default(),
            reference_expiry: ReferenceExpiry::new(Instant::now()),
            next_due: state.next_due,
            due_work_paused_until: None,
            has_write_failed: false,
            is_unreachable: false,
        }
    }

    /// Runs until it is told to close, or all senders are gone.
    pub(super) async fn run(mut self) {
        let mut close_requests = Vec::new();
        let mut received = Vec::with_capacity(self.max_jobs);
        let mut is_open = true;
        while is_open || !self.deferred.is_empty() {
            // Whatever is queued by now becomes one batch: its jobs share a transaction, and so one fsync. `biased` makes
            // jobs come before the timers. The channel returns 0 when it is closed and empty.
            tokio::select! {
                biased;
                count = self.messages.recv_many(&mut received, self.max_jobs), if is_open => is_open = count > 0,
                () = sleep_until(self.working_set.searches.next_step_at()), if !self.deferred.is_empty() => {}
                () = wait_for_due_work(&self.clock, self.next_due, self.due_work_paused_until) => {}
                () = tokio::time::sleep(POLL_INTERVAL), if self.session.is_shared() => self.poll_schedule().await,
                () = sleep_until(self.reference_expiry.next_step_at()) => {}
            };
            let mut batch = ReceivedBatch { jobs: self.deferred.take(), control: ControlMessages::default() };
            let deferred_count = batch.jobs.len();
            for message in received.drain(..) {
                batch.add(message, &mut close_requests);
            }
            if !close_requests.is_empty() {
                // Jobs that are queued already are still received; senders of new ones get an error.
                self.messages.close();
            }
            if batch.jobs.len() > deferred_count {
                self.working_set.searches.note_other_work();
            }
            self.run_batch(batch).await;
        }
        self.close(close_requests).await;
    }

    /// Runs the jobs, then handles the other messages. A panic ends only the part in which it occurs.
    async fn run_batch(&mut self, batch: ReceivedBatch) {
        // The whole batch has one instant. Work that is due by then is run before any job of the batch.
        let now = self.clock.now();
        if catch_panic(self.run_jobs(batch.jobs, now)).await.is_err() {
            // The panic has dropped the jobs, so their senders get an error.
            let problem = self.roll_back(BatchError::Panicked).await;
            tracing::error!(%problem, "a batch was rolled back after a panic; the writer continues");
        }
        if catch_panic(self.handle_control_messages(batch.control)).await.is_err() {
            let problem = self.roll_back(BatchError::Panicked).await;
            tracing::error!(%problem, "a control message failed with a panic; the writer continues");
        }
        if Instant::now() >= self.reference_expiry.next_step_at() {
            self.remove_expired_references(now).await;
        }
    }

    /// Closes the database, then confirms: whoever waits for it may open the database again at once.
    async fn close(mut self, requests: Vec<CloseRequest>) {
        let mut image = None;
        if requests.iter().any(|request| matches!(request, CloseRequest::CloseWithImage(_))) {
            image = self.session.serialize().await.unwrap_or_else(|problem| {
                tracing::error!(%problem, "no image could be made of a world in memory: the world is lost");
                None
            });
        }
        self.session.close().await;
        for request in requests {
            match request {
                CloseRequest::Close(done) => drop(done.send(())),
                CloseRequest::CloseWithImage(sender) => drop(sender.send(image.take())),
            }
        }
    }

    /// Begins a batch. On a shared database this waits for the lock on the world, and drops the rows in memory if another
    /// sandbox has changed the world since the last batch. Returns the instant of the batch: `now`, unless another sandbox
    /// has set the clock.
    async fn begin_batch(&mut self, now: Timestamp) -> Result<Timestamp, BatchError> {
        let Some(state) = self.session.begin_batch().await? else { return Ok(now) };
        self.reload(&state);
        Ok(if self.sync_clock(state.clock) { self.clock.now() } else { now })
    }

    /// Sets the clock to the state that the database holds. Returns whether it differed.
    fn sync_clock(&self, stored: ClockState) -> bool {
        let differs = self.clock.state() != stored;
        if differs {
            self.clock.set(stored);
        }
        differs
    }

    /// Drops the rows in memory, and continues from this state of the world.
    fn reload(&mut self, state: &WorldState) {
        self.working_set.clear();
        self.working_set.ids = state.ids;
        self.id_allocator = IdAllocator::new(state.ids, state.next_number, state.newest);
        self.next_due = state.next_due;
    }

    /// Commits the transaction. `changed` says whether it has changed the world.
    async fn commit(&mut self, changed: bool) -> Result<(), BatchError> {
        let wrote = self.session.commit(changed).await?;
        // Only a write that succeeded shows that the disk has space again.
        self.has_write_failed &= !(wrote && changed);
        Ok(())
    }

    /// Rolls back a transaction that has failed, and returns what the failure means. The rows in memory may hold
    /// changes that were not saved, so they are dropped.
    async fn roll_back(&mut self, problem: BatchError) -> BatchError {
        self.working_set.clear();
        self.has_write_failed |= matches!(problem, BatchError::Database(_) | BatchError::DueWork(_));
        self.session.roll_back(problem).await
    }
}

/// Waits until work is due on the world's clock, and until due work is no longer paused. Waits forever if nothing is
/// scheduled.
async fn wait_for_due_work(clock: &Clock, next_due: Option<Timestamp>, paused_until: Option<Instant>) {
    if let (Some(_), Some(until)) = (next_due, paused_until) {
        sleep_until(until).await;
    }
    clock.wait_until(next_due).await;
}
