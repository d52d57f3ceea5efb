//! Tokens: usage, look-ups, cancellation, and payment instructions.

use std::time::Duration;

use crate::support::{Client, Server, pay};

const SEED: &str = r#"
[[account]]
name = "merchant"
email = "merchant@example.com"
balance = "100.00"
access_key = [{ id = "MERCHANT", secret = "secret" }]

[[account]]
name = "buyer"
email = "buyer@example.com"
kind = "personal"
balance = "1000.00"
access_key = [{ id = "BUYER", secret = "secret" }]

[[token]]
id = "LIMITED"
sender = "buyer"
caller = "merchant"
method = "ABT"
caller_reference = "limited by day"
friendly_name = "Daily"
usage_limit = [{ amount = "10.00", period = "1 Day" }, { count = 3, period = "1 Month" }]

[[token]]
id = "BY-CARD"
sender = "buyer"
caller = "merchant"
method = "CC"
global_amount_limit = "10.00"
usage_limit = [{ count = 1 }]

[[token]]
id = "SINGLE"
sender = "buyer"
caller = "merchant"
method = "CC"
type = "SingleUse"

[[token]]
id = "OF-MERCHANT"
recipient = "merchant"
caller = "merchant"
friendly_name = "Ours"
"#;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

async fn usage(merchant: &Client, token: &str) -> [String; 2] {
    let usage = merchant.ok("GetTokenUsage", &[("TokenId", token)]).await;
    [usage.text("LastResetAmount/Value"), usage.text("LastResetCount")]
}

#[tokio::test]
async fn amounts_and_counts_are_limited_in_separate_windows() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    merchant.ok("Pay", &pay("LIMITED", "6", "1")).await;
    assert_eq!(usage(&merchant, "LIMITED").await, ["6.000000", "1"]);
    merchant.refused("Pay", &pay("LIMITED", "4.01", "too much"), "TokenUsageError").await;
    merchant.ok("Pay", &pay("LIMITED", "4", "2")).await;
    server.advance(Duration::from_millis(24 * 60 * 60 * 1000 - 1)).await;
    merchant.refused("Pay", &pay("LIMITED", "0.01", "the same day"), "TokenUsageError").await;
    server.advance(Duration::from_millis(1)).await;
    assert_eq!(usage(&merchant, "LIMITED").await, ["0.000000", "2"]);
    merchant.ok("Pay", &pay("LIMITED", "10", "3")).await;
    server.advance(DAY).await;
    merchant.refused("Pay", &pay("LIMITED", "1", "a fourth time"), "TokenUsageError").await;
    server.advance(28 * DAY).await;
    merchant.ok("Pay", &pay("LIMITED", "1", "the next month")).await;
    assert_eq!(usage(&merchant, "LIMITED").await, ["1.000000", "1"]);
    server.stop_and_audit().await;
}

#[tokio::test]
async fn a_failed_payment_does_not_count_as_use() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    merchant.ok("Pay", &pay("BY-CARD", "9.60", "declined")).await;
    merchant.refused("Pay", &pay("BY-CARD", "10", "meanwhile"), "TokenUsageError").await;
    server.advance(Duration::from_secs(1)).await;
    merchant.ok("Pay", &pay("BY-CARD", "10", "again")).await;
    merchant.refused("Pay", &pay("BY-CARD", "0.02", "used up"), "TokenUsageError").await;
    server.stop().await;
}

#[tokio::test]
async fn a_single_use_token_pays_once_and_has_no_usage() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    merchant.ok("Pay", &pay("SINGLE", "1", "once")).await;
    merchant.refused("Pay", &pay("SINGLE", "1", "twice"), "TokenUsageError").await;
    merchant.refused("GetTokenUsage", &[("TokenId", "SINGLE")], "InvalidTokenType").await;
    server.stop().await;
}

#[tokio::test]
async fn a_single_use_token_is_valid_for_three_hours() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    server.advance(Duration::from_millis(3 * 60 * 60 * 1000 - 1)).await;
    merchant.refused("Pay", &pay("SINGLE", "20000", "just in time"), "AmountOutOfRange").await;
    server.advance(Duration::from_millis(1)).await;
    merchant.refused("Pay", &pay("SINGLE", "1", "too late"), "IncompatibleTokens").await;
    merchant.ok("Pay", &pay("LIMITED", "1", "others are kept")).await;
    server.stop().await;
}

#[tokio::test]
async fn a_token_is_found_by_its_reference_and_cancelled_permanently() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let found = merchant.ok("GetTokenByCaller", &[("CallerReference", "limited by day")]).await;
    assert_eq!([found.text("TokenId"), found.text("TokenStatus")], ["LIMITED", "Active"]);
    assert_eq!([found.text("FriendlyName"), found.text("TokenType")], ["Daily", "MultiUse"]);
    let misspelt = merchant.ok("GetTokensByCaller", &[("CallerReference", "limited by day")]).await;
    assert!(misspelt.body.contains("<GetTokenByCallerResponse"), "{}", misspelt.body);
    let cancelled = merchant.ok("CancelToken", &[("TokenId", "LIMITED")]).await;
    assert!(!cancelled.body.contains("Result"), "{}", cancelled.body);
    merchant.refused("Pay", &pay("LIMITED", "1", "1"), "TokenNotActive_Sender").await;
    let found = merchant.ok("GetTokenByCaller", &[("TokenId", "LIMITED")]).await;
    assert_eq!(found.text("TokenStatus"), "Inactive");
    server.stop().await;
}

#[tokio::test]
async fn the_list_of_tokens_contains_only_those_of_the_account_with_every_filter() {
    let server = Server::start_seeded(SEED).await;
    let (merchant, buyer) = (server.client("MERCHANT", "secret"), server.client("BUYER", "secret"));
    let ids = async |client: &Client, asks: &[(&str, &str)]| {
        client.ok("GetTokens", asks).await.texts("Token", "TokenId")
    };
    assert_eq!(ids(&merchant, &[]).await, ["OF-MERCHANT"]);
    assert_eq!(ids(&buyer, &[]).await, ["LIMITED", "BY-CARD", "SINGLE"]);
    assert_eq!(ids(&buyer, &[("TokenType", "SingleUse")]).await, ["SINGLE"]);
    assert_eq!(ids(&buyer, &[("CallerReference", "limited by day")]).await, ["LIMITED"]);
    assert_eq!(ids(&buyer, &[("TokenFriendlyName", "Daily"), ("TokenType", "MultiUse")]).await, ["LIMITED"]);
    assert_eq!(ids(&buyer, &[("TokenStatus", "Inactive")]).await, [""; 0]);
    merchant.ok("CancelToken", &[("TokenId", "SINGLE")]).await;
    assert_eq!(ids(&buyer, &[("TokenStatus", "Inactive")]).await, ["SINGLE"]);
    assert_eq!(ids(&buyer, &[]).await, ["LIMITED", "BY-CARD"]);
    server.stop().await;
}

#[tokio::test]
async fn an_instruction_becomes_a_token_once_and_is_returned_unchanged() {
    let server = Server::start_seeded(SEED).await;
    let merchant = server.client("MERCHANT", "secret");
    let install = [
        ("PaymentInstruction", "MyRole == 'Sender'; TransactionAmount <= \"USD 5\" & true;"),
        ("TokenFriendlyName", "Refunds"),
        ("CallerReference", "refunds"),
        ("TokenType", "Unrestricted"),
        ("PaymentReason", "Returns"),
    ];
    let token = merchant.ok("InstallPaymentInstruction", &install).await.text("TokenId");
    assert_eq!(token.len(), 64);
    assert_eq!(merchant.ok("InstallPaymentInstruction", &install).await.text("TokenId"), token);
    let shown = merchant.ok("GetPaymentInstruction", &[("TokenId", &token)]).await;
    let text =
        shown.text("PaymentInstruction").replace("&lt;", "<").replace("&quot;", "\"").replace("&apos;", "'");
    assert_eq!(text.replace("&#39;", "'").replace("&amp;", "&"), install[0].1);
    assert_eq!([shown.text("TokenFriendlyName"), shown.text("PaymentReason")], ["Refunds", "Returns"]);
    let listed = merchant.ok("GetTokens", &[("TokenType", "Unrestricted")]).await;
    assert_eq!(listed.texts("Token", "TokenId"), [token]);
    // The references of tokens and of transactions are separate.
    merchant.ok("Pay", &pay("LIMITED", "1", "refunds")).await;
    server.stop().await;
}
