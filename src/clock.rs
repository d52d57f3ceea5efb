//! Clocks of worlds: the only module that asks the machine for the time.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::ledger::Timestamp;

/// Whether a clock runs, and what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockState {
    /// The clock runs at the speed of the machine's clock, at a fixed offset from it.
    Running {
        /// Milliseconds ahead of the machine's clock; negative when behind it.
        offset_millis: i64,
    },
    /// The clock shows this instant until it is set.
    Frozen(Timestamp),
}

impl ClockState {
    /// The machine's clock without an offset.
    pub const REAL_TIME: Self = Self::Running { offset_millis: 0 };

    /// A clock that shows `instant` now and runs from there.
    pub fn running_from(instant: Timestamp) -> Self {
        Self::Running { offset_millis: instant.millis() - machine_millis() }
    }

    /// The instant that a clock in this state shows now.
    pub fn now(self) -> Timestamp {
        match self {
            Self::Running { offset_millis } => Timestamp::from_millis(machine_millis() + offset_millis),
            Self::Frozen(instant) => instant,
        }
    }

    /// The same state, moved forward.
    #[must_use]
    pub fn advanced(self, by: Duration) -> Self {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX / 4);
        match self {
            Self::Running { offset_millis } => {
                Self::Running { offset_millis: offset_millis.saturating_add(by) }
            }
            Self::Frozen(instant) => Self::Frozen(instant.plus_millis(by)),
        }
    }
}

/// The clock of a world. Clones share their state. Setting the clock wakes every task that waits for an instant.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: RwLock<ClockState>,
    state_changed: Notify,
}

impl Clock {
    /// A clock in this state.
    pub fn new(state: ClockState) -> Self {
        Self(Arc::new(Inner { state: RwLock::new(state), state_changed: Notify::new() }))
    }

    /// A clock that shows real time.
    pub fn real_time() -> Self {
        Self::new(ClockState::REAL_TIME)
    }

    /// Whether the clock runs, and what it shows.
    pub fn state(&self) -> ClockState {
        *self.0.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instant that the clock shows now.
    pub fn now(&self) -> Timestamp {
        self.state().now()
    }

    /// Whether the clock shows the same instant until it is set.
    pub fn is_frozen(&self) -> bool {
        matches!(self.state(), ClockState::Frozen(_))
    }

    /// Sets the clock.
    pub fn set(&self, state: ClockState) {
        *self.0.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        self.0.state_changed.notify_waiters();
    }

    /// Waits until the clock shows `instant` or later. Without an instant it waits forever.
    pub async fn wait_until(&self, instant: Option<Timestamp>) {
        let Some(instant) = instant else { return std::future::pending().await };
        loop {
            // Created before the clock is read, so that a change in between is not missed.
            let changed = self.0.state_changed.notified();
            let left = instant.millis() - self.now().millis();
            if left <= 0 {
                return;
            }
            // The machine's clock may be set; so look at it once a minute.
            let timeout = Duration::from_millis(left.unsigned_abs().min(60_000));
            if self.is_frozen() {
                changed.await;
            } else {
                let _ = tokio::time::timeout(timeout, changed).await;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this module is the only source of the time")]
fn machine_millis() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_it_is_set() {
        let clock = Clock::new(ClockState::Frozen(Timestamp::from_millis(1_000)));
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
        let clock = Clock::new(ClockState::Frozen(Timestamp::from_millis(0)));
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.wait_until(Some(Timestamp::from_millis(10))).await }
        });
        tokio::task::yield_now().await;
        clock.set(ClockState::Frozen(Timestamp::from_millis(10)));
        waiting.await.unwrap();
    }
}
