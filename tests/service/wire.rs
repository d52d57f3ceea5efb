//! The service as bytes on a socket: documents, HTTP in its shapes, common parameters, modes of authentication.

use std::time::Duration;

use crate::support::signer::{Request, message, post};
use crate::support::{NOW, Reply, Server, config, demo, get, pay, raw, read_reply};
use fps_sandbox::config::{AuthMode, Config, TimestampWindow};
use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A signed request for the debt on the demo instrument.
fn balance() -> Request {
    let asks = [("CreditInstrumentId", demo::INSTRUMENT)];
    Request::new(demo::KEY, demo::SECRET, NOW, "GetDebtBalance", &asks)
}

/// A signed request to pay ten dollars from a balance.
fn payment(reference: &str) -> Request {
    Request::new(demo::KEY, demo::SECRET, NOW, "Pay", &pay(demo::ABT, "10", reference))
}

async fn sent(server: &Server, request: &Request) -> Reply {
    server.raw(&request.bytes()).await
}

fn assert_ok(reply: &Reply) {
    assert_eq!(reply.status, 200, "{}\n{}", reply.head, reply.body);
}

fn assert_refused(reply: &Reply, status: u16, code: &str, message: &str) {
    let found = (reply.status, reply.code());
    assert_eq!(found, (status, code.to_owned()), "{}", reply.body);
    assert_eq!(reply.message(), message);
}

/// The value of a header.
fn header(reply: &Reply, name: &str) -> Option<String> {
    reply.head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}

mod documents {
    use super::*;

    #[tokio::test]
    async fn a_success_is_declared_then_stands_on_one_line() {
        let server = Server::start().await;
        let reply = sent(&server, &payment("p")).await;
        assert!(reply.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", reply.head);
        assert_eq!(header(&reply, "content-type").as_deref(), Some("text/xml"));
        assert_eq!(
            reply.redacted(),
            "<?xml version=\"1.0\"?>\n<PayResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\"><PayResult>\
             <TransactionId>[transaction]</TransactionId><TransactionStatus>Success</TransactionStatus></PayResult>\
             <ResponseMetadata><RequestId>[uuid]:0</RequestId></ResponseMetadata></PayResponse>"
        );
    }

    #[tokio::test]
    async fn a_refusal_has_no_namespace_and_its_own_spelling_of_the_request_id() {
        let server = Server::start().await;
        let reply = sent(&server, &payment("p").with("SenderTokenId", "NONE")).await;
        assert!(reply.head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{}", reply.head);
        assert_eq!(header(&reply, "content-type").as_deref(), Some("text/xml"));
        assert_eq!(
            reply.redacted(),
            "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>InvalidParams</Code><Message>\"senderTokenId\" has \
             to be a valid token ID. Specified value: NONE</Message></Error></Errors><RequestID>[uuid]</RequestID>\
             </Response>"
        );
    }

    #[tokio::test]
    async fn the_namespace_follows_the_version_asked_for() {
        let server = Server::start().await;
        for version in ["2008-09-17", "2009-01-09", "2010-08-28", "2011-09-20", "2030-12-31"] {
            let reply = sent(&server, &balance().with("Version", version)).await;
            assert_ok(&reply);
            let root = format!("<GetDebtBalanceResponse xmlns=\"http://fps.amazonaws.com/doc/{version}/\">");
            assert!(reply.body.contains(&root), "{}", reply.body);
        }
    }

    #[tokio::test]
    async fn every_answer_has_a_request_id_of_its_own() {
        let server = Server::start().await;
        let first = sent(&server, &payment("p")).await;
        let again = sent(&server, &payment("p")).await;
        assert_eq!(first.text("TransactionId"), again.text("TransactionId"));
        assert_ne!(first.text("RequestId"), again.text("RequestId"));
        let refusals = [
            sent(&server, &balance().with("Action", "Nothing")).await.text("RequestID"),
            sent(&server, &balance().with("Action", "Nothing")).await.text("RequestID"),
        ];
        assert_ne!(refusals[0], refusals[1]);
    }

    #[tokio::test]
    async fn markup_and_line_breaks_in_what_is_sent_do_not_break_the_document() {
        let server = Server::start().await;
        let reply = sent(&server, &payment("p").with("SenderTokenId", "<a>&\r\n]]>")).await;
        assert_refused(
            &reply,
            400,
            "InvalidParams",
            "\"senderTokenId\" has to be a valid token ID. Specified value: &lt;a&gt;&amp;&#13;&#10;]]&gt;",
        );
        assert_eq!(reply.body.lines().count(), 2, "{}", reply.body);
    }
}

mod http {
    use super::*;

    /// Sends bytes, then reads until the server closes.
    async fn to_the_end(server: &Server, request: &[u8]) -> String {
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
        let query = balance().query();
        let get = format!("GET /?{query} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        let form = balance().verb("POST").query();
        let post = format!(
            "POST / HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n{form}",
            form.len()
        );
        for request in [get, post] {
            let text = to_the_end(&server, request.as_bytes()).await;
            let reply = Reply::parse(text.as_bytes());
            assert_ok(&reply);
            assert_eq!(header(&reply, "transfer-encoding"), None, "{}", reply.head);
            assert_eq!(header(&reply, "content-length"), Some(reply.body.len().to_string()));
        }
    }

    #[tokio::test]
    async fn http_1_0_without_a_host_works_when_an_alias_was_signed() {
        let server = Server::start().await;
        let query = balance().host("fps.sandbox.amazonaws.com").query();
        let text = to_the_end(&server, format!("GET /?{query} HTTP/1.0\r\n\r\n").as_bytes()).await;
        assert_ok(&Reply::parse(text.as_bytes()));
    }

    #[tokio::test]
    async fn a_client_that_expects_100_continue_gets_it() {
        let server = Server::start().await;
        let form = balance().verb("POST").query();
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
        assert_ok(&read_reply(&mut socket).await);
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
            let query = balance().host(signed).query();
            let request = format!(
                "GET http://fps.test:81/?{query} HTTP/1.1\r\nHost: {header}\r\nConnection: close\r\n\r\n"
            );
            assert_ok(&server.raw(request.as_bytes()).await);
        }
    }

    fn kept_alive(query: &str) -> String {
        format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }

    #[tokio::test]
    async fn one_connection_serves_many_requests() {
        let server = Server::start().await;
        let mut socket = TcpStream::connect(server.addr).await.expect("the server accepts");
        for _ in 0..3 {
            socket.write_all(kept_alive(&balance().query()).as_bytes()).await.expect("it is sent");
            assert_ok(&read_reply(&mut socket).await);
            let refused = kept_alive(&balance().with("Action", "Nothing").query());
            socket.write_all(refused.as_bytes()).await.expect("it is sent");
            assert_eq!(read_reply(&mut socket).await.code(), "InvalidAction");
        }
    }

    #[tokio::test]
    async fn pipelined_requests_are_answered_in_their_order() {
        let server = Server::start().await;
        let last = balance().query();
        let requests = [
            kept_alive(&payment("first").query()),
            kept_alive(&balance().with("Action", "Nothing").query()),
            format!("GET /?{last} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        ];
        let text = to_the_end(&server, requests.concat().as_bytes()).await;
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
        // Version 1 does not sign the verb, so these signatures are right for every verb.
        let query = payment("p").by(Scheme::V1).query();
        for verb in ["HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"] {
            let request =
                format!("{verb} /?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let reply = Reply::parse(to_the_end(&server, request.as_bytes()).await.as_bytes());
            assert_eq!(reply.status, 405, "{verb}: {}", reply.head);
            assert_eq!(header(&reply, "allow").as_deref(), Some("GET, POST"), "{verb}");
            if verb == "HEAD" {
                assert_eq!(reply.body, "");
            } else {
                assert_refused(&reply, 405, "MethodNotAllowed", "Only GET and POST execute an action.");
            }
        }
        // The reference is unused, so another amount may use it.
        let other = payment("p").with("TransactionAmount.Value", "11");
        assert_ok(&sent(&server, &other).await);
    }

    #[tokio::test]
    async fn parameters_may_stand_in_the_form_in_the_query_or_in_both() {
        let server = Server::start().await;
        let query = balance().verb("POST").query();
        let (some, others) = query.split_at(query.find("&Version").expect("a version"));
        for (target, form) in [
            ("/".to_owned(), query.as_str()),
            (format!("/?{query}"), ""),
            (format!("/?{some}"), &others[1..]),
            (format!("/?{}", &others[1..]), some),
        ] {
            assert_ok(&server.raw(&post("localhost", &target, form)).await);
        }
    }

    #[tokio::test]
    async fn a_parameter_in_query_and_form_is_given_twice() {
        let server = Server::start().await;
        let mut request = balance().verb("POST");
        request.pairs.push(("CreditInstrumentId".to_owned(), demo::INSTRUMENT.to_owned()));
        let query = request.query();
        let (_, form) = query.rsplit_once("&CreditInstrumentId=").expect("it is there twice");
        let target = format!("/?{}", query.strip_suffix(form).expect("a suffix"));
        let target = target.strip_suffix("&CreditInstrumentId=").expect("a suffix");
        let reply = server.raw(&post("localhost", target, &format!("CreditInstrumentId={form}"))).await;
        assert_refused(&reply, 400, "InvalidParams", "creditInstrumentId is given more than once");
    }

    #[tokio::test]
    async fn a_form_needs_no_content_type() {
        let server = Server::start().await;
        let form = balance().verb("POST").query();
        let request = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        assert_ok(&server.raw(request.as_bytes()).await);
    }

    #[tokio::test]
    async fn a_chunked_form_is_read() {
        let server = Server::start().await;
        let form = balance().verb("POST").query();
        let (first, rest) = form.split_at(20);
        let request = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
             14\r\n{first}\r\n{:x}\r\n{rest}\r\n0\r\n\r\n",
            rest.len()
        );
        assert_ok(&server.raw(request.as_bytes()).await);
    }

    #[tokio::test]
    async fn a_blank_may_be_sent_as_plus_or_as_percent_20() {
        let server = Server::start().await;
        let query = payment("a b  c").query();
        let first = raw(server.addr, get(&query).as_bytes()).await;
        let plus = raw(server.addr, get(&query.replace("%20", "+")).as_bytes()).await;
        assert_ok(&plus);
        assert_eq!(first.text("TransactionId"), plus.text("TransactionId"));
        let detail = [("TransactionId", first.text("TransactionId"))];
        let detail = detail.each_ref().map(|(name, value)| (*name, value.as_str()));
        let found = server.merchant().ok("GetTransaction", &detail).await;
        assert_eq!(found.text("CallerReference"), "a b  c");
    }

    #[tokio::test]
    async fn soap_gets_one_clear_error() {
        let server = Server::start().await;
        for body in ["<?xml version=\"1.0\"?><soap:Envelope/>", "  \r\n<soapenv:Envelope>"] {
            let reply = server.raw(&post("localhost", "/", body)).await;
            let text = "SOAP is not spoken here yet; send the action as a REST query or form.";
            assert_refused(&reply, 400, "InvalidRequest", text);
        }
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_with_the_setting_that_limits_it() {
        let limits = Config { max_request_bytes: 2000, max_parameters: 12, ..config() };
        let server = Server::start_with(limits).await;
        let long = balance().with("CallerDescription", &"x".repeat(2000));
        let too_large = "The request is larger than 2000 bytes (--max-request-bytes).";
        assert_refused(&sent(&server, &long).await, 413, "RequestTooLarge", too_large);
        assert_refused(&sent(&server, &long.verb("POST")).await, 413, "RequestTooLarge", too_large);
        // Query and form count together.
        let half = "x".repeat(900);
        let form = post(
            "localhost",
            &format!("/?CallerDescription={half}"),
            &format!("SenderDescription={half}{half}"),
        );
        assert_refused(&server.raw(&form).await, 413, "RequestTooLarge", too_large);
        let form =
            post("localhost", &format!("/?CallerDescription={half}"), &format!("SenderDescription={half}"));
        assert_eq!(server.raw(&form).await.code(), "MissingAuthenticationToken");
        let mut many = balance();
        many.pairs.extend((0..12).map(|number| (format!("P{number}"), String::new())));
        let too_many = "The request has more than 12 parameters (--max-parameters).";
        assert_refused(&sent(&server, &many).await, 400, "InvalidRequest", too_many);
        assert_ok(&sent(&server, &balance()).await);
    }

    #[tokio::test]
    async fn other_paths_are_not_the_service() {
        let server = Server::start().await;
        let request = format!(
            "GET /fps?{} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            balance().query()
        );
        assert_eq!(server.raw(request.as_bytes()).await.status, 404);
    }
}

mod hosts {
    use super::*;

    #[tokio::test]
    async fn the_host_may_be_signed_as_sent_without_its_port_as_the_listeners_own_or_as_an_alias() {
        let server = Server::start().await;
        let listener = server.addr.to_string();
        for (header, signed) in [
            ("localhost", "localhost"),
            ("localhost:8008", "localhost:8008"),
            ("localhost:8008", "localhost"),
            ("LOCALHOST:8008", "localhost"),
            ("merchant.test", listener.as_str()),
            ("localhost:8008", "fps.sandbox.amazonaws.com"),
            ("localhost:8008", "fps.amazonaws.com"),
            ("[::1]:8008", "[::1]"),
        ] {
            let query = balance().host(signed).query();
            let reply = server.raw(&message("GET", header, &query)).await;
            assert_eq!(reply.status, 200, "{header} signed as {signed}: {}", reply.body);
        }
    }

    #[tokio::test]
    async fn aliases_are_what_the_configuration_says() {
        let aliases = vec!["pay.test".to_owned()];
        let server = Server::start_with(Config { host_alias: aliases, ..config() }).await;
        let signed_for =
            async |host: &str| server.raw(&message("GET", "localhost", &balance().host(host).query())).await;
        assert_ok(&signed_for("pay.test").await);
        assert_eq!(signed_for("fps.sandbox.amazonaws.com").await.code(), "SignatureDoesNotMatch");
    }
}

mod common_parameters {
    use super::*;

    #[tokio::test]
    async fn versions_before_the_first_and_ill_formed_ones_are_invalid() {
        let server = Server::start().await;
        for version in
            ["2007-01-08", "2008-09-16", "2008-9-17", "20080917", "latest", "2008-13-01", "2010-08-28 "]
        {
            let reply = sent(&server, &balance().with("Version", version)).await;
            let text = format!(
                "Value ({version}) for parameter Version is invalid. Must be 2008-09-17 or a later date, such as \
                 2010-08-28."
            );
            assert_refused(&reply, 400, "InvalidParameterValue", &text);
        }
    }

    #[tokio::test]
    async fn the_version_can_not_be_left_out() {
        let server = Server::start().await;
        for request in [balance().without("Version"), balance().with("Version", "")] {
            assert_refused(&sent(&server, &request).await, 400, "InvalidParams", "version can not be empty ");
        }
    }

    #[tokio::test]
    async fn the_action_has_to_be_there_and_be_known() {
        let server = Server::start().await;
        let missing = "The request must contain the parameter Action.";
        for request in [balance().without("Action"), balance().with("Action", "")] {
            assert_refused(&sent(&server, &request).await, 400, "MissingAction", missing);
        }
        for name in ["getdebtbalance", "GetResults", "Pay "] {
            let reply = sent(&server, &balance().with("Action", name)).await;
            let text = format!("The action {name} is not valid for this web service.");
            assert_refused(&reply, 400, "InvalidAction", &text);
        }
    }

    #[tokio::test]
    async fn authentication_comes_before_everything_else() {
        let server = Server::start().await;
        let unsigned = raw(server.addr, get("Action=Nothing&Colour=red").as_bytes()).await;
        let text = "The request must be signed; AWSAccessKeyId is missing.";
        assert_refused(&unsigned, 403, "MissingAuthenticationToken", text);
        let nothing = raw(server.addr, get("").as_bytes()).await;
        assert_refused(&nothing, 403, "MissingAuthenticationToken", text);
    }

    #[tokio::test]
    async fn the_action_comes_before_the_version_and_the_version_before_parameters() {
        let server = Server::start().await;
        let request = balance().with("Action", "Nothing").with("Version", "2007-01-08").with("Colour", "red");
        assert_eq!(sent(&server, &request).await.code(), "InvalidAction");
        let request = balance().with("Version", "2007-01-08").with("Colour", "red");
        assert_eq!(sent(&server, &request).await.code(), "InvalidParameterValue");
    }

    /// A parameter as bytes, and as it is sent.
    const NO_TEXTS: [(&[u8], &str); 5] =
        [(b"\xff", "%FF"), (b"caf\xe9", "caf%E9"), (b"\x01", "%01"), (b"%zz", "%zz"), (b"100%", "100%")];

    /// A signature covers bytes, so a request is authentic before anybody asks whether they are text.
    #[tokio::test]
    async fn authentication_comes_before_complaints_about_the_encoding() {
        let server = Server::start().await;
        for scheme in [Scheme::V2(Hash::Sha256), Scheme::V2(Hash::Sha1), Scheme::V1] {
            for (bytes, text) in NO_TEXTS {
                let request = balance().by(scheme);
                let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = request
                    .pairs
                    .iter()
                    .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
                    .collect();
                pairs.push((b"CallerDescription".to_vec(), bytes.to_vec()));
                let signable =
                    Signable { verb: "GET", path: "/", pairs: &pairs, signature_name: "Signature" };
                let right = sign(&SecretKey::new(demo::SECRET), scheme, &signable, "localhost");
                let asked = async |query: String| {
                    let query = format!("{query}&CallerDescription={text}");
                    raw(server.addr, get(&query).as_bytes()).await
                };
                let reply = asked(request.query_signed_as(&right)).await;
                assert_eq!((reply.status, reply.code().as_str()), (400, "InvalidParams"), "{}", reply.body);
                assert!(reply.message().starts_with("The value of CallerDescription "), "{}", reply.body);
                let reply = asked(request.query()).await;
                assert_eq!(reply.code(), "SignatureDoesNotMatch", "{text}");
                let stranger = request.clone().with("AWSAccessKeyId", "NOBODY");
                assert_eq!(asked(stranger.query()).await.code(), "InvalidClientTokenId");
                let unsigned = crate::support::encode(&request.pairs);
                assert_eq!(asked(unsigned).await.code(), "MissingAuthenticationToken");
            }
        }
    }

    #[tokio::test]
    async fn authentication_comes_before_all_other_complaints_about_parameters() {
        let server = Server::start().await;
        let many = "&P=x".repeat(300);
        for faults in [
            many.as_str(),
            "&Action=Pay",
            "&Version=",
            "&Timestamp=never",
            "&SignatureMethod=x",
            "&=",
            "&Signature=y",
        ] {
            let query = format!("{}{faults}", crate::support::encode(&balance().pairs));
            let reply = raw(server.addr, get(&query).as_bytes()).await;
            let unsigned =
                if faults == "&Signature=y" { "SignatureDoesNotMatch" } else { "MissingAuthenticationToken" };
            assert_eq!(reply.code(), unsigned, "{faults}");
        }
        let wrong = |request: Request| sent_by_stranger(request);
        for request in [
            balance().with("Timestamp", "never"),
            balance().with("Timestamp", "2002-01-01T00:00:00Z"),
            balance().with("Version", "1"),
            balance().with("Colour", "red"),
        ] {
            let reply = raw(server.addr, get(&wrong(request)).as_bytes()).await;
            assert_eq!(reply.code(), "SignatureDoesNotMatch");
        }
    }

    /// The query of a request that is signed with another secret.
    fn sent_by_stranger(mut request: Request) -> String {
        request.secret.push('x');
        request.query()
    }

    #[tokio::test]
    async fn timestamps_come_in_many_forms() {
        let server = Server::start().await;
        for timestamp in [
            "2012-06-01T12:00:00Z",
            "2012-06-01T12:00:00.000Z",
            "2012-06-01T12:00:00.123456Z",
            "2012-06-01T14:00:00+02:00",
            "2012-06-01T04:30:00.5-07:30",
            "2012-06-01T12:00:00",
        ] {
            let reply = sent(&server, &balance().with("Timestamp", timestamp)).await;
            assert_eq!(reply.status, 200, "{timestamp}: {}", reply.body);
        }
    }

    #[tokio::test]
    async fn ill_formed_timestamps_are_refused_in_the_captured_words() {
        let server = Server::start().await;
        for timestamp in [
            "2010-02-26 T19:48:05.000Z",
            "2012-06-01 12:00:00Z",
            "2012-06-01T11:59:60Z",
            "2012-06-01T+1:00:00Z",
            "2012-06-01T12:00:00+0000",
            "2012-06-01",
            "1338552000",
            "2012-13-01T12:00:00Z",
            "now",
            "",
        ] {
            let reply = sent(&server, &balance().with("Timestamp", timestamp)).await;
            let text =
                format!("Value ({timestamp}) for parameter Timestamp is invalid. Must be in ISO8601 format.");
            assert_refused(&reply, 400, "InvalidParameterValue", &text);
        }
        let reply = sent(&server, &balance().without("Timestamp")).await;
        let text = "Value () for parameter Timestamp is invalid. Must be in ISO8601 format.";
        assert_refused(&reply, 400, "InvalidParameterValue", text);
    }

    #[tokio::test]
    async fn the_window_is_fifteen_minutes_either_way_on_the_sandbox_clock() {
        let server = Server::start().await;
        let asked = async |timestamp: &str| sent(&server, &balance().with("Timestamp", timestamp)).await;
        for edge in ["2012-06-01T11:45:00.000Z", "2012-06-01T12:15:00.000Z"] {
            assert_ok(&asked(edge).await);
        }
        for beyond in ["2012-06-01T11:44:59.999Z", "2012-06-01T12:15:00.001Z"] {
            let text = format!("Request has expired. Timestamp date is {beyond}");
            let reply = asked(beyond).await;
            assert_eq!((reply.status, reply.code().as_str()), (400, "RequestExpired"));
            assert!(reply.message().starts_with(&text), "{}", reply.message());
        }
        // The clock is the sandbox's: what was just too far ahead is in the window a millisecond later.
        server.advance(Duration::from_millis(1)).await;
        assert_ok(&asked("2012-06-01T12:15:00.001Z").await);
        assert_eq!(asked("2012-06-01T11:45:00.000Z").await.code(), "RequestExpired");
    }

    #[tokio::test]
    async fn the_window_is_as_wide_as_configured() {
        let narrow = Config { timestamp_window: TimestampWindow(Some(Duration::from_secs(1))), ..config() };
        let server = Server::start_with(narrow).await;
        let asked = async |timestamp: &str| sent(&server, &balance().with("Timestamp", timestamp)).await;
        assert_ok(&asked("2012-06-01T12:00:01Z").await);
        assert_eq!(asked("2012-06-01T12:00:01.001Z").await.code(), "RequestExpired");
    }

    #[tokio::test]
    async fn signature_versions_are_2_and_1() {
        let server = Server::start().await;
        for version in ["0", "3", "two", ""] {
            let reply = sent(&server, &balance().with("SignatureVersion", version)).await;
            let text =
                format!("Value ({version}) for parameter SignatureVersion is invalid. Must be 2 or 1.");
            assert_refused(&reply, 400, "InvalidParameterValue", &text);
        }
        let reply = sent(&server, &balance().without("SignatureVersion")).await;
        let text = "Value () for parameter SignatureVersion is invalid. Must be 2 or 1.";
        assert_refused(&reply, 400, "InvalidParameterValue", text);
    }

    #[tokio::test]
    async fn a_version_that_the_configuration_leaves_out_is_refused() {
        for (versions, refused, taken) in
            [(vec![2], Scheme::V1, Scheme::V2(Hash::Sha256)), (vec![1], Scheme::V2(Hash::Sha1), Scheme::V1)]
        {
            let server = Server::start_with(Config { signature_versions: versions, ..config() }).await;
            assert_ok(&sent(&server, &balance().by(taken)).await);
            let number = if refused == Scheme::V1 { 1 } else { 2 };
            let text = format!(
                "Value ({number}) for parameter SignatureVersion is invalid. Requests signed by version {number} are not \
                 accepted any more; sign by another version (--signature-versions)."
            );
            let reply = sent(&server, &balance().by(refused)).await;
            assert_refused(&reply, 400, "InvalidParameterValue", &text);
        }
    }

    #[tokio::test]
    async fn version_2_names_one_of_two_methods() {
        let server = Server::start().await;
        for method in ["HmacMD5", "hmacsha256", ""] {
            let reply = sent(&server, &balance().with("SignatureMethod", method)).await;
            let text = format!(
                "Value ({method}) for parameter SignatureMethod is invalid. Must be HmacSHA256 or HmacSHA1."
            );
            assert_refused(&reply, 400, "InvalidParameterValue", &text);
        }
        assert_ok(&sent(&server, &balance().by(Scheme::V2(Hash::Sha1))).await);
        assert_ok(&sent(&server, &balance().by(Scheme::V2(Hash::Sha256))).await);
    }

    #[tokio::test]
    async fn version_1_needs_no_method_and_covers_neither_host_nor_verb() {
        let server = Server::start().await;
        let request = balance().by(Scheme::V1);
        assert_ok(&sent(&server, &request).await);
        let query = request.query();
        assert_ok(&server.raw(&message("GET", "elsewhere.test", &query)).await);
        assert_ok(&server.raw(&message("POST", "elsewhere.test", &query)).await);
    }
}

mod accounts {
    use super::*;

    const SEED: &str = r#"
[[account]]
name = "customer"
email = "customer@example.com"
developer = false
[[account.access_key]]
id = "CUSTOMER"
secret = "a secret"
[[account]]
name = "stranger"
email = "stranger@example.com"
signed_up = false
[[account.access_key]]
id = "STRANGER"
secret = "a secret"
[[account]]
name = "shop"
email = "shop@example.com"
[[account.access_key]]
id = "SHOP"
secret = "a secret"
"#;

    #[tokio::test]
    async fn only_a_developer_who_is_signed_up_may_call() {
        let server = Server::start_seeded(SEED).await;
        let asked = async |key: &str, secret: &str, action: &str| {
            sent(&server, &Request::new(key, secret, NOW, action, &[])).await
        };
        assert_ok(&asked("SHOP", "a secret", "GetAccountBalance").await);
        for action in ["GetAccountBalance", "Pay", "Nothing"] {
            let text = "Developer account is needed to make API calls.";
            assert_refused(&asked("CUSTOMER", "a secret", action).await, 403, "AccessFailure", text);
            let text = "AWS was not able to validate the provided access credentials.";
            assert_refused(&asked("STRANGER", "a secret", action).await, 401, "AuthFailure", text);
            // Who does not know the secret learns nothing of the account.
            for key in ["CUSTOMER", "STRANGER"] {
                assert_eq!(asked(key, "another", action).await.code(), "SignatureDoesNotMatch");
            }
        }
    }
}

mod modes {
    use super::*;

    async fn server(auth: AuthMode) -> Server {
        Server::start_with(Config { auth, ..config() }).await
    }

    fn report(reply: &Reply) -> Option<String> {
        header(reply, "x-sandbox-signature")
    }

    #[tokio::test]
    async fn strict_refuses_and_reports_nothing() {
        let server = server(AuthMode::Strict).await;
        let right = sent(&server, &balance()).await;
        assert_eq!((right.status, report(&right)), (200, None));
        let wrong = raw(server.addr, get(&balance().query_signed_as("AAAA")).as_bytes()).await;
        assert_eq!((wrong.status, report(&wrong)), (403, None));
    }

    #[tokio::test]
    async fn lenient_lets_through_and_reports() {
        let server = server(AuthMode::Lenient).await;
        let right = sent(&server, &balance()).await;
        assert_eq!((right.status, report(&right).as_deref()), (200, Some("ok")));
        let reported = async |query: String| {
            let reply = raw(server.addr, get(&query).as_bytes()).await;
            assert_ok(&reply);
            report(&reply).expect("a report")
        };
        let mut other = balance();
        other.secret = "another secret".to_owned();
        let wrong = reported(other.query()).await;
        assert!(wrong.starts_with("SignatureDoesNotMatch: "), "{wrong}");
        let unsigned = reported(crate::support::encode(&balance().pairs)).await;
        assert_eq!(unsigned, "MissingAuthenticationToken: The request must be signed; Signature is missing.");
        let unknown = reported(balance().with("AWSAccessKeyId", "NOBODY").query()).await;
        assert!(unknown.starts_with("InvalidClientTokenId: "), "{unknown}");
        let old = reported(balance().with("Timestamp", "2010-02-26T19:48:05.000Z").query()).await;
        let expired = "RequestExpired: Request has expired. Timestamp date is 2010-02-26T19:48:05.000Z. The clock of the world shows \
             2012-06-01T12:00:00.000Z, the real time is ";
        assert!(old.starts_with(expired), "{old}");
    }

    #[tokio::test]
    async fn lenient_reports_on_refused_actions_too() {
        let server = server(AuthMode::Lenient).await;
        let reply = sent(&server, &balance().with("CreditInstrumentId", "NONE")).await;
        assert_eq!((reply.status, report(&reply).as_deref()), (400, Some("ok")));
    }

    #[tokio::test]
    async fn off_looks_at_nothing_and_without_a_key_the_first_caller_asks() {
        let server = server(AuthMode::Off).await;
        let query =
            format!("Action=GetDebtBalance&Version=2008-09-17&CreditInstrumentId={}", demo::INSTRUMENT);
        for key in ["", "&AWSAccessKeyId=NOBODY", &format!("&AWSAccessKeyId={}", demo::KEY)] {
            let reply = raw(server.addr, get(&format!("{query}{key}")).as_bytes()).await;
            assert_ok(&reply);
            assert_eq!(report(&reply), None);
        }
        // A known key is still whose it is.
        let other = format!("{query}&AWSAccessKeyId={}", demo::SECOND_KEY);
        let reply = raw(server.addr, get(&other).as_bytes()).await;
        assert_eq!(reply.code(), "InstrumentAccessDenied");
    }

    #[tokio::test]
    async fn off_still_checks_the_rest() {
        let server = server(AuthMode::Off).await;
        let reply = raw(server.addr, get("Action=GetDebtBalance").as_bytes()).await;
        assert_refused(&reply, 400, "InvalidParams", "version can not be empty ");
    }
}

mod wrong_signatures {
    use super::*;

    const PREFIX: &str = "The request signature we calculated does not match the signature you provided. ";

    fn assert_reason(reply: &Reply, reason: &str) {
        assert_refused(reply, 403, "SignatureDoesNotMatch", &format!("{PREFIX}{reason}"));
    }

    #[tokio::test]
    async fn another_host() {
        let server = Server::start().await;
        let query = balance().host("merchant.test").query();
        let reply = server.raw(&message("GET", "localhost:8008", &query)).await;
        assert_eq!((reply.status, reply.code().as_str()), (403, "SignatureDoesNotMatch"));
        // Only hosts that clients are known to sign can be named; of this one it is said which were tried.
        assert!(reply.message().starts_with(PREFIX), "{}", reply.body);
        for part in ["`localhost:8008`", "`localhost`", "`fps.amazonaws.com`", "--host-alias"] {
            assert!(reply.message().contains(part), "no {part}: {}", reply.message());
        }
        let query = balance().host("authorize.payments.amazon.com").query();
        let reply = server.raw(&message("GET", "localhost:8008", &query)).await;
        let reason = reply.message();
        assert!(
            reason.contains("The host was signed as `authorize.payments.amazon.com`, where "),
            "{reason}"
        );
        assert!(reason.contains("`localhost:8008`"), "{reason}");
    }

    #[tokio::test]
    async fn plus_signed_for_a_blank() {
        let server = Server::start().await;
        let request = payment("a b");
        // The value was signed as `a+b` would be: with its blank encoded as `+` and that left as it is.
        let to_sign = fps_sandbox::signature::string_to_sign(
            request.scheme,
            &fps_sandbox::signature::Signable {
                verb: "GET",
                path: "/",
                pairs: &request.pairs,
                signature_name: "Signature",
            },
            "localhost",
        );
        let signature = hmac_sha256(demo::SECRET, &to_sign.replace("a%20b", "a+b"));
        let reply = raw(server.addr, get(&request.query_signed_as(&signature)).as_bytes()).await;
        assert_eq!(reply.code(), "SignatureDoesNotMatch");
        assert!(reply.message().contains("`+`"), "{}", reply.message());
    }

    fn hmac_sha256(secret: &str, text: &str) -> String {
        use base64::Engine as _;
        use hmac::{KeyInit, Mac};
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
        mac.update(text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    }

    #[tokio::test]
    async fn plus_of_the_signature_arrived_as_a_blank() {
        let server = Server::start().await;
        // A signature with a `+` in it turns up within a few references.
        let request = (0..1000)
            .map(|number| payment(&format!("r{number}")))
            .find(|request| request.signature().contains('+'))
            .expect("one in two has");
        let query = request.query().replace("%2B", "+");
        let reply = raw(server.addr, get(&query).as_bytes()).await;
        assert_reason(
            &reply,
            "A `+` in the Signature arrived as a blank: encode + as %2B in the Signature parameter.",
        );
    }

    #[tokio::test]
    async fn another_hash() {
        let server = Server::start().await;
        let mut request = balance();
        request.scheme = Scheme::V2(Hash::Sha1);
        let reply = sent(&server, &request).await;
        assert_reason(&reply, "HmacSHA1 was used, but the declared method is HmacSHA256.");
    }

    #[tokio::test]
    async fn another_verb() {
        let server = Server::start().await;
        let query = balance().verb("POST").query();
        let reply = server.raw(&message("GET", "localhost", &query)).await;
        assert_reason(&reply, "The verb was signed as `POST`, but the request came by GET.");
    }

    #[tokio::test]
    async fn a_parameter_added_after_signing() {
        let server = Server::start().await;
        let reply = raw(server.addr, get(&format!("{}&Colour=red", balance().query())).as_bytes()).await;
        assert_reason(&reply, "`Colour` was not among the parameters that were signed.");
    }

    /// As a client did that signs first and then says how.
    #[tokio::test]
    async fn parameters_of_the_protocol_added_after_signing() {
        let server = Server::start().await;
        let unsigned = balance().without("SignatureVersion").without("SignatureMethod");
        let query = balance().query_signed_as(&unsigned.signature());
        let reply = raw(server.addr, get(&query).as_bytes()).await;
        assert_reason(
            &reply,
            "`SignatureVersion` and `SignatureMethod` were not among the parameters that were signed.",
        );
        let bare = unsigned.without("Timestamp").without("Version").without("AWSAccessKeyId");
        let query = balance().query_signed_as(&bare.signature());
        let reply = raw(server.addr, get(&query).as_bytes()).await;
        assert_reason(
            &reply,
            "`AWSAccessKeyId`, `Version`, `Timestamp`, `SignatureVersion` and `SignatureMethod` were not among the \
             parameters that were signed.",
        );
    }

    #[tokio::test]
    async fn another_secret_has_no_reason_but_advice() {
        let server = Server::start().await;
        let mut request = balance();
        request.secret.make_ascii_lowercase();
        let advice =
            "No usual mistake explains it: check the secret key, and that nothing was changed after signing.";
        let hosts = format!(
            "The hosts tried are `localhost`, `127.0.0.1:{}`, `fps.sandbox.amazonaws.com` and `fps.amazonaws.com`; if \
             the client signs another one, name it by --host-alias.",
            server.addr.port()
        );
        assert_reason(&sent(&server, &request).await, &format!("{advice} {hosts}"));
        // Version 1 covers no host.
        assert_reason(&sent(&server, &request.by(Scheme::V1)).await, advice);
    }

    #[tokio::test]
    async fn signatures_that_are_no_signatures() {
        let server = Server::start().await;
        for signature in ["x", "====", "AAAA", "é", &"A".repeat(5000), "' OR 1=1 --"] {
            let reply = raw(server.addr, get(&balance().query_signed_as(signature)).as_bytes()).await;
            assert_eq!((reply.status, reply.code().as_str()), (403, "SignatureDoesNotMatch"), "{signature}");
        }
    }

    #[tokio::test]
    async fn no_answer_gives_the_secret_or_the_right_signature_away() {
        let server = Server::start_with(Config { auth: AuthMode::Lenient, ..config() }).await;
        let strict = Server::start().await;
        let mut other_hash = balance();
        other_hash.scheme = Scheme::V2(Hash::Sha1);
        let right = balance().signature();
        let requests = [
            get(&balance().query()),
            get(&balance().query_signed_as("AAAA")),
            get(&balance().query_signed_as(&right.to_lowercase())),
            get(&other_hash.query()),
            get(&balance().host("authorize.payments.amazon.com").query()),
            get(&crate::support::encode(&balance().pairs)),
            get(&balance().with("AWSAccessKeyId", demo::SECRET).query()),
        ];
        for request in &requests[..6] {
            for at in [server.addr, strict.addr] {
                let reply = raw(at, request.as_bytes()).await;
                let whole = format!("{}\n{}", reply.head, reply.body);
                assert!(!whole.contains(demo::SECRET), "{whole}");
                assert!(!whole.contains(&right), "{whole}");
            }
        }
        // Not even to one who sends it where it does not belong.
        let reply = raw(strict.addr, requests[6].as_bytes()).await;
        assert_eq!(reply.code(), "InvalidClientTokenId");
        assert!(!reply.body.contains(demo::SECRET), "{}", reply.body);
    }
}
