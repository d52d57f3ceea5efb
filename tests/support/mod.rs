//! A sandbox for each test: a real server on port 0, a clock that stands until it is moved, and a client that
//! signs as FPS clients do and speaks HTTP over a plain socket.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each test file uses its own part")]
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so")]

pub mod cobranded;
pub mod dice;
pub mod postgres;
pub mod program;
pub mod signer;
pub mod xml;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fps_sandbox::clock::{Clock, ClockState};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::ledger::Timestamp;
use fps_sandbox::sandbox::{Sandbox, StartError};
use fps_sandbox::server::{ShutdownOutcome, shutdown};
use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, percent_encode, sign};
use fps_sandbox::store::{AccessKey, Store, audit};
use fps_sandbox::worlds::Worlds;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// The demo world's access key, secret and ids.
pub mod demo {
    pub const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
    pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    pub const SECOND_KEY: &str = "0656Example83G2";
    pub const INSTRUMENT: &str = "553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG";
    pub const CREDIT: &str = "563ICMBCGPZDJ4E1F7BL3UMNXFKQUKVWNT8RDCTSALDJWXH6LUZNKSHUFPIGTTIC";
    pub const SETTLEMENT: &str = "543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK";
    pub const ABT: &str = "ABT1MPLE7TOKEN0ALICE0PAYS0FROM0HER0BALANCE000000000000000000DEMO";
    pub const CC: &str = "CC01MPLE7TOKEN0ALICE0PAYS0BY0CARD000000000000000000000000000DEMO";
    pub const PREPAID_INSTRUMENT: &str = "P53IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TDEM";
    pub const PREPAID: &str = "PREPAID0TOKEN0ALICE0SPENDS0WHAT0SHE0PAID0IN0ADVANCE0000000DEMO00";
    pub const FUNDING: &str = "FUNDING0TOKEN0ALICE0PAYS0IN0ADVANCE0BY0CARD0000000000000000DEMO0";
    pub const SUBSCRIPTION: &str = "31DEM0SUBSCRIPT10N00000000000000000";
    pub const ACH: &str = "ACH1MPLE7TOKEN0ALICE0PAYS0BY0BANK0TRANSFER00000000000000000DEMO0";
}

/// When the tests take place.
pub const NOW: &str = "2012-06-01T12:00:00Z";

/// A running sandbox.
pub struct Server {
    pub addr: SocketAddr,
    pub clock: Clock,
    pub store: Store,
    pub worlds: Worlds,
    database: Database,
    stopper: shutdown::ShutdownHandle,
    serving: JoinHandle<ShutdownOutcome>,
}

/// A quiet configuration on free ports, everything else as users have it.
pub fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".to_owned(),
        id_seed: Some(1),
        // Few, so that the sandbox forgets transactions and reads them again.
        cached_transactions: 8,
        ..Config::default()
    }
}

pub fn instant(text: &str) -> Timestamp {
    text.parse::<DateTime<Utc>>().expect("an instant").into()
}

impl Server {
    /// The demo world at [`NOW`].
    pub async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub async fn start_with(config: Config) -> Self {
        Self::start_at(config, instant(NOW)).await.expect("the sandbox starts")
    }

    /// A world made from the text of a seed file.
    pub async fn start_seeded(seed: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), seed).expect("the seed is written");
        Self::start_with(Config { seed: Some(file.path().to_owned()), ..config() }).await
    }

    /// The same with its database in a file, in this folder.
    pub async fn start_in(folder: &Path, seed: &str) -> Self {
        Self::start_in_with(folder, seed, config()).await
    }

    /// The same with these settings.
    pub async fn start_in_with(folder: &Path, seed: &str, config: Config) -> Self {
        let file = folder.join("seed.toml");
        std::fs::write(&file, seed).expect("the seed is written");
        let database = match postgres::server() {
            Some(_) => postgres::fresh_database().await,
            None => Database::File(folder.join("ledger.db")),
        };
        Self::start_with(Config { seed: Some(file), database, ..config }).await
    }

    /// Stops the sandbox that [`Server::start_in`] started, and audits its books.
    pub async fn stop_and_audit(self) {
        let database = self.database.clone();
        self.stop().await;
        for audited in audit(&database, Duration::from_secs(5), None).await.expect("a database") {
            assert!(audited.invariants > 0 && audited.findings.is_empty(), "{audited:?}");
        }
    }

    /// Where there is a PostgreSQL server, it takes the place of the database in memory.
    pub async fn start_at(mut config: Config, now: Timestamp) -> Result<Self, StartError> {
        if config.database == Database::Memory && postgres::server().is_some() {
            config.database = postgres::fresh_database().await;
        }
        let clock = Clock::new(ClockState::Frozen(now));
        let sandbox = Sandbox::start(&config, clock.clone()).await?;
        let (stopper, shutdown) = shutdown::channel();
        let (addr, worlds) = (sandbox.http_addrs()[0], sandbox.worlds().clone());
        let store = sandbox.store().clone();
        let serving = tokio::spawn(sandbox.serve(shutdown));
        Ok(Self { addr, clock, store, worlds, database: config.database, stopper, serving })
    }

    /// Stops it as SIGTERM would, and waits until its database is closed.
    pub async fn stop(self) -> ShutdownOutcome {
        self.stopper.shut_down_gracefully();
        self.serving.await.expect("the server ends in order")
    }

    /// An access key of the default world.
    pub fn key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.worlds.default_world().keys().get(id).cloned()
    }

    /// The demo merchant.
    pub fn merchant(&self) -> Client {
        self.client(demo::KEY, demo::SECRET)
    }

    /// The demo world's other merchant.
    pub fn other_merchant(&self) -> Client {
        self.client(demo::SECOND_KEY, demo::SECRET)
    }

    pub fn client(&self, key: &str, secret: &str) -> Client {
        Client {
            addr: self.addr,
            clock: self.clock.clone(),
            key: key.to_owned(),
            secret: SecretKey::new(secret),
        }
    }

    /// Sends bytes over a fresh socket and reads one answer.
    pub async fn raw(&self, request: &[u8]) -> Reply {
        raw(self.addr, request).await
    }

    /// Moves the sandbox clock forward.
    pub async fn advance(&self, by: Duration) {
        self.store.set_clock(self.clock.state().advanced(by)).await.expect("the clock moves");
    }
}

/// A caller with an access key.
#[derive(Clone)]
pub struct Client {
    pub addr: SocketAddr,
    pub clock: Clock,
    pub key: String,
    pub secret: SecretKey,
}

pub type Parameters<'a> = &'a [(&'a str, &'a str)];

impl Client {
    /// The signed parameters of a GET by signature version 2, ready for a URL.
    pub fn signed_query(&self, action: &str, parameters: Parameters<'_>) -> String {
        let timestamp = self.clock.now().to_string();
        let common = [
            ("Action", action),
            ("AWSAccessKeyId", self.key.as_str()),
            ("Version", "2008-09-17"),
            ("Timestamp", timestamp.as_str()),
            ("SignatureVersion", "2"),
            ("SignatureMethod", "HmacSHA256"),
        ];
        // What the test gives replaces a common parameter of the same name.
        let own = |name: &str| parameters.iter().any(|(given, _)| *given == name);
        let kept = common.into_iter().filter(|(name, _)| !own(name));
        let mut pairs: Vec<(String, String)> = kept
            .chain(parameters.iter().copied())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let signable = Signable { verb: "GET", path: "/", pairs: &pairs, signature_name: "Signature" };
        let signature = sign(&self.secret, Scheme::V2(Hash::Sha256), &signable, "localhost");
        pairs.push(("Signature".to_owned(), signature));
        encode(&pairs)
    }

    /// Signs, sends and reads the answer.
    pub async fn call(&self, action: &str, parameters: Parameters<'_>) -> Reply {
        let query = self.signed_query(action, parameters);
        raw(self.addr, get(&query).as_bytes()).await
    }

    /// The same, expecting success.
    pub async fn ok(&self, action: &str, parameters: Parameters<'_>) -> Reply {
        let reply = self.call(action, parameters).await;
        assert_eq!(reply.status, 200, "{action} {parameters:?}: {}", reply.body);
        reply
    }

    /// The same, expecting this error code with HTTP 400.
    pub async fn refused(&self, action: &str, parameters: Parameters<'_>, code: &str) -> Reply {
        let reply = self.call(action, parameters).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, code),
            "{action} {parameters:?}: {}",
            reply.body
        );
        reply
    }

    /// Pays in US dollars.
    pub async fn pay(&self, token: &str, dollars: &str, reference: &str) -> Reply {
        self.call("Pay", &pay(token, dollars, reference)).await
    }

    /// The debt on an instrument: available, pending.
    pub async fn debt(&self, instrument: &str) -> (String, String) {
        let reply = self.ok("GetDebtBalance", &[("CreditInstrumentId", instrument)]).await;
        (reply.text("AvailableBalance/Value"), reply.text("PendingOutBalance/Value"))
    }

    /// The status of a transaction: status, code.
    pub async fn status(&self, transaction: &str) -> (String, String) {
        let reply = self.ok("GetTransactionStatus", &[("TransactionId", transaction)]).await;
        (reply.text("TransactionStatus"), reply.text("StatusCode"))
    }
}

/// The parameters of a Pay.
pub fn pay<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("SenderTokenId", token),
        ("TransactionAmount.Value", dollars),
        ("TransactionAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

/// The parameters of a SettleDebt on the demo instrument.
pub fn settle<'a>(dollars: &'a str, reference: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("SenderTokenId", demo::SETTLEMENT),
        ("CreditInstrumentId", demo::INSTRUMENT),
        ("SettlementAmount.Value", dollars),
        ("SettlementAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

pub fn encode(pairs: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        percent_encode(name, &mut query);
        query.push('=');
        percent_encode(value, &mut query);
    }
    query
}

/// A GET of a query, as a client on `localhost` sends it.
pub fn get(query: &str) -> String {
    format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    /// The status line and headers as sent.
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The text of the first element reached by a path of names, such as `DebtBalance/Value`.
    pub fn text(&self, path: &str) -> String {
        let mut rest = self.body.as_str();
        for name in path.split('/') {
            let Some((_, inside)) = rest.split_once(&format!("<{name}>")) else {
                panic!("no <{name}> of {path} in {}", self.body)
            };
            rest = inside;
        }
        rest.split('<').next().unwrap_or_default().to_owned()
    }

    /// What stands in each element of this name, one after the other.
    pub fn each(&self, name: &str) -> Vec<Self> {
        let (start, end) = (format!("<{name}>"), format!("</{name}>"));
        let inside = |rest: &str| rest.split(&end).next().unwrap_or_default().to_owned();
        self.body.split(&start).skip(1).map(|rest| Self { body: inside(rest), ..self.clone() }).collect()
    }

    /// The text under this path in each element of this name.
    pub fn texts(&self, name: &str, path: &str) -> Vec<String> {
        self.each(name).iter().map(|element| element.text(path)).collect()
    }

    /// The error code.
    pub fn code(&self) -> String {
        if self.body.contains("<Code>") {
            self.text("Code")
        } else {
            format!("none, but status {}", self.status)
        }
    }

    /// The error message.
    pub fn message(&self) -> String {
        self.text("Message")
    }

    /// The body with ids and instants replaced, after a look at their form.
    pub fn redacted(&self) -> String {
        redact(&self.body)
    }
}

/// Replaces request ids, transaction ids and instants by words; anything of another form stays and is noticed.
pub fn redact(body: &str) -> String {
    let mut redacted = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('>') {
        redacted.push_str(before);
        redacted.push('>');
        let text = after.split('<').next().unwrap_or_default();
        redacted.push_str(if is_uuid(text.strip_suffix(":0").unwrap_or(text)) {
            if text.ends_with(":0") { "[uuid]:0" } else { "[uuid]" }
        } else if is_transaction_id(text) {
            "[transaction]"
        } else if text.len() == 24 && DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z') {
            "[instant]"
        } else {
            text
        });
        rest = &after[text.len()..];
    }
    redacted.push_str(rest);
    redacted
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit() && !b.is_ascii_uppercase(),
        })
}

fn is_transaction_id(text: &str) -> bool {
    text.len() == 35 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// Sends bytes over a fresh socket and reads until the server closes, or the answer is complete.
pub async fn raw(addr: SocketAddr, request: &[u8]) -> Reply {
    let mut socket = TcpStream::connect(addr).await.expect("the server accepts");
    socket.write_all(request).await.expect("the request is sent");
    read_reply(&mut socket).await
}

/// Reads one answer: the head, then as much as it says.
pub async fn read_reply(socket: &mut TcpStream) -> Reply {
    let reading = async {
        let mut bytes = Vec::new();
        while !is_complete(&bytes) {
            match socket.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        bytes
    };
    let bytes = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("an answer within 30 s");
    Reply::parse(&bytes)
}

fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}
