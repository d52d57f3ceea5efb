//! What every request carries from the network to its handler, and the service that hands it over.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::request::Parts;
use axum::http::uri::{Authority, PathAndQuery, Scheme};
use axum::http::{HeaderValue, Request, Response, StatusCode, Uri, Version};
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

/// How much of an answer is handed on at a time, in bytes: a frame of HTTP/2.
pub(super) const PIECE: usize = 16 << 10;

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
    type Response = Response<Sending>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        let in_hand = InHand::new(&self.activity);
        if request.version() != Version::HTTP_2 {
            self.activity.advance();
        }
        let (head, body) = request.into_parts();
        let work = match host_fault(&head) {
            Some(fault) => Err(fault),
            None => Ok(self.router.clone().call(prepare(head, body, self.info, self.request_timeout))),
        };
        Answer { work, activity: Arc::clone(&self.activity), _in_hand: in_hand }
    }
}

/// The answer to come; the connection counts as at work while this lives.
pub(super) struct Answer {
    /// What the router is at work on, or what is wrong with the request.
    work: Result<RouteFuture<Infallible>, &'static str>,
    activity: Arc<Activity>,
    _in_hand: InHand,
}

impl Future for Answer {
    type Output = Result<Response<Sending>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = match &mut self.work {
            Err(fault) => bad_request(fault),
            Ok(work) => ready!(Pin::new(work).poll(cx))?,
        };
        let activity = Arc::clone(&self.activity);
        Poll::Ready(Ok(answer.map(|body| Sending { body, rest: Bytes::new(), activity })))
    }
}

fn bad_request(fault: &'static str) -> Response<Body> {
    let mut answer = Response::new(Body::from(fault));
    *answer.status_mut() = StatusCode::BAD_REQUEST;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    answer
}

/// What is wrong with the host that a request names: RFC 9112 section 3.2, and RFC 9113 section 8.3.1 for HTTP/2.
fn host_fault(head: &Parts) -> Option<&'static str> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Some("The request has more than one Host header.\n");
    }
    let authority = head.uri.authority();
    let Some(host) = host else {
        return match head.version {
            Version::HTTP_11 => Some("The request has no Host header, which HTTP/1.1 asks for.\n"),
            Version::HTTP_2 if authority.is_none() => Some("The request has neither :authority nor Host.\n"),
            _ => None,
        };
    };
    // A host may be empty; but it is no user's name.
    let named = host.to_str().ok().filter(|host| !host.contains('@'));
    let Some(host) = named.filter(|host| host.is_empty() || host.parse::<Authority>().is_ok()) else {
        return Some("The Host header of the request is no host with an optional port.\n");
    };
    let differs = |authority| !is_same_host(authority, host, head.uri.scheme());
    (head.version == Version::HTTP_2 && authority.is_some_and(differs))
        .then_some("The request names one host in :authority and another in Host.\n")
}

/// Whether two texts name the same host and port, as RFC 3986 section 6.2.3 compares them.
fn is_same_host(left: &Authority, right: &str, scheme: Option<&Scheme>) -> bool {
    let default = if scheme == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(default);
    right
        .parse::<Authority>()
        .is_ok_and(|right| left.host().eq_ignore_ascii_case(right.host()) && port(left) == port(&right))
}

/// A request as handlers want it: target in origin form, connection and authority as extensions, body on a clock.
fn prepare(
    mut head: Parts,
    body: Incoming,
    info: ConnectionInfo,
    request_timeout: Duration,
) -> Request<Body> {
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

/// The body of an answer, in pieces of at most [`PIECE`] bytes. hyper asks for one when the client has room for it, and
/// that is the progress of a connection.
pub(super) struct Sending {
    body: Body,
    /// What is left of a larger piece.
    rest: Bytes,
    activity: Arc<Activity>,
}

impl hyper::body::Body for Sending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { body, rest, activity } = &mut *self;
        if rest.is_empty() {
            match ready!(Pin::new(body).poll_frame(cx)).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => *rest = data,
                Some(Err(trailers)) => return Poll::Ready(Some(Ok(trailers))),
                None => return Poll::Ready(None),
            }
        }
        activity.advance();
        let piece = rest.split_to(rest.len().min(PIECE));
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        let body = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest + body.lower());
        if let Some(upper) = body.upper() {
            hint.set_upper(rest + upper);
        }
        hint
    }
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
