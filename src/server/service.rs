//! The service that passes the requests of one connection to the router.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Request, Response, StatusCode, Version};
use axum::routing::future::RouteFuture;
use hyper::body::Incoming;
use tower::Service;

use super::activity::{ConnectionActivity, RequestGuard};
use super::host_header::check_host;
use super::request::{ConnectionInfo, prepare_request};
use super::response_body::ProgressBody;

/// Passes the requests of one connection to the router.
#[derive(Debug)]
pub(super) struct ConnectionService {
    pub(super) router: Router,
    pub(super) info: ConnectionInfo,
    pub(super) activity: Arc<ConnectionActivity>,
    pub(super) request_timeout: Duration,
}

impl hyper::service::Service<Request<Incoming>> for ConnectionService {
    type Response = Response<ProgressBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn call(&self, request: Request<Incoming>) -> ResponseFuture {
        let guard = self.activity.begin_request();
        // An HTTP/2 client can open and reset streams without end, so on HTTP/2 a request alone is no progress.
        if request.version() != Version::HTTP_2 {
            self.activity.record_progress();
        }
        let (parts, body) = request.into_parts();
        let response = check_host(&parts).map(|()| {
            let request = prepare_request(parts, body, self.info, self.request_timeout);
            self.router.clone().call(request)
        });
        ResponseFuture { response, activity: Arc::clone(&self.activity), _guard: guard }
    }
}

/// The response to one request. The request counts as in progress while this future lives.
pub(super) struct ResponseFuture {
    /// The router's response, or why the request is malformed.
    response: Result<RouteFuture<Infallible>, &'static str>,
    activity: Arc<ConnectionActivity>,
    _guard: RequestGuard,
}

impl Future for ResponseFuture {
    type Output = Result<Response<ProgressBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let response = match &mut self.response {
            Err(reason) => bad_request(reason),
            Ok(response) => ready!(Pin::new(response).poll(cx))?,
        };
        let activity = Arc::clone(&self.activity);
        Poll::Ready(Ok(response.map(|body| ProgressBody::new(body, activity))))
    }
}

fn bad_request(reason: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(reason));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}
