//! Jobs that wait for a search of account activity which takes longer than one batch.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::error::{Code, FpsError};
use crate::ledger::{ActivityQuery, Book, ReadSet};

use super::activity::ActivitySearches;
use super::job::Job;

/// The maximum age of a job that waits for a search.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Jobs that are deferred to the next batch, because their searches are not finished.
pub(super) struct DeferredJobs<J: ?Sized> {
    jobs: Vec<Box<J>>,
    /// The searches that the jobs of this batch wait for.
    awaited: BTreeSet<ActivityQuery>,
}

impl<J: Job + ?Sized> DeferredJobs<J> {
    pub(super) const fn new() -> Self {
        Self { jobs: Vec::new(), awaited: BTreeSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Takes the deferred jobs, for the next batch. Abandoned ones are dropped. Those that take too long fail: a client that
    /// has half-closed its connection may be gone, which cannot be detected.
    pub(super) fn take(&mut self) -> Vec<Box<J>> {
        let mut jobs = std::mem::take(&mut self.jobs);
        jobs.retain(|job| !job.is_abandoned());
        for job in jobs.extract_if(.., |job| job.age() > SEARCH_TIMEOUT) {
            let text = "The search took too long. Ask for a shorter time, or with fewer filters.";
            job.fail(FpsError::new(Code::ServiceUnavailable, text));
        }
        jobs
    }

    /// Moves the jobs whose searches are not finished out of the batch.
    pub(super) fn defer_unfinished(&mut self, book: &Book, jobs: &mut Vec<Box<J>>) {
        if !book.has_unfinished_activity() {
            return;
        }
        let is_activity_unfinished = |job: &mut Box<J>| {
            let mut reads = ReadSet::new(book);
            job.read_set(&mut reads);
            self.awaited.extend(reads.unfinished().iter().cloned());
            !reads.unfinished().is_empty()
        };
        self.jobs.extend(jobs.extract_if(.., is_activity_unfinished));
    }

    /// Drops the searches that no deferred job waits for. To be called after each batch.
    pub(super) fn drop_unawaited_searches(&mut self, searches: &mut ActivitySearches) {
        searches.retain(&std::mem::take(&mut self.awaited));
    }
}
