//! Prepaid instruments: FundPrepaid, Pay, Refund and balances.

use std::time::Duration;

use fps_sandbox::config::Config;

use crate::support::{Client, Server, config, pay};

const SEED: &str = r#"
[[account]]
name = "merchant"
email = "merchant@example.com"
access_key = [{ id = "MERCHANT", secret = "secret" }]

[[account]]
name = "buyer"
email = "buyer@example.com"
kind = "personal"
balance = "1000.00"

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
id = "FUND-ABT"
funds = "CARD"
method = "ABT"
"#;

fn fund<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("SenderTokenId", token),
        ("PrepaidInstrumentId", "CARD"),
        ("FundingAmount.Value", dollars),
        ("CallerReference", reference),
    ]
}

/// The available and pending balance of the instrument, which must equal the liability of its issuer.
async fn balance(merchant: &Client) -> [String; 2] {
    let balance = merchant.ok("GetPrepaidBalance", &[("PrepaidInstrumentId", "CARD")]).await;
    let liability = merchant.ok("GetTotalPrepaidLiability", &[]).await;
    let found = [balance.text("AvailableBalance/Value"), balance.text("PendingInBalance/Value")];
    assert_eq!([liability.text("OutstandingBalance/Value"), liability.text("PendingInBalance/Value")], found);
    found
}

async fn total(merchant: &Client) -> String {
    merchant.ok("GetAccountBalance", &[]).await.text("TotalBalance/Value")
}

#[tokio::test]
async fn ten_dollars_by_card_add_ten_to_the_instrument_and_9_70_to_the_merchant() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let funded = merchant.ok("FundPrepaid", &fund("FUND", "10", "1")).await;
    assert_eq!(funded.text("TransactionStatus"), "Pending");
    assert_eq!(balance(&merchant).await, ["0.000000", "10.000000"]);
    assert_eq!(total(&merchant).await, "0.000000");
    merchant.refused("Pay", &pay("PREPAID", "1", "too early"), "InsufficientBalance").await;
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(balance(&merchant).await, ["10.000000", "0.000000"]);
    assert_eq!(total(&merchant).await, "9.700000");
    server.stop().await;
}

#[tokio::test]
async fn prepaid_money_is_spent_at_once_and_refunded_to_the_instrument_without_fees() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    merchant.ok("FundPrepaid", &fund("FUND-ABT", "10", "1")).await;
    let before = total(&merchant).await;
    let spent = merchant.ok("Pay", &pay("PREPAID", "4", "2")).await;
    assert_eq!(spent.text("TransactionStatus"), "Success");
    assert_eq!(balance(&merchant).await, ["6.000000", "0.000000"]);
    let id = spent.text("TransactionId");
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(
        [detail.text("PaymentMethod"), detail.text("FPSFees/Value"), detail.text("PrepaidInstrumentId")],
        ["Prepaid", "0.000000", "CARD"]
    );
    let part = [("TransactionId", id.as_str()), ("RefundAmount.Value", "1"), ("CallerReference", "3")];
    assert_eq!(merchant.ok("Refund", &part).await.text("TransactionStatus"), "Success");
    assert_eq!(balance(&merchant).await, ["7.000000", "0.000000"]);
    merchant.ok("Refund", &[("TransactionId", &id), ("CallerReference", "4")]).await;
    assert_eq!(balance(&merchant).await, ["10.000000", "0.000000"]);
    assert_eq!(total(&merchant).await, before, "no money moved when it was spent");
    server.stop_and_audit().await;
}

#[tokio::test]
async fn a_declined_funding_has_no_effect_and_does_not_count_towards_the_limit() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let declined = merchant.ok("FundPrepaid", &fund("FUND", "99.60", "1")).await.text("TransactionId");
    merchant.refused("FundPrepaid", &fund("FUND", "10", "2"), "PrepaidFundingLimitExceeded").await;
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(merchant.status(&declined).await, ("Failure".into(), "TransactionDenied".into()));
    assert_eq!(balance(&merchant).await, ["0.000000", "0.000000"]);
    merchant.ok("FundPrepaid", &fund("FUND", "100", "3")).await;
    server.stop().await;
}

/// A refund succeeds also while funding is pending that fills the instrument up to its limit.
#[tokio::test]
async fn a_refund_may_exceed_the_recharge_limit_and_blocks_nothing() {
    for cc_delay in [Duration::from_secs(1), Duration::ZERO] {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { cc_delay, ..config() };
        let server = Server::start_in_with(folder.path(), SEED, config).await;
        let merchant = server.client("MERCHANT", "secret");
        merchant.ok("FundPrepaid", &fund("FUND-ABT", "100", "1")).await;
        let paid = merchant.ok("Pay", &pay("PREPAID", "60", "2")).await.text("TransactionId");
        let funded = merchant.ok("FundPrepaid", &fund("FUND", "60", "3")).await.text("TransactionId");
        let refund = |reference| [("TransactionId", paid.as_str()), ("CallerReference", reference)];
        merchant.ok("Refund", &refund("4")).await;
        assert_eq!(
            merchant.refused("Refund", &refund("5"), "TransactionFullyRefundedAlready").await.status,
            400
        );
        server.advance(Duration::from_secs(1)).await;
        assert_eq!(merchant.status(&funded).await.0, "Success");
        assert_eq!(balance(&merchant).await, ["160.000000", "0.000000"]);
        // The limit applies to funding, not to the balance.
        merchant.refused("FundPrepaid", &fund("FUND", "0.05", "6"), "PrepaidFundingLimitExceeded").await;
        merchant.ok("Pay", &pay("PREPAID", "110", "7")).await;
        merchant.ok("FundPrepaid", &fund("FUND", "50", "8")).await;
        server.advance(Duration::from_secs(1)).await;
        assert_eq!(balance(&merchant).await, ["100.000000", "0.000000"]);
        server.stop_and_audit().await;
    }
}

#[tokio::test]
async fn an_instrument_that_has_expired_still_takes_a_refund() {
    let world = SEED.replace("recharge_limit", "valid_until = 2012-06-02T00:00:00Z\nrecharge_limit");
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), &world).await;
    let merchant = server.client("MERCHANT", "secret");
    merchant.ok("FundPrepaid", &fund("FUND-ABT", "100", "1")).await;
    let paid = merchant.ok("Pay", &pay("PREPAID", "60", "2")).await.text("TransactionId");
    server.advance(Duration::from_secs(24 * 60 * 60)).await;
    merchant.refused("Pay", &pay("PREPAID", "1", "3"), "InstrumentExpired").await;
    merchant.ok("Refund", &[("TransactionId", &paid), ("CallerReference", "4")]).await;
    assert_eq!(balance(&merchant).await, ["100.000000", "0.000000"]);
    server.stop_and_audit().await;
}
