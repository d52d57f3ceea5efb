//! The sandbox clock: the one place that asks the machine for the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use crate::ledger::Timestamp;

/// A world's clock. Clones are the same clock.
///
/// It runs with the machine's clock, shifted, or stands still until it is moved. Moving it wakes whoever waits
/// for an instant.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Running: milliseconds ahead of the machine's clock. Standing: the instant itself.
    millis: AtomicI64,
    running: bool,
    moved: Notify,
}

impl Clock {
    /// The machine's own clock.
    pub fn system() -> Self {
        Self::with(0, true)
    }

    /// A clock that shows `start` now and runs from there.
    pub fn starting_at(start: Timestamp) -> Self {
        Self::with(start.millis() - machine_millis(), true)
    }

    /// A clock that shows `instant` until it is moved.
    pub fn standing_at(instant: Timestamp) -> Self {
        Self::with(instant.millis(), false)
    }

    fn with(millis: i64, running: bool) -> Self {
        Self(Arc::new(Inner { millis: AtomicI64::new(millis), running, moved: Notify::new() }))
    }

    /// The instant it shows.
    pub fn now(&self) -> Timestamp {
        let millis = self.0.millis.load(Ordering::SeqCst);
        Timestamp::from_millis(if self.0.running { machine_millis() + millis } else { millis })
    }

    /// Whether it stands until it is moved.
    pub fn stands(&self) -> bool {
        !self.0.running
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        self.0.millis.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4), Ordering::SeqCst);
        self.0.moved.notify_waiters();
    }

    /// Ends when it shows the instant or later; never, when there is none.
    pub async fn reaches(&self, instant: Option<Timestamp>) {
        let Some(instant) = instant else { return std::future::pending().await };
        loop {
            let moved = self.0.moved.notified();
            let left = instant.millis() - self.now().millis();
            if left <= 0 {
                return;
            }
            let rest = Duration::from_millis(left.unsigned_abs().min(60_000));
            if self.0.running {
                let _ = tokio::time::timeout(rest, moved).await;
            } else {
                moved.await;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn machine_millis() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_moved() {
        let clock = Clock::standing_at(Timestamp::from_millis(1_000));
        assert_eq!(clock.now().millis(), 1_000);
        clock.advance(Duration::from_secs(2));
        assert_eq!(clock.now().millis(), 3_000);
    }

    #[test]
    fn a_started_clock_runs_from_its_start() {
        let clock = Clock::starting_at(Timestamp::from_millis(0));
        assert!((0..5_000).contains(&clock.now().millis()));
    }

    #[tokio::test]
    async fn whoever_waits_for_an_instant_is_woken_when_the_clock_is_moved_there() {
        let clock = Clock::standing_at(Timestamp::from_millis(0));
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reaches(Some(Timestamp::from_millis(10))).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_millis(10));
        waiting.await.unwrap();
    }
}
