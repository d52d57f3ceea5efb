//! The network room: everything between sockets and an [`axum::Router`]. It knows nothing of FPS.
//!
//! [`bind`] takes the addresses (and makes or reads the certificate), [`Bound::serve`] serves a router on them
//! until its [`Shutdown`] says otherwise. Every request reaches its handler with the
//! extension [`ConnectionInfo`], with a target in origin form (`/?…`) and, when the target named a host, the
//! extension [`TargetAuthority`].
//!
//! * `listener`: addresses, sockets, the accept loop
//! * `connection`, `socket`: one connection from accept to close, its time limits
//! * `request`: what a request carries
//! * [`tls`], `authority`: certificates
//! * [`shutdown`]: signals, finishing, stopping

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

mod authority;
mod connection;
mod listener;
mod request;
pub mod shutdown;
mod socket;
#[cfg(test)]
mod tests;
pub mod tls;

pub use request::{BodyTimedOut, ConnectionInfo, TargetAuthority};

use connection::Reception;
use shutdown::Shutdown;

/// Where and within which limits to serve.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// `host:port` for plain HTTP; a name is resolved, port 0 takes a free one.
    pub listen: String,
    /// TLS beside plain HTTP, if wanted.
    pub https: Option<HttpsSettings>,
    /// Connections open at once, plain and TLS together; more wait. At least one.
    pub max_connections: usize,
    /// Longest request head (request line and headers) in bytes; longer ones are answered 431. At least 8 KiB
    /// for HTTP/1. A request target above 65,534 bytes is answered 414 whatever this says: hyper reads no more.
    pub max_head_bytes: usize,
    /// How long a client may take for a TLS handshake, for its first request head and for a request body, each.
    /// A connection on which no request begins and no answer moves is closed after one to two of it; on HTTP/2 only
    /// answers that move keep it. A handler's
    /// own time is not limited.
    pub request_timeout: Duration,
    /// How long requests in hand may go on once the server is told to finish.
    pub shutdown_grace: Duration,
}

/// TLS: where to listen and which certificate to show.
#[derive(Debug, Clone)]
pub struct HttpsSettings {
    /// `host:port`, as for plain HTTP.
    pub listen: String,
    /// Where the certificate comes from.
    pub certificate: tls::CertificateSource,
}

/// Why the server cannot start; each message is one line for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}: {reason}; choose another with {option}")]
    Listen {
        /// The address as configured.
        address: String,
        /// Why not.
        reason: String,
        /// The command line option that sets it.
        option: &'static str,
    },
    /// A certificate or key file that cannot be used.
    #[error("cannot use {}: {reason}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A certificate that cannot be made.
    #[error("cannot make a certificate: {0}")]
    Making(String),
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All work in hand was finished.
    Finished,
    /// The grace ran out, or a second order said "at once".
    CutOff {
        /// Connections that were still open.
        connections: usize,
    },
}

/// Takes the addresses and prepares the certificate. Connections queue from now on; [`Bound::serve`] answers them.
///
/// `now` is the real time (not a sandbox clock: clients check the certificate against theirs).
///
/// # Errors
/// [`ServerError`] when an address cannot be listened on or a certificate cannot be used.
pub async fn bind(settings: &ServerSettings, now: DateTime<Utc>) -> Result<Bound, ServerError> {
    let http = listener::bind_all(&settings.listen, "--listen").await?;
    let (https, tls) = match &settings.https {
        None => (Vec::new(), None),
        Some(wanted) => {
            let listeners = listener::bind_all(&wanted.listen, "--https-listen").await?;
            (listeners, Some(tls::prepare(&wanted.certificate, now)?))
        }
    };
    Ok(Bound { settings: settings.clone(), http, https, tls })
}

/// Sockets that listen, and all that is needed to serve on them.
pub struct Bound {
    settings: ServerSettings,
    http: Vec<TcpListener>,
    https: Vec<TcpListener>,
    tls: Option<tls::Tls>,
}

impl Bound {
    /// The addresses plain HTTP listens on, with their real ports.
    pub fn http_addrs(&self) -> Vec<SocketAddr> {
        addresses(&self.http)
    }

    /// The addresses TLS listens on, with their real ports; empty without TLS.
    pub fn https_addrs(&self) -> Vec<SocketAddr> {
        addresses(&self.https)
    }

    /// The certificate, in PEM, of the authority that clients must trust; `None` without TLS or when the
    /// certificate came from files.
    pub fn ca_pem(&self) -> Option<&str> {
        self.tls.as_ref()?.ca_pem.as_deref()
    }

    /// Serves until `shutdown` says to finish, then stops listening, closes idle connections and waits for the
    /// requests in hand: at most `shutdown_grace`, and not at all once `shutdown` says to stop at once.
    pub async fn serve(self, router: Router, shutdown: Shutdown) -> Ending {
        let Self { settings, http, https, tls } = self;
        let places = settings.max_connections.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        // The connections hear their own channel: they are also cut off when the grace has run out.
        let (stopper, orders) = shutdown::channel();
        let reception = Arc::new(Reception::new(&settings, router, orders, places));

        let mut accepting = JoinSet::new();
        for listener in http {
            accepting.spawn(listener::accept(listener, None, Arc::clone(&reception)));
        }
        let acceptor: Option<TlsAcceptor> = tls.map(|tls| tls.acceptor);
        for listener in https {
            accepting.spawn(listener::accept(listener, acceptor.clone(), Arc::clone(&reception)));
        }

        shutdown.finishing().await;
        accepting.shutdown().await;
        stopper.finish();
        let all_left = reception.places.acquire_many(u32::try_from(places).unwrap_or(u32::MAX));
        tokio::select! {
            _ = all_left => Ending::Finished,
            () = async {
                tokio::select! {
                    () = tokio::time::sleep(settings.shutdown_grace) => {}
                    () = shutdown.stopping() => {}
                }
            } => {
                stopper.stop_now();
                let connections = places.saturating_sub(reception.places.available_permits());
                Ending::CutOff { connections }
            }
        }
    }
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}
