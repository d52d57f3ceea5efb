//! Many clients at once: no more than the limit, no lost update, one effect a reference.

use std::path::Path;
use std::time::Duration;

use crate::support::dice::Dice;
use crate::support::{Client, Reply, Server, config, demo, get, pay, raw, settle};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::store;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Connections at a time.
const CONNECTIONS: usize = 64;
/// Longer than anything here takes, also on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// Runs `job` for every client at once and collects what they say.
async fn at_once<T, F>(clients: usize, job: impl Fn(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut running = JoinSet::new();
    for client in 0..clients {
        running.spawn(job(client));
    }
    running.join_all().await
}

fn count(replies: &[Reply], status: u16, code: &str) -> usize {
    let has_code = |reply: &&Reply| code.is_empty() || reply.code() == code;
    replies.iter().filter(|reply| reply.status == status).filter(has_code).count()
}

/// The demo world in a file, which can be audited when the server has stopped.
async fn on_file(path: &Path) -> Server {
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
    let replies = at_once(CONNECTIONS, |client| {
        let merchant = merchant.clone();
        async move {
            let mut replies = Vec::new();
            for number in 0..5 {
                replies.push(merchant.pay(demo::CREDIT, "2.50", &format!("{client}-{number}")).await);
            }
            replies
        }
    })
    .await
    .concat();
    assert_eq!(count(&replies, 200, ""), 160);
    assert_eq!(count(&replies, 400, "InsufficientBalance"), 160);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("500.000000".into(), "0.000000".into()));
    merchant.refused("Pay", &pay(demo::CREDIT, "0.01", "a cent more"), "InsufficientBalance").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_settle_the_same_debt_at_once_settle_it_once() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let replies = at_once(CONNECTIONS, |client| {
        let merchant = merchant.clone();
        async move { merchant.call("SettleDebt", &settle("10", &format!("ten {client}"))).await }
    })
    .await;
    assert_eq!(count(&replies, 200, ""), 10);
    assert_eq!(count(&replies, 400, "SettleAmountGreaterThanDebt"), CONNECTIONS - 10);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("0.000000".into(), "100.000000".into()));
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("0.000000".into(), "0.000000".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_clients_that_settle_the_whole_debt_at_once_only_one_succeeds() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let replies = at_once(CONNECTIONS, |client| {
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
    assert_eq!(count(&replies, 200, ""), 1);
    assert_eq!(count(&replies, 400, "SettleAmountGreaterThanDebt"), CONNECTIONS - 1);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("0.000000".into(), "100.000000".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_copies_of_one_request_have_one_effect_and_one_answer() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let replies = at_once(200, |_| {
        let merchant = merchant.clone();
        async move { merchant.pay(demo::CREDIT, "7", "one and the same").await }
    })
    .await;
    assert_eq!(count(&replies, 200, ""), 200);
    let mut ids: Vec<_> = replies.iter().map(|reply| reply.text("TransactionId")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "107.000000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_at_once_never_give_back_more_than_was_paid() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::ABT, "100", "to be refunded")).await.text("TransactionId");
    let replies = at_once(CONNECTIONS, |client| {
        let (merchant, paid) = (merchant.clone(), paid.clone());
        async move { refund(&merchant, &paid, "3", &format!("refund {client}")).await }
    })
    .await;
    assert_eq!(count(&replies, 200, ""), 33);
    assert_eq!(count(&replies, 400, "RefundAmountExceeded"), CONNECTIONS - 33);
    let last = refund(&merchant, &paid, "1", "the last dollar").await;
    assert_eq!(last.status, 200, "{}", last.body);
    let over = refund(&merchant, &paid, "0.01", "a cent more").await;
    assert_eq!(over.code(), "TransactionFullyRefundedAlready");
}

async fn refund(merchant: &Client, paid: &str, dollars: &str, reference: &str) -> Reply {
    let parameters = [
        ("TransactionId", paid),
        ("RefundAmount.Value", dollars),
        ("RefundAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ];
    merchant.call("Refund", &parameters).await
}

/// What a client has done to the debt, in cents.
#[derive(Clone, Copy, Default)]
struct Done {
    charged: i64,
    settled: i64,
    forgiven: i64,
    refunded: i64,
}

/// Throws requests at the demo instrument and keeps account of those that succeed.
async fn mixed(merchant: Client, mut dice: Dice, client: usize) -> Done {
    let (mut done, mut pays) = (Done::default(), Vec::<String>::new());
    for number in 0..20 {
        // Cents from 60 on may be magic: a card would decline them.
        let cents = i64::try_from(dice.below(9) * 100 + dice.below(60) + 100).unwrap();
        let (dollars, reference) =
            (format!("{}.{:02}", cents / 100, cents % 100), format!("{client}-{number}"));
        let (reply, sum) = match dice.below(4) {
            0 => (merchant.call("SettleDebt", &settle(&dollars, &reference)).await, &mut done.settled),
            1 => {
                let parameters = [
                    ("CreditInstrumentId", demo::INSTRUMENT),
                    ("AdjustmentAmount.Value", dollars.as_str()),
                    ("AdjustmentAmount.CurrencyCode", "USD"),
                    ("CallerReference", reference.as_str()),
                ];
                (merchant.call("WriteOffDebt", &parameters).await, &mut done.forgiven)
            }
            2 if !pays.is_empty() => (
                refund(&merchant, dice.pick::<String>(&pays), &dollars, &reference).await,
                &mut done.refunded,
            ),
            _ => {
                let reply = merchant.pay(demo::CREDIT, &dollars, &reference).await;
                if reply.status == 200 {
                    pays.push(reply.text("TransactionId"));
                }
                (reply, &mut done.charged)
            }
        };
        assert!([200, 400].contains(&reply.status), "{}", reply.body);
        *sum += if reply.status == 200 { cents } else { 0 };
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_mixed_work_by_many_the_book_is_sound_and_the_debt_is_what_the_answers_say() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("ledger.db");
    let server = on_file(&database).await;
    let merchant = server.merchant();
    let dice = std::sync::Mutex::new(Dice::thrown());
    let all = at_once(32, |client| mixed(merchant.clone(), dice.lock().unwrap().split(), client)).await;
    let sum = |of: fn(&Done) -> i64| all.iter().map(of).sum::<i64>();
    let (charged, settled) = (sum(|done| done.charged), sum(|done| done.settled));
    let (forgiven, refunded) = (sum(|done| done.forgiven), sum(|done| done.refunded));
    for (what, cents) in
        [("charged", charged), ("settled", settled), ("forgiven", forgiven), ("refunded", refunded)]
    {
        assert!(cents > 0, "nothing was {what}");
    }
    let debt = 10_000 + charged - settled - forgiven - refunded;
    let dollars = |cents: i64| format!("{}.{:02}0000", cents / 100, cents % 100);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, (dollars(debt), dollars(settled)));
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, (dollars(debt), dollars(0)));
    server.stop().await;
    assert_sound(&database).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_whose_client_has_hung_up_runs_all_the_same_and_once() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for number in 0..20 {
        let reference = format!("hung up {number}");
        let parameters = pay(demo::CREDIT, "1", &reference);
        let mut socket = TcpStream::connect(server.addr).await.unwrap();
        socket.write_all(get(&merchant.signed_query("Pay", &parameters)).as_bytes()).await.unwrap();
        drop(socket);
    }
    let deadline = Instant::now() + LONG;
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
async fn commands_are_answered_while_hundreds_of_connections_idle_or_dawdle() {
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
        let reply = timeout(LONG, raw(server.addr, get(&query).as_bytes())).await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
    }
    drop(held);
}
