//! GetAccountBalance and GetAccountActivity.

use std::time::Duration;

use crate::support::rng::{RngExt, SeedableRng, StdRng};
use crate::support::{Client, Parameters, Response, Server, pay};

/// A merchant with a small balance, a buyer with a large one, and tokens for every payment method.
const SEED: &str = r#"
[[account]]
name = "merchant"
email = "merchant@example.com"
balance = "1.80"
access_key = [{ id = "MERCHANT", secret = "secret" }]

[[account]]
name = "buyer"
email = "buyer@example.com"
kind = "personal"
balance = "1000.00"
access_key = [{ id = "BUYER", secret = "secret" }]

[[prepaid_instrument]]
id = "CARD"
sender = "buyer"
recipient = "merchant"
recharge_limit = "100.00"

[[token]]
id = "PREPAID"
charges = "CARD"

[[token]]
id = "FUND"
funds = "CARD"
method = "CC"

[[token]]
id = "ABT"
sender = "buyer"
caller = "merchant"
method = "ABT"

[[token]]
id = "CC"
sender = "buyer"
caller = "merchant"
method = "CC"
"#;

async fn world() -> (Server, Client) {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    (server, merchant)
}

fn fund<'a>(dollars: &'a str, reference: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("SenderTokenId", "FUND"),
        ("PrepaidInstrumentId", "CARD"),
        ("FundingAmount.Value", dollars),
        ("CallerReference", reference),
    ]
}

async fn account_activity(client: &Client, parameters: Parameters<'_>) -> Response {
    client.ok("GetAccountActivity", &[&[("StartDate", "2012-01-01")], parameters].concat()).await
}

/// The ids of the transactions in the response.
async fn activity_ids(client: &Client, parameters: Parameters<'_>) -> Vec<String> {
    account_activity(client, parameters).await.texts("Transaction", "TransactionId")
}

#[tokio::test]
async fn the_five_entries_of_the_guide_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let card_answers = async || server.advance(Duration::from_secs(1)).await;
    let paid = merchant.ok("Pay", &pay("CC", "1", "1")).await.text("TransactionId");
    card_answers().await;
    merchant.ok("Refund", &[("TransactionId", &paid), ("CallerReference", "2")]).await;
    card_answers().await;
    merchant.ok("FundPrepaid", &fund("5", "3")).await;
    card_answers().await;
    merchant.ok("Pay", &pay("PREPAID", "4", "4")).await;
    card_answers().await;
    merchant.ok("FundPrepaid", &fund("1", "5")).await;
    card_answers().await;
    let page = account_activity(&merchant, &[("SortOrderByDate", "Ascending")]).await;
    let column = |path| page.texts("Transaction", path);
    assert_eq!(column("FPSOperation"), ["Pay", "Refund", "FundPrepaid", "Pay", "FundPrepaid"]);
    assert_eq!(column("FPSFees/Value"), ["0.100000", "-0.100000", "0.300000", "0.000000", "0.100000"]);
    assert_eq!(column("Balance/Value"), ["2.700000", "1.800000", "6.500000", "6.500000", "7.400000"]);
    assert_eq!(page.elements("Transaction")[1].text("OriginalTransactionId"), paid);
    let balance = merchant.ok("GetAccountBalance", &[]).await;
    for path in ["TotalBalance", "DisburseBalance", "RefundBalance"] {
        assert_eq!(balance.text(&format!("{path}/Value")), "7.400000");
    }
    server.stop_and_audit().await;
}

#[tokio::test]
async fn money_in_transit_is_pending_and_not_in_the_total() {
    let (server, merchant) = world().await;
    let balances = async || {
        let balance = merchant.ok("GetAccountBalance", &[]).await;
        ["TotalBalance", "PendingInBalance", "PendingOutBalance"]
            .map(|name| balance.text(&format!("{name}/Value")))
    };
    let paid = merchant.ok("Pay", &pay("CC", "1", "1")).await.text("TransactionId");
    assert_eq!(balances().await, ["1.800000", "0.900000", "0.000000"]);
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(balances().await, ["2.700000", "0.000000", "0.000000"]);
    // A refund takes the recipient's money when it is accepted.
    merchant.ok("Refund", &[("TransactionId", &paid), ("CallerReference", "2")]).await;
    assert_eq!(balances().await, ["1.800000", "0.000000", "1.000000"]);
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(balances().await, ["1.800000", "0.000000", "0.000000"]);
    server.stop().await;
}

/// Reads the page that begins at a boundary. Returns its ids and the boundary of the next page.
async fn activity_page(
    merchant: &Client,
    order: &str,
    batch: usize,
    boundary: Option<&str>,
) -> (Vec<String>, Option<String>) {
    let bound = if order == "Ascending" { "StartDate" } else { "EndDate" };
    let batch = batch.to_string();
    let mut parameters = vec![("SortOrderByDate", order), ("MaxBatchSize", batch.as_str())];
    if order == "Descending" || boundary.is_none() {
        parameters.push(("StartDate", "2012-01-01"));
    }
    parameters.extend(boundary.map(|instant| (bound, instant)));
    let page = merchant.ok("GetAccountActivity", &parameters).await;
    let on_page = page.texts("Transaction", "TransactionId");
    assert_eq!(page.text("BatchSize"), on_page.len().to_string());
    let goes_on = page.body.contains("<StartTimeForNextTransaction>");
    (on_page, goes_on.then(|| page.text("StartTimeForNextTransaction")))
}

/// Random histories with many equal timestamps, read page by page while further payments are made.
#[tokio::test]
async fn pages_are_never_larger_than_asked_and_neither_lose_nor_repeat_a_transaction() {
    let mut rng = StdRng::seed_from_u64(20_120_601);
    for round in 0..12 {
        let (server, merchant) = world().await;
        let mut made: Vec<String> = Vec::new();
        let mut pay_randomly = async |made: &mut Vec<String>, max: usize| {
            for _ in 0..rng.random_range(0..max + 1) {
                let reference = format!("{}", made.len());
                made.push(merchant.ok("Pay", &pay("ABT", "0.05", &reference)).await.text("TransactionId"));
                if rng.random_range(0..4) == 0 {
                    server.advance(Duration::from_millis(rng.random_range(0..3_u64))).await;
                }
            }
        };
        pay_randomly(&mut made, 30).await;
        for (order, batch) in [("Ascending", 1 + round % 5), ("Descending", 1 + (round + 2) % 5)] {
            let (before, mut found, mut boundary) = (made.clone(), Vec::new(), None::<String>);
            loop {
                let (page, next) = activity_page(&merchant, order, batch, boundary.as_deref()).await;
                assert!(page.len() <= batch, "{} on a page of {batch}, {order}", page.len());
                found.extend(page);
                boundary = next;
                if boundary.is_none() {
                    break;
                }
                if made.len() < before.len() + 6 {
                    pay_randomly(&mut made, 2).await;
                }
            }
            // In ascending order, later payments follow. In descending order, they do not appear.
            let expected: Vec<String> = match order {
                "Ascending" => made[..found.len().max(before.len())].to_vec(),
                _ => before.into_iter().rev().collect(),
            };
            assert_eq!(found, expected, "{order}, pages of {batch}");
        }
        server.stop().await;
    }
}

#[tokio::test]
async fn the_demo_world_is_read_in_pages_of_two() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let (all, end) = activity_page(&merchant, "Ascending", 200, None).await;
    assert!(all.len() > 3 && end.is_none(), "{all:?}");
    for order in ["Ascending", "Descending"] {
        let (mut found, mut boundary) = (Vec::new(), None::<String>);
        for _ in 0..all.len() {
            let (page, next) = activity_page(&merchant, order, 2, boundary.as_deref()).await;
            assert!(page.len() <= 2);
            found.extend(page);
            boundary = next;
            if boundary.is_none() {
                break;
            }
        }
        if order == "Descending" {
            found.reverse();
        }
        assert_eq!(found, all);
    }
}

/// A filter with few matches in a long history takes several steps, and finds all of them.
#[tokio::test]
async fn a_filter_finds_the_few_that_match_in_a_long_history() {
    let (server, merchant) = world().await;
    let by_card = merchant.ok("Pay", &pay("CC", "1", "the first")).await.text("TransactionId");
    for number in 0..1_400 {
        merchant.ok("Pay", &pay("ABT", "0.05", &number.to_string())).await;
    }
    let last = merchant.ok("Pay", &pay("CC", "1", "the last")).await.text("TransactionId");
    let found = activity_ids(&merchant, &[("PaymentMethod", "CC")]).await;
    assert_eq!(found, [last.clone(), by_card.clone()]);
    assert_eq!(
        activity_ids(&merchant, &[("PaymentMethod", "CC"), ("SortOrderByDate", "Ascending")]).await,
        [by_card, last]
    );
    assert_eq!(activity_ids(&merchant, &[("FPSOperation", "WriteOffDebt")]).await, [""; 0]);
    assert_eq!(
        activity_ids(&merchant, &[("Role", "Caller"), ("PaymentMethod", "CC"), ("MaxBatchSize", "1")])
            .await
            .len(),
        1
    );
    server.stop().await;
}

/// Payments run during a search of several batches. A search whose client is gone does not answer that of another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_search_sees_everything_that_was_confirmed_before_it() {
    let (server, merchant) = world().await;
    let mut paying = tokio::task::JoinSet::new();
    for client in 0..32 {
        let merchant = merchant.clone();
        paying.spawn(async move {
            for number in 0..160 {
                merchant.ok("Pay", &pay("ABT", "0.05", &format!("{client} {number}"))).await;
            }
        });
    }
    paying.join_all().await;
    let by_card = [("PaymentMethod", "CC"), ("FPSOperation", "Pay")];
    let mut paid = Vec::new();
    for round in 0..6 {
        // The first client gives up after a moment; the next two search at the same time.
        let given_up =
            tokio::time::timeout(Duration::from_millis(round), activity_ids(&merchant, &by_card)).await;
        assert!(given_up.is_err() || given_up == Ok(paid.clone()));
        paid.insert(
            0,
            merchant.ok("Pay", &pay("CC", "1", &format!("card {round}"))).await.text("TransactionId"),
        );
        let (one, other) = tokio::join!(activity_ids(&merchant, &by_card), activity_ids(&merchant, &by_card));
        assert_eq!((&one, &other), (&paid, &paid));
    }
    server.stop().await;
}

#[tokio::test]
async fn the_newest_twenty_come_first_by_default() {
    let (server, merchant) = world().await;
    let mut paid = Vec::new();
    for number in 0..22 {
        paid.insert(0, merchant.ok("Pay", &pay("ABT", "1", &number.to_string())).await.text("TransactionId"));
        server.advance(Duration::from_millis(1)).await;
    }
    assert_eq!(activity_ids(&merchant, &[]).await, paid[..20]);
    assert_eq!(activity_ids(&merchant, &[("MaxBatchSize", "200")]).await, paid);
    server.stop().await;
}

/// Creates a Pay from a balance, its refund, a completed FundPrepaid and a pending Pay by card, a second apart.
async fn four_transactions(server: &Server, merchant: &Client) -> [String; 4] {
    let id = |response: Response| response.text("TransactionId");
    let paid = id(merchant.ok("Pay", &pay("ABT", "10", "1")).await);
    server.advance(Duration::from_secs(1)).await;
    let refunded = id(merchant
        .ok("Refund", &[("TransactionId", &paid), ("RefundAmount.Value", "1"), ("CallerReference", "2")])
        .await);
    server.advance(Duration::from_secs(1)).await;
    let funded = id(merchant.ok("FundPrepaid", &fund("5", "3")).await);
    server.advance(Duration::from_secs(1)).await;
    let pending = id(merchant.ok("Pay", &pay("CC", "10", "4")).await);
    [paid, refunded, funded, pending]
}

#[tokio::test]
async fn every_filter_and_its_older_name_select_matching_transactions() {
    let (server, merchant) = world().await;
    let made = four_transactions(&server, &merchant).await;
    let all = [3, 2, 1, 0].as_slice();
    let expected: &[(Parameters<'_>, &[usize])] = &[
        (&[], all),
        (&[("ResponseGroup", "Detail")], all),
        (&[("FPSOperation", "Pay")], &[3, 0]),
        (&[("Operation", "Pay")], &[3, 0]),
        (&[("FPSOperation", "Refund")], &[1]),
        (&[("FPSOperation", "SettleDebt")], &[]),
        (&[("PaymentMethod", "CC")], &[3, 2]),
        (&[("PaymentMethod", "ABT")], &[1, 0]),
        (&[("TransactionStatus", "Pending")], &[3]),
        (&[("Status", "Pending")], &[3]),
        (&[("Status", "Success")], &[2, 1, 0]),
        (&[("Role", "Sender")], &[1]),
        (&[("Role", "Recipient")], &[3, 2, 0]),
        (&[("Role", "Caller")], all),
        (&[("Role.1", "Sender")], &[1]),
        (&[("Role.1", "Sender"), ("Role.2", "Recipient")], all),
        (&[("Role.2", "Sender"), ("Role.7", "Recipient")], all),
        (&[("Role", "Sender"), ("Role.1", "Recipient")], all),
        (&[("Role", "Sender,Recipient")], all),
        (&[("Role", "Sender, Recipient")], all),
        (&[("Operation", "Pay"), ("PaymentMethod", "CC"), ("Role", "Recipient")], &[3]),
        (&[("StartDate", "2012-06-01T12:00:01Z"), ("EndDate", "2012-06-01T12:00:02Z")], &[2, 1]),
    ];
    for (parameters, places) in expected {
        let date = [("StartDate", "2012-01-01")];
        let own_date = parameters.iter().any(|(name, _)| *name == "StartDate");
        let asked = [if own_date { &[][..] } else { &date[..] }, parameters].concat();
        let found = merchant.ok("GetAccountActivity", &asked).await.texts("Transaction", "TransactionId");
        let wanted: Vec<_> = places.iter().map(|place| made[*place].clone()).collect();
        assert_eq!(found, wanted, "{parameters:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn each_party_sees_the_same_transaction_from_its_side() {
    let (server, merchant) = world().await;
    let id = merchant.ok("Pay", &pay("ABT", "10", "1")).await.text("TransactionId");
    let buyer = server.client("BUYER", "secret");
    for (client, balance, roles) in [
        (&merchant, "11.640000", vec!["Recipient", "Caller"]),
        (&buyer, "990.000000", vec!["Caller", "Sender"]),
    ] {
        let page = account_activity(client, &[]).await;
        assert_eq!(page.texts("Transaction", "TransactionId"), [id.as_str()]);
        assert_eq!(page.text("Transaction/Balance/Value"), balance);
        assert_eq!(page.texts("TransactionPart", "Role"), roles);
    }
    server.stop().await;
}

#[tokio::test]
async fn dates_come_in_the_forms_that_clients_send() {
    let (server, merchant) = world().await;
    let id = merchant.ok("Pay", &pay("ABT", "10", "1")).await.text("TransactionId");
    server.advance(Duration::from_secs(1)).await;
    for date in [
        "2012-06-01",
        "2012-06-01T12:00:00Z",
        "2012-06-01T12:00:00.000Z",
        "2012-06-01T05:00:00.000-07:00",
        "2012-06-01T12:00:00",
        "2012-06-01 00:00:00 +0000",
    ] {
        let page = merchant.ok("GetAccountActivity", &[("StartDate", date)]).await;
        assert_eq!(page.texts("Transaction", "TransactionId"), [id.as_str()], "{date}");
    }
    let later = merchant.ok("GetAccountActivity", &[("StartDate", "2012-06-01T12:00:00.001Z")]).await;
    assert_eq!(later.text("BatchSize"), "0");
    server.stop().await;
}

#[tokio::test]
async fn invalid_dates_are_refused() {
    let (server, merchant) = world().await;
    for date in
        ["2012-6-1", "+2012-06-01", " 2012-06-01", "2012-06-01T12:00", "2012-05-31T19:04:60Z", "1338552000"]
    {
        let response = merchant.refused("GetAccountActivity", &[("StartDate", date)], "InvalidParams").await;
        assert!(response.message().starts_with("startDate has to be a date"), "{}", response.message());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_batch_size_consists_of_digits() {
    let (server, merchant) = world().await;
    for size in ["+5", "-5", " 5", "5_0", "0", "201", "five"] {
        let parameters = [("StartDate", "2012-06-01"), ("MaxBatchSize", size)];
        merchant.refused("GetAccountActivity", &parameters, "InvalidParams").await;
    }
    merchant.ok("GetAccountActivity", &[("StartDate", "2012-06-01"), ("MaxBatchSize", "5")]).await;
    server.stop().await;
}

/// The items of a list are `Role.1`, `Role.2` and so on. Similar names are errors and not ignored.
#[tokio::test]
async fn a_name_that_is_almost_one_of_a_list_is_unknown() {
    let (server, merchant) = world().await;
    for name in [
        "Role1",
        "Role.",
        "Role.0",
        "Role.01",
        "Role.+1",
        "Role.-1",
        "Role. 1",
        "Role.1.1",
        "Role.x",
        "Role.65536",
        "role.1",
    ] {
        let parameters = [("StartDate", "2012-06-01"), (name, "Sender")];
        let response = merchant.refused("GetAccountActivity", &parameters, "InvalidRequest").await;
        assert!(response.message().contains(&format!("/:{name}\"")), "{}", response.message());
    }
    server.stop().await;
}

#[tokio::test]
async fn a_range_that_ends_before_it_begins_or_begins_in_the_future_is_refused() {
    let (server, merchant) = world().await;
    for parameters in [
        [("StartDate", "2012-05-02"), ("EndDate", "2012-05-01")],
        [("StartDate", "2012-06-02"), ("EndDate", "2012-06-03")],
    ] {
        merchant.refused("GetAccountActivity", &parameters, "InvalidDateRange").await;
    }
    merchant.ok("GetAccountActivity", &[("StartDate", "2012-05-01"), ("EndDate", "2012-05-01")]).await;
    server.stop().await;
}
