//! Commands that failed alone a short while ago.
//!
//! A command that cannot be saved takes its whole batch with it, which is then run again in parts. A client may send such a
//! command over and over; from the second time on it is kept apart, so that no other command pays for it.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::job::{Job, Subject};

/// How long a command is kept apart after it has failed.
const KEPT_APART: Duration = Duration::from_secs(60);
/// How many are remembered; when there are more, the one that failed first is forgotten.
const REMEMBERED: usize = 256;

/// What failed alone, and until when it is kept apart.
#[derive(Debug, Default)]
pub(super) struct Suspects(HashMap<Subject, Instant>);

impl Suspects {
    /// Remembers a command that failed alone.
    pub(super) fn remember(&mut self, job: &dyn Job, now: Instant) {
        if self.0.len() >= REMEMBERED
            && let Some(first) = self.0.iter().min_by_key(|(_, until)| **until).map(|(subject, _)| *subject)
        {
            self.0.remove(&first);
        }
        self.0.insert(Subject::of(job), now + KEPT_APART);
    }

    /// Takes the commands that are to be kept apart out of a batch.
    pub(super) fn take_from(&mut self, jobs: &mut Vec<Box<dyn Job>>, now: Instant) -> Vec<Box<dyn Job>> {
        if self.0.is_empty() {
            return Vec::new();
        }
        self.0.retain(|_, until| *until > now);
        jobs.extract_if(.., |job| self.0.contains_key(&Subject::of(job.as_ref()))).collect()
    }
}
