//! What was answered has happened, and nothing happens twice, however the program ends.
//!
//! Several clients make, settle, write off and refund debt on a database file; in the middle of it the program is
//! killed. Started again on the file, it must know every request that it had answered, by the same answer; one
//! that it had not answered has happened once or not at all, and sending it again tells.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::dice::Dice;
use crate::support::program::{Program, assert_sound};
use crate::support::{Client, Reply, read_reply};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// How often the program is killed.
const ROUNDS: usize = 24;
/// Clients at a time.
const CLIENTS: usize = 8;
/// A program is killed after at most so many answers.
const MAX_ANSWERS: usize = 120;
/// Requests of one client in a round.
const MAX_REQUESTS: usize = 100;
/// Ids in the seed end in one of these.
const INSTRUMENTS: [&str; 3] = ["1", "2", "3"];

/// A merchant, and a buyer with more credit than will be used.
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
    for end in INSTRUMENTS {
        let entries = format!(
            r#"
            [[credit_instrument]]
            id = "instrument-{end}"
            sender = "buyer"
            recipient = "merchant"
            credit_limit = "1000000.00"

            [[token]]
            id = "credit-{end}"
            charges = "instrument-{end}"

            [[token]]
            id = "settlement-{end}"
            settles = "instrument-{end}"
            method = "CC"
            global_amount_limit = "1000000.00"
            "#
        );
        seed.push_str(&entries);
    }
    seed
}

/// A request, and the answer if one came.
#[derive(Clone, Debug)]
struct Sent {
    action: &'static str,
    parameters: Vec<(&'static str, String)>,
    /// On which instrument.
    instrument: &'static str,
    dollars: i64,
    answer: Option<Answer>,
}

/// What the answers to the same request have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Made { transaction: String, status: String },
    Refused { code: String, message: String },
}

impl Answer {
    /// Reads a whole answer; a connection that broke off gives none.
    fn read(reply: &Reply) -> Option<Self> {
        if !reply.body.ends_with("Response>") {
            return None;
        }
        Some(match reply.status {
            200 => Self::Made {
                transaction: reply.text("TransactionId"),
                status: reply.text("TransactionStatus"),
            },
            400 => Self::Refused { code: reply.code(), message: reply.message() },
            other => panic!("HTTP {other}: {}", reply.body),
        })
    }
}

impl Sent {
    /// A request like those that merchants send, on one of the instruments or of the Pays made before.
    fn thrown(dice: &mut Dice, reference: String, pays: &[(String, &'static str)]) -> Self {
        let dollars = i64::try_from(dice.below(9) + 1).unwrap();
        let mut end = *dice.pick(&INSTRUMENTS);
        let amount = |value: &'static str, currency: &'static str| {
            [(value, format!("{dollars}.00")), (currency, "USD".to_owned())]
        };
        let (action, names, money) = match dice.below(10) {
            0..5 => (
                "Pay",
                vec![("SenderTokenId", format!("credit-{end}"))],
                amount("TransactionAmount.Value", "TransactionAmount.CurrencyCode"),
            ),
            5..7 => (
                "SettleDebt",
                vec![
                    ("SenderTokenId", format!("settlement-{end}")),
                    ("CreditInstrumentId", format!("instrument-{end}")),
                ],
                amount("SettlementAmount.Value", "SettlementAmount.CurrencyCode"),
            ),
            7..9 if !pays.is_empty() => {
                let (transaction, instrument) = dice.pick(pays);
                end = instrument;
                (
                    "Refund",
                    vec![("TransactionId", transaction.clone())],
                    amount("RefundAmount.Value", "RefundAmount.CurrencyCode"),
                )
            }
            _ => (
                "WriteOffDebt",
                vec![("CreditInstrumentId", format!("instrument-{end}"))],
                amount("AdjustmentAmount.Value", "AdjustmentAmount.CurrencyCode"),
            ),
        };
        let reference = ("CallerReference", reference);
        let parameters = names.into_iter().chain(money).chain([reference]).collect();
        Self { action, parameters, instrument: end, dollars, answer: None }
    }

    fn parameters(&self) -> Vec<(&str, &str)> {
        self.parameters.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// By how much it has changed the debt.
    fn effect(&self) -> i64 {
        match &self.answer {
            Some(Answer::Made { .. }) if self.action == "Pay" => self.dollars,
            Some(Answer::Made { .. }) => -self.dollars,
            _ => 0,
        }
    }

    /// Sends it again. What had an answer gets that answer; what had none has one from now on.
    async fn again(mut self, client: &Client) -> Self {
        for _ in 0..2 {
            let reply = client.call(self.action, &self.parameters()).await;
            let answer = Answer::read(&reply).expect("a whole answer");
            let first = self.answer.get_or_insert_with(|| answer.clone()).clone();
            assert_eq!(first, answer, "{self:?}");
        }
        if let Some(Answer::Made { transaction, .. }) = &self.answer {
            let detail = client.ok("GetTransaction", &[("TransactionId", transaction)]).await;
            assert_eq!(detail.text("FPSOperation"), self.action);
            assert_eq!(detail.text("CallerReference"), self.parameters.last().unwrap().1);
            assert_eq!(detail.text("TransactionAmount/Value"), format!("{}.000000", self.dollars));
        }
        self
    }
}

/// A client that sends one request after the other until the connection breaks.
async fn load(client: Client, mut dice: Dice, name: String, answers: Arc<AtomicUsize>) -> Vec<Sent> {
    let (mut all, mut pays) = (Vec::new(), Vec::new());
    let Ok(mut socket) = TcpStream::connect(client.addr).await else { return all };
    for number in 0..MAX_REQUESTS {
        let mut sent = Sent::thrown(&mut dice, format!("{name}-{number}"), &pays);
        let query = client.signed_query(sent.action, &sent.parameters());
        let request = format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if socket.write_all(request.as_bytes()).await.is_ok() {
            sent.answer = Answer::read(&read_reply(&mut socket).await);
        }
        let broken = sent.answer.is_none();
        if let (Some(Answer::Made { transaction, .. }), "Pay") = (&sent.answer, sent.action) {
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

/// A database that grows from round to round, and all that was ever sent to it.
struct Story {
    folder: TempDir,
    dice: Dice,
    rounds: usize,
    /// Sent, and found again on a later start.
    settled: Vec<Sent>,
    /// Sent in the last round.
    fresh: Vec<Sent>,
    unanswered: usize,
}

impl Story {
    fn begin() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("seed.toml"), seed()).unwrap();
        let (settled, fresh) = (Vec::new(), Vec::new());
        Self { folder, dice: Dice::thrown(), rounds: 0, settled, fresh, unanswered: 0 }
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

    /// Runs the clients until there are some answers, and then `end`s the program under them.
    async fn round(&mut self, program: &mut Program, end: impl FnOnce(&mut Program)) {
        let answers = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        for client in 0..CLIENTS {
            let name = format!("r{}-c{client}", self.rounds);
            clients.spawn(load(program.merchant(), self.dice.split(), name, Arc::clone(&answers)));
        }
        let (enough, pause) = (self.dice.below(MAX_ANSWERS), self.dice.below(5_000));
        while answers.load(Ordering::Relaxed) < enough {
            sleep(Duration::from_millis(1)).await;
        }
        sleep(Duration::from_micros(u64::try_from(pause).unwrap())).await;
        end(program);
        self.fresh = clients.join_all().await.concat();
        self.unanswered += self.fresh.iter().filter(|sent| sent.answer.is_none()).count();
        self.rounds += 1;
    }

    /// Sends everything of the last round again.
    async fn look_back(&mut self, program: &Program) {
        let fresh = std::mem::take(&mut self.fresh);
        self.settled.extend(all_again(program, fresh).await);
    }

    /// The debt on each instrument is what the answers say, no more and no less.
    async fn assert_debts(&self, program: &Program) {
        let mut debts: BTreeMap<&str, i64> = INSTRUMENTS.map(|end| (end, 0)).into();
        for sent in &self.settled {
            *debts.get_mut(sent.instrument).unwrap() += sent.effect();
        }
        let deadline = Instant::now() + Duration::from_secs(30);
        for (end, dollars) in debts {
            let expected = (format!("{dollars}.000000"), "0.000000".to_owned());
            // Settlements by card take a moment to leave the pending balance.
            while program.merchant().debt(&format!("instrument-{end}")).await != expected {
                assert!(Instant::now() < deadline, "instrument {end} should owe {dollars}");
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Sends requests again, a few at a time.
async fn all_again(program: &Program, requests: Vec<Sent>) -> Vec<Sent> {
    let mut clients = JoinSet::new();
    for part in requests.chunks(requests.len().div_ceil(CLIENTS).max(1)) {
        let (client, part) = (program.merchant(), part.to_vec());
        clients.spawn(async move {
            let mut again = Vec::new();
            for sent in part {
                again.push(sent.again(&client).await);
            }
            again
        });
    }
    clients.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_killed_under_load_has_kept_all_that_it_answered_and_nothing_twice() {
    let mut story = Story::begin();
    for _ in 0..ROUNDS {
        let mut program = story.start().await;
        story.look_back(&program).await;
        story.round(&mut program, Program::kill).await;
        // The file is sound as the crash has left it, before anything puts it in order.
        assert_sound(&story.path("ledger.db"));
    }
    let program = story.start().await;
    story.look_back(&program).await;
    story.assert_debts(&program).await;
    story.settled = all_again(&program, std::mem::take(&mut story.settled)).await;
    story.assert_debts(&program).await;
    program.finish().await;
    assert_sound(&story.path("ledger.db"));
    // Otherwise the kills came at idle moments, and nothing was put to the test.
    assert!(story.unanswered >= ROUNDS, "only {} requests were cut off", story.unanswered);
    assert!(story.settled.len() > story.unanswered * 2, "only {} requests were sent", story.settled.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_asked_to_finish_under_load_keeps_all_that_it_answered_and_exits_with_0() {
    let mut story = Story::begin();
    for _ in 0..3 {
        let mut program = story.start().await;
        story.look_back(&program).await;
        story.round(&mut program, |program| program.terminate()).await;
        let status = program.ended().await;
        assert_eq!(status.code(), Some(0), "{}", program.log());
        assert_sound(&story.path("ledger.db"));
    }
    let program = story.start().await;
    story.look_back(&program).await;
    story.assert_debts(&program).await;
    program.finish().await;
    assert_sound(&story.path("ledger.db"));
}
