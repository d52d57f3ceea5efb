//! Telling a running server to finish, and then to stop.
//!
//! A [`Shutdown`] is handed to everything that runs; whoever holds the [`Stopper`] gives the orders. In the
//! program that is [`on_signals`], in tests the test itself.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// What the server has been told, from "go on" to "at once".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Serve,
    Finish,
    Stop,
}

/// Gives the orders. Dropping it counts as [`Stopper::finish`], so that a server never outlives its test.
#[derive(Debug)]
pub struct Stopper(watch::Sender<Order>);

impl Stopper {
    /// Take no new work, finish what is in hand.
    pub fn finish(&self) {
        self.give(Order::Finish);
    }

    /// End at once, work in hand or not.
    pub fn stop_now(&self) {
        self.give(Order::Stop);
    }

    /// An order is never taken back by a milder one.
    fn give(&self, order: Order) {
        self.0.send_if_modified(|given| {
            let harder = order > *given;
            *given = order.max(*given);
            harder
        });
    }
}

/// Hears the orders; clone it for every part that has work to finish.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<Order>);

impl Shutdown {
    /// Resolves once the server is to finish (or to stop), also when that was long ago.
    pub async fn finishing(&self) {
        let mut orders = self.0.clone();
        // An error means that the stopper is gone, which counts as the order.
        let _gone = orders.wait_for(|order| *order >= Order::Finish).await;
    }

    /// Resolves once the server is to end at once; never, if that order does not come.
    pub async fn stopping(&self) {
        let mut orders = self.0.clone();
        if orders.wait_for(|order| *order == Order::Stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// A stopper and what hears it.
pub fn channel() -> (Stopper, Shutdown) {
    let (orders, heard) = watch::channel(Order::Serve);
    (Stopper(orders), Shutdown(heard))
}

/// Orders by signal: the first SIGTERM or SIGINT means finish, the second means stop at once.
///
/// The handlers are in place when this returns, so it also works as PID 1, where the kernel's default is to
/// ignore both signals. Call it once, inside a Tokio runtime.
///
/// # Errors
/// When the operating system refuses a signal handler.
pub fn on_signals() -> io::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let (stopper, shutdown) = channel();
    tokio::spawn(async move {
        let name = either(&mut terminate, &mut interrupt).await;
        tracing::info!("{name}: finishing the work in hand; a second signal ends at once");
        stopper.finish();
        let name = either(&mut terminate, &mut interrupt).await;
        tracing::warn!("{name} again: ending at once");
        stopper.stop_now();
    });
    Ok(shutdown)
}

/// The name of whichever signal comes first.
async fn either(terminate: &mut Signal, interrupt: &mut Signal) -> &'static str {
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

    const SOON: Duration = Duration::from_secs(5);
    const A_MOMENT: Duration = Duration::from_millis(20);

    fn kill(name: &str) {
        let own = std::process::id().to_string();
        assert!(std::process::Command::new("kill").args([name, &own]).status().unwrap().success());
    }

    #[tokio::test]
    async fn the_first_signal_asks_to_finish_and_the_second_to_stop() {
        let shutdown = on_signals().unwrap();
        assert!(timeout(A_MOMENT, shutdown.finishing()).await.is_err());
        kill("-TERM");
        timeout(SOON, shutdown.finishing()).await.unwrap();
        assert!(timeout(A_MOMENT, shutdown.stopping()).await.is_err());
        kill("-INT");
        timeout(SOON, shutdown.stopping()).await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_stopper_asks_to_finish_but_not_to_stop_at_once() {
        let (stopper, shutdown) = channel();
        drop(stopper);
        timeout(SOON, shutdown.finishing()).await.unwrap();
        assert!(timeout(A_MOMENT, shutdown.stopping()).await.is_err());
    }

    #[tokio::test]
    async fn a_milder_order_does_not_take_back_a_harder_one() {
        let (stopper, shutdown) = channel();
        stopper.stop_now();
        stopper.finish();
        timeout(SOON, shutdown.stopping()).await.unwrap();
    }
}
