//! Limits of size, time and number, and addresses that cannot be used.

use super::*;

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
        let _reset = timeout(LONG_TIMEOUT, stream.read_to_end(&mut answer)).await.unwrap();
    }
    assert!(server.exchange("GET / HTTP/1.0\r\n\r\n").await.starts_with("HTTP/1.0 200 OK"));
}

#[tokio::test]
async fn clients_that_do_not_finish_their_head_are_cut_off() {
    let server = Server::start(ServerSettings { request_timeout: SHORT_TIMEOUT, ..settings() }).await;
    for beginning in ["", "P", "PRI * HTT", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "GET / HTTP/1.0\r\n"] {
        let mut stream = server.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        let began = Instant::now();
        assert_eq!(read_to_close(&mut stream).await, "", "{beginning:?}");
        let took = began.elapsed();
        assert!(took >= SHORT_TIMEOUT * 3 / 4 && took < SHORT_TIMEOUT * 4, "{beginning:?} took {took:?}");
    }
}

#[tokio::test]
async fn a_head_that_trickles_in_is_cut_off_as_well() {
    let server = Server::start(ServerSettings { request_timeout: SHORT_TIMEOUT, ..settings() }).await;
    let mut stream = server.connect().await;
    let began = Instant::now();
    stream.write_all(b"GET / HTTP/1.1\r\nX: ").await.unwrap();
    while stream.write_all(b"a").await.is_ok() {
        sleep(Duration::from_millis(20)).await;
        assert!(began.elapsed() < SHORT_TIMEOUT * 5, "still open");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_an_error_to_its_handler() {
    let server = Server::start(ServerSettings { request_timeout: SHORT_TIMEOUT, ..settings() }).await;
    let answer = server.exchange("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\na=b").await;
    assert!(
        answer.starts_with("HTTP/1.1 408 Request Timeout\r\n") && answer.ends_with("too late"),
        "{answer}"
    );
}

#[tokio::test]
async fn idle_connections_are_closed_and_slow_handlers_are_not() {
    let slow = get(|| async {
        sleep(SHORT_TIMEOUT * 3).await;
        "slow but sure"
    });
    let router = Router::new().route("/slow", slow).route("/", get(|| ready("idle")));
    let server =
        Server::start_with(ServerSettings { request_timeout: SHORT_TIMEOUT, ..settings() }, router).await;
    let idle = server.exchange("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let slow = server.exchange("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    let (idle, slow) = tokio::join!(idle, slow);
    assert!(idle.ends_with("idle"), "{idle}");
    assert!(slow.ends_with("slow but sure"), "{slow}");
}

#[tokio::test]
async fn a_client_that_never_reads_its_answer_is_cut_off() {
    let router = Router::new().route("/", get(|| ready(vec![b'a'; 32 << 20])));
    let server = Server::start_with(
        ServerSettings { request_timeout: SHORT_TIMEOUT, max_connections: 1, ..settings() },
        router.route("/small", get(|| ready("served"))),
    )
    .await;
    let mut greedy = server.connect().await;
    greedy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // There is one permit: this is served once the greedy client is disconnected.
    assert!(server.exchange("GET /small HTTP/1.0\r\n\r\n").await.ends_with("served"));
}

#[tokio::test]
async fn connections_beyond_the_maximum_wait_for_a_permit() {
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
        certificate: CertificateSource::Generated { data_dir: "/nowhere".into(), host_names: Vec::new() },
    };
    let error = bind(&ServerSettings { https: Some(https), ..settings() }, now()).await.err().unwrap();
    assert!(error.to_string().ends_with("choose another with --https-listen"), "{error}");
}

#[tokio::test]
async fn a_handler_that_never_ends_does_not_block_other_requests() {
    let router = Router::new().route("/", get(pending::<&'static str>)).route("/echo", any(echo));
    let server = Server::start_with(settings(), router).await;
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(server.exchange("GET /echo HTTP/1.0\r\n\r\n").await.ends_with("body="));
}
