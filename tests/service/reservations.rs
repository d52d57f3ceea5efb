//! Reserve, Settle and Cancel, and reservations that lapse.

use std::time::Duration;

use crate::support::{Client, Server, demo, pay};

const SECOND: Duration = Duration::from_secs(1);
const SEVEN_DAYS: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Creates a reservation of 100 and lets the card accept it.
async fn reserved(server: &Server, merchant: &Client) -> String {
    let response = merchant.ok("Reserve", &pay(demo::CC, "100", "reservation")).await;
    assert_eq!(response.text("TransactionStatus"), "Pending");
    server.advance(SECOND).await;
    let id = response.text("TransactionId");
    assert_eq!(merchant.status(&id).await, ("Reserved".into(), "Success".into()));
    id
}

/// The total and pending balance of the merchant.
async fn balances(merchant: &Client) -> [String; 2] {
    let balance = merchant.ok("GetAccountBalance", &[]).await;
    [balance.text("TotalBalance/Value"), balance.text("PendingInBalance/Value")]
}

/// An amount in millionths of a dollar.
fn micros(amount: &str) -> i64 {
    amount.replace('.', "").parse().unwrap()
}

/// The growth of the total balance of the merchant since `before`, in cents.
async fn gain_in_cents(merchant: &Client, before: &[String; 2]) -> i64 {
    let after = balances(merchant).await;
    (micros(&after[0]) - micros(&before[0])) / 10_000
}

#[tokio::test]
async fn a_reservation_changes_no_balance_until_it_is_settled() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let before = balances(&merchant).await;
    let id = reserved(&server, &merchant).await;
    assert_eq!(balances(&merchant).await, before);
    let settled = merchant.ok("Settle", &[("ReserveTransactionId", &id)]).await;
    assert_eq!(settled.text("TransactionId"), id, "the reservation's own id");
    assert_eq!(settled.text("TransactionStatus"), "Pending");
    server.advance(SECOND).await;
    assert_eq!(merchant.status(&id).await, ("Success".into(), "Success".into()));
    assert_eq!(gain_in_cents(&merchant, &before).await, 9_680);
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("FPSOperation"), "Reserve");
    assert_eq!(
        detail.texts("StatusHistory", "TransactionStatus"),
        ["Pending", "Reserved", "Pending", "Success"]
    );
    server.stop().await;
}

#[tokio::test]
async fn a_partial_settlement_pays_the_fee_of_the_part_and_releases_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), include_str!("../../fixtures/demo.toml")).await;
    let merchant = server.merchant();
    let before = balances(&merchant).await;
    let id = reserved(&server, &merchant).await;
    merchant.ok("Settle", &[("ReserveTransactionId", &id), ("TransactionAmount.Value", "40")]).await;
    server.advance(SECOND).await;
    assert_eq!(gain_in_cents(&merchant, &before).await, 3_854);
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("FPSFees/Value"), "1.460000");
    let more = [("TransactionId", id.as_str()), ("RefundAmount.Value", "40.01"), ("CallerReference", "more")];
    merchant.refused("Refund", &more, "RefundAmountExceeded").await;
    merchant.ok("Refund", &[("TransactionId", &id), ("CallerReference", "all")]).await;
    server.advance(SECOND).await;
    assert_eq!(gain_in_cents(&merchant, &before).await, 0);
    server.stop_and_audit().await;
}

#[tokio::test]
async fn a_reservation_that_is_cancelled_or_lapses_after_seven_days_changes_no_balance() {
    for cancel in [true, false] {
        let server = Server::start().await;
        let merchant = server.merchant();
        let before = balances(&merchant).await;
        let id = reserved(&server, &merchant).await;
        let code = if cancel {
            let cancelled = merchant.ok("Cancel", &[("TransactionId", &id)]).await;
            assert_eq!(
                (cancelled.text("TransactionId"), cancelled.text("TransactionStatus")),
                (id.clone(), "Cancelled".into())
            );
            "Canceled"
        } else {
            server.advance(SEVEN_DAYS - Duration::from_millis(1)).await;
            assert_eq!(merchant.status(&id).await.0, "Reserved");
            server.advance(Duration::from_millis(1)).await;
            "Expired"
        };
        assert_eq!(merchant.status(&id).await, ("Cancelled".into(), code.into()));
        merchant.refused("Settle", &[("ReserveTransactionId", &id)], "InvalidTransactionState").await;
        merchant.refused("Cancel", &[("TransactionId", &id)], "InvalidTransactionState").await;
        assert_eq!(balances(&merchant).await, before);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_cancelled_payment_changes_no_balance() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let before = balances(&merchant).await;
    let id = merchant.pay(demo::CC, "100", "1").await.text("TransactionId");
    merchant.ok("Cancel", &[("TransactionId", &id)]).await;
    server.advance(SECOND).await;
    assert_eq!(merchant.status(&id).await, ("Cancelled".into(), "Canceled".into()));
    assert_eq!(balances(&merchant).await, before);
    server.stop().await;
}
