//! Payments through a marketplace: shares, fees and refunds.

use crate::support::{Client, Parameters, Server};

const SEED: &str = r#"
[[account]]
name = "market"
email = "market@example.com"
balance = "100.00"
access_key = [{ id = "MARKET", secret = "secret" }]

[[account]]
name = "seller"
email = "seller@example.com"
balance = "100.00"
access_key = [{ id = "SELLER", secret = "secret" }]

[[account]]
name = "buyer"
email = "buyer@example.com"
kind = "personal"
balance = "1000.00"
access_key = [{ id = "BUYER", secret = "secret" }]

[[token]]
id = "SENDER"
sender = "buyer"
caller = "market"
method = "ABT"

[[token]]
id = "RECIPIENT"
recipient = "seller"
caller = "market"
max_fixed_fee = "1.00"
max_variable_fee = "10"

[[token]]
id = "RECIPIENT-FREE-OF-FEES"
recipient = "seller"
caller = "market"
recipient_pays_fee = false
max_fixed_fee = "1.00"
max_variable_fee = "10"
"#;

struct Parties {
    market: Client,
    seller: Client,
    buyer: Client,
}

impl Parties {
    fn new(server: &Server) -> Self {
        let client = |key| server.client(key, "secret");
        Self { market: client("MARKET"), seller: client("SELLER"), buyer: client("BUYER") }
    }

    /// The balances of marketplace, seller and buyer.
    async fn balances(&self) -> [String; 3] {
        let mut balances = [const { String::new() }; 3];
        for (client, balance) in [&self.market, &self.seller, &self.buyer].into_iter().zip(&mut balances) {
            *balance = client.ok("GetAccountBalance", &[]).await.text("TotalBalance/Value");
        }
        balances
    }

    /// Pays 100 to this recipient token with a marketplace fee of 1 + 10 %.
    async fn pay(&self, recipient: &str, more: Parameters<'_>) -> String {
        let asks = [
            ("SenderTokenId", "SENDER"),
            ("RecipientTokenId", recipient),
            ("TransactionAmount.Value", "100"),
            ("MarketplaceFixedFee.Value", "1"),
            ("MarketplaceVariableFee", "10"),
            ("CallerReference", "payment"),
        ];
        self.market.ok("Pay", &[&asks, more].concat()).await.text("TransactionId")
    }
}

// The fee of FPS on 100 from a balance is 1.5 % + 0.01 = 1.51.

#[tokio::test]
async fn the_recipient_pays_both_fees_unless_its_token_says_otherwise() {
    for (recipient, expected) in [
        ("RECIPIENT", ["111.000000", "187.490000", "900.000000"]),
        ("RECIPIENT-FREE-OF-FEES", ["109.490000", "189.000000", "900.000000"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_in(folder.path(), SEED).await;
        let parties = Parties::new(&server);
        let id = parties.pay(recipient, &[]).await;
        assert_eq!(parties.balances().await, expected, "{recipient}");
        let detail = parties.market.ok("GetTransaction", &[("TransactionId", &id)]).await;
        assert_eq!(detail.text("MarketplaceFees/Value"), "11.000000");
        assert_eq!(detail.text("FPSFees/Value"), "1.510000");
        server.stop_and_audit().await;
    }
}

#[tokio::test]
async fn each_refund_policy_returns_what_it_names() {
    // (policy, changes of the balances of marketplace, seller and buyer)
    for (policy, expected) in [
        // FPS returns its fee and the recipient the rest of the amount; the marketplace keeps its fee.
        ("MasterTxnOnly", ["111.000000", "89.000000", "1000.000000"]),
        // The marketplace returns its fee to the recipient; nothing else changes.
        ("MarketplaceTxnOnly", ["100.000000", "198.490000", "900.000000"]),
        // All balances are as before the payment.
        ("MasterAndMarketplaceTxn", ["100.000000", "100.000000", "1000.000000"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start_in(folder.path(), SEED).await;
        let parties = Parties::new(&server);
        let id = parties.pay("RECIPIENT", &[]).await;
        let refund = [
            ("TransactionId", id.as_str()),
            ("MarketplaceRefundPolicy", policy),
            ("CallerReference", "refund"),
        ];
        parties.market.ok("Refund", &refund).await;
        assert_eq!(parties.balances().await, expected, "{policy}");
        server.stop_and_audit().await;
    }
}

#[tokio::test]
async fn partial_refunds_return_both_fees_proportionally_and_in_total_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start_in(folder.path(), SEED).await;
    let parties = Parties::new(&server);
    let id = parties.pay("RECIPIENT", &[]).await;
    for (amount, reference) in [("33.33", "a"), ("33.33", "b"), ("33.34", "c")] {
        let refund = [
            ("TransactionId", id.as_str()),
            ("RefundAmount.Value", amount),
            ("MarketplaceRefundPolicy", "MasterAndMarketplaceTxn"),
            ("CallerReference", reference),
        ];
        parties.market.ok("Refund", &refund).await;
    }
    assert_eq!(parties.balances().await, ["100.000000", "100.000000", "1000.000000"]);
    server.stop_and_audit().await;
}

#[tokio::test]
async fn the_address_of_the_sender_is_shown_only_to_a_caller_who_is_also_the_recipient() {
    let server = Server::start_seeded(SEED).await;
    let parties = Parties::new(&server);
    let id = parties.pay("RECIPIENT", &[]).await;
    let detail = parties.market.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert!(!detail.body.contains("<SenderEmail>"), "{}", detail.body);
    let own = [("SenderTokenId", "SENDER"), ("TransactionAmount.Value", "1"), ("CallerReference", "own")];
    let id = parties.market.ok("Pay", &own).await.text("TransactionId");
    let detail = parties.market.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("SenderEmail"), "buyer@example.com");
    server.stop().await;
}
