//! Detects idle and stalled connections.

use std::sync::Arc;

use super::activity::ConnectionActivity;

/// Decides at regular intervals whether a connection stays open. The interval is the request timeout.
///
/// A connection is stalled when an interval passes without a new request and without response data: its client sends
/// nothing or only part of a head, does not read its response, or is idle. So a first request head is limited to one
/// interval, and later inactivity to between one and two. A stalled connection is first closed gracefully and then, if
/// it is still open, aborted. On HTTP/2 only response data counts as progress.
pub(super) struct IdleMonitor {
    activity: Arc<ConnectionActivity>,
    last_progress: u64,
    was_stalled: bool,
}

/// What the connection's task does after a check.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum IdleAction {
    /// The connection made progress, or a handler is processing a request: keep it open.
    KeepOpen,
    /// Nothing happened since the last check: ask the connection to close.
    CloseGracefully,
    /// Nothing happened since the connection was asked to close: drop it.
    Abort,
}

impl IdleMonitor {
    pub(super) fn new(activity: Arc<ConnectionActivity>) -> Self {
        let last_progress = activity.progress();
        Self { activity, last_progress, was_stalled: false }
    }

    /// Compares the connection's progress with that of the previous check.
    pub(super) fn check(&mut self) -> IdleAction {
        let previous = std::mem::replace(&mut self.last_progress, self.activity.progress());
        let is_stalled = previous == self.last_progress && !self.activity.is_processing();
        let was_stalled = std::mem::replace(&mut self.was_stalled, is_stalled);
        match (was_stalled, is_stalled) {
            (_, false) => IdleAction::KeepOpen,
            (false, true) => IdleAction::CloseGracefully,
            (true, true) => IdleAction::Abort,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_stalled_when_nothing_moves_and_no_handler_works() {
        let activity = Arc::new(ConnectionActivity::default());
        let mut monitor = IdleMonitor::new(Arc::clone(&activity));
        let request = activity.begin_request();
        assert_eq!(monitor.check(), IdleAction::KeepOpen);
        assert_eq!(monitor.check(), IdleAction::KeepOpen);
        drop(request);
        assert_eq!(monitor.check(), IdleAction::CloseGracefully);
        assert_eq!(monitor.check(), IdleAction::Abort);
        drop(activity.begin_request());
        assert_eq!(monitor.check(), IdleAction::Abort, "a request alone is no progress");
        activity.record_progress();
        assert_eq!(monitor.check(), IdleAction::KeepOpen);
    }
}
