//! A batch: load what its commands need, decide them one after the other, save what they changed in one transaction.
//!
//! When that fails, the command at fault is found and fails alone; the others are run again without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Code, FpsError};
use crate::ledger::{Context, Timestamp};

use super::batch_error::{BatchError, Fault, LOAD_ROUNDS};
use super::job::Job;
use super::save;
use super::writer::Writer;

/// How much due work goes into one transaction of a shared database, in pieces: when the clocks of sandboxes differ there
/// may always be more.
const DUE_ROUNDS: usize = 16;
/// How often a batch is run again that met another sandbox's or lost its connection before it was saved.
const ATTEMPTS: u32 = 8;
/// The wait before the second attempt; it grows with each.
const BACKOFF: Duration = Duration::from_millis(2);

/// The jobs of a batch.
pub(super) type Jobs = Vec<Box<dyn Job>>;

impl Writer {
    /// Runs what is due, and the commands in one batch. Commands that failed a short while ago are run apart.
    pub(super) async fn run_jobs(&mut self, mut jobs: Jobs, now: Timestamp) {
        let suspects = self.suspects.take_from(&mut jobs, Instant::now());
        if !jobs.is_empty() || self.has_due_work(now) {
            self.run_in_parts(jobs, now).await;
        }
        for job in suspects {
            self.run_in_parts(vec![job], now).await;
        }
        self.unfinished.keep_awaited(&mut self.rows.searches);
    }

    /// Runs a batch. When it cannot be saved, what is known to be at fault is taken out, or else it is run in halves, until
    /// a command that cannot be saved stands alone. So it fails alone, and the others do not fail with it.
    async fn run_in_parts(&mut self, jobs: Jobs, now: Timestamp) {
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
                for job in jobs {
                    job.answer();
                }
                continue;
            };
            if jobs.is_empty() {
                self.let_due_work_rest();
                continue;
            }
            for_everybody = problem.for_everybody();
            if for_everybody.is_some() {
                parts.push(jobs);
                continue;
            }
            let Some(place) = problem.job_at_fault().or((jobs.len() == 1).then_some(0)) else {
                let second = jobs.split_off(jobs.len() / 2);
                parts.extend([second, jobs]);
                continue;
            };
            self.fail_alone(jobs.remove(place), &problem);
            if !jobs.is_empty() {
                parts.push(jobs);
            }
        }
    }

    fn fail_alone(&mut self, job: Box<dyn Job>, problem: &BatchError) {
        tracing::error!(%problem, command = job.name(), "a command failed");
        if problem.lies_in_the_work() {
            self.suspects.remember(job.as_ref(), Instant::now());
        }
        job.fail(Code::InternalError.into());
    }

    /// Load, decide, save; again, when what went wrong passes, as long as a shared database is given.
    async fn save_batch(&mut self, jobs: &mut Jobs, now: Timestamp) -> Result<(), BatchError> {
        let deadline = self.session.is_shared().then(|| Instant::now() + self.session.timeout());
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
            if let BatchError::Due(problem) = problem {
                tracing::error!(%problem, "due work could not be saved together; it is tried one by one");
                self.run_due_work_one_by_one(now).await;
                // There may be more than was tried: these commands do not wait for it.
                due_first = false;
            } else {
                tracing::debug!(%problem, attempt, "a batch is run again");
                tokio::time::sleep(BACKOFF * attempt).await;
            }
        }
        Ok(())
    }

    /// One transaction of the database, before the deadline if there is one. On failure the rows at hand are thrown away: the
    /// database alone knows what holds.
    async fn attempt(
        &mut self,
        jobs: &mut Jobs,
        now: Timestamp,
        due_first: bool,
        deadline: Option<Instant>,
    ) -> Result<(), BatchError> {
        let next_due = self.next_due;
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
                // What was due is due again.
                self.next_due = next_due;
                Err(self.give_up(problem).await)
            }
        }
    }

    /// What is due, then the commands, in one transaction.
    async fn transact(&mut self, jobs: &mut Jobs, now: Timestamp, due_first: bool) -> Result<(), BatchError> {
        let now = self.enter(now).await?;
        let mut changed = false;
        let mut rounds = 0;
        while due_first && self.has_due_work(now) && (rounds < DUE_ROUNDS || !self.session.is_shared()) {
            changed |= self.run_due_work(now).await.map_err(BatchError::while_due)?;
            rounds += 1;
        }
        changed |= self.load_decide_save(jobs, now).await?;
        self.end(changed).await
    }

    /// Runs commands, and saves what they changed in the transaction that is open; gives whether they did.
    pub(super) async fn load_decide_save(
        &mut self,
        jobs: &mut Jobs,
        now: Timestamp,
    ) -> Result<bool, BatchError> {
        self.rows.load(self.session.connection()?, jobs).await?;
        self.unfinished.set_aside(&self.rows.book, jobs);
        for (place, job) in jobs.iter_mut().enumerate() {
            if !self.rows.book.changes().is_empty() {
                // What the commands before it have changed may make it need more than it did when all were asked.
                self.rows.load(self.session.connection()?, std::slice::from_mut(job)).await?;
            }
            self.decide(job.as_mut(), place, now).await?;
        }
        let changed = !self.rows.book.changes().is_empty();
        if changed {
            save::save(self.session.begin().await?, &self.rows.book, self.rows.ids).await?;
            let planned = self.rows.book.changes().due.values().flatten().map(|due| due.at).min();
            self.next_due = [self.next_due, planned].into_iter().flatten().min();
        }
        self.rows.saved();
        Ok(changed)
    }

    /// Decides one command; again, when it has found that rows are missing which it could not name before. Nothing of the
    /// batch may be saved after a fault.
    async fn decide(&mut self, job: &mut dyn Job, place: usize, now: Timestamp) -> Result<(), BatchError> {
        for _ in 0..LOAD_ROUNDS {
            let Self { rows, rules, numbering, clock, .. } = self;
            let mut context = Context { now, clock_stands: clock.stands(), rules, ids: numbering };
            let decided = catch_unwind(AssertUnwindSafe(|| job.decide(&mut rows.book, &mut context)));
            decided.map_err(|_| BatchError::Faulty { job: place, fault: Fault::Panicked })?;
            if let Some(broken) = self.rows.book.violation() {
                return Err(BatchError::Faulty { job: place, fault: Fault::Broken(broken.clone()) });
            }
            let Some(missing) = self.rows.book.take_missing() else { return Ok(()) };
            self.rows.fetch(self.session.connection()?, &missing).await?;
        }
        Err(BatchError::Unsatisfied)
    }
}
