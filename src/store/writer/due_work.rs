//! Due work: what happens at an instant of the world's clock, such as the completion of a payment.
//!
//! Due work runs before the jobs of a batch, in the same transaction. If that fails, each item is run alone. An item that
//! fails for a reason of its own is marked as failed: it stays in the table `due` with its problem, the audit reports it,
//! and it is run again when the sandbox is started again. For any other reason, such as a full disk, all due work is paused
//! for a moment of real time. In neither case do jobs or other items wait for it.

use std::time::Duration;

use tokio::time::Instant;

use crate::ledger::{RunScheduledStep, ScheduledStep, Timestamp};

use super::Writer;
use super::batch::Jobs;
use crate::store::batch_error::BatchError;
use crate::store::job::{BackgroundJob, WriterJob};
use crate::store::schedule;

/// The maximum number of items that are run together.
const MAX_ITEMS: i64 = 256;
/// How long due work is paused after a failure that none of its items caused.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

impl Writer {
    /// Whether work is due, and due work is not paused.
    pub(super) fn is_work_due(&self, now: Timestamp) -> bool {
        let is_paused = self.due_work_paused_until.is_some_and(|until| Instant::now() < until);
        !is_paused && self.next_due.is_some_and(|due| due <= now)
    }

    /// Runs some of the work that is due, within the transaction of the batch. Returns whether it changed anything.
    pub(super) async fn run_due_work(&mut self, now: Timestamp) -> Result<bool, BatchError> {
        let items = schedule::load_due(self.session.connection()?, now, MAX_ITEMS).await?;
        let changed = self.run_items(items, now).await?;
        self.next_due = schedule::load_next_due(self.session.connection()?).await?;
        // Ends the pause that the last failure began.
        self.due_work_paused_until = None;
        Ok(changed)
    }

    async fn run_items(&mut self, items: Vec<ScheduledStep>, now: Timestamp) -> Result<bool, BatchError> {
        for forced in items.iter().filter(|item| item.step.is_forced()) {
            tracing::info!(transaction = forced.transaction.0, step = ?forced.step, "a magic amount forces a failure");
        }
        let job = |item| Box::new(BackgroundJob(RunScheduledStep(item))) as Box<dyn WriterJob>;
        let mut jobs: Jobs = items.into_iter().map(job).collect();
        self.load_decide_save(&mut jobs, now).await
    }

    /// Runs due work, each item in a transaction of its own. Stops after [`MAX_ITEMS`], because jobs are waiting.
    pub(super) async fn run_due_work_one_by_one(&mut self, now: Timestamp) {
        for _ in 0..MAX_ITEMS {
            let timeout = self.session.timeout();
            let first = tokio::time::timeout(timeout, self.run_first_item(now)).await;
            match first.unwrap_or(Err(BatchError::TimedOut)) {
                Ok(true) => {}
                Ok(false) => return,
                Err(problem) => {
                    let problem = self.roll_back(problem).await;
                    tracing::error!(%problem, "due work could not be saved; it is tried again shortly");
                    self.pause_due_work();
                    return;
                }
            }
        }
    }

    /// Pauses due work for a moment of real time.
    pub(super) fn pause_due_work(&mut self) {
        self.due_work_paused_until = Some(Instant::now() + PAUSE_AFTER_FAILURE);
    }

    /// Runs the first item that is due, and marks it as failed if it fails for a reason of its own. Returns whether
    /// there was an item.
    async fn run_first_item(&mut self, now: Timestamp) -> Result<bool, BatchError> {
        let now = self.begin_batch(now).await?;
        // Items that failed before are marked and left out, so this is the next one to try.
        let items = schedule::load_due(self.session.connection()?, now, 1).await?;
        let Some(item) = items.first().copied() else {
            self.next_due = schedule::load_next_due(self.session.connection()?).await?;
            self.commit(false).await?;
            return Ok(false);
        };
        let Err(problem) = self.run_and_commit(items, now).await else { return Ok(true) };
        if !problem.is_caused_by_job() {
            return Err(problem);
        }
        tracing::error!(%problem, transaction = item.transaction.0, "due work is marked as failed");
        let reason = problem.to_string();
        self.roll_back(problem).await;
        // The mark needs a transaction of its own: the one that failed is rolled back with all it wrote.
        self.begin_batch(self.clock.now()).await?;
        schedule::mark_failed(self.session.begin_write().await?, item.transaction, reason).await?;
        self.commit(true).await?;
        Ok(true)
    }

    async fn run_and_commit(&mut self, items: Vec<ScheduledStep>, now: Timestamp) -> Result<(), BatchError> {
        let changed = self.run_items(items, now).await?;
        self.commit(changed).await
    }

    /// Looks for work that another sandbox has scheduled or left undone, and for a clock that another sandbox has set.
    pub(super) async fn poll_schedule(&mut self) {
        let timeout = self.session.timeout();
        let polled = tokio::time::timeout(timeout, self.session.poll_schedule()).await;
        match polled.unwrap_or(Err(BatchError::TimedOut)) {
            Ok(None) => {}
            Ok(Some((next_due, clock))) => {
                if std::mem::take(&mut self.is_unreachable) {
                    tracing::info!("the database can be reached again");
                }
                self.sync_clock(clock);
                self.next_due = next_due;
            }
            Err(problem) => {
                if !std::mem::replace(&mut self.is_unreachable, true) {
                    tracing::warn!(%problem, "the database cannot be reached");
                }
            }
        }
    }
}
