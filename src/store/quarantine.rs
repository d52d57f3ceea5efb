//! Quarantine of jobs that have failed.
//!
//! A job that cannot be saved makes its whole batch fail, which is then run again in parts. A client may repeat such a job
//! over and over. So jobs with the same fingerprint are run in batches of their own for a while, where they delay no others.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::job::{JobFingerprint, WriterJob};

/// How long jobs like a failed one are quarantined.
const QUARANTINE_PERIOD: Duration = Duration::from_secs(60);
/// The maximum number of fingerprints. When it is reached, the one that failed first is removed.
const MAX_FINGERPRINTS: usize = 256;

/// The fingerprints of jobs that failed, and until when they are quarantined.
#[derive(Debug, Default)]
pub(super) struct Quarantine(HashMap<JobFingerprint, Instant>);

impl Quarantine {
    /// Adds the fingerprint of a job that has failed.
    pub(super) fn add(&mut self, job: &dyn WriterJob, now: Instant) {
        if self.0.len() >= MAX_FINGERPRINTS
            && let Some(first) = self.0.iter().min_by_key(|(_, until)| **until).map(|(job, _)| *job)
        {
            self.0.remove(&first);
        }
        self.0.insert(JobFingerprint::of(job), now + QUARANTINE_PERIOD);
    }

    /// Removes the quarantined jobs from a batch and returns them.
    pub(super) fn extract_from(
        &mut self,
        jobs: &mut Vec<Box<dyn WriterJob>>,
        now: Instant,
    ) -> Vec<Box<dyn WriterJob>> {
        if self.0.is_empty() {
            return Vec::new();
        }
        self.0.retain(|_, until| *until > now);
        jobs.extract_if(.., |job| self.0.contains_key(&JobFingerprint::of(job.as_ref()))).collect()
    }
}
