//! Checks the host that a request names: RFC 9112 section 3.2, and RFC 9113 section 8.3.1 for HTTP/2.

use axum::http::Version;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::{Authority, Scheme};

/// Checks that the request names exactly one well-formed host. The error is the text of the 400 response.
pub(super) fn check_host(parts: &Parts) -> Result<(), &'static str> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("The request has more than one Host header.\n");
    }
    let authority = parts.uri.authority();
    let Some(host) = host else {
        return match parts.version {
            Version::HTTP_11 => Err("The request has no Host header, which HTTP/1.1 asks for.\n"),
            Version::HTTP_2 if authority.is_none() => Err("The request has neither :authority nor Host.\n"),
            _ => Ok(()),
        };
    };
    // An empty Host header is allowed. `Authority` also accepts a user name, which Host must not contain.
    let text = host.to_str().ok().filter(|host| !host.contains('@'));
    let Some(host) = text.filter(|host| host.is_empty() || host.parse::<Authority>().is_ok()) else {
        return Err("The Host header of the request is no host with an optional port.\n");
    };
    let differs = |authority| !is_same_host(authority, host, parts.uri.scheme());
    if parts.version == Version::HTTP_2 && authority.is_some_and(differs) {
        return Err("The request names one host in :authority and another in Host.\n");
    }
    Ok(())
}

/// Whether both name the same host and port, compared as RFC 3986 section 6.2.3 describes.
fn is_same_host(left: &Authority, right: &str, scheme: Option<&Scheme>) -> bool {
    let default_port = if scheme == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default_port);
    right
        .parse::<Authority>()
        .is_ok_and(|right| left.host().eq_ignore_ascii_case(right.host()) && port(left) == port(&right))
}
