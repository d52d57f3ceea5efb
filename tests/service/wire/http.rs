//! HTTP versions, verbs, forms and limits.

use super::*;

/// Sends bytes and reads until the server closes the connection.
async fn send_until_closed(server: &Server, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.addr).await.expect("the server accepts");
    socket.write_all(request).await.expect("the request is sent");
    let mut bytes = Vec::new();
    let reading = socket.read_to_end(&mut bytes);
    tokio::time::timeout(Duration::from_secs(30), reading)
        .await
        .expect("the server closes")
        .expect("the answer is read");
    String::from_utf8(bytes).expect("the answer is text")
}

#[tokio::test]
async fn http_1_0_gets_a_length_no_chunks_and_a_closed_connection() {
    let server = Server::start().await;
    let query = balance_request().query();
    let get = format!("GET /?{query} HTTP/1.0\r\nHost: localhost\r\n\r\n");
    let form = balance_request().with_verb("POST").query();
    let post = format!(
        "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}",
        form.len()
    );
    for request in [get, post] {
        let text = send_until_closed(&server, request.as_bytes()).await;
        let response = Response::parse(text.as_bytes());
        assert_ok(&response);
        assert_eq!(header(&response, "transfer-encoding"), None, "{}", response.head);
        assert_eq!(header(&response, "content-length"), Some(response.body.len().to_string()));
    }
}

#[tokio::test]
async fn http_1_0_without_a_host_works_when_an_alias_was_signed() {
    let server = Server::start().await;
    let query = balance_request().with_host("fps.sandbox.amazonaws.com").query();
    let text = send_until_closed(&server, format!("GET /?{query} HTTP/1.0\r\n\r\n").as_bytes()).await;
    assert_ok(&Response::parse(text.as_bytes()));
}

#[tokio::test]
async fn a_client_that_expects_100_continue_gets_it() {
    let server = Server::start().await;
    let form = balance_request().with_verb("POST").query();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n",
        form.len()
    );
    let mut socket = TcpStream::connect(server.addr).await.expect("the server accepts");
    socket.write_all(head.as_bytes()).await.expect("the head is sent");
    let mut interim = [0; 25];
    let reading = socket.read_exact(&mut interim);
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("in time").expect("it is read");
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(form.as_bytes()).await.expect("the form is sent");
    assert_ok(&read_response(&mut socket).await);
}

#[tokio::test]
async fn a_target_in_absolute_form_is_served_and_its_host_may_have_been_signed() {
    let server = Server::start().await;
    for (signed, header) in [
        ("fps.test", "fps.test"),
        ("fps.test:81", "fps.test:81"),
        ("fps.test", "fps.test:81"),
        ("fps.test:81", "localhost"),
    ] {
        let query = balance_request().with_host(signed).query();
        let request = format!(
            "GET http://fps.test:81/?{query} HTTP/1.1\r\nHost: {header}\r\nConnection: close\r\n\r\n"
        );
        assert_ok(&server.send_raw(request.as_bytes()).await);
    }
}

fn keep_alive_request(query: &str) -> String {
    format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = Server::start().await;
    let mut socket = TcpStream::connect(server.addr).await.expect("the server accepts");
    for _ in 0..3 {
        socket
            .write_all(keep_alive_request(&balance_request().query()).as_bytes())
            .await
            .expect("it is sent");
        assert_ok(&read_response(&mut socket).await);
        let refused = keep_alive_request(&balance_request().with_parameter("Action", "Nothing").query());
        socket.write_all(refused.as_bytes()).await.expect("it is sent");
        assert_eq!(read_response(&mut socket).await.code(), "InvalidAction");
    }
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_their_order() {
    let server = Server::start().await;
    let last = balance_request().query();
    let requests = [
        keep_alive_request(&payment_request("first").query()),
        keep_alive_request(&balance_request().with_parameter("Action", "Nothing").query()),
        format!("GET /?{last} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    ];
    let text = send_until_closed(&server, requests.concat().as_bytes()).await;
    let places: Vec<_> = ["<PayResponse", "<Code>InvalidAction", "<GetDebtBalanceResponse"]
        .iter()
        .map(|mark| text.find(mark).unwrap_or_else(|| panic!("no {mark} in {text}")))
        .collect();
    assert!(places.is_sorted(), "{text}");
    assert_eq!(text.matches("HTTP/1.1 200 OK").count(), 2, "{text}");
}

#[tokio::test]
async fn other_verbs_are_not_allowed_and_head_never_pays() {
    let server = Server::start().await;
    // Version 1 does not sign the verb, so these signatures are correct for every verb.
    let query = payment_request("p").with_scheme(Scheme::V1).query();
    for verb in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
        let request = format!("{verb} /?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let response = Response::parse(send_until_closed(&server, request.as_bytes()).await.as_bytes());
        assert_eq!(response.status, 405, "{verb}: {}", response.head);
        assert_eq!(header(&response, "allow").as_deref(), Some("GET, POST"), "{verb}");
        if verb == "HEAD" {
            assert_eq!(response.body, "");
        } else {
            assert_refused(&response, 405, "MethodNotAllowed", "Only GET and POST execute an action.");
        }
    }
    // None of these requests has used the reference, so a request with another amount succeeds.
    let other = payment_request("p").with_parameter("TransactionAmount.Value", "11");
    assert_ok(&send(&server, &other).await);
}

#[tokio::test]
async fn parameters_may_stand_in_the_form_in_the_query_or_in_both() {
    let server = Server::start().await;
    let query = balance_request().with_verb("POST").query();
    let (some, others) = query.split_at(query.find("&Version").expect("a version"));
    for (target, form) in [
        ("/".to_owned(), query.as_str()),
        (format!("/?{query}"), ""),
        (format!("/?{some}"), &others[1..]),
        (format!("/?{}", &others[1..]), some),
    ] {
        assert_ok(&server.send_raw(&post_form("localhost", &target, form)).await);
    }
}

#[tokio::test]
async fn a_parameter_in_query_and_form_is_given_twice() {
    let server = Server::start().await;
    let mut request = balance_request().with_verb("POST");
    request.pairs.push(("CreditInstrumentId".to_owned(), demo::INSTRUMENT.to_owned()));
    let query = request.query();
    let (_, form) = query.rsplit_once("&CreditInstrumentId=").expect("it is there twice");
    let target = format!("/?{}", query.strip_suffix(form).expect("a suffix"));
    let target = target.strip_suffix("&CreditInstrumentId=").expect("a suffix");
    let response =
        server.send_raw(&post_form("localhost", target, &format!("CreditInstrumentId={form}"))).await;
    assert_refused(&response, 400, "InvalidParams", "creditInstrumentId is given more than once");
}

#[tokio::test]
async fn a_form_needs_no_content_type() {
    let server = Server::start().await;
    let form = balance_request().with_verb("POST").query();
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
        form.len()
    );
    assert_ok(&server.send_raw(request.as_bytes()).await);
}

#[tokio::test]
async fn a_chunked_form_is_read() {
    let server = Server::start().await;
    let form = balance_request().with_verb("POST").query();
    let (first, rest) = form.split_at(20);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         14\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
        rest.len()
    );
    assert_ok(&server.send_raw(request.as_bytes()).await);
}

#[tokio::test]
async fn a_blank_may_be_sent_as_plus_or_as_percent_20() {
    let server = Server::start().await;
    let query = payment_request("a b  c").query();
    let first = send_raw(server.addr, get_request(&query).as_bytes()).await;
    let plus = send_raw(server.addr, get_request(&query.replace("%20", "+")).as_bytes()).await;
    assert_ok(&plus);
    assert_eq!(first.text("TransactionId"), plus.text("TransactionId"));
    let detail = [("TransactionId", first.text("TransactionId"))];
    let detail = detail.each_ref().map(|(name, value)| (*name, value.as_str()));
    let found = server.merchant().ok("GetTransaction", &detail).await;
    assert_eq!(found.text("CallerReference"), "a b  c");
}

#[tokio::test]
async fn soap_gets_a_clear_error() {
    let server = Server::start().await;
    for body in ["<?xml version=\"1.0\"?><soap:Envelope/>", "  \r\n<soapenv:Envelope>"] {
        let response = server.send_raw(&post_form("localhost", "/", body)).await;
        let text = "SOAP is not spoken here yet; send the action as a REST query or form.";
        assert_refused(&response, 400, "InvalidRequest", text);
    }
}

#[tokio::test]
async fn requests_beyond_a_limit_are_refused_with_the_name_of_its_setting() {
    let limits = Config { max_request_bytes: 2000, max_parameters: 12, ..config() };
    let server = Server::start_with(limits).await;
    let long = balance_request().with_parameter("CallerDescription", &"x".repeat(2000));
    let too_large = "The request is larger than 2000 bytes (--max-request-bytes).";
    assert_refused(&send(&server, &long).await, 413, "RequestTooLarge", too_large);
    assert_refused(&send(&server, &long.with_verb("POST")).await, 413, "RequestTooLarge", too_large);
    // Query and form count together.
    let half = "x".repeat(900);
    let form = post_form(
        "localhost",
        &format!("/?CallerDescription={half}"),
        &format!("SenderDescription={half}{half}"),
    );
    assert_refused(&server.send_raw(&form).await, 413, "RequestTooLarge", too_large);
    let form =
        post_form("localhost", &format!("/?CallerDescription={half}"), &format!("SenderDescription={half}"));
    assert_eq!(server.send_raw(&form).await.code(), "MissingAuthenticationToken");
    let mut many = balance_request();
    many.pairs.extend((0..12).map(|number| (format!("P{number}"), String::new())));
    let too_many = "The request has more than 12 parameters (--max-parameters).";
    assert_refused(&send(&server, &many).await, 400, "InvalidRequest", too_many);
    assert_ok(&send(&server, &balance_request()).await);
}

#[tokio::test]
async fn other_paths_are_not_the_service() {
    let server = Server::start().await;
    let request = format!(
        "GET /fps?{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        balance_request().query()
    );
    assert_eq!(server.send_raw(request.as_bytes()).await.status, 404);
}
