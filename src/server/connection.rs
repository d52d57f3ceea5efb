//! One connection, from accept to close.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::ServerSettings;
use super::request::{ConnectionInfo, Doorway, PIECE};
use super::shutdown::Shutdown;
use super::socket::{Activity, Socket};

/// The smallest buffer that hyper accepts for a request head, in bytes.
const SMALLEST_HEAD: usize = 8 << 10;
/// How many requests an HTTP/2 client may have open on one connection. The largest answers are some 400 KiB.
const STREAMS: u32 = 16;
/// How long a stalled connection that was asked to end has for doing so.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What all connections of a server share.
pub(super) struct Reception {
    router: Router,
    protocols: auto::Builder<TokioExecutor>,
    request_timeout: Duration,
    shutdown: Shutdown,
    /// One place for each connection that may be open.
    pub(super) places: Arc<Semaphore>,
}

impl Reception {
    pub(super) fn new(settings: &ServerSettings, router: Router, shutdown: Shutdown, places: usize) -> Self {
        Self {
            router,
            protocols: protocols(settings),
            request_timeout: settings.request_timeout,
            shutdown,
            places: Arc::new(Semaphore::new(places)),
        }
    }
}

/// HTTP/1.0, 1.1 and 2 as we speak them.
fn protocols(settings: &ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The watchman does it; hyper's own clock sets a timer per request, a tenth of a bare handler's time.
        .header_read_timeout(None)
        .max_buf_size(settings.max_head_bytes.max(SMALLEST_HEAD))
        // Clients on a raw socket may close their sending side after the request and still read.
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        // A stream is open until the client has taken its answer: so this is also how many answers may wait for it.
        .max_concurrent_streams(STREAMS)
        // Beyond this an answer waits where it counts as not taken.
        .max_send_buf_size(PIECE)
        .max_header_list_size(u32::try_from(settings.max_head_bytes).unwrap_or(u32::MAX));
    builder
}

/// Serves one connection until it is closed; gives its place back at the end.
pub(super) async fn receive(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    reception: Arc<Reception>,
    place: OwnedSemaphorePermit,
) {
    // Both fail only on a connection that is already gone.
    let (Ok(()), Ok(local_addr)) = (stream.set_nodelay(true), stream.local_addr()) else { return };
    let activity = Arc::new(Activity::default());
    let socket = Socket::new(stream);
    let info = ConnectionInfo { local_addr, peer, tls: tls.is_some() };
    match tls {
        None => reception.serve(socket, info, activity).await,
        Some(acceptor) => {
            let handshake = timeout(reception.request_timeout, acceptor.accept(socket));
            let shaken = tokio::select! {
                shaken = handshake => shaken,
                () = reception.shutdown.finishing() => return,
            };
            match shaken {
                Ok(Ok(stream)) => reception.serve(stream, info, activity).await,
                Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
                Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
            }
        }
    }
    drop(place);
}

impl Reception {
    /// Speaks HTTP on one connection until the client or the shutdown ends it, or it stalls.
    async fn serve<S>(&self, stream: S, info: ConnectionInfo, activity: Arc<Activity>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let doorway = Doorway {
            router: self.router.clone(),
            info,
            activity: Arc::clone(&activity),
            request_timeout: self.request_timeout,
        };
        let mut connection = pin!(self.protocols.serve_connection(TokioIo::new(stream), doorway));
        let mut finishing = pin!(self.shutdown.finishing());
        let mut stopping = pin!(self.shutdown.stopping());
        let mut watchman = Watchman::new(activity);
        let mut round = pin!(sleep(self.request_timeout));
        let mut is_finishing = false;
        loop {
            tokio::select! {
                biased;
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(peer = %info.peer, "connection ended: {error}");
                    }
                    return;
                }
                () = &mut finishing, if !is_finishing => {
                    is_finishing = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut stopping, if is_finishing => return,
                () = &mut round => {
                    let next = match watchman.look() {
                        Finding::Alive => self.request_timeout,
                        Finding::Stalled => {
                            connection.as_mut().graceful_shutdown();
                            self.request_timeout.min(LAST_WORDS)
                        }
                        Finding::StillStalled => {
                            tracing::debug!(peer = %info.peer, "connection cut off: nothing moved in time");
                            return;
                        }
                    };
                    round.as_mut().reset(Instant::now() + next);
                }
            }
        }
    }
}

/// Looks once every request timeout whether anything happens on a connection.
///
/// It ends what has seen no request and no piece of an answer for a whole round: a client that connects and sends
/// nothing or a trickle, one that never takes its answer, an idle connection, whatever HTTP/2 exchanges on it. So a
/// first head has one timeout, and what comes later between one and two. What is closed politely and does not go is cut
/// off a second later. On HTTP/2 only pieces of answers count.
struct Watchman {
    activity: Arc<Activity>,
    seen: u64,
    was_stalled: bool,
}

/// What the watchman found.
#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// Some of an answer was taken, a request began, or a handler is at work.
    Alive,
    /// Nothing since the last round: ask it to end.
    Stalled,
    /// Nothing since it was asked: cut it off.
    StillStalled,
}

impl Watchman {
    fn new(activity: Arc<Activity>) -> Self {
        let seen = activity.progress();
        Self { activity, seen, was_stalled: false }
    }

    fn look(&mut self) -> Finding {
        let before = std::mem::replace(&mut self.seen, self.activity.progress());
        let was_stalled = self.was_stalled;
        self.was_stalled = before == self.seen && !self.activity.is_at_work();
        match (was_stalled, self.was_stalled) {
            (_, false) => Finding::Alive,
            (false, true) => Finding::Stalled,
            (true, true) => Finding::StillStalled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::socket::InHand;
    use super::*;

    #[test]
    fn a_connection_is_stalled_when_nothing_moves_and_no_handler_works() {
        let activity = Arc::new(Activity::default());
        let mut watchman = Watchman::new(Arc::clone(&activity));
        let request = InHand::new(&activity);
        assert_eq!(watchman.look(), Finding::Alive);
        assert_eq!(watchman.look(), Finding::Alive);
        drop(request);
        assert_eq!(watchman.look(), Finding::Stalled);
        assert_eq!(watchman.look(), Finding::StillStalled);
        drop(InHand::new(&activity));
        assert_eq!(watchman.look(), Finding::StillStalled, "a request alone is no progress");
        activity.advance();
        assert_eq!(watchman.look(), Finding::Alive);
    }
}
