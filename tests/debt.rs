//! The story of the guide: pay on credit, settle, write off, refund.

mod support;

use std::time::Duration;

use support::{Server, demo, pay, settle};

#[tokio::test]
async fn a_debt_of_100_settled_by_90_leaves_10_and_brings_87_50() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let settled = merchant.ok("SettleDebt", &settle("90", "s1")).await;
    assert_eq!(settled.text("TransactionStatus"), "Pending");
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("10.000000".into(), "90.000000".into()));
    server.advance(Duration::from_secs(1));
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("10.000000".into(), "0.000000".into()));
    let id = settled.text("TransactionId");
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("FPSFees/Value"), "2.500000");
}

#[tokio::test]
async fn debt_may_reach_the_credit_limit_but_not_pass_it() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let over = merchant.refused("Pay", &pay(demo::CREDIT, "400.01", "over"), "InsufficientBalance").await;
    assert_eq!(over.message(), "The transaction exceeds the account/instrument limits.");
    merchant.ok("Pay", &pay(demo::CREDIT, "400", "equal")).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "500.000000");
}
