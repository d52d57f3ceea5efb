//! Addresses, sockets and the loop that accepts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, lookup_host};
use tokio_rustls::TlsAcceptor;

use super::ServerError;
use super::connection::{self, Reception};

/// The pause after the first failed accept; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause between two tries to accept.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Listens on every address that `address` (`host:port`) names: `localhost` is often `127.0.0.1` and `::1`.
///
/// With port 0 only the first address is taken, because the second would get another port. `option` is the
/// command line option that the error message recommends.
pub(super) async fn bind_all(address: &str, option: &'static str) -> Result<Vec<TcpListener>, ServerError> {
    let mut listeners = Vec::new();
    for resolved in resolve(address, option).await? {
        match TcpListener::bind(resolved).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if !listeners.is_empty() && is_absent(&error) => {
                tracing::debug!("not listening on {resolved}: {error}");
            }
            Err(error) => return Err(cannot_listen(address, option, &reason(&error))),
        }
    }
    Ok(listeners)
}

/// Whether this machine simply has no such address (IPv6 switched off, say).
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.to_string().contains("Address family not supported")
}

async fn resolve(address: &str, option: &'static str) -> Result<Vec<SocketAddr>, ServerError> {
    let has_port = address.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if !has_port {
        return Err(cannot_listen(address, option, "not of the form HOST:PORT"));
    }
    let found = lookup_host(address)
        .await
        .map_err(|error| cannot_listen(address, option, &format!("host not found ({})", reason(&error))))?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for candidate in found {
        if !addresses.contains(&candidate) {
            addresses.push(candidate);
        }
    }
    match addresses.first() {
        None => Err(cannot_listen(address, option, "host has no address")),
        Some(first) if first.port() == 0 => Ok(vec![*first]),
        Some(_) => Ok(addresses),
    }
}

fn cannot_listen(address: &str, option: &'static str, reason: &str) -> ServerError {
    ServerError::Listen { address: address.to_owned(), reason: reason.to_owned(), option }
}

/// An operating system error in words, without "(os error 98)" and on one line.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "no such address on this machine".to_owned(),
        io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => error.to_string().replace('\n', " "),
    }
}

/// Accepts connections for as long as it is polled; no error ends it.
///
/// A connection beyond the reception's places waits unread, and further ones wait in the kernel's queue.
pub(super) async fn accept(listener: TcpListener, tls: Option<TlsAcceptor>, reception: Arc<Reception>) {
    let mut backoff = Backoff::default();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                backoff = Backoff::default();
                let Ok(place) = Arc::clone(&reception.places).acquire_owned().await else { return };
                tokio::spawn(connection::receive(stream, peer, tls.clone(), Arc::clone(&reception), place));
            }
            Err(error) => {
                let pause = backoff.after(&error);
                if !pause.is_zero() {
                    tracing::warn!("cannot accept a connection: {error}; next try in {pause:?}");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }
}

/// How long to wait after an accept that failed.
#[derive(Debug, Default)]
struct Backoff {
    last: Duration,
}

impl Backoff {
    /// No pause when only that one connection failed; else (out of descriptors or memory) a growing one,
    /// because trying again at once would spin.
    fn after(&mut self, error: &io::Error) -> Duration {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return Duration::ZERO;
        }
        self.last = (self.last * 2).clamp(FIRST_PAUSE, MAX_PAUSE);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_errors_back_off_up_to_a_second_and_a_lost_connection_does_not() {
        let mut backoff = Backoff::default();
        let lost = io::Error::from(io::ErrorKind::ConnectionAborted);
        let out_of_descriptors = io::Error::from_raw_os_error(24);
        assert_eq!(backoff.after(&lost), Duration::ZERO);
        assert_eq!(backoff.after(&out_of_descriptors), Duration::from_millis(10));
        assert_eq!(backoff.after(&out_of_descriptors), Duration::from_millis(20));
        for _ in 0..10 {
            backoff.after(&out_of_descriptors);
        }
        assert_eq!(backoff.after(&out_of_descriptors), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn an_address_without_a_port_or_with_an_unknown_host_is_refused_in_one_line() {
        for (address, part) in [
            ("localhost", "HOST:PORT"),
            ("localhost:http", "HOST:PORT"),
            ("no.such.host.invalid:1", "not found"),
        ] {
            let message = bind_all(address, "--listen").await.unwrap_err().to_string();
            assert!(message.starts_with(&format!("cannot listen on {address}: ")), "{message}");
            assert!(message.contains(part) && message.ends_with("choose another with --listen"), "{message}");
            assert_eq!(message.lines().count(), 1);
        }
    }

    #[tokio::test]
    async fn a_host_name_and_an_ipv6_address_are_listened_on() {
        let named = bind_all("localhost:0", "--listen").await.unwrap();
        assert!(named[0].local_addr().unwrap().ip().is_loopback());
        match bind_all("[::1]:0", "--listen").await {
            Ok(listeners) => assert!(listeners[0].local_addr().unwrap().is_ipv6()),
            Err(error) => assert!(error.to_string().starts_with("cannot listen on [::1]:0: "), "{error}"),
        }
    }
}
