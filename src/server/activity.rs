//! What a connection is doing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The activity of one connection: the service and response bodies record it, the idle monitor reads it.
#[derive(Debug, Default)]
pub(super) struct ConnectionActivity {
    /// Counts HTTP/1 requests begun and response chunks taken by the client; only its changes matter. Other HTTP/2
    /// frames do not count: a client that sends pings, or opens and resets streams, without reading responses makes no
    /// progress.
    progress: AtomicU64,
    /// Requests that a handler is processing.
    requests_in_progress: AtomicUsize,
}

impl ConnectionActivity {
    /// A counter that grows with every HTTP/1 request begun and every response chunk taken by the client.
    pub(super) fn progress(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Records that a request began or that the client took a response chunk.
    pub(super) fn record_progress(&self) {
        self.progress.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a handler is processing a request of this connection.
    pub(super) fn is_processing(&self) -> bool {
        self.requests_in_progress.load(Ordering::Relaxed) > 0
    }

    /// Counts a request as in progress for as long as the returned guard lives.
    pub(super) fn begin_request(self: &Arc<Self>) -> RequestGuard {
        self.requests_in_progress.fetch_add(1, Ordering::Relaxed);
        RequestGuard(Arc::clone(self))
    }
}

/// A request in progress. Dropping the guard ends it.
#[derive(Debug)]
pub(super) struct RequestGuard(Arc<ConnectionActivity>);

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.0.requests_in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}
