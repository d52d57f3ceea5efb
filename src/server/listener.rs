//! Listening sockets and the loop that accepts connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, lookup_host};
use tokio_rustls::TlsAcceptor;

use crate::host_names::split_port;

use super::connection::{ServerState, handle_connection};
use super::{ServerError, io_error};

/// The delay after the first failed accept; each further failure doubles it.
const MIN_ACCEPT_DELAY: Duration = Duration::from_millis(10);
/// The longest delay before the next accept.
const MAX_ACCEPT_DELAY: Duration = Duration::from_secs(1);

/// Listens on every address that `address` (`host:port`) resolves to: `localhost` is often `127.0.0.1` and `::1`.
///
/// With port 0 only the first address is used, because each further one would get another port. `option` is the
/// command line option that the error message recommends.
pub(super) async fn bind_addresses(
    address: &str,
    option: &'static str,
) -> Result<Vec<TcpListener>, ServerError> {
    let mut listeners = Vec::new();
    for resolved in resolve(address, option).await? {
        match TcpListener::bind(resolved).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if !listeners.is_empty() && is_missing_address(&error) => {
                tracing::debug!("not listening on {resolved}: {error}");
            }
            Err(error) => return Err(listen_error(address, option, &io_error::describe(&error))),
        }
    }
    Ok(listeners)
}

/// Whether this machine has no such address, for example because IPv6 is switched off.
fn is_missing_address(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || error.to_string().contains("Address family not supported")
}

/// Resolves `host:port` to addresses without repetition; to one address if the port is 0.
async fn resolve(address: &str, option: &'static str) -> Result<Vec<SocketAddr>, ServerError> {
    let has_port = split_port(address).1.is_some_and(|port| port.parse::<u16>().is_ok());
    if !has_port {
        return Err(listen_error(address, option, "not of the form HOST:PORT"));
    }
    let resolved = lookup_host(address).await.map_err(|error| {
        listen_error(address, option, &format!("host not found ({})", io_error::describe(&error)))
    })?;
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for candidate in resolved {
        if !addresses.contains(&candidate) {
            addresses.push(candidate);
        }
    }
    match addresses.first() {
        None => Err(listen_error(address, option, "host has no address")),
        Some(first) if first.port() == 0 => Ok(vec![*first]),
        Some(_) => Ok(addresses),
    }
}

fn listen_error(address: &str, option: &'static str, reason: &str) -> ServerError {
    ServerError::Listen { address: address.to_owned(), reason: reason.to_owned(), option }
}

/// Accepts connections until the task is aborted; no error ends it.
///
/// When all permits are taken, one accepted connection waits unread, and further ones wait in the kernel's queue.
pub(super) async fn accept_connections(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    state: Arc<ServerState>,
) {
    let mut backoff = AcceptBackoff::default();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                backoff = AcceptBackoff::default();
                let permits = Arc::clone(&state.connection_permits);
                let Ok(permit) = permits.acquire_owned().await else { return };
                tokio::spawn(handle_connection(stream, peer, tls.clone(), Arc::clone(&state), permit));
            }
            Err(error) => {
                let delay = backoff.delay_after(&error);
                if !delay.is_zero() {
                    tracing::warn!("cannot accept a connection: {error}; next attempt in {delay:?}");
                    tokio::time::sleep(delay).await;
                }
            }
        }
    }
}

/// Exponential backoff after failed accepts.
#[derive(Debug, Default)]
struct AcceptBackoff {
    last_delay: Duration,
}

impl AcceptBackoff {
    /// The delay before the next accept. None if only that one connection failed. After other errors, such as too many
    /// open files, it grows, because an immediate retry would fail again and keep a core busy.
    fn delay_after(&mut self, error: &io::Error) -> Duration {
        use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
        if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted) {
            return Duration::ZERO;
        }
        self.last_delay = (self.last_delay * 2).clamp(MIN_ACCEPT_DELAY, MAX_ACCEPT_DELAY);
        self.last_delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_errors_back_off_up_to_a_second_and_a_lost_connection_does_not() {
        let mut backoff = AcceptBackoff::default();
        let lost = io::Error::from(io::ErrorKind::ConnectionAborted);
        let out_of_descriptors = io::Error::from_raw_os_error(24);
        assert_eq!(backoff.delay_after(&lost), Duration::ZERO);
        assert_eq!(backoff.delay_after(&out_of_descriptors), Duration::from_millis(10));
        assert_eq!(backoff.delay_after(&out_of_descriptors), Duration::from_millis(20));
        for _ in 0..10 {
            backoff.delay_after(&out_of_descriptors);
        }
        assert_eq!(backoff.delay_after(&out_of_descriptors), Duration::from_secs(1));
    }

    #[tokio::test]
    async fn an_address_without_a_port_or_with_an_unknown_host_is_refused_in_one_line() {
        for (address, part) in [
            ("localhost", "HOST:PORT"),
            ("localhost:http", "HOST:PORT"),
            ("no.such.host.invalid:1", "not found"),
        ] {
            let message = bind_addresses(address, "--listen").await.unwrap_err().to_string();
            assert!(message.starts_with(&format!("cannot listen on {address}: ")), "{message}");
            assert!(message.contains(part) && message.ends_with("choose another with --listen"), "{message}");
            assert_eq!(message.lines().count(), 1);
        }
    }

    #[tokio::test]
    async fn a_host_name_and_an_ipv6_address_are_listened_on() {
        let named = bind_addresses("localhost:0", "--listen").await.unwrap();
        assert!(named[0].local_addr().unwrap().ip().is_loopback());
        match bind_addresses("[::1]:0", "--listen").await {
            Ok(listeners) => assert!(listeners[0].local_addr().unwrap().is_ipv6()),
            Err(error) => assert!(error.to_string().starts_with("cannot listen on [::1]:0: "), "{error}"),
        }
    }
}
