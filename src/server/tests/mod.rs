//! The server as its clients see it: real sockets, raw bytes.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::header::HOST;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use chrono::DateTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::shutdown::{ShutdownHandle, channel};
use super::tls::CertificateSource;
use super::*;

mod http1;
mod http2;
mod limits;
mod shutdown;
mod tls;

/// Longer than anything here takes.
const LONG_TIMEOUT: Duration = Duration::from_secs(5);
/// Long enough to see that nothing happens.
const SHORT_WAIT: Duration = Duration::from_millis(50);
/// A time limit that tests wait for.
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

fn settings() -> ServerSettings {
    ServerSettings {
        listen: "127.0.0.1:0".into(),
        https: None,
        max_connections: 100,
        max_head_bytes: 100_000,
        request_timeout: LONG_TIMEOUT,
        shutdown_grace: LONG_TIMEOUT,
    }
}

/// A server that runs until it is dropped.
struct Server {
    http: SocketAddr,
    https: Option<SocketAddr>,
    ca_pem: Option<String>,
    shutdown: ShutdownHandle,
    outcome: JoinHandle<ShutdownOutcome>,
}

impl Server {
    async fn start(settings: ServerSettings) -> Self {
        Self::start_with(settings, router()).await
    }

    async fn start_with(settings: ServerSettings, router: Router) -> Self {
        let bound = bind(&settings, now()).await.unwrap();
        let (http, https) = (bound.http_addrs()[0], bound.https_addrs().first().copied());
        let ca_pem = bound.ca_pem().map(str::to_owned);
        let (shutdown, signal) = channel();
        let outcome = tokio::spawn(bound.serve(router, signal));
        Self { http, https, ca_pem, shutdown, outcome }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.http).await.unwrap()
    }

    /// Sends bytes, and reads until the server closes.
    async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes.as_ref()).await.unwrap();
        read_to_close(&mut stream).await
    }

    async fn outcome(self) -> ShutdownOutcome {
        timeout(LONG_TIMEOUT, self.outcome).await.unwrap().unwrap()
    }
}

/// Routes whose handlers answer with the request that reached them.
fn router() -> Router {
    Router::new()
        .route("/echo", any(echo))
        .route("/ignores-the-body", any(|| ready("not interested")))
        .route("/streams", any(|| ready(Body::new(BodyOfUnknownLength(Some("of unknown length"))))))
        .fallback(any(echo))
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match to_bytes(body, 1_000_000).await {
        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
        Err(error) => {
            assert!(BodyTimeoutError::is_cause_of(&error), "{error:?}");
            return (axum::http::StatusCode::REQUEST_TIMEOUT, "too late").into_response();
        }
    };
    let info = head.extensions.get::<ConnectionInfo>().unwrap();
    let authority = head.extensions.get::<TargetAuthority>().map_or("none", |found| found.0.as_str());
    let host = head.headers.get(HOST).map_or("none", |host| host.to_str().unwrap());
    let (method, uri) = (head.method, head.uri);
    let ConnectionInfo { local_addr, peer, tls } = info;
    format!("{method} {uri} host={host} authority={authority} local={local_addr} peer={peer} tls={tls} body={body}")
        .into_response()
}

/// A body that does not say how long it is.
struct BodyOfUnknownLength(Option<&'static str>);

impl hyper::body::Body for BodyOfUnknownLength {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        std::task::Poll::Ready(self.0.take().map(|text| Ok(hyper::body::Frame::data(Bytes::from(text)))))
    }
}

async fn read_to_close(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut answer = Vec::new();
    timeout(LONG_TIMEOUT, stream.read_to_end(&mut answer)).await.expect("the server closes").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until the text read ends with `end`.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut answer = String::new();
    timeout(LONG_TIMEOUT, async {
        while !answer.ends_with(end) {
            let byte = stream.read_u8().await.unwrap_or_else(|error| panic!("{error} after {answer:?}"));
            answer.push(char::from(byte));
        }
    })
    .await
    .unwrap_or_else(|_| panic!("no {end:?} in {answer:?}"));
    answer
}

async fn is_silent(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    timeout(SHORT_WAIT, stream.read_u8()).await.is_err()
}
