//! Several sandboxes on one PostgreSQL database: together they are as one, whichever of them dies.
//!
//! These tests need a server: `.ci/postgres cargo test -- --include-ignored` starts one. Clients send each request
//! until it is answered, to whichever sandbox; so each must take effect once.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]

mod support;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use support::cobranded::{Back, CONFIRM, Pages, SIGN_IN, asking};
use support::dice::Dice;
use support::program::{Program, assert_sound};
use support::{Client, Reply, demo, get, pay, postgres, read_reply, settle};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Stopping the server must not fall into another test.
static SERVER_RUNS: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// Longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// Sandboxes on one database, each in a folder of its own.
struct Replicas {
    url: String,
    folders: Vec<TempDir>,
    programs: Vec<Program>,
    addrs: Arc<RwLock<Vec<SocketAddr>>>,
}

impl Replicas {
    /// Starts so many at once.
    async fn start(count: usize, arguments: &'static [&'static str]) -> Self {
        let url = postgres::fresh().await;
        let folders: Vec<TempDir> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut starting = JoinSet::new();
        for folder in &folders {
            let (folder, url) = (folder.path().to_owned(), url.clone());
            starting.spawn(async move { start(&folder, &url, arguments).await });
        }
        let programs = starting.join_all().await;
        let addrs = Arc::new(RwLock::new(programs.iter().map(|program| program.addr).collect()));
        // They became ready in any order; each keeps its own log.
        Self { url, folders, programs, addrs }
    }

    fn merchant(&self, index: usize) -> Client {
        self.programs[index].merchant()
    }

    /// Kills one in the middle of whatever it does, and starts it again.
    async fn replace(&mut self, index: usize, arguments: &[&str]) {
        self.programs[index].kill();
        let folder = tempfile::tempdir().unwrap();
        self.programs[index] = start(folder.path(), &self.url, arguments).await;
        self.folders.push(folder);
        self.addrs.write().unwrap()[index] = self.programs[index].addr;
    }

    /// Ends all in order, and audits the book.
    async fn finish_and_audit(self) {
        for program in self.programs {
            program.finish().await;
        }
        assert_sound(Path::new(&self.url));
    }
}

async fn start(folder: &Path, url: &str, arguments: &[&str]) -> Program {
    let mut all = vec!["--database", url];
    all.extend(arguments);
    Program::start(folder, &all).await
}

/// An answer that is the same however often the request is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    Made { transaction: String },
    Refused { code: String },
}

/// Sends a request until it is answered, each time to another sandbox.
async fn insist(
    addrs: &RwLock<Vec<SocketAddr>>,
    dice: &mut Dice,
    action: &str,
    parameters: &[(&str, &str)],
) -> Answer {
    let deadline = Instant::now() + LONG;
    loop {
        let addr = {
            let addrs = addrs.read().unwrap();
            addrs[dice.below(addrs.len())]
        };
        match ask(addr, action, parameters).await {
            Some(reply) if reply.status == 200 => {
                return Answer::Made { transaction: reply.text("TransactionId") };
            }
            Some(reply) if reply.status < 500 => return Answer::Refused { code: reply.code() },
            Some(reply) => assert!(
                ["ServiceUnavailable", "InternalError"].contains(&reply.code().as_str()),
                "{}",
                reply.body
            ),
            None => {}
        }
        assert!(Instant::now() < deadline, "{action} {parameters:?} is never answered");
        sleep(Duration::from_millis(10)).await;
    }
}

/// One answer, if the sandbox is there and lives to give it.
async fn ask(addr: SocketAddr, action: &str, parameters: &[(&str, &str)]) -> Option<Reply> {
    let merchant = merchant_at(addr);
    let query = merchant.signed_query(action, parameters);
    let mut socket = TcpStream::connect(addr).await.ok()?;
    socket.write_all(get(&query).as_bytes()).await.ok()?;
    Some(read_reply(&mut socket).await).filter(|reply| reply.body.ends_with("Response>"))
}

fn merchant_at(addr: SocketAddr) -> Client {
    Client {
        addr,
        clock: fps_sandbox::clock::Clock::real_time(),
        key: demo::KEY.to_owned(),
        secret: fps_sandbox::signature::SecretKey::new(demo::SECRET),
    }
}

/// What one client asked: under which reference, what, for how many dollars, and what it was told.
type Told = (String, &'static str, String, Answer);

/// A client that pays, and now and then settles, on the demo instrument.
async fn pay_and_settle(
    client: usize,
    requests: usize,
    addrs: Arc<RwLock<Vec<SocketAddr>>>,
    going: Arc<AtomicBool>,
) -> Vec<Told> {
    let mut dice = Dice::new(client as u64 + 1);
    let mut told = Vec::new();
    let mut number = 0;
    while number < requests || going.load(Ordering::Relaxed) {
        number += 1;
        let (reference, dollars) = (format!("client-{client}-{number}"), (1 + dice.below(9)).to_string());
        let (action, answer) = if dice.below(4) == 0 {
            ("SettleDebt", insist(&addrs, &mut dice, "SettleDebt", &settle(&dollars, &reference)).await)
        } else {
            ("Pay", insist(&addrs, &mut dice, "Pay", &pay(demo::CREDIT, &dollars, &reference)).await)
        };
        told.push((reference, action, dollars, answer));
    }
    told
}

/// Checks what the clients were told against every sandbox: the same answer again, and a debt that adds up.
async fn check(replicas: &Replicas, told: &[Told]) {
    let (mut debt, mut refused) = (100, 0);
    let mut transactions = BTreeMap::new();
    for (reference, action, dollars, answer) in told {
        match answer {
            Answer::Made { transaction } => {
                let other = transactions.insert(transaction.clone(), reference.clone());
                assert_eq!(other, None, "two references made {transaction}");
                let dollars: i64 = dollars.parse().unwrap();
                debt += if *action == "Pay" { dollars } else { -dollars };
            }
            Answer::Refused { .. } => refused += 1,
        }
    }
    assert!(refused > 0, "the limit was never reached");
    for index in 0..replicas.programs.len() {
        let merchant = replicas.merchant(index);
        assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, format!("{debt}.000000"), "at sandbox {index}");
        let mut dice = Dice::new(7);
        for (reference, action, dollars, answer) in told.iter().step_by(5) {
            let parameters = match *action {
                "Pay" => pay(demo::CREDIT, dollars, reference).to_vec(),
                _ => settle(dollars, reference).to_vec(),
            };
            let addrs = RwLock::new(vec![merchant.addr]);
            assert_eq!(insist(&addrs, &mut dice, action, &parameters).await, *answer, "{reference}");
        }
    }
}

const AT_ONCE: &[&str] = &["--cc-delay", "0"];

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn three_that_start_at_once_on_an_empty_database_fill_it_once_and_see_the_same() {
    let _runs = SERVER_RUNS.read().await;
    let replicas = Replicas::start(3, &[]).await;
    replicas.merchant(0).ok("Pay", &pay(demo::CREDIT, "10", "first")).await;
    for index in 0..3 {
        assert_eq!(replicas.merchant(index).debt(demo::INSTRUMENT).await.0, "110.000000");
    }
    let first = replicas.merchant(1).ok("Pay", &pay(demo::CREDIT, "10", "second")).await;
    let again = replicas.merchant(2).ok("Pay", &pay(demo::CREDIT, "10", "second")).await;
    assert_eq!(first.text("TransactionId"), again.text("TransactionId"));
    replicas.merchant(2).refused("Pay", &pay(demo::CREDIT, "11", "second"), "DuplicateRequest").await;
    for index in 0..3 {
        assert_eq!(replicas.merchant(index).debt(demo::INSTRUMENT).await.0, "120.000000");
    }
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn clients_that_pay_up_to_the_limit_and_settle_lose_nothing_when_sandboxes_are_killed() {
    let _runs = SERVER_RUNS.read().await;
    let mut replicas = Replicas::start(3, AT_ONCE).await;
    let going = Arc::new(AtomicBool::new(true));
    let mut clients = JoinSet::new();
    for client in 0..64 {
        clients.spawn(pay_and_settle(client, 4, Arc::clone(&replicas.addrs), Arc::clone(&going)));
    }
    let watched = {
        let (addrs, going) = (Arc::clone(&replicas.addrs), Arc::clone(&going));
        tokio::spawn(async move {
            let mut dice = Dice::new(99);
            while going.load(Ordering::Relaxed) {
                let addr = addrs.read().unwrap()[dice.below(3)];
                let reply = ask(addr, "GetDebtBalance", &[("CreditInstrumentId", demo::INSTRUMENT)]).await;
                if let Some(reply) = reply.filter(|reply| reply.status == 200) {
                    let debt: f64 = reply.text("AvailableBalance/Value").parse().unwrap();
                    assert!((0.0..=500.0).contains(&debt), "{debt} is owed");
                }
                sleep(Duration::from_millis(5)).await;
            }
        })
    };
    let mut dice = Dice::new(2012);
    for _ in 0..8 {
        sleep(Duration::from_millis(100 + dice.below(200) as u64)).await;
        replicas.replace(dice.below(3), AT_ONCE).await;
    }
    going.store(false, Ordering::Relaxed);
    let told = clients.join_all().await.concat();
    watched.await.unwrap();
    check(&replicas, &told).await;
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn what_a_dead_sandbox_had_planned_another_does() {
    let _runs = SERVER_RUNS.read().await;
    let mut replicas = Replicas::start(2, &["--cc-delay", "1s"]).await;
    let paid = replicas.merchant(0).ok("Pay", &pay(demo::CC, "12", "by card")).await;
    assert_eq!(paid.text("TransactionStatus"), "Pending");
    replicas.programs.remove(0).kill();
    let transaction = paid.text("TransactionId");
    let merchant = replicas.merchant(0);
    let deadline = Instant::now() + LONG;
    while merchant.status(&transaction).await.0 != "Success" {
        assert!(Instant::now() < deadline, "nobody goes on with it");
        sleep(Duration::from_millis(50)).await;
    }
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_sandbox_that_stands_still_loses_its_turn() {
    let _runs = SERVER_RUNS.read().await;
    let replicas = Replicas::start(2, &["--database-timeout", "10s"]).await;
    let signal = |name: &str| {
        let id = replicas.programs[0].id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    };
    let (first, second) = (replicas.merchant(0), replicas.merchant(1));
    for round in 0..5 {
        let busy = tokio::spawn({
            let first = first.clone();
            async move {
                let mut payments = JoinSet::new();
                for client in 0..16 {
                    let first = first.clone();
                    payments.spawn(async move {
                        let reference = format!("busy-{round}-{client}");
                        ask(first.addr, "Pay", &pay(demo::CREDIT, "0.01", &reference)).await
                    });
                }
                payments.join_all().await
            }
        });
        sleep(Duration::from_millis(3 + round)).await;
        signal("-STOP");
        let reference = format!("meanwhile-{round}");
        timeout(LONG, second.ok("Pay", &pay(demo::CREDIT, "1", &reference))).await.expect("an answer");
        signal("-CONT");
        busy.await.unwrap();
        first.ok("Pay", &pay(demo::CREDIT, "1", &reference)).await;
    }
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn whoever_waits_too_long_for_the_turn_is_told_and_look_ups_do_not_wait() {
    let _runs = SERVER_RUNS.read().await;
    let replicas = Replicas::start(1, &["--database-timeout", "1s"]).await;
    let merchant = replicas.merchant(0);
    merchant.ok("Pay", &pay(demo::CREDIT, "1", "before")).await;
    let mut other = PgConnection::connect(&replicas.url).await.unwrap();
    sqlx::query("BEGIN").execute(&mut other).await.unwrap();
    sqlx::query("SELECT number FROM world FOR UPDATE").execute(&mut other).await.unwrap();
    let began = Instant::now();
    let refused = merchant.call("Pay", &pay(demo::CREDIT, "1", "meanwhile")).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "ServiceUnavailable"), "{}", refused.body);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "101.000000");
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    merchant.ok("Pay", &pay(demo::CREDIT, "1", "meanwhile")).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "102.000000");
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_sandbox_whose_database_takes_no_changes_is_not_ready_until_it_does() {
    let _runs = SERVER_RUNS.read().await;
    let replicas = Replicas::start(1, &[]).await;
    let merchant = replicas.merchant(0);
    let mut other = PgConnection::connect(&replicas.url).await.unwrap();
    let refuses = "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'No space left on device'; END $$ \
         LANGUAGE plpgsql; CREATE TRIGGER full_disk BEFORE UPDATE ON world EXECUTE FUNCTION refuse()";
    sqlx::raw_sql(refuses).execute(&mut other).await.unwrap();
    let ready = async || {
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        support::raw(replicas.programs[0].addr, request).await.status
    };
    assert_eq!(ready().await, 200, "nothing was refused yet");
    assert_eq!(merchant.call("Pay", &pay(demo::CREDIT, "1", "refused")).await.status, 500);
    assert_eq!((ready().await, ready().await), (503, 503));
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "100.000000", "look-ups go on");
    sqlx::raw_sql("DROP TRIGGER full_disk ON world").execute(&mut other).await.unwrap();
    assert_eq!((ready().await, ready().await), (200, 200), "without a payment");
    merchant.ok("Pay", &pay(demo::CREDIT, "1", "refused")).await;
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_database_that_goes_and_comes_back_takes_nothing_with_it() {
    let _stopped_by_this = SERVER_RUNS.write().await;
    let replicas = Replicas::start(2, &["--cc-delay", "0", "--database-timeout", "2s"]).await;
    let ready = async |index: usize| {
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        support::raw(replicas.programs[index].addr, request).await.status
    };
    assert_eq!((ready(0).await, ready(1).await), (200, 200));
    postgres::control(&["stop", "-m", "immediate"]);
    let began = Instant::now();
    let refused = replicas.merchant(0).call("Pay", &pay(demo::CREDIT, "1", "away")).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "ServiceUnavailable"), "{}", refused.body);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!((ready(0).await, ready(1).await), (503, 503));
    postgres::control(&["start"]);
    assert_eq!((ready(0).await, ready(1).await), (200, 200));

    let going = Arc::new(AtomicBool::new(true));
    let mut clients = JoinSet::new();
    for client in 0..16 {
        clients.spawn(pay_and_settle(client, 20, Arc::clone(&replicas.addrs), Arc::clone(&going)));
    }
    for _ in 0..3 {
        sleep(Duration::from_millis(300)).await;
        postgres::control(&["restart", "-m", "immediate"]);
    }
    going.store(false, Ordering::Relaxed);
    let told = clients.join_all().await.concat();
    check(&replicas, &told).await;
    replicas.finish_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_visit_to_the_pages_goes_on_at_any_sandbox_and_all_sign_with_one_key() {
    let _server_runs = SERVER_RUNS.read().await;
    let replicas = Replicas::start(3, &[]).await;
    let [first, second, third] = [0, 1, 2].map(|index| Pages { addr: replicas.programs[index].addr });
    let asked = [
        ("callerReferenceSender", "credit"),
        ("callerReferenceSettlement", "settlement"),
        ("creditLimit", "15"),
        ("globalAmountLimit", "100"),
    ];
    // All three make the seal at once, and one of them is kept.
    let asked = asking("SetupPostpaid", &asked);
    let (one, two, three) = tokio::join!(first.visit(&asked), second.visit(&asked), third.visit(&asked));
    let mut visit = String::new();
    for (pages, page) in [(second, one), (third, two), (first, three)] {
        assert_eq!(page.status, 200, "{}", page.body);
        visit = page.visit();
        let page = pages.submit(SIGN_IN, "", &[("visit", &visit), ("email", "carol@example.com")]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        visit = page.visit();
    }
    // Sent to two at once, it still makes one instrument, for one new account.
    let fields = [("visit", visit.as_str()), ("method", "ACH")];
    let (one, other) = tokio::join!(third.submit(CONFIRM, "", &fields), first.submit(CONFIRM, "", &fields));
    let (one, other) = (Back::of(&one), Back::of(&other));
    assert_eq!(one.value("status"), "SB", "{}", one.url);
    assert_eq!(one.value("creditInstrumentID"), other.value("creditInstrumentID"));
    let certificate = |back: &Back| back.value("certificateUrl").split('?').next().unwrap().to_owned();
    assert_eq!(certificate(&one), certificate(&other));
    for pages in [first, second, third] {
        assert_eq!(
            (pages.verifies(&one).await, pages.verifies(&other).await),
            ("Success".into(), "Success".into())
        );
    }
    let made = |folder: &TempDir| {
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        log.matches("the key that signs messages is made").count()
    };
    assert_eq!(replicas.folders.iter().map(made).sum::<usize>(), 1);
    let paid = pay(one.value("creditSenderTokenID"), "10.00", "on credit");
    replicas.merchant(1).ok("Pay", &paid).await;
    assert_eq!(replicas.merchant(2).debt(one.value("creditInstrumentID")).await.0, "10.000000");
    replicas.finish_and_audit().await;
}
