//! Requests that try to exhaust the memory or to flood and forge the log.

use super::*;

/// A random hostile request, which the server must refuse.
fn hostile_request(rng: &mut StdRng) -> Vec<u8> {
    let number = rng.random::<u64>();
    match rng.random_range(0..9) {
        0 => random_bytes(rng, 4_000),
        1 => post_request(&vec![b'a'; 100_000]),
        2 => get_request(&"a".repeat(70_000)).into_bytes(),
        3 => post_request("a=1&".repeat(10_000).as_bytes()),
        4 => format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", format!("X-{number}: 1\r\n").repeat(1_000))
            .into_bytes(),
        5 => {
            get_request(&format!("Action=Pay&CallerReference={number}&{}=x", "N".repeat(50_000))).into_bytes()
        }
        6 => get_request(&format!(
            "Action=Pay&AWSAccessKeyId={}&Signature=AAAA&Signature{number}=1",
            demo::KEY
        ))
        .into_bytes(),
        7 => b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\nAction=Pay".to_vec(),
        _ => get_request(&format!("Action=Pay&CallerReference=%FF{number}")).into_bytes(),
    }
}

/// The resident memory of a process in bytes.
#[cfg(target_os = "linux")]
fn resident_bytes(id: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("kilobytes") * 1_024
}

/// The resident memory in bytes that a program may have after any number of hostile requests. An idle one has 20 MB.
#[cfg(target_os = "linux")]
const MAX_MEMORY: usize = 100_000_000;

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_hostile_requests_do_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "off"]).await;
    let mut rng = new_rng();
    for _ in 0..4 {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (mut rng, addr) = (rng.fork(), program.addr);
            clients.spawn(async move {
                for _ in 0..50 {
                    let bytes = hostile_request(&mut rng);
                    let response = exchange(addr, &bytes).await;
                    assert!(response.status < 500 && response.status != 200, "{response:?}");
                }
            });
        }
        clients.join_all().await;
        assert_serves(&program.merchant()).await;
        let bytes = resident_bytes(program.pid());
        assert!(bytes < MAX_MEMORY, "{bytes} bytes are resident");
    }
    program.stop().await;
}

/// Log lines contain at most an excerpt of what a client sends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_cannot_fill_the_log() {
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
            refusal_code(&client.call(action, parameters).await);
            assert_serves(&merchant).await;
            let logged = program.log().len() - before;
            assert!(logged < 50_000, "{logged} bytes for {action:.20} {name:.20}");
        }
        for parameters in [
            format!("pipelineName=SingleUse&returnURL=http%3A%2F%2Flocalhost&signature=x&x={long}"),
            format!("pipelineName=SingleUse&returnURL=http%3A%2F%2Flocalhost&transactionAmount={long}"),
        ] {
            let before = program.log().len();
            exchange(program.addr, pages(&parameters).as_bytes()).await;
            assert_serves(&merchant).await;
            let logged = program.log().len() - before;
            assert!(logged < 50_000, "{logged} bytes for {parameters:.80}");
        }
    }
    program.stop().await;
}

/// An HTTP/2 frame.
fn http2_frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const HEADERS: u8 = 1;

const RST_STREAM: u8 = 3;

const SETTINGS: u8 = 4;

/// Requests a page on this many HTTP/2 streams with a flow-control window of zero, and waits until each stream has
/// response headers or is reset. Returns the number of streams with response headers, and the connection.
async fn request_and_read_nothing(addr: SocketAddr, path: &str, streams: u32) -> (usize, TcpStream) {
    let mut socket = TcpStream::connect(addr).await.unwrap();
    let zero_window = [0, 4, 0, 0, 0, 0];
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(http2_frame(SETTINGS, 0, 0, &zero_window));
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
        bytes.extend(http2_frame(HEADERS, 5, 1 + 2 * number, &head));
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
    let ((), answered) = timeout(TIMEOUT, async { tokio::join!(sending, receiving) }).await.expect("an end");
    (answered, socket)
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http_2_clients_that_read_nothing_do_not_fill_the_memory() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "off"]).await;
    drop(request_and_read_nothing(program.addr, "/_sandbox/actions", 1).await);
    let before = resident_bytes(program.pid());
    let mut connections = Vec::new();
    for _ in 0..20 {
        let (answered, connection) = request_and_read_nothing(program.addr, "/_sandbox/actions", 200).await;
        assert!((1..=16).contains(&answered), "{answered} responses wait");
        connections.push(connection);
    }
    // A response has more than 30 kB, so all 4,000 of them would take 120 MB.
    let grown = resident_bytes(program.pid()).saturating_sub(before);
    assert!(grown < 40_000_000, "{grown} bytes wait");
    assert_serves(&program.merchant()).await;
    drop(connections);
    program.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_cannot_forge_log_lines() {
    let forged = "\r\n2012-06-01T12:00:00.000000Z  INFO forged\n\u{85}\u{2028}";
    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "debug"]).await;
    for line in log_lines_provoked_by(&program, forged).await {
        let instant = line.split_whitespace().next().unwrap_or_default();
        assert!(chrono::DateTime::parse_from_rfc3339(instant).is_ok(), "{line}");
        assert!(!instant.starts_with("2012"), "{line}");
    }
    program.stop().await;

    let folder = tempfile::tempdir().unwrap();
    let program = Program::start(folder.path(), &["--log", "debug", "--log-format", "json"]).await;
    for line in log_lines_provoked_by(&program, forged).await {
        let object: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert!(object["message"].is_string(), "{line}");
    }
    program.stop().await;
}

/// The lines that a program logs when requests contain this text wherever it could reach the log.
async fn log_lines_provoked_by(program: &Program, text: &str) -> Vec<String> {
    // After the first response the program has logged everything about its start.
    assert_serves(&program.merchant()).await;
    let before = program.log().len();
    send_in_all_parameters(&program.merchant(), text).await;
    let log = program.log().split_off(before);
    assert!(log.contains("INFO forged"), "nothing of it was logged:\n{log}");
    log.lines().map(str::to_owned).collect()
}

/// Sends requests with this text in names and values of parameters.
async fn send_in_all_parameters(merchant: &Client, text: &str) {
    let twice = [("CallerReference", text), ("CallerReference", text)];
    for name in ["Action", "Version", "Timestamp", "SignatureMethod", "AWSAccessKeyId"] {
        refusal_code(&merchant.call("Pay", &[(name, text)]).await);
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
        refusal_code(&merchant.call(action, parameters).await);
        assert_eq!(refusal_code(&stranger.call(action, parameters).await), Code::SignatureDoesNotMatch);
        // Signature version 1 covers values without encoding them.
        let first = [parameters, &[("SignatureVersion", "1")]].concat();
        refusal_code(&stranger.call(action, &first).await);
    }
}
