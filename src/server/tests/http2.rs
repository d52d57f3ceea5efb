//! HTTP/2.

use tokio::io::AsyncWrite;

use super::tls::{tls_connect, tls_server};
use super::*;

/// Sends one GET by HTTP/2. The connection stays open as long as the second value returned lives.
async fn http2_get<S>(stream: S, uri: &str) -> (String, impl Sized)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io).await.unwrap();
    let open = tokio::spawn(connection);
    let request = axum::http::Request::get(uri).body(Body::empty()).unwrap();
    let answer = timeout(LONG_TIMEOUT, sender.send_request(request)).await.unwrap().unwrap();
    let body = to_bytes(Body::new(answer.into_body()), 10_000).await.unwrap();
    (String::from_utf8(body.to_vec()).unwrap(), (sender, open))
}

#[tokio::test]
async fn http_2_is_chosen_by_alpn_and_gets_a_host_header() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls_server(folder.path(), LONG_TIMEOUT).await;
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
    server.shutdown.shut_down_gracefully();
    assert_eq!(server.outcome().await, ShutdownOutcome::Completed);
}

#[tokio::test]
async fn an_idle_http_2_connection_is_closed() {
    let settings = ServerSettings { request_timeout: SHORT_TIMEOUT, max_connections: 1, ..settings() };
    let server = Server::start(settings).await;
    let (_, open) = http2_get(server.connect().await, "http://localhost/echo").await;
    // There is one permit.
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200 OK"));
    drop(open);
}

/// Connects an HTTP/2 client that sends pings all the time.
async fn connect_with_pings(
    stream: TcpStream,
) -> (hyper::client::conn::http2::SendRequest<Body>, JoinHandle<Result<(), hyper::Error>>) {
    let io = hyper_util::rt::TokioIo::new(stream);
    let (sender, connection) = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
        .timer(hyper_util::rt::TokioTimer::new())
        .keep_alive_interval(SHORT_TIMEOUT / 10)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(1 << 20)
        .handshake(io)
        .await
        .unwrap();
    (sender, tokio::spawn(connection))
}

fn get_request(path: &str) -> Request {
    Request::get(format!("http://localhost{path}")).body(Body::empty()).unwrap()
}

/// The flow control window of the HTTP/2 clients: much smaller than the responses in these tests.
const WINDOW_BYTES: u32 = 16 << 10;

#[tokio::test]
async fn pings_do_not_keep_an_http_2_connection_open_whose_client_takes_nothing() {
    let router = Router::new().route("/", get(|| ready(vec![b'a'; 1 << 20])));
    let settings = ServerSettings { request_timeout: SHORT_TIMEOUT, max_connections: 1, ..settings() };
    let server = Server::start_with(settings, router.route("/small", get(|| ready("served")))).await;
    for asks in [false, true] {
        let (mut sender, open) = connect_with_pings(server.connect().await).await;
        let untaken = if asks { Some(sender.send_request(get_request("/")).await.unwrap()) } else { None };
        // There is one permit: this is served once the other client is disconnected.
        let answer = server.exchange("GET /small HTTP/1.0\r\n\r\n").await;
        assert!(answer.ends_with("served"), "{asks}: {answer}");
        let _ended = timeout(LONG_TIMEOUT, open).await.expect("the connection is closed");
        drop(untaken);
    }
}

#[tokio::test]
async fn an_http_2_client_that_takes_its_answer_slowly_gets_all_of_it() {
    let router = Router::new().route("/", get(|| ready(vec![b'a'; 20 * WINDOW_BYTES as usize])));
    let server =
        Server::start_with(ServerSettings { request_timeout: SHORT_TIMEOUT, ..settings() }, router).await;
    let (mut sender, _open) = connect_with_pings(server.connect().await).await;
    let mut body = Body::new(sender.send_request(get_request("/")).await.unwrap().into_body());
    let (began, mut taken) = (Instant::now(), 0);
    while let Some(frame) = http_body_util::BodyExt::frame(&mut body).await {
        taken += frame.expect("the answer goes on").into_data().map_or(0, |data| data.len());
        sleep(SHORT_TIMEOUT / 4).await;
    }
    assert_eq!(taken, 20 * WINDOW_BYTES as usize);
    assert!(began.elapsed() > SHORT_TIMEOUT * 4, "that was not slow");
}

#[tokio::test]
async fn an_http_2_client_has_a_bounded_number_of_answers_waiting() {
    let reached = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = Arc::clone(&reached);
    let big = get(move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        ready(vec![b'a'; 1 << 20])
    });
    let server = Server::start_with(settings(), Router::new().route("/", big)).await;
    let (sender, _open) = connect_with_pings(server.connect().await).await;
    let mut untaken: Vec<_> = (0..100)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move { sender.send_request(get_request("/")).await })
        })
        .collect();
    sleep(SHORT_TIMEOUT).await;
    assert_eq!(reached.load(std::sync::atomic::Ordering::Relaxed), 16);
    // A response that is read makes room for another.
    let answer = timeout(LONG_TIMEOUT, untaken.swap_remove(0)).await.unwrap().unwrap().unwrap();
    assert_eq!(to_bytes(Body::new(answer.into_body()), 1 << 20).await.unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn http_2_requests_name_one_host_in_authority_and_host_header() {
    let server = Server::start(settings()).await;
    for (hosts, status, part) in [
        (&["LOCALHOST:80"][..], 200, "host=LOCALHOST:80 "),
        (&["other"], 400, "one host in :authority and another in Host"),
        (&["localhost:81"], 400, "one host in :authority and another in Host"),
        (&["localhost", "localhost"], 400, "more than one Host header"),
    ] {
        let (mut sender, _open) = connect_with_pings(server.connect().await).await;
        let mut request = get_request("/");
        for host in hosts {
            request.headers_mut().append(HOST, host.parse().unwrap());
        }
        let answer = timeout(LONG_TIMEOUT, sender.send_request(request)).await.unwrap().unwrap();
        assert_eq!(answer.status(), status, "{hosts:?}");
        let body = to_bytes(Body::new(answer.into_body()), 10_000).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(part), "{hosts:?}: {body}");
    }
}
