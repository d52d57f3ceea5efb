//! The URL to which `sign`, `call` and `healthcheck` address requests.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;

/// The URL at which a sandbox answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    is_secure: bool,
    authority: String,
    path: String,
}

impl Endpoint {
    /// The endpoint of a listener for clients on this machine: the loopback address for a listener on all interfaces.
    pub(super) fn of_listener(listener: SocketAddr, is_secure: bool) -> Self {
        let ip = match listener.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let authority = SocketAddr::new(ip, listener.port()).to_string();
        Self { is_secure, authority, path: "/".to_owned() }
    }

    /// Whether it is an HTTPS endpoint.
    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }

    /// The Host header as HTTP clients send it, without the default port of the scheme. Signatures cover this host.
    pub(super) fn host(&self) -> &str {
        let default_port = if self.is_secure { ":443" } else { ":80" };
        self.authority.strip_suffix(default_port).unwrap_or(&self.authority)
    }

    /// The path of requests.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The same with this path, unless the endpoint names one of its own.
    pub(super) fn with_default_path(mut self, path: &str) -> Self {
        if self.path == "/" {
            path.clone_into(&mut self.path);
        }
        self
    }

    /// The URL with its path.
    pub(super) fn url(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        f.write_str(url.strip_suffix('/').unwrap_or(&url))
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str =
            "expected http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:8008";
        let url: Uri = text.parse().map_err(|_| EXPECTED)?;
        let is_secure = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(EXPECTED),
        };
        let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
        match authority {
            Some(authority) if !authority.host().is_empty() && url.query().is_none() => {
                Ok(Self { is_secure, authority: authority.to_string(), path: url.path().to_owned() })
            }
            _ => Err(EXPECTED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in ["", "localhost:8008", "ftp://localhost", "http://", "http://u:p@h", "http://h/?a=b", "/"]
        {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_listener_on_every_interface_is_reached_at_the_loopback_address() {
        for (listener, endpoint) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:8008", "http://[::1]:8008"),
            ("10.0.0.1:1", "http://10.0.0.1:1"),
        ] {
            assert_eq!(Endpoint::of_listener(listener.parse().unwrap(), false).to_string(), endpoint);
        }
    }
}
