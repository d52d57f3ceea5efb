//! Several sandboxes on one PostgreSQL database behave as one, even when some of them are killed.
//!
//! These tests need a server: `.ci/postgres cargo test -- --include-ignored` starts one. Clients send each request to random
//! sandboxes until they get a response. Each request must take effect exactly once.

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
use support::cobranded::{CONFIRM, Pages, ReturnUrl, SIGN_IN, start_parameters};
use support::program::{Program, assert_sound};
use support::rng::{RngExt, SeedableRng, StdRng};
use support::{Client, Response, demo, get_request, pay, postgres, read_response, settle};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// A test that stops the PostgreSQL server holds the write lock; all others hold the read lock.
static SERVER_RESTARTS: tokio::sync::RwLock<()> = tokio::sync::RwLock::const_new(());

/// A limit for everything that the tests wait for, generous enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Sandboxes on one database, each with its own folder.
struct Replicas {
    url: String,
    folders: Vec<TempDir>,
    programs: Vec<Program>,
    addrs: Arc<RwLock<Vec<SocketAddr>>>,
}

impl Replicas {
    /// Starts this many sandboxes concurrently.
    async fn start(count: usize, arguments: &'static [&'static str]) -> Self {
        let url = postgres::new_schema().await;
        let folders: Vec<TempDir> = (0..count).map(|_| tempfile::tempdir().unwrap()).collect();
        let mut starting = JoinSet::new();
        for folder in &folders {
            let (folder, url) = (folder.path().to_owned(), url.clone());
            starting.spawn(async move { start(&folder, &url, arguments).await });
        }
        let programs = starting.join_all().await;
        let addrs = Arc::new(RwLock::new(programs.iter().map(|program| program.addr).collect()));
        // The order of `programs` is that in which they became ready, which need not be that of `folders`.
        Self { url, folders, programs, addrs }
    }

    fn merchant(&self, index: usize) -> Client {
        self.programs[index].merchant()
    }

    /// Kills a sandbox and starts another in its place.
    async fn kill_and_restart(&mut self, index: usize, arguments: &[&str]) {
        self.programs[index].kill();
        let folder = tempfile::tempdir().unwrap();
        self.programs[index] = start(folder.path(), &self.url, arguments).await;
        self.folders.push(folder);
        self.addrs.write().unwrap()[index] = self.programs[index].addr;
    }

    /// Stops all sandboxes and audits the database.
    async fn stop_and_audit(self) {
        for program in self.programs {
            program.stop().await;
        }
        assert_sound(Path::new(&self.url));
    }
}

async fn start(folder: &Path, url: &str, arguments: &[&str]) -> Program {
    let mut all = vec!["--database", url];
    all.extend(arguments);
    Program::start(folder, &all).await
}

/// The parts of a response that are the same for every repetition of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
enum RecordedResponse {
    Success { transaction: String },
    Refused { code: String },
}

/// Sends a request to random sandboxes until one responds with something other than a server error.
async fn call_until_answered(
    addrs: &RwLock<Vec<SocketAddr>>,
    rng: &mut StdRng,
    action: &str,
    parameters: &[(&str, &str)],
) -> RecordedResponse {
    let deadline = Instant::now() + TIMEOUT;
    loop {
        let addr = {
            let addrs = addrs.read().unwrap();
            addrs[rng.random_range(0..addrs.len())]
        };
        match call_once(addr, action, parameters).await {
            Some(response) if response.status == 200 => {
                return RecordedResponse::Success { transaction: response.text("TransactionId") };
            }
            Some(response) if response.status < 500 => {
                return RecordedResponse::Refused { code: response.code() };
            }
            Some(response) => assert!(
                ["ServiceUnavailable", "InternalError"].contains(&response.code().as_str()),
                "{}",
                response.body
            ),
            None => {}
        }
        assert!(Instant::now() < deadline, "{action} {parameters:?} is never answered");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Sends a request once. Returns `None` if the sandbox is down or is killed before the response is complete.
async fn call_once(addr: SocketAddr, action: &str, parameters: &[(&str, &str)]) -> Option<Response> {
    let merchant = merchant_client(addr);
    let query = merchant.signed_query(action, parameters);
    let mut socket = TcpStream::connect(addr).await.ok()?;
    socket.write_all(get_request(&query).as_bytes()).await.ok()?;
    Some(read_response(&mut socket).await).filter(|response| response.body.ends_with("Response>"))
}

fn merchant_client(addr: SocketAddr) -> Client {
    Client {
        addr,
        clock: fps_sandbox::clock::Clock::real_time(),
        key: demo::KEY.to_owned(),
        secret: fps_sandbox::signature::SecretKey::new(demo::SECRET),
    }
}

/// A call of one client: caller reference, action, dollars and response.
type RecordedCall = (String, &'static str, String, RecordedResponse);

/// A client that sends Pay and SettleDebt for the demo instrument.
async fn pay_and_settle(
    client: usize,
    requests: usize,
    addrs: Arc<RwLock<Vec<SocketAddr>>>,
    running: Arc<AtomicBool>,
) -> Vec<RecordedCall> {
    let mut rng = StdRng::seed_from_u64(client as u64 + 1);
    let mut calls = Vec::new();
    let mut number = 0;
    while number < requests || running.load(Ordering::Relaxed) {
        number += 1;
        let (reference, dollars) =
            (format!("client-{client}-{number}"), (1 + rng.random_range(0..9)).to_string());
        let (action, answer) = if rng.random_range(0..4) == 0 {
            (
                "SettleDebt",
                call_until_answered(&addrs, &mut rng, "SettleDebt", &settle(&dollars, &reference)).await,
            )
        } else {
            (
                "Pay",
                call_until_answered(&addrs, &mut rng, "Pay", &pay(demo::CREDIT, &dollars, &reference)).await,
            )
        };
        calls.push((reference, action, dollars, answer));
    }
    calls
}

/// Asserts that every sandbox has the debt that follows from the responses, and repeats the responses.
async fn assert_consistent(replicas: &Replicas, calls: &[RecordedCall]) {
    let (mut debt, mut refused) = (100, 0);
    let mut transactions = BTreeMap::new();
    for (reference, action, dollars, answer) in calls {
        match answer {
            RecordedResponse::Success { transaction } => {
                let other = transactions.insert(transaction.clone(), reference.clone());
                assert_eq!(other, None, "two references made {transaction}");
                let dollars: i64 = dollars.parse().unwrap();
                debt += if *action == "Pay" { dollars } else { -dollars };
            }
            RecordedResponse::Refused { .. } => refused += 1,
        }
    }
    assert!(refused > 0, "the limit was never reached");
    for index in 0..replicas.programs.len() {
        let merchant = replicas.merchant(index);
        assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, format!("{debt}.000000"), "at sandbox {index}");
        let mut rng = StdRng::seed_from_u64(7);
        for (reference, action, dollars, answer) in calls.iter().step_by(5) {
            let parameters = match *action {
                "Pay" => pay(demo::CREDIT, dollars, reference).to_vec(),
                _ => settle(dollars, reference).to_vec(),
            };
            let addrs = RwLock::new(vec![merchant.addr]);
            assert_eq!(
                call_until_answered(&addrs, &mut rng, action, &parameters).await,
                *answer,
                "{reference}"
            );
        }
    }
}

const NO_CARD_DELAY: &[&str] = &["--cc-delay", "0"];

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn three_sandboxes_that_start_concurrently_fill_an_empty_database_once_and_share_it() {
    let _shared = SERVER_RESTARTS.read().await;
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
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn payments_and_settlements_up_to_the_limit_are_exact_when_sandboxes_are_killed() {
    let _shared = SERVER_RESTARTS.read().await;
    let mut replicas = Replicas::start(3, NO_CARD_DELAY).await;
    let running = Arc::new(AtomicBool::new(true));
    let mut clients = JoinSet::new();
    for client in 0..64 {
        clients.spawn(pay_and_settle(client, 4, Arc::clone(&replicas.addrs), Arc::clone(&running)));
    }
    let watched = {
        let (addrs, running) = (Arc::clone(&replicas.addrs), Arc::clone(&running));
        tokio::spawn(async move {
            let mut rng = StdRng::seed_from_u64(99);
            while running.load(Ordering::Relaxed) {
                let addr = addrs.read().unwrap()[rng.random_range(0..3)];
                let response =
                    call_once(addr, "GetDebtBalance", &[("CreditInstrumentId", demo::INSTRUMENT)]).await;
                if let Some(response) = response.filter(|response| response.status == 200) {
                    let debt: f64 = response.text("AvailableBalance/Value").parse().unwrap();
                    assert!((0.0..=500.0).contains(&debt), "{debt} is owed");
                }
                sleep(Duration::from_millis(5)).await;
            }
        })
    };
    let mut rng = StdRng::seed_from_u64(2012);
    for _ in 0..8 {
        sleep(Duration::from_millis(100 + rng.random_range(0..200_u64))).await;
        replicas.kill_and_restart(rng.random_range(0..3), NO_CARD_DELAY).await;
    }
    running.store(false, Ordering::Relaxed);
    let calls = clients.join_all().await.concat();
    watched.await.unwrap();
    assert_consistent(&replicas, &calls).await;
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn work_scheduled_by_a_killed_sandbox_is_done_by_another() {
    let _shared = SERVER_RESTARTS.read().await;
    let mut replicas = Replicas::start(2, &["--cc-delay", "1s"]).await;
    let paid = replicas.merchant(0).ok("Pay", &pay(demo::CC, "12", "by card")).await;
    assert_eq!(paid.text("TransactionStatus"), "Pending");
    replicas.programs.remove(0).kill();
    let transaction = paid.text("TransactionId");
    let merchant = replicas.merchant(0);
    let deadline = Instant::now() + TIMEOUT;
    while merchant.status(&transaction).await.0 != "Success" {
        assert!(Instant::now() < deadline, "no sandbox completes it");
        sleep(Duration::from_millis(50)).await;
    }
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_stopped_sandbox_loses_its_lock() {
    let _shared = SERVER_RESTARTS.read().await;
    let replicas = Replicas::start(2, &["--database-timeout", "10s"]).await;
    let signal = |name: &str| {
        let id = replicas.programs[0].pid().to_string();
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
                        call_once(first.addr, "Pay", &pay(demo::CREDIT, "0.01", &reference)).await
                    });
                }
                payments.join_all().await
            }
        });
        sleep(Duration::from_millis(3 + round)).await;
        signal("-STOP");
        let reference = format!("meanwhile-{round}");
        timeout(TIMEOUT, second.ok("Pay", &pay(demo::CREDIT, "1", &reference))).await.expect("an answer");
        signal("-CONT");
        busy.await.unwrap();
        first.ok("Pay", &pay(demo::CREDIT, "1", &reference)).await;
    }
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn commands_that_wait_too_long_for_the_lock_fail_and_look_ups_do_not_wait() {
    let _shared = SERVER_RESTARTS.read().await;
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
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_sandbox_is_not_ready_while_its_database_refuses_changes() {
    let _shared = SERVER_RESTARTS.read().await;
    let replicas = Replicas::start(1, &[]).await;
    let merchant = replicas.merchant(0);
    let mut other = PgConnection::connect(&replicas.url).await.unwrap();
    let refuses = "CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE 'No space left on device'; END $$ \
         LANGUAGE plpgsql; CREATE TRIGGER full_disk BEFORE UPDATE ON world EXECUTE FUNCTION refuse()";
    sqlx::raw_sql(refuses).execute(&mut other).await.unwrap();
    let ready = async || {
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        support::send_raw(replicas.programs[0].addr, request).await.status
    };
    assert_eq!(ready().await, 200, "nothing was refused yet");
    assert_eq!(merchant.call("Pay", &pay(demo::CREDIT, "1", "refused")).await.status, 500);
    assert_eq!((ready().await, ready().await), (503, 503));
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "100.000000", "look-ups go on");
    sqlx::raw_sql("DROP TRIGGER full_disk ON world").execute(&mut other).await.unwrap();
    assert_eq!((ready().await, ready().await), (200, 200), "without a payment");
    merchant.ok("Pay", &pay(demo::CREDIT, "1", "refused")).await;
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn no_request_is_lost_when_the_database_server_restarts() {
    let _exclusive = SERVER_RESTARTS.write().await;
    let replicas = Replicas::start(2, &["--cc-delay", "0", "--database-timeout", "2s"]).await;
    let ready = async |index: usize| {
        let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        support::send_raw(replicas.programs[index].addr, request).await.status
    };
    assert_eq!((ready(0).await, ready(1).await), (200, 200));
    postgres::pg_ctl(&["stop", "-m", "immediate"]);
    let began = Instant::now();
    let refused = replicas.merchant(0).call("Pay", &pay(demo::CREDIT, "1", "away")).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "ServiceUnavailable"), "{}", refused.body);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert_eq!((ready(0).await, ready(1).await), (503, 503));
    postgres::pg_ctl(&["start"]);
    assert_eq!((ready(0).await, ready(1).await), (200, 200));

    let running = Arc::new(AtomicBool::new(true));
    let mut clients = JoinSet::new();
    for client in 0..16 {
        clients.spawn(pay_and_settle(client, 20, Arc::clone(&replicas.addrs), Arc::clone(&running)));
    }
    for _ in 0..3 {
        sleep(Duration::from_millis(300)).await;
        postgres::pg_ctl(&["restart", "-m", "immediate"]);
    }
    running.store(false, Ordering::Relaxed);
    let calls = clients.join_all().await.concat();
    assert_consistent(&replicas, &calls).await;
    replicas.stop_and_audit().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL: .ci/postgres cargo test -- --include-ignored"]
async fn a_visit_to_the_pages_can_continue_at_any_sandbox_and_all_sign_with_one_key() {
    let _shared = SERVER_RESTARTS.read().await;
    let replicas = Replicas::start(3, &[]).await;
    let [first, second, third] = [0, 1, 2].map(|index| Pages { addr: replicas.programs[index].addr });
    let parameters = [
        ("callerReferenceSender", "credit"),
        ("callerReferenceSettlement", "settlement"),
        ("creditLimit", "15"),
        ("globalAmountLimit", "100"),
    ];
    // All three sandboxes generate the key of the visit tokens concurrently, and one key is kept.
    let parameters = start_parameters("SetupPostpaid", &parameters);
    let (one, two, three) =
        tokio::join!(first.visit(&parameters), second.visit(&parameters), third.visit(&parameters));
    let mut visit = String::new();
    for (pages, page) in [(second, one), (third, two), (first, three)] {
        assert_eq!(page.status, 200, "{}", page.body);
        visit = page.visit_token();
        let page = pages.submit(SIGN_IN, "", &[("visit", &visit), ("email", "carol@example.com")]).await;
        assert_eq!(page.status, 200, "{}", page.body);
        visit = page.visit_token();
    }
    // The same form sent to two sandboxes concurrently creates one instrument for one new account.
    let fields = [("visit", visit.as_str()), ("method", "ACH")];
    let (one, other) = tokio::join!(third.submit(CONFIRM, "", &fields), first.submit(CONFIRM, "", &fields));
    let (one, other) = (ReturnUrl::from_redirect(&one), ReturnUrl::from_redirect(&other));
    assert_eq!(one.value("status"), "SB", "{}", one.url);
    assert_eq!(one.value("creditInstrumentID"), other.value("creditInstrumentID"));
    let certificate =
        |return_url: &ReturnUrl| return_url.value("certificateUrl").split('?').next().unwrap().to_owned();
    assert_eq!(certificate(&one), certificate(&other));
    for pages in [first, second, third] {
        assert_eq!(
            (pages.verify_signature(&one).await, pages.verify_signature(&other).await),
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
    replicas.stop_and_audit().await;
}
