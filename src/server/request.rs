//! What every request carries from the network to its handler, and the service that hands it over.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::HOST;
use axum::http::uri::{Authority, PathAndQuery};
use axum::http::{HeaderValue, Request, Uri, Version};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper::body::{Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use super::socket::{Activity, InHand};

/// The connection a request came over; an extension of every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Our end: the address and port the client connected to, never `0.0.0.0` or port 0.
    pub local_addr: SocketAddr,
    /// The client's end.
    pub peer: SocketAddr,
    /// Whether the connection is encrypted.
    pub tls: bool,
}

/// The host (and port) inside the request target, when it held one: an absolute-form target
/// (`GET http://fps.sandbox.amazonaws.com/?… HTTP/1.1`, as sent to a proxy) or HTTP/2's `:authority`.
///
/// An extension of such requests only; the `Host` header stays as the client sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetAuthority(pub Authority);

/// The client did not send its request body within the request timeout: an error that handlers meet when they
/// read the body. 408 is the fitting status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the request body did not arrive in time")]
pub struct BodyTimedOut;

impl BodyTimedOut {
    /// Whether this is what an error of reading a body comes from, however deep it is wrapped.
    pub fn caused(error: &(dyn Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| (*error).source()).any(<dyn Error>::is::<Self>)
    }
}

/// Hands the requests of one connection to the router.
#[derive(Debug)]
pub(super) struct Doorway {
    pub(super) router: Router,
    pub(super) info: ConnectionInfo,
    pub(super) activity: Arc<Activity>,
    pub(super) request_timeout: Duration,
}

impl hyper::service::Service<Request<Incoming>> for Doorway {
    type Response = Response;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let in_hand = InHand::new(&self.activity);
        let request = prepare(request, self.info, self.request_timeout);
        Answer { inner: self.router.clone().call(request), _in_hand: in_hand }
    }
}

/// The router's answer to come; the connection counts as at work while it lives.
pub(super) struct Answer {
    inner: RouteFuture<Infallible>,
    _in_hand: InHand,
}

impl Future for Answer {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.inner).poll(cx)
    }
}

/// A request as handlers want it: target in origin form, connection and authority as extensions, body on a clock.
fn prepare(request: Request<Incoming>, info: ConnectionInfo, request_timeout: Duration) -> Request<Body> {
    let (mut head, body) = request.into_parts();
    head.extensions.insert(info);
    if let Some(authority) = to_origin_form(&mut head.uri) {
        // HTTP/2 has no Host header of its own, and handlers should not have to know.
        if head.version == Version::HTTP_2
            && !head.headers.contains_key(HOST)
            && let Ok(host) = HeaderValue::from_str(authority.as_str())
        {
            head.headers.insert(HOST, host);
        }
        head.extensions.insert(TargetAuthority(authority));
    }
    let body = if hyper::body::Body::is_end_stream(&body) {
        Body::empty()
    } else {
        Body::new(TimedBody { inner: body, deadline: Instant::now() + request_timeout, sleep: None })
    };
    Request::from_parts(head, body)
}

/// Takes the authority out of a request target and leaves path and query, the path at least `/`.
fn to_origin_form(uri: &mut Uri) -> Option<Authority> {
    let authority = uri.authority()?.clone();
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let origin =
        if target.starts_with('/') { target.parse::<PathAndQuery>() } else { format!("/{target}").parse() };
    *uri = Uri::from(origin.unwrap_or_else(|_| PathAndQuery::from_static("/")));
    Some(authority)
}

/// A request body that must have arrived by a deadline.
struct TimedBody {
    inner: Incoming,
    deadline: Instant,
    /// Made only when there is something to wait for.
    sleep: Option<Pin<Box<Sleep>>>,
}

impl hyper::body::Body for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { inner, deadline, sleep } = &mut *self;
        if let Poll::Ready(frame) = Pin::new(inner).poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let sleep = sleep.get_or_insert_with(|| Box::pin(sleep_until(*deadline)));
        sleep.as_mut().poll(cx).map(|()| Some(Err(BodyTimedOut.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
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
