//! The HTTP server: everything between sockets and an [`axum::Router`]. It knows nothing of FPS.
//!
//! [`bind`] opens the listening sockets and loads or generates the certificate. [`BoundServer::serve`] serves a router
//! on them until its [`ShutdownSignal`] asks it to stop. Every request reaches its handler with a target in origin form
//! (`/?…`), the extension [`ConnectionInfo`] and, when the target named a host, the extension [`TargetAuthority`].
//!
//! * `listener`: addresses, listening sockets, the accept loop
//! * `connection`, `activity`, `idle_monitor`, `lingering_stream`: one connection from accept to close, its time limits
//! * `service`, `request`, `host_header`, `request_body`, `response_body`: one request on a connection
//! * [`tls`], `certificate_authority`: certificates
//! * [`shutdown`]: signals, graceful and immediate shutdown

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chrono::{DateTime, Utc};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

mod activity;
mod certificate_authority;
mod connection;
mod host_header;
mod idle_monitor;
mod io_error;
mod lingering_stream;
mod listener;
mod request;
mod request_body;
mod response_body;
mod service;
pub mod shutdown;
#[cfg(test)]
mod tests;
pub mod tls;

pub use request::{ConnectionInfo, TargetAuthority};
pub use request_body::BodyTimeoutError;

use connection::ServerState;
use shutdown::ShutdownSignal;

/// Addresses and limits of a server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `host:port` for plain HTTP. A name is resolved; port 0 takes a free port.
    pub listen: String,
    /// HTTPS in addition to plain HTTP, if any.
    pub https: Option<HttpsSettings>,
    /// Maximum number of open connections, plain and TLS together; further clients wait. At least one.
    pub max_connections: usize,
    /// Maximum size of a request head (request line and headers) in bytes; longer ones are answered 431. At least 8 KiB
    /// for HTTP/1. A request target above 65,534 bytes is always answered 414: that is hyper's own limit.
    pub max_head_bytes: usize,
    /// Time limit for the TLS handshake, for the first request head and for each request body.
    /// A connection on which no request begins and no response data is sent is closed after one to two times this
    /// limit; on HTTP/2 only response data counts. The handler's own time is not limited.
    pub request_timeout: Duration,
    /// How long requests in progress may continue after a graceful shutdown begins.
    pub shutdown_grace: Duration,
}

/// Where HTTPS listens and which certificate it presents.
#[derive(Debug, Clone)]
pub struct HttpsSettings {
    /// `host:port`, as for plain HTTP.
    pub listen: String,
    /// Where the certificate comes from.
    pub certificate: tls::CertificateSource,
}

/// Why the server cannot start. Each message is one line for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose another with {option}")]
    Listen {
        /// The address as configured.
        address: String,
        /// Why not.
        reason: String,
        /// The command line option that sets it.
        option: &'static str,
    },
    /// A certificate or key file cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    CertificateFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate cannot be generated.
    #[error("cannot make a certificate: {0}")]
    CertificateGeneration(String),
}

/// How a shutdown ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShutdownOutcome {
    /// All requests in progress were completed.
    Completed,
    /// The grace period ended, or an immediate shutdown was requested, while connections were open.
    Aborted {
        /// Connections that were still open.
        open_connections: usize,
    },
}

/// Opens the listening sockets and prepares the certificate. The kernel queues connections from now on;
/// [`BoundServer::serve`] accepts them.
///
/// `now` is the real time, not a sandbox clock: clients check the certificate's dates against their own clocks.
///
/// # Errors
/// [`ServerError`] when an address cannot be listened on or a certificate cannot be used.
pub async fn bind(settings: &ServerSettings, now: DateTime<Utc>) -> Result<BoundServer, ServerError> {
    let http = listener::bind_addresses(&settings.listen, "--listen").await?;
    let (https, tls) = match &settings.https {
        None => (Vec::new(), None),
        Some(https) => {
            let listeners = listener::bind_addresses(&https.listen, "--https-listen").await?;
            (listeners, Some(tls::configure(&https.certificate, now)?))
        }
    };
    Ok(BoundServer { settings: settings.clone(), http, https, tls })
}

/// A server whose sockets listen, and which is ready to serve.
pub struct BoundServer {
    settings: ServerSettings,
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    tls: Option<tls::TlsConfig>,
}

impl BoundServer {
    /// The addresses plain HTTP listens on, with their real ports.
    pub fn http_addrs(&self) -> Vec<SocketAddr> {
        local_addresses(&self.http)
    }

    /// The addresses HTTPS listens on, with their real ports; empty without HTTPS.
    pub fn https_addrs(&self) -> Vec<SocketAddr> {
        local_addresses(&self.https)
    }

    /// The certificate (PEM) of the certificate authority that clients must trust; `None` without HTTPS or when the
    /// server's certificate came from files.
    pub fn ca_pem(&self) -> Option<&str> {
        self.tls.as_ref()?.ca_pem.as_deref()
    }

    /// Serves until `shutdown` requests a graceful shutdown. Then stops listening, closes idle connections and waits
    /// for requests in progress: at most `shutdown_grace`, and not at all once `shutdown` requests an immediate one.
    pub async fn serve(self, router: Router, shutdown: ShutdownSignal) -> ShutdownOutcome {
        let Self { settings, http, https, tls } = self;
        let max_connections =
            settings.max_connections.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        // Connections follow a signal of their own, because they are also aborted when the grace period ends.
        let (connections, connection_shutdown) = shutdown::channel();
        let state = Arc::new(ServerState::new(&settings, router, connection_shutdown, max_connections));

        let mut accept_loops = JoinSet::new();
        for listener in http {
            accept_loops.spawn(listener::accept_connections(listener, None, Arc::clone(&state)));
        }
        let acceptor: Option<TlsAcceptor> = tls.map(|tls| tls.acceptor);
        for listener in https {
            accept_loops.spawn(listener::accept_connections(listener, acceptor.clone(), Arc::clone(&state)));
        }

        shutdown.graceful().await;
        accept_loops.shutdown().await;
        connections.shut_down_gracefully();
        // Every connection holds a permit, so all permits are free once the last connection is closed.
        let all_closed =
            state.connection_permits.acquire_many(u32::try_from(max_connections).unwrap_or(u32::MAX));
        let grace_period = async {
            tokio::select! {
                () = tokio::time::sleep(settings.shutdown_grace) => {}
                () = shutdown.immediate() => {}
            }
        };
        tokio::select! {
            _ = all_closed => ShutdownOutcome::Completed,
            () = grace_period => {
                connections.shut_down_now();
                let open_connections =
                    max_connections.saturating_sub(state.connection_permits.available_permits());
                ShutdownOutcome::Aborted { open_connections }
            }
        }
    }
}

fn local_addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}
