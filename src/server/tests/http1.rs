//! HTTP/1.0 and 1.1.

use super::*;

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
        sleep(SHORT_WAIT).await;
        "slow but sure"
    });
    let server = Server::start_with(settings(), Router::new().route("/", slow)).await;
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
    let server =
        Server::start_with(settings(), Router::new().route("/", get(|| ready("twelve bytes")))).await;
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
    let positions: Vec<_> = ["POST /1 ", "GET /2 ", "GET /3 "].map(|part| answer.find(part).unwrap()).into();
    assert!(positions.is_sorted(), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
}

#[tokio::test]
async fn http_1_1_requests_have_exactly_one_valid_host_header() {
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
