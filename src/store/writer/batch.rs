//! A batch: load the rows that its jobs need, decide the jobs one after the other, save what they changed.
//!
//! All of it is one transaction of the database. No job responds before the transaction is committed: a response is a
//! promise that the change is on disk. [`super::recovery`] handles batches that fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::ledger::{Context, Timestamp};

use super::Writer;
use crate::store::batch_error::{BatchError, DecideError, MAX_LOAD_ROUNDS};
use crate::store::job::WriterJob;
use crate::store::save;

/// How many rounds of due work go into one transaction of a shared database. When the clocks of sandboxes differ, each
/// round may find more, and the jobs of the batch must not wait forever.
const MAX_DUE_ROUNDS: usize = 16;

/// The jobs of a batch.
pub(super) type Jobs = Vec<Box<dyn WriterJob>>;

impl Writer {
    /// Runs due work, if `with_due_work`, and then the jobs, in one transaction.
    ///
    /// Due work comes first, so that the jobs see the state of the world at this instant.
    pub(super) async fn run_transaction(
        &mut self,
        jobs: &mut Jobs,
        now: Timestamp,
        with_due_work: bool,
    ) -> Result<(), BatchError> {
        let now = self.begin_batch(now).await?;
        let mut changed = false;
        let mut rounds = 0;
        while with_due_work && self.is_work_due(now) && (rounds < MAX_DUE_ROUNDS || !self.session.is_shared())
        {
            changed |= self.run_due_work(now).await.map_err(BatchError::in_due_work)?;
            rounds += 1;
        }
        changed |= self.load_decide_save(jobs, now).await?;
        self.commit(changed).await
    }

    /// Runs jobs and saves what they changed within the open transaction. Returns whether they changed anything.
    pub(super) async fn load_decide_save(
        &mut self,
        jobs: &mut Jobs,
        now: Timestamp,
    ) -> Result<bool, BatchError> {
        // All jobs are asked together, so that each table needs few statements whatever the number of jobs.
        self.working_set.load(self.session.connection()?, jobs).await?;
        // A job that waits for a long search leaves the batch here, so that the others do not wait with it.
        self.deferred.defer_unfinished(&self.working_set.book, jobs);
        for (index, job) in jobs.iter_mut().enumerate() {
            if self.has_changes() {
                // The jobs before this one may have changed rows so that it needs others than when all jobs were asked.
                self.working_set.load(self.session.connection()?, std::slice::from_mut(job)).await?;
            }
            self.decide(job.as_mut(), index, now).await?;
        }
        let changed = self.has_changes();
        if changed {
            save::save_changes(
                self.session.begin_write().await?,
                &self.working_set.book,
                self.working_set.ids,
            )
            .await?;
            // The earliest of what was scheduled before this batch and in it.
            let scheduled = self.working_set.book.changes().due.values().flatten().map(|item| item.at).min();
            self.next_due = [self.next_due, scheduled].into_iter().flatten().min();
        }
        // The book now equals the database once the transaction commits. If it does not, the book is dropped.
        self.working_set.mark_saved();
        Ok(changed)
    }

    fn has_changes(&self) -> bool {
        !self.working_set.book.changes().is_empty()
    }

    /// Decides one job.
    ///
    /// A decision may find that it needs rows that its read set could not name. Then it has changed nothing, and is made
    /// again with these rows. After an error nothing of the batch may be saved: the book may hold half of a decision.
    async fn decide(
        &mut self,
        job: &mut dyn WriterJob,
        index: usize,
        now: Timestamp,
    ) -> Result<(), BatchError> {
        for _ in 0..MAX_LOAD_ROUNDS {
            // `decide` has no I/O, so a panic in it is a programming error in one job and cannot affect the connection.
            let Self { working_set, rules, id_allocator, clock, .. } = self;
            let mut context = Context { now, is_clock_frozen: clock.is_frozen(), rules, ids: id_allocator };
            catch_unwind(AssertUnwindSafe(|| job.decide(&mut working_set.book, &mut context)))
                .map_err(|_| BatchError::JobFailed { index, error: DecideError::Panicked })?;
            if let Some(violation) = self.working_set.book.violation() {
                let error = DecideError::InvariantViolated(violation.clone());
                return Err(BatchError::JobFailed { index, error });
            }
            let Some(missing) = self.working_set.book.take_missing_rows() else { return Ok(()) };
            self.working_set.load_missing(self.session.connection()?, &missing).await?;
        }
        Err(BatchError::ReadSetIncomplete)
    }
}
