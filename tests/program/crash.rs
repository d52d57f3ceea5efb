//! Confirmed requests are durable and no request takes effect twice, however the program ends.
//!
//! Several clients create, settle, write off and refund debt on a database file while the program is killed. After a
//! restart, a request that had a response must get the same response again. One without a response took effect once or
//! not at all; sending it again shows which.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::program::{Program, assert_sound};
use crate::support::rng::{IndexedRandom, RngExt, SeedableRng, StdRng, new_rng};
use crate::support::{Client, Response, read_response};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// The number of times that the program is killed.
const ROUNDS: usize = 24;
/// The number of concurrent clients.
const CLIENTS: usize = 8;
/// The program is killed after at most this many responses.
const MAX_ANSWERS: usize = 120;
/// The number of requests of one client in a round.
const MAX_REQUESTS: usize = 100;
/// The suffixes of the ids in the seed.
const ID_SUFFIXES: [&str; 3] = ["1", "2", "3"];

/// A seed with a merchant, and a buyer with more credit than the test uses.
fn seed() -> String {
    let mut seed = String::from(
        r#"
        [[account]]
        name = "merchant"
        email = "merchant@example.com"
        balance = "1000.00"

        [[account.access_key]]
        id = "AKIAIOSFODNN7EXAMPLE"
        secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

        [[account]]
        name = "buyer"
        email = "buyer@example.com"
        kind = "personal"
        "#,
    );
    for suffix in ID_SUFFIXES {
        let entries = format!(
            r#"
            [[credit_instrument]]
            id = "instrument-{suffix}"
            sender = "buyer"
            recipient = "merchant"
            credit_limit = "1000000.00"

            [[token]]
            id = "credit-{suffix}"
            charges = "instrument-{suffix}"

            [[token]]
            id = "settlement-{suffix}"
            settles = "instrument-{suffix}"
            method = "CC"
            global_amount_limit = "1000000.00"
            "#
        );
        seed.push_str(&entries);
    }
    seed
}

/// A request, and its response if there was one.
#[derive(Clone, Debug)]
struct SentRequest {
    action: &'static str,
    parameters: Vec<(&'static str, String)>,
    /// The suffix of the instrument whose debt the request changes.
    instrument: &'static str,
    dollars: i64,
    answer: Option<RecordedResponse>,
}

/// The parts of a response that are the same for every repetition of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RecordedResponse {
    Success { transaction: String, status: String },
    Refused { code: String, message: String },
}

impl RecordedResponse {
    /// Reads a response; returns `None` when the connection was closed before its end.
    fn read(response: &Response) -> Option<Self> {
        if !response.body.ends_with("Response>") {
            return None;
        }
        Some(match response.status {
            200 => Self::Success {
                transaction: response.text("TransactionId"),
                status: response.text("TransactionStatus"),
            },
            400 => Self::Refused { code: response.code(), message: response.message() },
            other => panic!("HTTP {other}: {}", response.body),
        })
    }
}

impl SentRequest {
    /// A random request for one of the instruments or one of these payments.
    fn random(rng: &mut StdRng, reference: String, pays: &[(String, &'static str)]) -> Self {
        let dollars = rng.random_range(1..=9_i64);
        let mut suffix = *ID_SUFFIXES.choose(rng).unwrap();
        let amount = |value: &'static str, currency: &'static str| {
            [(value, format!("{dollars}.00")), (currency, "USD".to_owned())]
        };
        let (action, names, money) = match rng.random_range(0..10) {
            0..5 => (
                "Pay",
                vec![("SenderTokenId", format!("credit-{suffix}"))],
                amount("TransactionAmount.Value", "TransactionAmount.CurrencyCode"),
            ),
            5..7 => (
                "SettleDebt",
                vec![
                    ("SenderTokenId", format!("settlement-{suffix}")),
                    ("CreditInstrumentId", format!("instrument-{suffix}")),
                ],
                amount("SettlementAmount.Value", "SettlementAmount.CurrencyCode"),
            ),
            7..9 if !pays.is_empty() => {
                let (transaction, instrument) = pays.choose(rng).unwrap();
                suffix = instrument;
                (
                    "Refund",
                    vec![("TransactionId", transaction.clone())],
                    amount("RefundAmount.Value", "RefundAmount.CurrencyCode"),
                )
            }
            _ => (
                "WriteOffDebt",
                vec![("CreditInstrumentId", format!("instrument-{suffix}"))],
                amount("AdjustmentAmount.Value", "AdjustmentAmount.CurrencyCode"),
            ),
        };
        let reference = ("CallerReference", reference);
        let parameters = names.into_iter().chain(money).chain([reference]).collect();
        Self { action, parameters, instrument: suffix, dollars, answer: None }
    }

    fn parameters(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// The change of the debt in dollars.
    fn effect(&self) -> i64 {
        match &self.answer {
            Some(RecordedResponse::Success { .. }) if self.action == "Pay" => self.dollars,
            Some(RecordedResponse::Success { .. }) => -self.dollars,
            _ => 0,
        }
    }

    /// Sends the request twice. Both responses must equal the recorded one, if there is one.
    async fn resend(mut self, client: &Client) -> Self {
        for _ in 0..2 {
            let response = client.call(self.action, &self.parameters()).await;
            let answer = RecordedResponse::read(&response).expect("a complete response");
            let first = self.answer.get_or_insert_with(|| answer.clone()).clone();
            assert_eq!(first, answer, "{self:?}");
        }
        if let Some(RecordedResponse::Success { transaction, .. }) = &self.answer {
            let detail = client.ok("GetTransaction", &[("TransactionId", transaction)]).await;
            assert_eq!(detail.text("FPSOperation"), self.action);
            assert_eq!(detail.text("CallerReference"), self.parameters.last().unwrap().1);
            assert_eq!(detail.text("TransactionAmount/Value"), format!("{}.000000", self.dollars));
        }
        self
    }
}

/// Sends one request after the other until the connection is closed.
async fn send_until_disconnected(
    client: Client,
    mut rng: StdRng,
    name: String,
    answers: Arc<AtomicUsize>,
) -> Vec<SentRequest> {
    let (mut all, mut pays) = (Vec::new(), Vec::new());
    let Ok(mut socket) = TcpStream::connect(client.addr).await else { return all };
    for number in 0..MAX_REQUESTS {
        let mut sent = SentRequest::random(&mut rng, format!("{name}-{number}"), &pays);
        let query = client.signed_query(sent.action, &sent.parameters());
        let request = format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if socket.write_all(request.as_bytes()).await.is_ok() {
            sent.answer = RecordedResponse::read(&read_response(&mut socket).await);
        }
        let broken = sent.answer.is_none();
        if let (Some(RecordedResponse::Success { transaction, .. }), "Pay") = (&sent.answer, sent.action) {
            pays.push((transaction.clone(), sent.instrument));
        }
        all.push(sent);
        if broken {
            break;
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
    all
}

/// A database that persists over all rounds, and the requests sent to it.
struct CrashTest {
    folder: TempDir,
    rng: StdRng,
    rounds: usize,
    /// Requests that were verified after a restart.
    verified: Vec<SentRequest>,
    /// Requests of the last round.
    last_round: Vec<SentRequest>,
    unanswered: usize,
}

impl CrashTest {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("seed.toml"), seed()).unwrap();
        let (verified, last_round) = (Vec::new(), Vec::new());
        Self { folder, rng: new_rng(), rounds: 0, verified, last_round, unanswered: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn start(&self) -> Program {
        let (database, seed) = (self.path("ledger.db"), self.path("seed.toml"));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let arguments =
            ["--database", &text(&database), "--seed", &text(&seed), "--cc-delay", "200ms", "--log", "warn"];
        Program::start(self.folder.path(), &arguments).await
    }

    /// Runs the clients until they have a random number of responses, and then stops the program.
    async fn round(&mut self, program: &mut Program, stop: impl FnOnce(&mut Program)) {
        let answers = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let name = format!("r{}-c{client}", self.rounds);
            clients.spawn(send_until_disconnected(
                program.merchant(),
                self.rng.fork(),
                name,
                Arc::clone(&answers),
            ));
        }
        let (enough, pause) = (self.rng.random_range(0..MAX_ANSWERS), self.rng.random_range(0..5_000));
        while answers.load(Ordering::Relaxed) < enough {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_micros(pause)).await;
        stop(program);
        self.last_round = clients.join_all().await.concat();
        self.unanswered += self.last_round.iter().filter(|sent| sent.answer.is_none()).count();
        self.rounds += 1;
    }

    /// Sends all requests of the last round again.
    async fn verify_last_round(&mut self, program: &Program) {
        let last_round = std::mem::take(&mut self.last_round);
        self.verified.extend(resend_all(program, last_round).await);
    }

    /// Asserts that the debt on each instrument is the sum of the effects of all requests.
    async fn assert_debts(&self, program: &Program) {
        let mut debts: BTreeMap<&str, i64> = ID_SUFFIXES.map(|suffix| (suffix, 0)).into();
        for sent in &self.verified {
            *debts.get_mut(sent.instrument).unwrap() += sent.effect();
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        for (suffix, dollars) in debts {
            let expected = (format!("{dollars}.000000"), "0.000000".to_owned());
            // Settlements by card are pending for a moment.
            while program.merchant().debt(&format!("instrument-{suffix}")).await != expected {
                assert!(Instant::now() < deadline, "instrument {suffix} should owe {dollars}");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Sends requests again over several connections.
async fn resend_all(program: &Program, requests: Vec<SentRequest>) -> Vec<SentRequest> {
    let mut clients = JoinSet::new();
    for part in requests.chunks(requests.len().div_ceil(CLIENTS).max(1)) {
        let (client, part) = (program.merchant(), part.to_vec());
        clients.spawn(async move {
            let mut again = Vec::new();
            for sent in part {
                again.push(sent.resend(&client).await);
            }
            again
        });
    }
    clients.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_under_load_keeps_every_confirmed_request_exactly_once() {
    let mut test = CrashTest::new();
    for _ in 0..ROUNDS {
        let mut program = test.start().await;
        test.verify_last_round(&program).await;
        test.round(&mut program, Program::kill).await;
        // The audit must succeed on the file as the crash has left it, before a sandbox opens it.
        assert_sound(&test.path("ledger.db"));
    }
    let program = test.start().await;
    test.verify_last_round(&program).await;
    test.assert_debts(&program).await;
    test.verified = resend_all(&program, std::mem::take(&mut test.verified)).await;
    test.assert_debts(&program).await;
    program.stop().await;
    assert_sound(&test.path("ledger.db"));
    // Otherwise the program was killed while it was idle, which proves nothing.
    assert!(test.unanswered >= ROUNDS, "only {} requests were cut off", test.unanswered);
    assert!(test.verified.len() > test.unanswered * 2, "only {} requests were sent", test.verified.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_terminated_under_load_keeps_every_confirmed_request_and_exits_with_0() {
    let mut test = CrashTest::new();
    for _ in 0..3 {
        let mut program = test.start().await;
        test.verify_last_round(&program).await;
        test.round(&mut program, |program| program.terminate()).await;
        let status = program.wait().await;
        assert_eq!(status.code(), Some(0), "{}", program.log());
        assert_sound(&test.path("ledger.db"));
    }
    let program = test.start().await;
    test.verify_last_round(&program).await;
    test.assert_debts(&program).await;
    program.stop().await;
    assert_sound(&test.path("ledger.db"));
}
