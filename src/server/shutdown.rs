//! Graceful and immediate shutdown of a running server.
//!
//! Everything that serves holds a [`ShutdownSignal`]; the owner of the [`ShutdownHandle`] requests the shutdown. In the
//! program that is the task of [`on_signals`], in tests the test itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Requests a shutdown. Dropping it requests a graceful one, so that a server never outlives its test.
#[derive(Debug)]
pub struct ShutdownHandle(ShutdownSignal);

impl ShutdownHandle {
    /// Requests that the server accepts no new work and completes requests in progress.
    pub fn shut_down_gracefully(&self) {
        self.0.graceful.cancel();
    }

    /// Requests that the server stops at once, even with requests in progress.
    pub fn shut_down_now(&self) {
        self.0.immediate.cancel();
    }
}

impl Drop for ShutdownHandle {
    fn drop(&mut self) {
        self.shut_down_gracefully();
    }
}

/// Tells when a shutdown is requested. Clones follow the same [`ShutdownHandle`].
#[derive(Debug, Clone)]
pub struct ShutdownSignal {
    /// A child of `immediate`: a request for an immediate shutdown is also one for a graceful shutdown.
    graceful: CancellationToken,
    immediate: CancellationToken,
}

impl ShutdownSignal {
    /// Waits until a shutdown of either kind is requested; returns at once if it has been already.
    pub async fn graceful(&self) {
        self.graceful.cancelled().await;
    }

    /// Waits until an immediate shutdown is requested.
    pub async fn immediate(&self) {
        self.immediate.cancelled().await;
    }
}

/// A handle and the signal that it controls.
pub fn channel() -> (ShutdownHandle, ShutdownSignal) {
    let immediate = CancellationToken::new();
    let signal = ShutdownSignal { graceful: immediate.child_token(), immediate };
    (ShutdownHandle(signal.clone()), signal)
}

/// Requests a shutdown by process signals: the first SIGTERM or SIGINT a graceful one, the second an immediate one.
///
/// The signal handlers are installed when this returns. That also makes it work as PID 1, where the kernel ignores
/// both signals by default. Call it once, inside a Tokio runtime.
///
/// # Errors
/// When the operating system refuses a signal handler.
pub fn on_signals() -> io::Result<ShutdownSignal> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (handle, shutdown) = channel();
    tokio::spawn(async move {
        let name = next_signal(&mut terminate, &mut interrupt).await;
        tracing::info!("{name}: completing requests in progress; a second signal stops at once");
        handle.shut_down_gracefully();
        let name = next_signal(&mut terminate, &mut interrupt).await;
        tracing::warn!("second signal ({name}): stopping at once");
        handle.shut_down_now();
    });
    Ok(shutdown)
}

/// Waits for either signal and returns its name.
async fn next_signal(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    /// Longer than anything here takes.
    const LONG_TIMEOUT: Duration = Duration::from_secs(5);
    /// Long enough to see that nothing happens.
    const SHORT_WAIT: Duration = Duration::from_millis(20);

    fn send_signal_to_self(option: &str) {
        let own_id = std::process::id().to_string();
        assert!(std::process::Command::new("kill").args([option, &own_id]).status().unwrap().success());
    }

    #[tokio::test]
    async fn the_first_signal_asks_to_finish_and_the_second_to_stop() {
        let shutdown = on_signals().unwrap();
        assert!(timeout(SHORT_WAIT, shutdown.graceful()).await.is_err());
        send_signal_to_self("-TERM");
        timeout(LONG_TIMEOUT, shutdown.graceful()).await.unwrap();
        assert!(timeout(SHORT_WAIT, shutdown.immediate()).await.is_err());
        send_signal_to_self("-INT");
        timeout(LONG_TIMEOUT, shutdown.immediate()).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_handle_asks_to_finish_but_not_to_stop_at_once() {
        let (handle, shutdown) = channel();
        drop(handle);
        timeout(LONG_TIMEOUT, shutdown.graceful()).await.unwrap();
        assert!(timeout(SHORT_WAIT, shutdown.immediate()).await.is_err());
    }

    #[tokio::test]
    async fn a_graceful_request_does_not_take_back_an_immediate_one() {
        let (handle, shutdown) = channel();
        handle.shut_down_now();
        handle.shut_down_gracefully();
        timeout(LONG_TIMEOUT, shutdown.immediate()).await.unwrap();
    }
}
