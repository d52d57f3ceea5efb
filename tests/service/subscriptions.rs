//! Subscriptions: details, payments, and cancellation with and without a refund.

use crate::support::{Client, Server};

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
access_key = [{ id = "BUYER", secret = "secret" }]

[[token]]
id = "MONTHLY"
sender = "buyer"
caller = "merchant"
method = "ABT"
type = "Recurring"

[[payment]]
id = "FIRST"
token = "MONTHLY"
amount = "5.00"

[[payment]]
id = "SECOND"
token = "MONTHLY"
amount = "10.00"

[[subscription]]
id = "SUBSCRIPTION"
sender = "buyer"
recipient = "merchant"
description = "Downloads by the month"
amount = "10.00"
frequency = "1 Month"
length = "1 Year"
promotional_amount = "5.00"
promotional_transactions = 1
start = "2012-04-15T00:00:00Z"
end = "2013-04-15T00:00:00Z"
next = "2012-06-15T00:00:00Z"
payments = ["FIRST", "SECOND"]
"#;

const ID: (&str, &str) = ("SubscriptionId", "SUBSCRIPTION");

/// The status of the subscription. Exactly the active subscriptions must have a next payment.
async fn status(client: &Client) -> String {
    let details = client.ok("GetSubscriptionDetails", &[ID]).await;
    let status = details.text("SubscriptionStatus");
    for next in ["<NextTransactionDate>", "<NextTransactionAmount>"] {
        assert_eq!(details.body.contains(next), status == "Active", "{}", details.body);
    }
    status
}

#[tokio::test]
async fn both_parties_see_terms_state_and_payments() {
    let server = Server::start_seeded(SEED).await;
    for key in ["MERCHANT", "BUYER"] {
        let client = server.client(key, "secret");
        let details = client.ok("GetSubscriptionDetails", &[ID]).await;
        for (path, expected) in [
            ("Description", "Downloads by the month"),
            ("SubscriptionAmount/Value", "10.000000"),
            ("NextTransactionAmount/Value", "10.000000"),
            ("PromotionalAmount/Value", "5.000000"),
            ("NumberOfPromotionalTransactions", "1"),
            ("StartDate", "2012-04-15T00:00:00.000Z"),
            ("EndDate", "2013-04-15T00:00:00.000Z"),
            ("SubscriptionPeriod/Value", "1"),
            ("SubscriptionPeriod/TimeUnit", "year"),
            ("SubscriptionFrequency/TimeUnit", "month"),
            ("SubscriptionStatus", "Active"),
            ("NumberOfTransactionsProcessed", "2"),
            ("SenderEmail", "buyer@example.com"),
            ("RecipientName", "merchant"),
            ("NextTransactionDate", "2012-06-15T00:00:00.000Z"),
        ] {
            assert_eq!(details.text(path), expected, "{path}");
        }
        let payments = client.ok("GetTransactionsForSubscription", &[ID]).await;
        let column = |path| payments.texts("SubscriptionTransaction", path);
        assert_eq!(column("TransactionId"), ["FIRST", "SECOND"]);
        assert_eq!(column("TransactionSerialNumber"), ["1", "2"]);
        assert_eq!(column("TransactionAmount/Value"), ["5.000000", "10.000000"]);
        assert_eq!(column("TransactionStatus"), ["Success", "Success"]);
    }
    server.stop().await;
}

#[tokio::test]
async fn cancelling_without_an_amount_refunds_nothing() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let before = merchant.ok("GetAccountBalance", &[]).await.text("TotalBalance/Value");
    let cancelled = merchant.ok("CancelSubscriptionAndRefund", &[ID]).await;
    assert!(!cancelled.body.contains("RefundTransactionId"), "{}", cancelled.body);
    assert_eq!(status(&merchant).await, "Cancelled");
    assert_eq!(merchant.ok("GetAccountBalance", &[]).await.text("TotalBalance/Value"), before);
    server.stop().await;
}

#[tokio::test]
async fn an_amount_is_refunded_from_the_last_payment_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let asks = [ID, ("RefundAmount.Value", "4"), ("CallerReference", "goodbye")];
    let refund = merchant.ok("CancelSubscriptionAndRefund", &asks).await.text("RefundTransactionId");
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &refund)]).await;
    assert_eq!(detail.text("FPSOperation"), "Refund");
    assert_eq!(detail.text("TransactionAmount/Value"), "4.000000");
    assert_eq!(detail.text("RelatedTransaction/TransactionId"), "SECOND");
    assert_eq!(status(&merchant).await, "Cancelled");
    // A repeated request gets the same response and has no effect.
    let again = merchant.ok("CancelSubscriptionAndRefund", &asks).await;
    assert_eq!(again.text("RefundTransactionId"), refund);
    let rest = [("TransactionId", "SECOND"), ("RefundAmount.Value", "6.01"), ("CallerReference", "more")];
    merchant.refused("Refund", &rest, "RefundAmountExceeded").await;
    server.stop_and_audit().await;
}

#[tokio::test]
async fn a_refund_that_is_refused_leaves_the_subscription_as_it_was() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let asks = [ID, ("RefundAmount.Value", "10.01"), ("CallerReference", "goodbye")];
    merchant.refused("CancelSubscriptionAndRefund", &asks, "RefundAmountExceeded").await;
    assert_eq!(status(&merchant).await, "Active");
    server.stop().await;
}
