//! Prepares requests for their handlers: target in origin form, connection and authority as extensions.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderValue, Request, Uri, Version};
use hyper::body::Incoming;

use super::request_body::DeadlineBody;

/// The connection a request came over; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The server's end: the address and port the client connected to, never `0.0.0.0` or port 0.
    pub local_addr: SocketAddr,
    /// The client's end.
    pub peer: SocketAddr,
    /// Whether the connection uses TLS.
    pub tls: bool,
}

/// The host (and port) inside the request target, if any: from an absolute-form target
/// (`GET http://api.example.com/?… HTTP/1.1`, as sent to a proxy) or HTTP/2's `:authority`.
///
/// An extension of such requests only; the `Host` header stays as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetAuthority(pub Authority);

/// Turns a request as hyper reads it into a request as handlers expect it.
pub(super) fn prepare_request(
    mut parts: Parts,
    body: Incoming,
    info: ConnectionInfo,
    request_timeout: Duration,
) -> Request<Body> {
    parts.extensions.insert(info);
    if let Some(authority) = to_origin_form(&mut parts.uri) {
        // HTTP/2 clients send :authority in place of Host. Handlers need not know that: they always find a Host header.
        if parts.version == Version::HTTP_2
            && !parts.headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            parts.headers.insert(HOST, host);
        }
        parts.extensions.insert(TargetAuthority(authority));
    }
    let body = if hyper::body::Body::is_end_stream(&body) {
        Body::empty()
    } else {
        Body::new(DeadlineBody::new(body, request_timeout))
    };
    Request::from_parts(parts, body)
}

/// Removes the authority from a request target. Path and query remain, the path being at least `/`.
fn to_origin_form(uri: &mut Uri) -> Option<Authority> {
    let authority = uri.authority()?.clone();
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let origin =
        if target.starts_with('/') { target.parse::<PathAndQuery>() } else { format!("/{target}").parse() };
    *uri = Uri::from(origin.unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Some(authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin_form(target: &str) -> (Option<String>, String) {
        let mut uri: Uri = target.parse().unwrap();
        let authority = to_origin_form(&mut uri).map(|authority| authority.to_string());
        (authority, uri.to_string())
    }

    #[test]
    fn targets_become_path_and_query_and_keep_their_authority_aside() {
        let host = |name: &str| Some(name.to_owned());
        assert_eq!(origin_form("/?a=b%2F"), (None, "/?a=b%2F".into()));
        assert_eq!(origin_form("http://fps.test/?a=b"), (host("fps.test"), "/?a=b".into()));
        assert_eq!(origin_form("http://fps.test?a=b"), (host("fps.test"), "/?a=b".into()));
        assert_eq!(origin_form("http://fps.test:81"), (host("fps.test:81"), "/".into()));
        assert_eq!(origin_form("https://[::1]:8008/x"), (host("[::1]:8008"), "/x".into()));
        assert_eq!(origin_form("fps.test:443"), (host("fps.test:443"), "/".into()));
        assert_eq!(origin_form("*"), (None, "*".into()));
    }
}
