//! The sandbox clock: the one place that asks the machine for the time.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::ledger::Timestamp;

/// How a clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// With the machine's clock, so many milliseconds ahead of it.
    Running {
        /// How far ahead; negative when it is behind.
        ahead_millis: i64,
    },
    /// It stands at an instant until it is moved.
    Standing(Timestamp),
}

impl ClockState {
    /// With the machine's clock.
    pub const REAL_TIME: Self = Self::Running { ahead_millis: 0 };

    /// It shows `instant` now and runs from there.
    pub fn running_from(instant: Timestamp) -> Self {
        Self::Running { ahead_millis: instant.millis() - machine_millis() }
    }

    /// The instant that a clock in this state shows.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Running { ahead_millis } => Timestamp::from_millis(machine_millis() + ahead_millis),
            Self::Standing(instant) => instant,
        }
    }

    /// The same, later.
    #[must_use]
    pub fn advanced(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        match self {
            Self::Running { ahead_millis } => Self::Running { ahead_millis: ahead_millis.saturating_add(by) },
            Self::Standing(instant) => Self::Standing(instant.plus_millis(by)),
        }
    }
}

/// A world's clock. Clones are the same clock. Setting it wakes whoever waits for an instant.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: RwLock<ClockState>,
    is_set: Notify,
}

impl Clock {
    /// A clock that goes like this.
    pub fn new(state: ClockState) -> Self {
        Self(Arc::new(Inner { state: RwLock::new(state), is_set: Notify::new() }))
    }

    /// The machine's own clock.
    pub fn system() -> Self {
        Self::new(ClockState::REAL_TIME)
    }

    /// How it goes.
    pub fn state(&self) -> ClockState {
        *self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instant it shows.
    pub fn now(&self) -> Timestamp {
        self.state().now()
    }

    /// Whether it stands until it is moved.
    pub fn stands(&self) -> bool {
        matches!(self.state(), ClockState::Standing(_))
    }

    /// Makes it go otherwise.
    pub fn set(&self, state: ClockState) {
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.0.is_set.notify_waiters();
    }

    /// Ends when it shows the instant or later; never, when there is none.
    pub async fn reaches(&self, instant: Option<Timestamp>) {
        let Some(instant) = instant else { return std::future::pending().await };
        loop {
            let set = self.0.is_set.notified();
            let left = instant.millis() - self.now().millis();
            if left <= 0 {
                return;
            }
            let rest = Duration::from_millis(left.unsigned_abs().min(60_000));
            if self.stands() {
                set.await;
            } else {
                let _ = tokio::time::timeout(rest, set).await;
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
    fn a_standing_clock_moves_only_when_it_is_set() {
        let clock = Clock::new(ClockState::Standing(Timestamp::from_millis(1_000)));
        assert_eq!(clock.now().millis(), 1_000);
        clock.set(clock.state().advanced(Duration::from_secs(2)));
        assert_eq!(clock.now().millis(), 3_000);
    }

    #[test]
    fn a_started_clock_runs_from_its_start() {
        let clock = Clock::new(ClockState::running_from(Timestamp::from_millis(0)));
        assert!((0..5_000).contains(&clock.now().millis()));
    }

    #[tokio::test]
    async fn whoever_waits_for_an_instant_is_woken_when_the_clock_is_set_to_it() {
        let clock = Clock::new(ClockState::Standing(Timestamp::from_millis(0)));
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reaches(Some(Timestamp::from_millis(10))).await }
        });
        tokio::task::yield_now().await;
        clock.set(ClockState::Standing(Timestamp::from_millis(10)));
        waiting.await.unwrap();
    }
}
