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
use super::activity::ConnectionActivity;
use super::idle_monitor::{IdleAction, IdleMonitor};
use super::lingering_stream::LingeringStream;
use super::request::ConnectionInfo;
use super::response_body::MAX_CHUNK_BYTES;
use super::service::ConnectionService;
use super::shutdown::ShutdownSignal;

/// The smallest buffer that hyper accepts for a request head, in bytes.
const MIN_HEAD_BUFFER_BYTES: usize = 8 << 10;
/// Maximum number of open requests on one HTTP/2 connection. The largest responses have about 400 KiB.
const MAX_CONCURRENT_STREAMS: u32 = 16;
/// How long a stalled connection may take to close after the server asked for it.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What all connections of a server share.
pub(super) struct ServerState {
    router: Router,
    http: auto::Builder<TokioExecutor>,
    request_timeout: Duration,
    shutdown: ShutdownSignal,
    /// One permit for each connection that may be open.
    pub(super) connection_permits: Arc<Semaphore>,
}

impl ServerState {
    pub(super) fn new(
        settings: &ServerSettings,
        router: Router,
        shutdown: ShutdownSignal,
        max_connections: usize,
    ) -> Self {
        Self {
            router,
            http: http_builder(settings),
            request_timeout: settings.request_timeout,
            shutdown,
            connection_permits: Arc::new(Semaphore::new(max_connections)),
        }
    }
}

/// Configures hyper for HTTP/1.0, 1.1 and 2.
fn http_builder(settings: &ServerSettings) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // The idle monitor limits this time. hyper would set a timer for every request, which costs a tenth of the
        // time of a trivial handler.
        .header_read_timeout(None)
        .max_buf_size(settings.max_head_bytes.max(MIN_HEAD_BUFFER_BYTES))
        // Clients on a raw socket may close their sending side after the request and still read the response.
        .half_close(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        // A stream stays open until the client has read its response, so this also limits the responses that the
        // server holds for a client that does not read.
        .max_concurrent_streams(MAX_CONCURRENT_STREAMS)
        // A larger buffer would take response data before the client has room for it, and so count as progress.
        .max_send_buf_size(MAX_CHUNK_BYTES)
        .max_header_list_size(u32::try_from(settings.max_head_bytes).unwrap_or(u32::MAX));
    builder
}

/// Serves one connection until it is closed, and holds its permit until then.
pub(super) async fn handle_connection(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    state: Arc<ServerState>,
    _permit: OwnedSemaphorePermit,
) {
    // Both calls fail only when the connection is already closed.
    let (Ok(()), Ok(local_addr)) = (stream.set_nodelay(true), stream.local_addr()) else { return };
    let info = ConnectionInfo { local_addr, peer, tls: tls.is_some() };
    let stream = LingeringStream::new(stream);
    let Some(acceptor) = tls else {
        return state.serve_http(stream, info).await;
    };
    let handshake = timeout(state.request_timeout, acceptor.accept(stream));
    let handshake_result = tokio::select! {
        result = handshake => result,
        () = state.shutdown.graceful() => return,
    };
    match handshake_result {
        Ok(Ok(stream)) => state.serve_http(stream, info).await,
        Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake failed: {error}"),
        Err(_) => tracing::debug!(%peer, "TLS handshake timed out"),
    }
}

impl ServerState {
    /// Speaks HTTP on a connection until the client closes it, it stalls, or the server shuts down.
    async fn serve_http<S>(&self, stream: S, info: ConnectionInfo)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let activity = Arc::new(ConnectionActivity::default());
        let service = ConnectionService {
            router: self.router.clone(),
            info,
            activity: Arc::clone(&activity),
            request_timeout: self.request_timeout,
        };
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(stream), service));
        let mut graceful_shutdown = pin!(self.shutdown.graceful());
        let mut immediate_shutdown = pin!(self.shutdown.immediate());
        let mut idle_monitor = IdleMonitor::new(activity);
        let mut next_idle_check = pin!(sleep(self.request_timeout));
        let mut is_shutting_down = false;
        loop {
            tokio::select! {
                // In this order: a connection that is complete counts as closed by itself, whatever else is due.
                biased;
                result = connection.as_mut() => {
                    if let Err(error) = result {
                        tracing::debug!(peer = %info.peer, "connection failed: {error}");
                    }
                    return;
                }
                // hyper closes an idle connection at once, and one with requests in progress after their responses.
                () = &mut graceful_shutdown, if !is_shutting_down => {
                    is_shutting_down = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut immediate_shutdown, if is_shutting_down => return,
                () = &mut next_idle_check => {
                    let interval = match idle_monitor.check() {
                        IdleAction::KeepOpen => self.request_timeout,
                        IdleAction::CloseGracefully => {
                            connection.as_mut().graceful_shutdown();
                            self.request_timeout.min(CLOSE_TIMEOUT)
                        }
                        IdleAction::Abort => {
                            tracing::debug!(peer = %info.peer, "connection aborted: it was idle for too long");
                            return;
                        }
                    };
                    next_idle_check.as_mut().reset(Instant::now() + interval);
                }
            }
        }
    }
}
