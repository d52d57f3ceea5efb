//! What happens when a batch fails: it is rolled back and run again, and a job that cannot be saved fails alone.
//!
//! - Transient errors, such as a lost connection before COMMIT was sent: the same batch is run again.
//! - A job that is known to be the cause fails, and the batch is run again without it.
//! - If the cause is not known, the batch is run again in halves, until the job that cannot be saved is alone in a batch.
//! - If the database cannot be reached, or it is unknown whether it committed, all jobs fail: running them again cannot
//!   help, or might run them twice.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::Timestamp;

use super::Writer;
use super::batch::Jobs;
use crate::store::batch_error::BatchError;
use crate::store::job::WriterJob;

/// How many times a batch is run when its errors are transient.
const MAX_ATTEMPTS: u32 = 8;
/// The wait before the second attempt. It grows by as much with each further attempt.
const BACKOFF: Duration = Duration::from_millis(2);

impl Writer {
    /// Runs due work and the jobs in one batch, and responds to the jobs. Quarantined jobs are run in batches of their own.
    pub(super) async fn run_jobs(&mut self, mut jobs: Jobs, now: Timestamp) {
        let quarantined = self.quarantine.extract_from(&mut jobs, Instant::now());
        if !jobs.is_empty() || self.is_work_due(now) {
            self.run_with_bisection(jobs, now).await;
        }
        for job in quarantined {
            self.run_with_bisection(vec![job], now).await;
        }
        self.deferred.drop_unawaited_searches(&mut self.working_set.searches);
    }

    /// Runs a batch, and splits it as long as it fails.
    async fn run_with_bisection(&mut self, jobs: Jobs, now: Timestamp) {
        // A stack: the parts that are run next are at its end, so that jobs run in the order of their arrival.
        let mut parts = vec![jobs];
        while let Some(mut jobs) = parts.pop() {
            let Err(problem) = self.run_with_retries(&mut jobs, now).await else {
                // Committed: only now may anybody learn of success.
                for job in jobs {
                    job.respond();
                }
                continue;
            };
            if jobs.is_empty() {
                // Only due work was run.
                self.pause_due_work();
            } else if let Some(response) = problem.response_to_all() {
                parts.push(jobs);
                return fail_all(parts, &response);
            } else if let Some(index) = problem.failed_job().or((jobs.len() == 1).then_some(0)) {
                self.fail_job(jobs.remove(index), &problem);
                if !jobs.is_empty() {
                    parts.push(jobs);
                }
            } else {
                // One bad job among n is found with about 2 log2(n) more batches.
                let second_half = jobs.split_off(jobs.len() / 2);
                parts.extend([second_half, jobs]);
            }
        }
    }

    fn fail_job(&mut self, job: Box<dyn WriterJob>, problem: &BatchError) {
        tracing::error!(%problem, command = job.name(), "a command failed");
        // An error of the database itself, such as a full disk, says nothing about this job.
        if problem.is_caused_by_job() {
            self.quarantine.add(job.as_ref(), Instant::now());
        }
        job.fail(Code::InternalError.into());
    }

    /// Runs a batch, again after transient errors. A shared database has a time limit for all attempts together.
    async fn run_with_retries(&mut self, jobs: &mut Jobs, now: Timestamp) -> Result<(), BatchError> {
        let deadline = self.session.is_shared().then(|| Instant::now() + self.session.timeout());
        let mut with_due_work = true;
        for attempt in 1.. {
            // No job has got a response, and a rollback drops the rows in memory. So each attempt starts from scratch.
            let Err(problem) = self.run_or_roll_back(jobs, now, with_due_work, deadline).await else {
                return Ok(());
            };
            if attempt == MAX_ATTEMPTS || !problem.is_transient() {
                log_failed_batch(&problem, jobs.len());
                return Err(problem);
            }
            if let BatchError::DueWork(problem) = problem {
                tracing::error!(%problem, "due work could not be saved together; it is tried one by one");
                self.run_due_work_one_by_one(now).await;
                // There may be more due work than that; the jobs of this batch do not wait for it.
                with_due_work = false;
            } else {
                tracing::debug!(%problem, attempt, "a batch is run again");
                tokio::time::sleep(BACKOFF * attempt).await;
            }
        }
        Ok(())
    }

    /// Runs a batch once, before the deadline if there is one, and rolls it back if it fails.
    async fn run_or_roll_back(
        &mut self,
        jobs: &mut Jobs,
        now: Timestamp,
        with_due_work: bool,
        deadline: Option<Instant>,
    ) -> Result<(), BatchError> {
        let next_due = self.next_due;
        let transaction = self.run_transaction(jobs, now, with_due_work);
        let result = match deadline {
            None => transaction.await,
            Some(deadline) => {
                tokio::time::timeout_at(deadline, transaction).await.unwrap_or(Err(BatchError::TimedOut))
            }
        };
        let Err(problem) = result else { return Ok(()) };
        // The due work that the transaction had run is due again.
        self.next_due = next_due;
        Err(self.roll_back(problem).await)
    }
}

fn fail_all(parts: Vec<Jobs>, response: &FpsError) {
    for job in parts.into_iter().rev().flatten() {
        job.fail(response.clone());
    }
}

fn log_failed_batch(problem: &BatchError, commands: usize) {
    if matches!(problem, BatchError::Unreachable(_)) {
        tracing::debug!(%problem, commands, "the database cannot be reached");
    } else {
        tracing::error!(%problem, commands, "a batch was not saved");
    }
}
