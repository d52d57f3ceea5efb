//! Input that no honest client sends. Whatever comes, the answer is a clear refusal or a closed connection, never
//! an internal error, and the next good request is answered.

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::dice::Dice;
use crate::support::program::Program;
use crate::support::xml::elements;
use crate::support::{Client, Parameters, Reply, Server, config, demo, encode, get, pay};
use fps_sandbox::config::{AuthMode, Config};
use fps_sandbox::error::Code;
use fps_sandbox::fps::status;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);
/// Within what time clients have to send, where that matters.
const SHORT: Duration = Duration::from_millis(300);

/// Sends bytes over a fresh socket, closes the sending side, and reads until the server closes.
async fn attack(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let (mut reading, mut writing) = TcpStream::connect(addr).await.expect("the server accepts").into_split();
    let sending = async {
        // The server may have seen enough.
        let _cut_off = writing.write_all(bytes).await;
        let _cut_off = writing.shutdown().await;
    };
    let mut answer = Vec::new();
    let receiving = async { while matches!(reading.read_buf(&mut answer).await, Ok(count) if count > 0) {} };
    timeout(LONG, async { tokio::join!(sending, receiving) }).await.expect("the server ends the exchange");
    answer
}

async fn answer(addr: SocketAddr, bytes: &[u8]) -> Reply {
    Reply::parse(&attack(addr, bytes).await)
}

/// A POST of a form.
fn post(form: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    [head.as_bytes(), form].concat()
}

/// Checks that an answer is FPS's: well-formed XML on one line, of a code that exists, with its HTTP status.
fn refusal(reply: &Reply) -> Code {
    let found = elements(&reply.body).unwrap_or_else(|problem| panic!("{problem}: {reply:?}"));
    let text = |path: &str| found.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str());
    let name = text("Response/Errors/Error/Code").unwrap_or_else(|| panic!("no code: {}", reply.body));
    let code = name.parse::<Code>().ok().unwrap_or_else(|| panic!("no such code: {name}"));
    assert_eq!(reply.status, status(code).as_u16(), "{}", reply.body);
    assert!(text("Response/Errors/Error/Message").is_some_and(|message| !message.is_empty()));
    assert!(reply.status < 500, "bad input is not our fault: {}", reply.body);
    code
}

fn assert_refused(reply: &Reply, code: Code, part: &str) {
    assert_eq!(refusal(reply), code, "{}", reply.body);
    assert!(reply.message().contains(part), "no {part:?} in {}", reply.message());
}

/// Asserts that a server still answers, over a fresh socket.
async fn assert_serves(client: &Client) {
    client.ok("GetDebtBalance", &[("CreditInstrumentId", demo::INSTRUMENT)]).await;
}

/// Asserts that nothing was paid: the demo debt stands at 100.
async fn assert_unpaid(client: &Client) {
    assert_eq!(client.debt(demo::INSTRUMENT).await, ("100.000000".into(), "0.000000".into()));
}

/// A server that does not look at signatures, so that everything reaches the parameters.
async fn trusting() -> Server {
    Server::start_with(Config { auth: AuthMode::Off, ..config() }).await
}

#[tokio::test]
async fn random_bytes_get_a_refusal_or_a_closed_connection() {
    let server = Server::start().await;
    let mut dice = Dice::thrown();
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
        let count = dice.below(2_000);
        let bytes = [*dice.pick(&beginnings), &dice.bytes(count)].concat();
        let reply = answer(server.addr, &bytes).await;
        assert!(reply.status < 500, "{reply:?}");
        assert_serves(&server.merchant()).await;
    }
    assert_unpaid(&server.merchant()).await;
}

#[tokio::test]
async fn good_requests_with_a_few_bytes_changed_are_never_an_internal_error() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let mut dice = Dice::thrown();
    for number in 0..400 {
        let reference = format!("changed {number}");
        let mut bytes =
            get(&merchant.signed_query("Pay", &pay(demo::CREDIT, "0.01", &reference))).into_bytes();
        for _ in 0..=dice.below(4) {
            let at = dice.below(bytes.len());
            match dice.below(3) {
                0 => bytes[at] = dice.bytes(1)[0],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, *dice.pick(b"%&=+.\0\r\n <\xff")),
            }
        }
        let reply = answer(server.addr, &bytes).await;
        assert!(reply.status < 500, "{reply:?}\n{}", String::from_utf8_lossy(&bytes));
        assert_serves(&merchant).await;
    }
}

#[tokio::test]
async fn requests_beyond_the_limits_are_refused_and_told_which_limit() {
    let server = trusting().await;
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
        (&server, post(&vec![b'a'; 65_537]), Code::RequestTooLarge, too_large),
        (&server, post(&vec![b'a'; 5_000_000]), Code::RequestTooLarge, too_large),
        (&server, chunked, Code::RequestTooLarge, too_large),
        (&narrow, get(&"a".repeat(4_097)).into_bytes(), Code::RequestTooLarge, "larger than 4096 bytes"),
        (&server, get(&"a=1&".repeat(10_000)).into_bytes(), Code::InvalidRequest, too_many),
        (&server, post("a=1&".repeat(10_000).as_bytes()), Code::InvalidRequest, too_many),
        // Nothing between them is no parameter.
        (&server, get(&"&".repeat(60_000)).into_bytes(), Code::MissingAction, ""),
        (&server, post(one_value.as_bytes()), Code::InvalidParams, "senderTokenId can not be longer"),
    ] {
        assert_refused(&answer(server.addr, &bytes).await, code, part);
        assert_serves(&server.merchant()).await;
    }
    // Half of the parameters in the query, half in the form.
    let halves = format!("POST /?{} HTTP/1.1\r\nHost: x\r\nContent-Length: 404\r\n\r\n", "a=1&".repeat(101));
    let halves = [halves.as_bytes(), "a=1&".repeat(101).as_bytes()].concat();
    assert_refused(&answer(server.addr, &halves).await, Code::InvalidRequest, too_many);
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
        (get(&"a".repeat(70_000)).into_bytes(), 414),
        (with_headers(&"X-Flood: 1\r\n".repeat(10_000)), 431),
        (with_headers(&format!("X-Long: {}\r\n", "a".repeat(500_000))), 431),
        (with_headers("Content-Length: 99999999999999999999999999\r\n"), 400),
        (with_headers("Content-Length: -1\r\n"), 400),
        (with_headers("Content-Length: 1\r\nContent-Length: 2\r\n"), 400),
        (with_headers("No colon here\r\n"), 400),
        (with_headers("X-Null: \0\r\n"), 400),
    ] {
        let reply = answer(server.addr, &bytes).await;
        assert_eq!(reply.status, status, "{reply:?}");
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
            // Hung up at once; and hung up on one side, still listening.
            let mut socket = TcpStream::connect(server.addr).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            drop(socket);
            let reply = answer(server.addr, request.as_bytes()).await;
            if reply.status != 0 {
                assert!(
                    [Code::InvalidRequest, Code::RequestTooLarge].contains(&refusal(&reply)),
                    "{reply:?}"
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
    for (request_timeout, pause, code) in
        [(LONG, Duration::ZERO, Code::RequestTooLarge), (SHORT, SHORT / 10, Code::RequestTimeout)]
    {
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
        timeout(LONG, reading.read_to_end(&mut bytes)).await.expect("the server closes").unwrap();
        assert_refused(&Reply::parse(&bytes), code, "");
        assert_serves(&server.merchant()).await;
        drop(reading);
        timeout(LONG, endless).await.expect("the socket is closed").unwrap();
    }
}

#[tokio::test]
async fn a_slow_client_is_told_or_cut_off_and_others_are_served_meanwhile() {
    let server = Server::start_with(Config { request_timeout: SHORT, ..config() }).await;
    let merchant = server.merchant();
    let full = post(merchant.signed_query("Pay", &pay(demo::CREDIT, "1", "slow")).as_bytes());
    let began = Instant::now();
    let mut socket = TcpStream::connect(server.addr).await.unwrap();
    let mut ended = false;
    for byte in full {
        if socket.write_all(&[byte]).await.is_err() {
            ended = true;
            break;
        }
        sleep(Duration::from_millis(3)).await;
        if began.elapsed() > LONG {
            break;
        }
    }
    assert!(ended, "a request may trickle in for {:?}", began.elapsed());
    assert_serves(&merchant).await;
    assert_unpaid(&merchant).await;
}

/// Ill-encoded text, and what the refusal says of it.
const ILL_ENCODED: [(&str, &str); 15] = [
    ("%", "is not valid percent-encoding"),
    ("%4", "is not valid percent-encoding"),
    ("%zz", "is not valid percent-encoding"),
    ("%%%%%%", "is not valid percent-encoding"),
    ("100%25%", "is not valid percent-encoding"),
    ("%u0041", "is not valid percent-encoding"),
    ("%FF", "is not valid UTF-8"),
    ("%C3%28", "is not valid UTF-8"),
    ("%C0%80", "is not valid UTF-8"),
    ("%ED%A0%80", "is not valid UTF-8"),
    ("%F4%90%80%80", "is not valid UTF-8"),
    ("a%00b", "contains a control character"),
    ("%1B%5B2J", "contains a control character"),
    ("%EF%BF%BF", "contains a control character"),
    ("%EF%BF%BE", "contains a control character"),
];

#[tokio::test]
async fn ill_encoded_names_and_values_are_refused_by_name() {
    let server = trusting().await;
    let merchant = server.merchant();
    for (text, problem) in ILL_ENCODED {
        for query in [
            format!("Action=Pay&CallerReference={text}&SenderTokenId=x"),
            format!("Action=Pay&{text}=x&SenderTokenId=x"),
            format!("Action={text}"),
            text.to_owned(),
        ] {
            for bytes in [get(&query).into_bytes(), post(query.as_bytes())] {
                assert_refused(&answer(server.addr, &bytes).await, Code::InvalidParams, problem);
                assert_serves(&merchant).await;
            }
        }
    }
    // Raw bytes, not even percent-encoded.
    for (form, problem) in [
        (&b"CallerReference=\xff"[..], "The value of CallerReference is not valid UTF-8"),
        (b"\xc3=1", "A parameter name is not valid UTF-8"),
        (b"CallerReference=\0", "The value of CallerReference contains a control character"),
    ] {
        assert_refused(&answer(server.addr, &post(form)).await, Code::InvalidParams, problem);
        assert_serves(&merchant).await;
    }
}

#[tokio::test]
async fn odd_parameter_names_are_refused_as_unknown_and_nothing_is_paid() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let (long, nested) = ("N".repeat(10_000), "a.".repeat(5_000));
    for name in [
        "Action[]",
        "CallerReference[]",
        "CallerReference[0]",
        "callerReference",
        "CallerReference ",
        "CallerReference.",
        ".CallerReference",
        "TransactionAmount",
        "TransactionAmount.",
        "TransactionAmount..Value",
        "TransactionAmount.Value.",
        "TransactionAmount.Value.Value",
        "TransactionAmount.value",
        "TransactionAmount.CurrencyCode\u{301}",
        "__proto__",
        "' OR 1=1 --",
        "<script>",
        "]]>",
        "\n",
        "",
        "\u{202e}ecnerefeRrellaC",
        "💸",
        &long,
        &nested,
    ] {
        let mut parameters = pay(demo::CREDIT, "1", "odd").to_vec();
        parameters.push((name, "1"));
        let reply = merchant.call("Pay", &parameters).await;
        assert_refused(&reply, Code::InvalidRequest, "is found at unexpected location");
        assert!(message(&reply).contains(&format!(":{name}\"")), "{}", reply.body);
        assert_serves(&merchant).await;
    }
    assert_unpaid(&merchant).await;
}

/// The message as an XML parser reads it.
fn message(reply: &Reply) -> String {
    text(reply, "Message").expect("a message")
}

/// The text of the first element of this name, as an XML parser reads it.
fn text(reply: &Reply, name: &str) -> Option<String> {
    let found = elements(&reply.body).unwrap_or_else(|problem| panic!("{problem}: {}", reply.body));
    found.into_iter().find(|(path, _)| path.rsplit('/').next() == Some(name)).map(|(_, text)| text)
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused_whichever_it_is() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let parameters = pay(demo::CREDIT, "1", "twice");
    let query = merchant.signed_query("Pay", &parameters);
    let pairs: Vec<&str> = query.split('&').collect();
    for pair in &pairs {
        let (name, value) = pair.split_once('=').unwrap();
        let value = percent_decoded(value);
        // Signed as it is sent, where that can be.
        let doubled = if name == "Signature" {
            format!("{query}&{pair}")
        } else {
            let copies = if parameters.iter().any(|(known, _)| *known == name) { 1 } else { 2 };
            let twice: Vec<_> = parameters.into_iter().chain(vec![(name, value.as_str()); copies]).collect();
            merchant.signed_query("Pay", &twice)
        };
        let reply = answer(server.addr, get(&doubled).as_bytes()).await;
        assert_refused(&reply, Code::InvalidParams, "is given more than once");
    }
    // A second signature that nobody has signed, before and after the right one.
    for forged in [format!("Signature=AAAA&{query}"), format!("{query}&Signature=AAAA")] {
        let reply = answer(server.addr, get(&forged).as_bytes()).await;
        assert!([Code::InvalidParams, Code::SignatureDoesNotMatch].contains(&refusal(&reply)), "{reply:?}");
    }
    // Once in the query, once in the form.
    let form = post(query.as_bytes());
    let both = String::from_utf8(form).unwrap().replacen("POST /", &format!("POST /?{query}"), 1);
    refusal(&answer(server.addr, both.as_bytes()).await);
    assert_unpaid(&merchant).await;
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn values_that_are_too_long_or_not_of_their_type_are_refused_by_name() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let (long, digits, zeros) = ("x".repeat(50_000), "9".repeat(50_000), format!("0.{}", "0".repeat(50_000)));
    let ampersands = "&".repeat(10_000);
    for (name, value) in [
        ("CallerReference", long.as_str()),
        ("CallerDescription", &ampersands),
        ("SenderDescription", &long),
        ("SenderTokenId", &long),
        ("OverrideIPNURL", &long),
        ("TransactionAmount.CurrencyCode", &long),
        ("TransactionAmount.Value", &zeros),
        ("TransactionAmount.Value", "NaN"),
        ("TransactionAmount.Value", "1e3"),
        ("TransactionAmount.Value", "0x10"),
        ("TransactionAmount.Value", "-1"),
        ("TransactionAmount.Value", "١"),
        ("TransactionAmount.Value", "1\n"),
        ("TransactionTimeoutInMins", "2147483648"),
        ("TransactionTimeoutInMins", "-1"),
        ("TransactionTimeoutInMins", "+5"),
        ("TransactionTimeoutInMins", " 5"),
        ("TransactionTimeoutInMins", "1_0"),
        ("TransactionAmount.Value", "+1"),
        ("TransactionAmount.Value", "1_0"),
        ("MarketplaceVariableFee", "1_0"),
        ("MarketplaceVariableFee", "+2.5"),
        ("MarketplaceVariableFee", "-0"),
        ("MarketplaceVariableFee", " 2"),
        ("TransactionTimeoutInMins", &digits),
        ("MarketplaceVariableFee", &long),
        ("MarketplaceFixedFee.Value", "1"),
        ("ChargeFeeTo", "caller"),
        ("DescriptorPolicy.CSOwner", "<b>"),
    ] {
        let mut parameters = pay(demo::CREDIT, "1", "wrong").to_vec();
        parameters.retain(|(known, _)| *known != name);
        parameters.push((name, value));
        let reply = merchant.call("Pay", &parameters).await;
        let code = refusal(&reply);
        let expected =
            if name == "MarketplaceFixedFee.Value" { Code::NotMarketplaceApp } else { Code::InvalidParams };
        assert_eq!(code, expected, "{name}: {}", reply.body);
        assert_serves(&merchant).await;
    }
    // Digits without end are a number, only too large a one.
    let mut parameters = pay(demo::CREDIT, &digits, "digits").to_vec();
    assert_refused(&merchant.call("Pay", &parameters).await, Code::AmountOutOfRange, "");
    parameters[1].1 = "1";
    assert_unpaid(&merchant).await;
}

/// Texts that XML can carry, and that careless code does not.
fn carried() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<>&\"'",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- -->",
        "<?xml version=\"1.0\"?>",
        "&amp;&#10;&#x0;&unknown;",
        "</CallerReference><TransactionId>forged</TransactionId>",
        "a\nb",
        "a\r\nb\rc",
        "a\tb",
        "+%2B%",
        "  blanks  around  ",
        "next line \u{85} and \u{2028} and \u{2029}",
        "\u{7f}\u{80}\u{9f}",
        "e\u{301} is not \u{e9}",
        "\u{202e}right to left\u{202c} שלום مرحبا",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 🏴\u{e0067}\u{e0062}",
        "\u{feff}bom \u{fffd} \u{200b}",
        "\u{fdd0} \u{1fffe} \u{10ffff}",
        "'; DROP TABLE transactions; --",
        "%s%n{}${jndi:x}",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("z\u{334}".repeat(60));
    texts
}

#[tokio::test]
async fn special_characters_come_back_from_get_transaction_as_they_were_sent() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for given in carried() {
        // SenderDescription counts bytes.
        let short: String = given.chars().take(30).collect();
        let mut parameters = pay(demo::CREDIT, "0.01", &given).to_vec();
        parameters.extend([("CallerDescription", given.as_str()), ("SenderDescription", &short)]);
        let id = merchant.ok("Pay", &parameters).await.text("TransactionId");
        let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
        assert_eq!(text(&detail, "CallerReference").as_ref(), Some(&given));
        assert_eq!(text(&detail, "CallerDescription").as_ref(), Some(&given));
        assert_eq!(text(&detail, "SenderDescription").as_ref(), Some(&short));
        assert_eq!(text(&detail, "TransactionId"), Some(id.clone()), "{}", detail.body);
        // The same request again, by POST and with blanks as `+`.
        assert_eq!(merchant.ok("Pay", &parameters).await.text("TransactionId"), id);
    }
}

#[tokio::test]
async fn special_characters_in_ids_come_back_escaped_in_the_refusal() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for given in carried() {
        let given: String = given.chars().take(30).collect();
        for (action, parameters) in [
            ("GetTransaction", vec![("TransactionId", given.as_str())]),
            ("GetDebtBalance", vec![("CreditInstrumentId", given.as_str())]),
            ("Pay", pay(&given, "1", "an odd token").to_vec()),
        ] {
            let reply = merchant.call(action, &parameters).await;
            assert_eq!(refusal(&reply), Code::InvalidParams, "{}", reply.body);
            assert!(message(&reply).ends_with(&format!("Specified value: {given}")), "{}", reply.body);
        }
        for name in
            ["Action", "Version", "Timestamp", "SignatureVersion", "SignatureMethod", "AWSAccessKeyId"]
        {
            let mut parameters = pay(demo::CREDIT, "1", "odd").to_vec();
            parameters.push((name, &given));
            refusal(&merchant.call("Pay", &parameters).await);
        }
    }
    assert_unpaid(&merchant).await;
}

#[tokio::test]
async fn references_are_compared_character_by_character() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let references = [
        "\u{e9}",
        "e\u{301}",
        "E",
        "e",
        "e ",
        " e",
        "\u{ff45}",
        "e\u{200b}",
        "e\u{feff}",
        "\u{2126}",
        "\u{3a9}",
    ];
    for reference in references {
        merchant.ok("Pay", &pay(demo::CREDIT, "1", reference)).await;
    }
    let debt = format!("{}.000000", 100 + references.len());
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt);
}

#[tokio::test]
async fn a_reference_may_have_128_characters_of_four_bytes_and_no_more() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let longest = "\u{1f4b8}".repeat(128);
    let id = merchant.ok("Pay", &pay(demo::CREDIT, "1", &longest)).await.text("TransactionId");
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(text(&detail, "CallerReference"), Some(longest.clone()));
    let longer = merchant.call("Pay", &pay(demo::CREDIT, "1", &format!("{longest}x"))).await;
    assert_refused(&longer, Code::InvalidParams, "callerReference can not be longer than 128 characters");
}

#[tokio::test]
async fn garbage_after_a_good_request_does_not_spoil_its_answer() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let mut dice = Dice::thrown();
    for number in 0..20 {
        let query = merchant.signed_query("Pay", &pay(demo::CREDIT, "1", &format!("good {number}")));
        let good = format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
        let answer = attack(server.addr, &[good, dice.bytes(500)].concat()).await;
        assert_eq!(Reply::parse(&answer).status, 200, "{}", String::from_utf8_lossy(&answer));
        assert_serves(&merchant).await;
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "120.000000");
}

#[tokio::test]
async fn a_request_hidden_in_the_body_of_another_is_not_run() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let hidden = get(&merchant.signed_query("Pay", &pay(demo::CREDIT, "1", "hidden")));
    for head in [
        format!("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n", hidden.len()),
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_owned(),
        "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: identity, gzip\r\n\r\n".to_owned(),
    ] {
        attack(server.addr, format!("{head}{hidden}").as_bytes()).await;
        assert_unpaid(&merchant).await;
    }
}

#[tokio::test]
async fn other_verbs_are_refused_with_what_is_allowed_and_never_pay() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let query = merchant.signed_query("Pay", &pay(demo::CREDIT, "1", "by another verb"));
    for verb in ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "HEAD"] {
        let request = get(&query).replacen("GET", verb, 1);
        let reply = answer(server.addr, request.as_bytes()).await;
        assert_eq!(reply.status, 405, "{verb}: {reply:?}");
        assert!(reply.head.contains("\r\nallow: GET, POST"), "{}", reply.head);
        if verb == "HEAD" {
            assert_eq!(reply.body, "");
        } else {
            assert_refused(&reply, Code::MethodNotAllowed, "Only GET and POST");
        }
        assert_serves(&merchant).await;
    }
    assert_unpaid(&merchant).await;
}

#[tokio::test]
async fn a_lenient_server_reports_on_the_signature_whatever_the_request_says() {
    let server = Server::start_with(Config { auth: AuthMode::Lenient, ..config() }).await;
    let merchant = server.merchant();
    let long = "x".repeat(20_000);
    for method in ["é", "\n", "\u{2028}", "a\r\nX-Forged: 1", &long] {
        let parameters = [("SignatureMethod", method), ("CreditInstrumentId", demo::INSTRUMENT)];
        let reply = merchant.ok("GetDebtBalance", &parameters).await;
        let report = reply.head.lines().find(|line| line.starts_with("x-sandbox-signature: "));
        let report = report.unwrap_or_else(|| panic!("no report for {method:?}: {}", reply.head));
        assert!(report.contains("InvalidParameterValue"), "{report}");
        assert!(report.len() < 2_000, "{} bytes", report.len());
        assert!(!reply.head.contains("\nX-Forged"), "{}", reply.head);
    }
}

#[tokio::test]
async fn only_a_plain_date_is_a_version() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for version in
        ["+2010-1-01", " 2010-01-1", "2010-1-001", "2010-01-01\n", "\"><x y=\"", "2010-02-30", "2008-09-16"]
    {
        let parameters = [("Version", version), ("CreditInstrumentId", demo::INSTRUMENT)];
        let reply = merchant.call("GetDebtBalance", &parameters).await;
        assert_refused(&reply, Code::InvalidParameterValue, "for parameter Version is invalid");
    }
}

/// Names that actions know, and others.
fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => proptest::sample::select(vec![
            "SenderTokenId", "TransactionAmount.Value", "TransactionAmount.CurrencyCode", "CallerReference",
            "CallerDescription", "SenderDescription", "ChargeFeeTo", "TransactionTimeoutInMins", "TransactionId",
            "CreditInstrumentId", "SettlementAmount.Value", "AdjustmentAmount.Value", "RefundAmount.Value",
            "MarketplaceRefundPolicy", "DescriptorPolicy.CSOwner", "DescriptorPolicy.SoftDescriptorType",
            "OverrideIPNURL", "MarketplaceVariableFee", "MetaData", "Version", "Timestamp", "SignatureVersion",
            "AdjustmentAmount.CurrencyCode", "RefundAmount.CurrencyCode", "SettlementAmount.CurrencyCode",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn values() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            demo::CREDIT,
            demo::SETTLEMENT,
            demo::ABT,
            demo::INSTRUMENT,
            "USD",
            "1",
            "0.01",
            "1e9",
            "10",
            "",
            "Caller",
            "Recipient",
            "Static",
            "2010-08-28",
            "99999999999999999999",
            "-0",
            "MasterTxnOnly",
        ])
        .prop_map(str::to_owned),
        any::<String>(),
        "[0-9]{0,40}(\\.[0-9]{0,5})?",
        "\\PC{0,200}",
    ]
}

fn actions() -> impl Strategy<Value = String> {
    prop_oneof![
        9 => proptest::sample::select(vec![
            "Pay", "Refund", "SettleDebt", "WriteOffDebt", "GetDebtBalance", "GetTransaction", "GetTransactionStatus",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

/// A success or a refusal by FPS, in well-formed XML on one line.
fn assert_answered(reply: &Reply) {
    if reply.status == 200 {
        let found = elements(&reply.body).unwrap_or_else(|problem| panic!("{problem}: {}", reply.body));
        assert!(found.iter().any(|(path, _)| path.ends_with("ResponseMetadata/RequestId")), "{}", reply.body);
    } else {
        refusal(reply);
    }
}

#[test]
fn whatever_the_parameters_the_answer_is_well_formed_and_its_code_known() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (signing, trusting) = runtime.block_on(async { (Server::start().await, trusting().await) });
    let merchant = signing.merchant();
    let requests = (actions(), proptest::collection::vec((names(), values()), 0..12), any::<bool>());
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let property = |(action, pairs, by_post): (String, Vec<(String, String)>, bool)| {
        let given: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let signed = merchant.signed_query(&action, &given);
        let action = [("Action".to_owned(), action.clone()), ("Version".to_owned(), "2010-08-28".to_owned())];
        let plain = encode(&[&action[..], &pairs].concat());
        runtime.block_on(async {
            assert_answered(&answer(signing.addr, get(&signed).as_bytes()).await);
            let bytes = if by_post { post(plain.as_bytes()) } else { get(&plain).into_bytes() };
            assert_answered(&answer(trusting.addr, &bytes).await);
        });
        Ok(())
    };
    TestRunner::new(config).run(&requests, property).unwrap();
}

#[test]
fn whatever_the_bytes_of_a_form_the_answer_is_well_formed_and_its_code_known() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let trusting = runtime.block_on(trusting());
    let forms = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..400),
        "[A-Za-z.=&%+0-9]{0,200}".prop_map(String::into_bytes),
        "(Action=Pay&)?(%[0-9A-F]{2}|[A-Z=&]){0,100}".prop_map(String::into_bytes),
    ];
    let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
    let property = |form: Vec<u8>| {
        assert_answered(&runtime.block_on(answer(trusting.addr, &post(&form))));
        Ok(())
    };
    TestRunner::new(config).run(&forms, property).unwrap();
}

/// Requests of every kind above, all to be refused.
fn hostile_request(dice: &mut Dice) -> Vec<u8> {
    let number = dice.throw();
    match dice.below(9) {
        0 => dice.bytes(4_000),
        1 => post(&vec![b'a'; 100_000]),
        2 => get(&"a".repeat(70_000)).into_bytes(),
        3 => post("a=1&".repeat(10_000).as_bytes()),
        4 => format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", format!("X-{number}: 1\r\n").repeat(1_000))
            .into_bytes(),
        5 => get(&format!("Action=Pay&CallerReference={number}&{}=x", "N".repeat(50_000))).into_bytes(),
        6 => get(&format!("Action=Pay&AWSAccessKeyId={}&Signature=AAAA&Signature{number}=1", demo::KEY))
            .into_bytes(),
        7 => b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nAction=Pay".to_vec(),
        _ => get(&format!("Action=Pay&CallerReference=%FF{number}")).into_bytes(),
    }
}

/// The resident memory of a process, in bytes.
#[cfg(target_os = "linux")]
fn resident(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("kilobytes") * 1_024
}

/// The memory that a program may hold after any number of hostile requests. It needs some 20 MB when idle.
#[cfg(target_os = "linux")]
const MAX_MEMORY: usize = 100_000_000;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_hostile_requests_do_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "off"]).await;
    let mut dice = Dice::thrown();
    for _ in 0..4 {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (mut dice, addr) = (dice.split(), program.addr);
            clients.spawn(async move {
                for _ in 0..50 {
                    let bytes = hostile_request(&mut dice);
                    let reply = answer(addr, &bytes).await;
                    assert!(reply.status < 500 && reply.status != 200, "{reply:?}");
                }
            });
        }
        clients.join_all().await;
        assert_serves(&program.merchant()).await;
        let bytes = resident(program.id());
        assert!(bytes < MAX_MEMORY, "{bytes} bytes are resident");
    }
    program.finish().await;
}

/// What a client sends stands in the log only as long as somebody would read it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_fill_the_log_with_one_request() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "debug"]).await;
    let merchant = program.merchant();
    let stranger = Client { secret: fps_sandbox::signature::SecretKey::new("another"), ..merchant.clone() };
    assert_serves(&merchant).await;
    let long = "x".repeat(60_000);
    let odd = "\u{85}".repeat(9_000);
    let pages = |parameters: &str| {
        format!(
            "GET /cobranded-ui/actions/start?callerKey={}&{parameters} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            demo::KEY
        )
    };
    for text in [&long, &odd] {
        for (client, action, name) in [
            (&stranger, "Pay", "CallerDescription"),
            (&stranger, "Pay", text.as_str()),
            (&stranger, text, "CallerDescription"),
            (&merchant, "Pay", text.as_str()),
            (&merchant, "Pay", "SenderTokenId"),
            (&merchant, "Pay", "Timestamp"),
            (&merchant, text, "CallerDescription"),
            (&merchant, "Pay", "Version"),
        ] {
            let before = program.log().len();
            let short = [(name, "x")];
            let value = [(name, text.as_str())];
            let parameters = if name.len() > 100 || action.len() > 100 { &short } else { &value };
            refusal(&client.call(action, parameters).await);
            assert_serves(&merchant).await;
            let logged = program.log().len() - before;
            assert!(logged < 50_000, "{logged} bytes for {action:.20} {name:.20}");
        }
        for parameters in [
            format!("pipelineName=SingleUse&returnURL=http%3A%2F%2Flocalhost&signature=x&x={long}"),
            format!("pipelineName=SingleUse&returnURL=http%3A%2F%2Flocalhost&transactionAmount={long}"),
        ] {
            let before = program.log().len();
            answer(program.addr, pages(&parameters).as_bytes()).await;
            assert_serves(&merchant).await;
            let logged = program.log().len() - before;
            assert!(logged < 50_000, "{logged} bytes for {parameters:.80}");
        }
    }
    program.finish().await;
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;

/// Asks for a page on so many streams of HTTP/2, takes nothing of any answer, and waits until each stream is either
/// answered or refused. Gives the number of those that are answered, and the connection.
async fn ask_and_take_nothing(addr: SocketAddr, path: &str, streams: u32) -> (usize, TcpStream) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let window_of_nothing = [0, 4, 0, 0, 0, 0];
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &window_of_nothing));
    let mut head = Vec::new();
    for (name, value) in
        [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
    {
        head.push(0);
        for text in [name, value] {
            head.push(u8::try_from(text.len()).unwrap());
            head.extend(text.as_bytes());
        }
    }
    for number in 0..streams {
        bytes.extend(frame(HEADERS, 5, 1 + 2 * number, &head));
    }
    let (mut reading, mut writing) = socket.split();
    let sending = async { writing.write_all(&bytes).await.unwrap() };
    let receiving = async {
        let (mut answered, mut refused) = (0, 0);
        while answered + refused < streams as usize {
            let mut head = [0; 9];
            reading.read_exact(&mut head).await.expect("the connection stays open");
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
            reading.read_exact(&mut vec![0; length]).await.unwrap();
            answered += usize::from(head[3] == HEADERS);
            refused += usize::from(head[3] == RST_STREAM);
        }
        answered
    };
    let ((), answered) = timeout(LONG, async { tokio::join!(sending, receiving) }).await.expect("an end");
    (answered, socket)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_clients_that_take_nothing_do_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "off"]).await;
    drop(ask_and_take_nothing(program.addr, "/_sandbox/actions", 1).await);
    let before = resident(program.id());
    let mut connections = Vec::new();
    for _ in 0..20 {
        let (answered, connection) = ask_and_take_nothing(program.addr, "/_sandbox/actions", 200).await;
        assert!((1..=16).contains(&answered), "{answered} answers wait");
        connections.push(connection);
    }
    // An answer has more than 30 KB, so that all of them would be 120 MB.
    let grown = resident(program.id()).saturating_sub(before);
    assert!(grown < 40_000_000, "{grown} bytes wait");
    assert_serves(&program.merchant()).await;
    drop(connections);
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_can_write_lines_of_his_own_into_the_log() {
    let forged = "\r\n2012-06-01T12:00:00.000000Z  INFO forged\n\u{85}\u{2028}";
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "debug"]).await;
    for line in provoked_lines(&program, forged).await {
        let instant = line.split_whitespace().next().unwrap_or_default();
        assert!(chrono::DateTime::parse_from_rfc3339(instant).is_ok(), "{line}");
        assert!(!instant.starts_with("2012"), "{line}");
    }
    program.finish().await;

    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "debug", "--log-format", "json"]).await;
    for line in provoked_lines(&program, forged).await {
        let object: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert!(object["message"].is_string(), "{line}");
    }
    program.finish().await;
}

/// What a program logs when a text is put wherever it may reach the log.
async fn provoked_lines(program: &Program, text: &str) -> Vec<String> {
    // Whatever it says at its start has been said when it answers.
    assert_serves(&program.merchant()).await;
    let before = program.log().len();
    provoke(&program.merchant(), text).await;
    let log = program.log().split_off(before);
    assert!(log.contains("INFO forged"), "nothing of it was logged:\n{log}");
    log.lines().map(str::to_owned).collect()
}

/// Puts a text into names and values of all kinds.
async fn provoke(merchant: &Client, text: &str) {
    let twice = [("CallerReference", text), ("CallerReference", text)];
    for name in ["Action", "Version", "Timestamp", "SignatureMethod", "AWSAccessKeyId"] {
        refusal(&merchant.call("Pay", &[(name, text)]).await);
    }
    let stranger = Client { secret: fps_sandbox::signature::SecretKey::new("another"), ..merchant.clone() };
    let requests: [(&str, Parameters<'_>); 5] = [
        ("Pay", &[(text, "x")]),
        ("Pay", &twice),
        ("Pay", &[("MetaData", text), ("SenderTokenId", text)]),
        ("GetTransaction", &[("TransactionId", "forged\n2012-06-01T12")]),
        ("Pay", &[("CallerReference", text), ("TransactionAmount.Value", text)]),
    ];
    for (action, parameters) in requests {
        refusal(&merchant.call(action, parameters).await);
        assert_eq!(refusal(&stranger.call(action, parameters).await), Code::SignatureDoesNotMatch);
        // By version 1, which signs values as they are.
        let first = [parameters, &[("SignatureVersion", "1")]].concat();
        refusal(&stranger.call(action, &first).await);
    }
}
