//! Concurrent clients: limits hold, no update is lost, and each caller reference has one effect.

use std::path::Path;
use std::time::Duration;

use crate::support::rng::{IndexedRandom, RngExt, SeedableRng, StdRng, new_rng};
use crate::support::{Client, Response, Server, config, demo, get_request, pay, send_raw, settle};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::store;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// The number of concurrent connections.
const CONNECTIONS: usize = 64;
/// A limit for everything that the tests wait for, generous enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Runs `task` for all clients concurrently and collects the results.
async fn run_concurrently<T, F>(clients: usize, task: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for client in 0..clients {
        running.spawn(task(client));
    }
    running.join_all().await
}

fn count_responses(responses: &[Response], status: u16, code: &str) -> usize {
    let has_code = |response: &&Response| code.is_empty() || response.code() == code;
    responses.iter().filter(|response| response.status == status).filter(has_code).count()
}

/// Starts a sandbox with the demo world in a database file, which can be audited afterwards.
async fn start_on_file(path: &Path) -> Server {
    Server::start_with(Config { database: Database::File(path.to_owned()), ..config() }).await
}

async fn assert_sound(path: &Path) {
    for audited in store::audit(&Database::File(path.to_owned()), Duration::from_secs(5), None).await.unwrap()
    {
        assert!(audited.invariants > 0);
        assert_eq!(audited.findings, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_pay_at_once_reach_the_credit_limit_exactly() {
    let server = Server::start().await;
    let merchant = server.merchant();
    // The demo debt is 100 of 500: 160 payments of 2.50 fit, and 320 are tried.
    let responses = run_concurrently(CONNECTIONS, |client| {
        let merchant = merchant.clone();
        async move {
            let mut responses = Vec::new();
            for number in 0..5 {
                responses.push(merchant.pay(demo::CREDIT, "2.50", &format!("{client}-{number}")).await);
            }
            responses
        }
    })
    .await
    .concat();
    assert_eq!(count_responses(&responses, 200, ""), 160);
    assert_eq!(count_responses(&responses, 400, "InsufficientBalance"), 160);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("500.000000".into(), "0.000000".into()));
    merchant.refused("Pay", &pay(demo::CREDIT, "0.01", "a cent more"), "InsufficientBalance").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_settle_the_same_debt_at_once_settle_it_once() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let responses = run_concurrently(CONNECTIONS, |client| {
        let merchant = merchant.clone();
        async move { merchant.call("SettleDebt", &settle("10", &format!("ten {client}"))).await }
    })
    .await;
    assert_eq!(count_responses(&responses, 200, ""), 10);
    assert_eq!(count_responses(&responses, 400, "SettleAmountGreaterThanDebt"), CONNECTIONS - 10);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("0.000000".into(), "100.000000".into()));
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("0.000000".into(), "0.000000".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_clients_that_settle_the_whole_debt_at_once_only_one_succeeds() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let responses = run_concurrently(CONNECTIONS, |client| {
        let merchant = merchant.clone();
        async move {
            let reference = format!("whole {client}");
            let parameters = [
                ("SenderTokenId", demo::SETTLEMENT),
                ("CreditInstrumentId", demo::INSTRUMENT),
                ("CallerReference", reference.as_str()),
            ];
            merchant.call("SettleDebt", &parameters).await
        }
    })
    .await;
    assert_eq!(count_responses(&responses, 200, ""), 1);
    assert_eq!(count_responses(&responses, 400, "SettleAmountGreaterThanDebt"), CONNECTIONS - 1);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("0.000000".into(), "100.000000".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_copies_of_one_request_have_one_effect_and_one_answer() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let responses = run_concurrently(200, |_| {
        let merchant = merchant.clone();
        async move { merchant.pay(demo::CREDIT, "7", "one and the same").await }
    })
    .await;
    assert_eq!(count_responses(&responses, 200, ""), 200);
    let mut ids: Vec<_> = responses.iter().map(|response| response.text("TransactionId")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "107.000000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_at_once_never_give_back_more_than_was_paid() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::ABT, "100", "to be refunded")).await.text("TransactionId");
    let responses = run_concurrently(CONNECTIONS, |client| {
        let (merchant, paid) = (merchant.clone(), paid.clone());
        async move { refund(&merchant, &paid, "3", &format!("refund {client}")).await }
    })
    .await;
    assert_eq!(count_responses(&responses, 200, ""), 33);
    assert_eq!(count_responses(&responses, 400, "RefundAmountExceeded"), CONNECTIONS - 33);
    let last = refund(&merchant, &paid, "1", "the last dollar").await;
    assert_eq!(last.status, 200, "{}", last.body);
    let over = refund(&merchant, &paid, "0.01", "a cent more").await;
    assert_eq!(over.code(), "TransactionFullyRefundedAlready");
}

async fn refund(merchant: &Client, paid: &str, dollars: &str, reference: &str) -> Response {
    let parameters = [
        ("TransactionId", paid),
        ("RefundAmount.Value", dollars),
        ("RefundAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ];
    merchant.call("Refund", &parameters).await
}

/// The changes of the debt by a client, in cents.
#[derive(Clone, Copy, Default)]
struct Totals {
    charged: i64,
    settled: i64,
    written_off: i64,
    refunded: i64,
}

/// Sends random requests for the demo instrument and adds up those that succeed.
async fn random_requests(merchant: Client, mut rng: StdRng, client: usize) -> Totals {
    let (mut totals, mut pays) = (Totals::default(), Vec::<String>::new());
    for number in 0..20 {
        // Amounts with 60 cents or more may be magic amounts, which cards decline.
        let cents = rng.random_range(0..9_i64) * 100 + rng.random_range(0..60_i64) + 100;
        let (dollars, reference) =
            (format!("{}.{:02}", cents / 100, cents % 100), format!("{client}-{number}"));
        let (response, sum) = match rng.random_range(0..4) {
            0 => (merchant.call("SettleDebt", &settle(&dollars, &reference)).await, &mut totals.settled),
            1 => {
                let parameters = [
                    ("CreditInstrumentId", demo::INSTRUMENT),
                    ("AdjustmentAmount.Value", dollars.as_str()),
                    ("AdjustmentAmount.CurrencyCode", "USD"),
                    ("CallerReference", reference.as_str()),
                ];
                (merchant.call("WriteOffDebt", &parameters).await, &mut totals.written_off)
            }
            2 if !pays.is_empty() => (
                refund(&merchant, pays.choose(&mut rng).unwrap(), &dollars, &reference).await,
                &mut totals.refunded,
            ),
            _ => {
                let response = merchant.pay(demo::CREDIT, &dollars, &reference).await;
                if response.status == 200 {
                    pays.push(response.text("TransactionId"));
                }
                (response, &mut totals.charged)
            }
        };
        assert!([200, 400].contains(&response.status), "{}", response.body);
        *sum += if response.status == 200 { cents } else { 0 };
    }
    totals
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_random_concurrent_requests_the_audit_passes_and_the_debt_matches_the_responses() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("ledger.db");
    let server = start_on_file(&database).await;
    let merchant = server.merchant();
    let rng = std::sync::Mutex::new(new_rng());
    let all =
        run_concurrently(32, |client| random_requests(merchant.clone(), rng.lock().unwrap().fork(), client))
            .await;
    let sum = |of: fn(&Totals) -> i64| all.iter().map(of).sum::<i64>();
    let (charged, settled) = (sum(|totals| totals.charged), sum(|totals| totals.settled));
    let (written_off, refunded) = (sum(|totals| totals.written_off), sum(|totals| totals.refunded));
    for (what, cents) in
        [("charged", charged), ("settled", settled), ("written off", written_off), ("refunded", refunded)]
    {
        assert!(cents > 0, "nothing was {what}");
    }
    let debt = 10_000 + charged - settled - written_off - refunded;
    let dollars = |cents: i64| format!("{}.{:02}0000", cents / 100, cents % 100);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, (dollars(debt), dollars(settled)));
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, (dollars(debt), dollars(0)));
    server.stop().await;
    assert_sound(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_client_has_disconnected_runs_exactly_once() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for number in 0..20 {
        let reference = format!("hung up {number}");
        let parameters = pay(demo::CREDIT, "1", &reference);
        let mut socket = TcpStream::connect(server.addr).await.unwrap();
        socket.write_all(get_request(&merchant.signed_query("Pay", &parameters)).as_bytes()).await.unwrap();
        drop(socket);
    }
    let deadline = Instant::now() + TIMEOUT;
    while merchant.debt(demo::INSTRUMENT).await.0 != "120.000000" {
        assert!(Instant::now() < deadline, "{:?}", merchant.debt(demo::INSTRUMENT).await);
        sleep(Duration::from_millis(10)).await;
    }
    for number in 0..20 {
        merchant.ok("Pay", &pay(demo::CREDIT, "1", &format!("hung up {number}"))).await;
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "120.000000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_are_answered_while_hundreds_of_connections_are_idle_or_slow() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let mut held = Vec::new();
    for number in 0..300 {
        let mut socket = TcpStream::connect(server.addr).await.unwrap();
        let beginning: &[u8] = match number % 3 {
            0 => b"",
            1 => b"GET /?Action=Pay",
            _ => b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nAction=",
        };
        socket.write_all(beginning).await.unwrap();
        held.push(socket);
    }
    for number in 0..20 {
        let reference = format!("meanwhile {number}");
        let query = merchant.signed_query("Pay", &pay(demo::CREDIT, "1", &reference));
        let response = timeout(TIMEOUT, send_raw(server.addr, get_request(&query).as_bytes())).await.unwrap();
        assert_eq!(response.status, 200, "{}", response.body);
    }
    drop(held);
}
