//! Malformed, oversized, slow and incomplete HTTP.

use super::*;

/// The request timeout in tests of slow clients.
const SHORT_TIMEOUT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn random_bytes_get_a_refusal_or_a_closed_connection() {
    let server = Server::start().await;
    let mut rng = new_rng();
    let beginnings: [&[u8]; 8] = [
        b"",
        b"GET /?",
        b"GET /?Action=",
        b"POST / HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 64\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: ",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for _ in 0..400 {
        let count = rng.random_range(0..2_000);
        let bytes = [*beginnings.choose(&mut rng).unwrap(), &random_bytes(&mut rng, count)].concat();
        let response = exchange(server.addr, &bytes).await;
        assert!(response.status < 500, "{response:?}");
        assert_serves(&server.merchant()).await;
    }
    assert_unpaid(&server.merchant()).await;
}

#[tokio::test]
async fn good_requests_with_a_few_bytes_changed_are_never_an_internal_error() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let mut rng = new_rng();
    for number in 0..400 {
        let reference = format!("changed {number}");
        let mut bytes =
            get_request(&merchant.signed_query("Pay", &pay(demo::CREDIT, "0.01", &reference))).into_bytes();
        for _ in 0..=rng.random_range(0..4) {
            let at = rng.random_range(0..bytes.len());
            match rng.random_range(0..3) {
                0 => bytes[at] = rng.random(),
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, *b"%&=+.\0\r\n <\xff".choose(&mut rng).unwrap()),
            }
        }
        let response = exchange(server.addr, &bytes).await;
        assert!(response.status < 500, "{response:?}\n{}", String::from_utf8_lossy(&bytes));
        assert_serves(&merchant).await;
    }
}

#[tokio::test]
async fn requests_beyond_the_limits_are_refused_with_the_limit_in_the_message() {
    let server = start_without_authentication().await;
    let config = Config { max_request_bytes: 4_096, ..crate::support::config() };
    let narrow = Server::start_with(config).await;
    let merchant = server.merchant();
    let too_large = "larger than 65536 bytes (--max-request-bytes)";
    let too_many = "more than 200 parameters (--max-parameters)";
    let chunked = {
        let mut bytes = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for _ in 0..100 {
            bytes.extend_from_slice(b"400\r\n");
            bytes.extend_from_slice(&[b'a'; 1_024]);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    };
    let one_value = format!("Action=Pay&Version=2010-08-28&SenderTokenId={}", "x%26y".repeat(10_000));
    for (server, bytes, code, part) in [
        (&server, post_request(&vec![b'a'; 65_537]), Code::RequestTooLarge, too_large),
        (&server, post_request(&vec![b'a'; 5_000_000]), Code::RequestTooLarge, too_large),
        (&server, chunked, Code::RequestTooLarge, too_large),
        (
            &narrow,
            get_request(&"a".repeat(4_097)).into_bytes(),
            Code::RequestTooLarge,
            "larger than 4096 bytes",
        ),
        (&server, get_request(&"a=1&".repeat(10_000)).into_bytes(), Code::InvalidRequest, too_many),
        (&server, post_request("a=1&".repeat(10_000).as_bytes()), Code::InvalidRequest, too_many),
        // Nothing between two ampersands is not a parameter.
        (&server, get_request(&"&".repeat(60_000)).into_bytes(), Code::MissingAction, ""),
        (&server, post_request(one_value.as_bytes()), Code::InvalidParams, "senderTokenId can not be longer"),
    ] {
        assert_refused(&exchange(server.addr, &bytes).await, code, part);
        assert_serves(&server.merchant()).await;
    }
    // Half of the parameters in the query, half in the form.
    let halves = format!("POST /?{} HTTP/1.1\r\nHost: x\r\nContent-Length: 404\r\n\r\n", "a=1&".repeat(101));
    let halves = [halves.as_bytes(), "a=1&".repeat(101).as_bytes()].concat();
    assert_refused(&exchange(server.addr, &halves).await, Code::InvalidRequest, too_many);
    assert_serves(&merchant).await;
    assert_unpaid(&merchant).await;
}

#[tokio::test]
async fn heads_beyond_the_limits_are_refused_with_the_fitting_status() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let with_headers =
        |headers: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").into_bytes();
    for (bytes, status) in [
        (get_request(&"a".repeat(70_000)).into_bytes(), 414),
        (with_headers(&"X-Flood: 1\r\n".repeat(10_000)), 431),
        (with_headers(&format!("X-Long: {}\r\n", "a".repeat(500_000))), 431),
        (with_headers("Content-Length: 99999999999999999999999999\r\n"), 400),
        (with_headers("Content-Length: -1\r\n"), 400),
        (with_headers("Content-Length: 1\r\nContent-Length: 2\r\n"), 400),
        (with_headers("No colon here\r\n"), 400),
        (with_headers("X-Null: \0\r\n"), 400),
    ] {
        let response = exchange(server.addr, &bytes).await;
        assert_eq!(response.status, status, "{response:?}");
        assert_serves(&merchant).await;
    }
}

#[tokio::test]
async fn bodies_that_are_promised_and_not_sent_do_not_hold_up_the_server() {
    let server = Server::start().await;
    for length in ["20", "65536", "4000000000", "9000000000000000000"] {
        let head = format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
        for beginning in ["", "Action=Pay&"] {
            let request = format!("{head}{beginning}");
            // One client closes the connection at once, another only its sending side.
            let mut socket = TcpStream::connect(server.addr).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            drop(socket);
            let response = exchange(server.addr, request.as_bytes()).await;
            if response.status != 0 {
                assert!(
                    [Code::InvalidRequest, Code::RequestTooLarge].contains(&refusal_code(&response)),
                    "{response:?}"
                );
            }
            assert_serves(&server.merchant()).await;
        }
    }
    assert_unpaid(&server.merchant()).await;
}

#[tokio::test]
async fn a_body_without_end_is_cut_off_by_size_or_by_time() {
    let head = b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (request_timeout, pause, code) in [
        (TIMEOUT, Duration::ZERO, Code::RequestTooLarge),
        (SHORT_TIMEOUT, SHORT_TIMEOUT / 10, Code::RequestTimeout),
    ] {
        let server = Server::start_with(Config { request_timeout, ..config() }).await;
        let (mut reading, mut writing) = TcpStream::connect(server.addr).await.unwrap().into_split();
        writing.write_all(head).await.unwrap();
        let endless = tokio::spawn(async move {
            let chunk = format!("100\r\n{}\r\n", "a".repeat(256));
            while writing.write_all(chunk.as_bytes()).await.is_ok() {
                sleep(pause).await;
            }
        });
        let mut bytes = Vec::new();
        timeout(TIMEOUT, reading.read_to_end(&mut bytes)).await.expect("the server closes").unwrap();
        assert_refused(&Response::parse(&bytes), code, "");
        assert_serves(&server.merchant()).await;
        drop(reading);
        timeout(TIMEOUT, endless).await.expect("the socket is closed").unwrap();
    }
}

#[tokio::test]
async fn a_slow_client_is_disconnected_and_others_are_served_meanwhile() {
    let server = Server::start_with(Config { request_timeout: SHORT_TIMEOUT, ..config() }).await;
    let merchant = server.merchant();
    let full = post_request(merchant.signed_query("Pay", &pay(demo::CREDIT, "1", "slow")).as_bytes());
    let began = Instant::now();
    let mut socket = TcpStream::connect(server.addr).await.unwrap();
    let mut ended = false;
    for byte in full {
        if socket.write_all(&[byte]).await.is_err() {
            ended = true;
            break;
        }
        sleep(Duration::from_millis(3)).await;
        if began.elapsed() > TIMEOUT {
            break;
        }
    }
    assert!(ended, "a request may trickle in for {:?}", began.elapsed());
    assert_serves(&merchant).await;
    assert_unpaid(&merchant).await;
}

#[tokio::test]
async fn garbage_after_a_good_request_does_not_spoil_its_answer() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let mut rng = new_rng();
    for number in 0..20 {
        let query = merchant.signed_query("Pay", &pay(demo::CREDIT, "1", &format!("good {number}")));
        let good = format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
        let answer = exchange_bytes(server.addr, &[good, random_bytes(&mut rng, 500)].concat()).await;
        assert_eq!(Response::parse(&answer).status, 200, "{}", String::from_utf8_lossy(&answer));
        assert_serves(&merchant).await;
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "120.000000");
}

#[tokio::test]
async fn a_request_hidden_in_the_body_of_another_is_not_run() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let hidden = get_request(&merchant.signed_query("Pay", &pay(demo::CREDIT, "1", "hidden")));
    for head in [
        format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", hidden.len()),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity, gzip\r\n\r\n".to_owned(),
    ] {
        exchange_bytes(server.addr, format!("{head}{hidden}").as_bytes()).await;
        assert_unpaid(&merchant).await;
    }
}

#[tokio::test]
async fn other_verbs_are_refused_with_what_is_allowed_and_never_pay() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let query = merchant.signed_query("Pay", &pay(demo::CREDIT, "1", "by another verb"));
    for verb in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "HEAD"] {
        let request = get_request(&query).replacen("GET", verb, 1);
        let response = exchange(server.addr, request.as_bytes()).await;
        assert_eq!(response.status, 405, "{verb}: {response:?}");
        assert!(response.head.contains("\r\nallow: GET, POST"), "{}", response.head);
        if verb == "HEAD" {
            assert_eq!(response.body, "");
        } else {
            assert_refused(&response, Code::MethodNotAllowed, "Only GET and POST");
        }
        assert_serves(&merchant).await;
    }
    assert_unpaid(&merchant).await;
}
