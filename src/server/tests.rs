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
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::shutdown::{Shutdown, Stopper, channel};
use super::tls::CertificateSource;
use super::*;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(5);
/// Long enough to see that nothing happens.
const A_MOMENT: Duration = Duration::from_millis(50);
const SHORT: Duration = Duration::from_millis(200);

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_000_000, 0).unwrap()
}

fn settings() -> ServerSettings {
    ServerSettings {
        listen: "127.0.0.1:0".into(),
        https: None,
        max_connections: 100,
        max_head_bytes: 100_000,
        request_timeout: SOON,
        shutdown_grace: SOON,
    }
}

/// A server that runs until it is dropped.
struct Server {
    http: SocketAddr,
    https: Option<SocketAddr>,
    ca_pem: Option<String>,
    stopper: Stopper,
    ending: JoinHandle<Ending>,
}

impl Server {
    async fn start(settings: ServerSettings) -> Self {
        Self::with(settings, router()).await
    }

    async fn with(settings: ServerSettings, router: Router) -> Self {
        let bound = bind(&settings, now()).await.unwrap();
        let (http, https) = (bound.http_addrs()[0], bound.https_addrs().first().copied());
        let ca_pem = bound.ca_pem().map(str::to_owned);
        let (stopper, shutdown): (Stopper, Shutdown) = channel();
        let ending = tokio::spawn(bound.serve(router, shutdown));
        Self { http, https, ca_pem, stopper, ending }
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

    async fn ending(self) -> Ending {
        timeout(SOON, self.ending).await.unwrap().unwrap()
    }
}

/// Answers with what reached it.
fn router() -> Router {
    Router::new()
        .route("/echo", any(echo))
        .route("/ignores-the-body", any(|| ready("not interested")))
        .route("/streams", any(|| ready(Body::new(Unsized(Some("of unknown length"))))))
        .fallback(any(echo))
}

async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match to_bytes(body, 1_000_000).await {
        Ok(body) => String::from_utf8_lossy(&body).into_owned(),
        Err(error) => {
            assert!(BodyTimedOut::caused(&error), "{error:?}");
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
struct Unsized(Option<&'static str>);

impl hyper::body::Body for Unsized {
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
    timeout(SOON, stream.read_to_end(&mut answer)).await.expect("the server closes").unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until what has come ends with `end`.
async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) -> String {
    let mut answer = String::new();
    timeout(SOON, async {
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
    timeout(A_MOMENT, stream.read_u8()).await.is_err()
}

#[tokio::test]
async fn handlers_know_the_addresses_of_their_connection() {
    let server = Server::start(settings()).await;
    let mut stream = server.connect().await;
    let own = stream.local_addr().unwrap();
    stream.write_all(b"GET /?a=b HTTP/1.1\r\nHost: x:1\r\nConnection: close\r\n\r\n").await.unwrap();
    let answer = read_to_close(&mut stream).await;
    let expected =
        format!("GET /?a=b host=x:1 authority=none local={} peer={own} tls=false body=", server.http);
    assert!(answer.ends_with(&expected), "{answer}");
}

#[tokio::test]
async fn http_1_0_is_answered_with_a_length_without_chunks_and_closed() {
    let server = Server::start(settings()).await;
    let answer = server.exchange("POST /echo HTTP/1.0\r\nContent-Length: 3\r\n\r\na=b").await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("\r\ncontent-length: {}\r\n", body.len())), "{head}");
    assert!(!head.contains("transfer-encoding"), "{head}");
    assert!(body.ends_with("body=a=b"), "{body}");
}

#[tokio::test]
async fn http_1_0_ends_a_body_of_unknown_length_by_closing() {
    let server = Server::start(settings()).await;
    let answer = server.exchange("GET /streams HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n") && !answer.contains("transfer-encoding"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nof unknown length"), "{answer}");
}

#[tokio::test]
async fn http_1_0_may_ask_to_keep_the_connection() {
    let server = Server::start(settings()).await;
    let mut stream = server.connect().await;
    for _ in 0..2 {
        stream.write_all(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await.unwrap();
        let answer = read_until(&mut stream, "body=").await;
        assert!(answer.contains("\r\nconnection: keep-alive\r\n"), "{answer}");
    }
}

#[tokio::test]
async fn a_client_that_closes_its_sending_side_still_gets_its_answer() {
    let slow = get(|| async {
        sleep(A_MOMENT).await;
        "slow but sure"
    });
    let server = Server::with(settings(), Router::new().route("/", slow)).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    assert!(read_to_close(&mut stream).await.ends_with("slow but sure"));
}

#[tokio::test]
async fn expect_100_continue_is_answered_before_the_body_is_sent() {
    let server = Server::start(settings()).await;
    let mut stream = server.connect().await;
    let head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head).await.unwrap();
    assert_eq!(read_until(&mut stream, "\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"a=b").await.unwrap();
    let answer = read_until(&mut stream, "body=a=b").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
}

#[tokio::test]
async fn a_refusal_without_reading_the_body_needs_no_100_continue() {
    let server = Server::start(settings()).await;
    let head =
        "POST /ignores-the-body HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    let answer = server.exchange(head).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("not interested"), "{answer}");
}

#[tokio::test]
async fn absolute_targets_reach_the_router_by_their_path_and_leave_their_host_findable() {
    let server = Server::start(settings()).await;
    for (target, path) in
        [("/?Action=Pay", "/?Action=Pay"), ("?Action=Pay", "/?Action=Pay"), ("/echo", "/echo")]
    {
        let request = format!(
            "GET http://fps.sandbox.amazonaws.com{target} HTTP/1.1\r\nHost: proxy:81\r\nConnection: close\r\n\r\n"
        );
        let answer = server.exchange(request).await;
        let expected = format!("GET {path} host=proxy:81 authority=fps.sandbox.amazonaws.com ");
        assert!(answer.contains(&expected), "{answer}");
    }
}

#[tokio::test]
async fn head_gets_the_headers_of_get_and_no_body() {
    let server = Server::with(settings(), Router::new().route("/", get(|| ready("twelve bytes")))).await;
    let answer = server.exchange("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: 12\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order_on_one_connection() {
    let server = Server::start(settings()).await;
    let one = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na";
    let two = "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
    let three = "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = server.exchange(format!("{one}{two}{three}")).await;
    let places: Vec<_> = ["POST /1 ", "GET /2 ", "GET /3 "].map(|part| answer.find(part).unwrap()).into();
    assert!(places.is_sorted(), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
}

#[tokio::test]
async fn long_heads_are_taken_up_to_the_limit_and_refused_readably_beyond() {
    let server = Server::start(settings()).await;
    let target = |length: usize| {
        format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "a".repeat(length))
    };
    let header = |length: usize| format!("GET / HTTP/1.0\r\nHost: x\r\nX: {}\r\n\r\n", "a".repeat(length));
    let status = |answer: String| answer[9..12].to_owned();
    assert_eq!(status(server.exchange(target(65_000)).await), "200");
    assert_eq!(status(server.exchange(target(70_000)).await), "414");
    assert_eq!(status(server.exchange(header(90_000)).await), "200");
    assert_eq!(status(server.exchange(header(3_000_000)).await), "431");
}

#[tokio::test]
async fn an_answer_sent_before_a_giant_body_was_read_is_not_lost_to_a_reset() {
    let server = Server::start(settings()).await;
    let head = "POST /ignores-the-body HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n";
    let answer = server.exchange(format!("{head}{}", "a".repeat(4_000_000))).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("not interested"), "{answer}");
}

#[tokio::test]
async fn hostile_bytes_are_answered_or_cut_off_and_the_next_request_is_served() {
    let server = Server::start(settings()).await;
    for bytes in [
        &b"\0\x01\x02\x03\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET ?a=b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"CONNECT fps:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nno frames at all",
    ] {
        let mut stream = server.connect().await;
        stream.write_all(bytes).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _reset = timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap();
    }
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200 OK"));
}

#[tokio::test]
async fn clients_that_do_not_finish_their_head_are_cut_off() {
    let server = Server::start(ServerSettings { request_timeout: SHORT, ..settings() }).await;
    for beginning in ["", "P", "PRI * HTT", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "GET / HTTP/1.0\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let began = Instant::now();
        assert_eq!(read_to_close(&mut stream).await, "", "{beginning:?}");
        let took = began.elapsed();
        assert!(took >= SHORT * 3 / 4 && took < SHORT * 4, "{beginning:?} took {took:?}");
    }
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off_as_well() {
    let server = Server::start(ServerSettings { request_timeout: SHORT, ..settings() }).await;
    let mut stream = server.connect().await;
    let began = Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    while stream.write_all(b"a").await.is_ok() {
        sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < SHORT * 5, "still open");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_an_error_to_its_handler() {
    let server = Server::start(ServerSettings { request_timeout: SHORT, ..settings() }).await;
    let answer = server.exchange("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na=b").await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n") && answer.ends_with("too late"),
        "{answer}"
    );
}

#[tokio::test]
async fn idle_connections_are_closed_and_slow_handlers_are_not() {
    let slow = get(|| async {
        sleep(SHORT * 3).await;
        "slow but sure"
    });
    let router = Router::new().route("/slow", slow).route("/", get(|| ready("idle")));
    let server = Server::with(ServerSettings { request_timeout: SHORT, ..settings() }, router).await;
    let idle = server.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let slow = server.exchange("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    let (idle, slow) = tokio::join!(idle, slow);
    assert!(idle.ends_with("idle"), "{idle}");
    assert!(slow.ends_with("slow but sure"), "{slow}");
}

#[tokio::test]
async fn a_client_that_never_reads_its_answer_is_cut_off() {
    let router = Router::new().route("/", get(|| ready(vec![b'a'; 32 << 20])));
    let server = Server::with(
        ServerSettings { request_timeout: SHORT, max_connections: 1, ..settings() },
        router.route("/small", get(|| ready("served"))),
    )
    .await;
    let mut greedy = server.connect().await;
    greedy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Its place is the only one: this is served once the greedy client is gone.
    assert!(server.exchange("GET /small HTTP/1.0\r\n\r\n").await.ends_with("served"));
}

#[tokio::test]
async fn connections_beyond_the_most_wait_for_a_place() {
    let server = Server::start(ServerSettings { max_connections: 2, ..settings() }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        read_until(&mut stream, "body=").await;
        held.push(stream);
    }
    let mut waiting = server.connect().await;
    waiting.write_all(b"GET /echo HTTP/1.0\r\n\r\n").await.unwrap();
    assert!(is_silent(&mut waiting).await);
    held.pop();
    assert!(read_to_close(&mut waiting).await.starts_with("HTTP/1.0 200 OK"));
}

#[tokio::test]
async fn an_address_in_use_is_one_clear_line() {
    let server = Server::start(settings()).await;
    let http = server.http.to_string();
    let error = bind(&ServerSettings { listen: http.clone(), ..settings() }, now()).await.err().unwrap();
    let expected = format!("cannot listen on {http}: address already in use; choose another with --listen");
    assert_eq!(error.to_string(), expected);

    let https = HttpsSettings {
        listen: http.clone(),
        certificate: CertificateSource::Authority { data_dir: "/nowhere".into(), extra_names: Vec::new() },
    };
    let error = bind(&ServerSettings { https: Some(https), ..settings() }, now()).await.err().unwrap();
    assert!(error.to_string().ends_with("choose another with --https-listen"), "{error}");
}

/// A handler that says when it is reached and answers when it is let go.
fn gate() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (reached, let_go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (tell, wait) = (Arc::clone(&reached), Arc::clone(&let_go));
    let handler = get(move || async move {
        tell.notify_one();
        wait.notified().await;
        "finished"
    });
    (Router::new().route("/", handler), reached, let_go)
}

#[tokio::test]
async fn shutdown_closes_idle_connections_and_the_port_and_finishes_requests_in_hand() {
    let (router, reached, let_go) = gate();
    let router = router.route("/echo", any(echo));
    let server = Server::with(settings(), router).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "body=").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;

    server.stopper.finish();
    assert_eq!(read_to_close(&mut idle).await, "");
    assert!(TcpStream::connect(server.http).await.is_err(), "the port is closed");
    assert!(is_silent(&mut busy).await);
    assert!(!server.ending.is_finished());
    let_go.notify_one();
    let answer = read_to_close(&mut busy).await;
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("finished"), "{answer}");
    assert_eq!(server.ending().await, Ending::Finished);
}

#[tokio::test]
async fn shutdown_waits_no_longer_than_its_grace() {
    let (router, reached, _let_go) = gate();
    let server = Server::with(ServerSettings { shutdown_grace: SHORT, ..settings() }, router).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;
    server.stopper.finish();
    assert_eq!(read_to_close(&mut busy).await, "");
    assert_eq!(server.ending().await, Ending::CutOff { connections: 1 });
}

#[tokio::test]
async fn a_second_order_ends_the_work_in_hand_at_once() {
    let (router, reached, _let_go) = gate();
    let server = Server::with(ServerSettings { shutdown_grace: SOON * 10, ..settings() }, router).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;
    server.stopper.finish();
    assert!(is_silent(&mut busy).await);
    server.stopper.stop_now();
    assert_eq!(server.ending().await, Ending::CutOff { connections: 1 });
}

#[tokio::test]
async fn shutdown_does_not_wait_for_clients_that_have_sent_nothing() {
    let server = Server::start(settings()).await;
    let mut quiet = server.connect().await;
    assert!(is_silent(&mut quiet).await);
    server.stopper.finish();
    assert_eq!(timeout(SOON, server.ending()).await.unwrap(), Ending::Finished);
}

/// A server with TLS by an authority in `folder`.
async fn tls_server(folder: &std::path::Path, request_timeout: Duration) -> Server {
    let certificate =
        CertificateSource::Authority { data_dir: folder.to_owned(), extra_names: vec!["fps.test".into()] };
    let https = Some(HttpsSettings { listen: "127.0.0.1:0".into(), certificate });
    Server::start(ServerSettings { https, request_timeout, ..settings() }).await
}

/// The instant at which a test client checks certificates.
#[derive(Debug)]
struct At(DateTime<Utc>);

impl TimeProvider for At {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0.timestamp()).unwrap();
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// A connection by a client that trusts only `ca_pem`.
async fn tls_connect(
    server: &Server,
    ca_pem: &str,
    name: &str,
    at: DateTime<Utc>,
    version: &'static rustls::SupportedProtocolVersion,
    alpn: &[&[u8]],
) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder_with_details(tls::provider(), Arc::new(At(at)))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(server.https.unwrap()).await?;
    let name = ServerName::try_from(name.to_owned()).unwrap();
    timeout(SOON, tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream)).await.unwrap()
}

#[tokio::test]
async fn every_name_is_verified_by_a_client_that_trusts_only_the_authority() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), SOON).await;
    let pem = server.ca_pem.clone().unwrap();
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "fps.test",
        "fps.sandbox.amazonaws.com",
        "fps.amazonaws.com",
        "authorize.payments-sandbox.amazon.com",
        "authorize.payments.amazon.com",
    ] {
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            tls_connect(&server, &pem, name, now(), version, &[]).await.unwrap();
        }
    }
    let refused = tls_connect(&server, &pem, "example.com", now(), &rustls::version::TLS13, &[]).await;
    assert!(refused.unwrap_err().to_string().contains("not valid for name"));
}

#[tokio::test]
async fn certificates_are_valid_from_a_day_before_for_397_days_in_all() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), SOON).await;
    let pem = server.ca_pem.clone().unwrap();
    for (days, valid) in [(-2, false), (0, true), (395, true), (397, false)] {
        let at = now() + chrono::TimeDelta::days(days) + chrono::TimeDelta::hours(1);
        let version = &rustls::version::TLS13;
        assert_eq!(tls_connect(&server, &pem, "localhost", at, version, &[]).await.is_ok(), valid, "{days}");
    }
}

#[tokio::test]
async fn tls_serves_the_same_router_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), SOON).await;
    let pem = server.ca_pem.clone().unwrap();
    let mut stream = tls_connect(&server, &pem, "localhost", now(), &rustls::version::TLS12, &[b"http/1.0"])
        .await
        .unwrap();
    stream.write_all(b"POST /echo HTTP/1.0\r\nContent-Length: 1\r\n\r\na").await.unwrap();
    let answer = read_to_close(&mut stream).await;
    assert!(answer.contains(&format!("local={}", server.https.unwrap())), "{answer}");
    assert!(answer.contains("tls=true body=a"), "{answer}");
}

#[tokio::test]
async fn a_later_start_shows_a_new_certificate_of_the_same_authority() {
    let folder = tempfile::tempdir().unwrap();
    let first = tls_server(folder.path(), SOON).await;
    let pem = first.ca_pem.clone().unwrap();
    drop(first);
    let second = tls_server(folder.path(), SOON).await;
    assert_eq!(second.ca_pem.as_deref(), Some(&*pem));
    tls_connect(&second, &pem, "localhost", now(), &rustls::version::TLS13, &[]).await.unwrap();
}

#[tokio::test]
async fn a_tls_handshake_that_does_not_come_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), SHORT).await;
    let mut stream = TcpStream::connect(server.https.unwrap()).await.unwrap();
    assert_eq!(read_to_close(&mut stream).await, "");
}

/// One GET by HTTP/2; the connection stays open as long as what is returned second.
async fn http2_get<S>(stream: S, uri: &str) -> (String, impl Sized)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let open = tokio::spawn(connection);
    let request = axum::http::Request::get(uri).body(Body::empty()).unwrap();
    let answer = timeout(SOON, sender.send_request(request)).await.unwrap().unwrap();
    let body = to_bytes(Body::new(answer.into_body()), 10_000).await.unwrap();
    (String::from_utf8(body.to_vec()).unwrap(), (sender, open))
}

#[tokio::test]
async fn http_2_is_chosen_by_alpn_and_gets_a_host_header() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), SOON).await;
    let pem = server.ca_pem.clone().unwrap();
    let version = &rustls::version::TLS13;
    let stream =
        tls_connect(&server, &pem, "fps.amazonaws.com", now(), version, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (answer, _open) = http2_get(stream, "https://fps.amazonaws.com/?a=b").await;
    assert!(answer.starts_with("GET /?a=b host=fps.amazonaws.com authority=fps.amazonaws.com "), "{answer}");
}

#[tokio::test]
async fn http_2_without_tls_is_served_and_shutdown_ends_it() {
    let server = Server::start(settings()).await;
    let (answer, _open) = http2_get(server.connect().await, "http://localhost:8008/echo").await;
    assert!(answer.starts_with("GET /echo host=localhost:8008 "), "{answer}");
    server.stopper.finish();
    assert_eq!(server.ending().await, Ending::Finished);
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let settings = ServerSettings { request_timeout: SHORT, max_connections: 1, ..settings() };
    let server = Server::start(settings).await;
    let (_, open) = http2_get(server.connect().await, "http://localhost/echo").await;
    // Its place is the only one.
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200 OK"));
    drop(open);
}

/// An HTTP/2 client that pings all the time.
async fn pinging(
    stream: TcpStream,
) -> (hyper::client::conn::http2::SendRequest<Body>, JoinHandle<Result<(), hyper::Error>>) {
    let io = hyper_util::rt::TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
        .timer(hyper_util::rt::TokioTimer::new())
        .keep_alive_interval(SHORT / 10)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(PIECE)
        .initial_connection_window_size(1 << 20)
        .handshake(io)
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

fn get_request(path: &str) -> Request {
    Request::get(format!("http://localhost{path}")).body(Body::empty()).unwrap()
}

/// A window of HTTP/2 that is much smaller than the answers in these tests.
const PIECE: u32 = 16 << 10;

#[tokio::test]
async fn pings_do_not_keep_an_http_2_connection_open_whose_client_takes_nothing() {
    let router = Router::new().route("/", get(|| ready(vec![b'a'; 1 << 20])));
    let settings = ServerSettings { request_timeout: SHORT, max_connections: 1, ..settings() };
    let server = Server::with(settings, router.route("/small", get(|| ready("served")))).await;
    for asks in [false, true] {
        let (mut sender, open) = pinging(server.connect().await).await;
        let untaken = if asks { Some(sender.send_request(get_request("/")).await.unwrap()) } else { None };
        // Its place is the only one: this is served once the other is gone.
        let answer = server.exchange("GET /small HTTP/1.0\r\n\r\n").await;
        assert!(answer.ends_with("served"), "{asks}: {answer}");
        let _ended = timeout(SOON, open).await.expect("the connection is closed");
        drop(untaken);
    }
}

#[tokio::test]
async fn an_http_2_client_that_takes_its_answer_slowly_gets_all_of_it() {
    let router = Router::new().route("/", get(|| ready(vec![b'a'; 20 * PIECE as usize])));
    let server = Server::with(ServerSettings { request_timeout: SHORT, ..settings() }, router).await;
    let (mut sender, _open) = pinging(server.connect().await).await;
    let mut body = Body::new(sender.send_request(get_request("/")).await.unwrap().into_body());
    let (began, mut taken) = (Instant::now(), 0);
    while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
        taken += frame.expect("the answer goes on").into_data().map_or(0, |data| data.len());
        sleep(SHORT / 4).await;
    }
    assert_eq!(taken, 20 * PIECE as usize);
    assert!(began.elapsed() > SHORT * 4, "that was not slow");
}

#[tokio::test]
async fn an_http_2_client_has_a_bounded_number_of_answers_waiting() {
    let reached = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    let big = get(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ready(vec![b'a'; 1 << 20])
    });
    let server = Server::with(settings(), Router::new().route("/", big)).await;
    let (sender, _open) = pinging(server.connect().await).await;
    let mut untaken: Vec<_> = (0..100)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move { sender.send_request(get_request("/")).await })
        })
        .collect();
    sleep(SHORT).await;
    assert_eq!(reached.load(std::sync::atomic::Ordering::Relaxed), 16);
    // Those that are taken make room for others.
    let answer = timeout(SOON, untaken.swap_remove(0)).await.unwrap().unwrap().unwrap();
    assert_eq!(to_bytes(Body::new(answer.into_body()), 1 << 20).await.unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn a_host_is_named_once_by_whoever_speaks_http_1_1() {
    let server = Server::start(settings()).await;
    for (request, fault) in [
        ("GET / HTTP/1.1\r\n\r\n", "no Host header"),
        ("GET http://fps.test/ HTTP/1.1\r\n\r\n", "no Host header"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "more than one Host header"),
        ("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", "more than one Host header"),
        ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", "more than one Host header"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "no host with an optional port"),
        ("GET / HTTP/1.1\r\nHost: http://a/\r\n\r\n", "no host with an optional port"),
        ("GET / HTTP/1.1\r\nHost: alice@a\r\n\r\n", "no host with an optional port"),
        ("GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n", "no host with an optional port"),
    ] {
        let mut stream = server.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let answer = read_to_close(&mut stream).await;
        assert_eq!(&answer[9..12], "400", "{request}: {answer}");
        assert!(answer.contains("content-type: text/plain") && answer.contains(fault), "{request}: {answer}");
    }
    for host in ["a", "a:8008", "[::1]:8008", "127.0.0.1", "my_host", ""] {
        let answer =
            server.exchange(format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains(&format!("host={host} ")),
            "{answer}"
        );
    }
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.contains("host=none"));
}

#[tokio::test]
async fn http_2_names_one_host_however_often() {
    let server = Server::start(settings()).await;
    for (hosts, status, part) in [
        (&["LOCALHOST:80"][..], 200, "host=LOCALHOST:80 "),
        (&["other"], 400, "one host in :authority and another in Host"),
        (&["localhost:81"], 400, "one host in :authority and another in Host"),
        (&["localhost", "localhost"], 400, "more than one Host header"),
    ] {
        let (mut sender, _open) = pinging(server.connect().await).await;
        let mut request = get_request("/");
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        let answer = timeout(SOON, sender.send_request(request)).await.unwrap().unwrap();
        assert_eq!(answer.status(), status, "{hosts:?}");
        let body = to_bytes(Body::new(answer.into_body()), 10_000).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(part), "{hosts:?}: {body}");
    }
}

#[tokio::test]
async fn a_handler_that_never_ends_does_not_hold_up_others() {
    let router = Router::new().route("/", get(pending::<&'static str>)).route("/echo", any(echo));
    let server = Server::with(settings(), router).await;
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(server.exchange("GET /echo HTTP/1.0\r\n\r\n").await.ends_with("body="));
}
