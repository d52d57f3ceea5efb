//! The rules of tokens: usage limits, validity, and the parties.

use std::time::Duration;

use crate::support::{Client, NOW, Response, Server, config, pay};
use fps_sandbox::config::Config;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The accounts of every test. Each test adds tokens and instruments.
const ACCOUNTS: &str = r#"
[[account]]
name = "shop"
email = "shop@example.com"
marketplace = false
access_key = [{ id = "SHOP", secret = "shop-secret" }]

[[account]]
name = "tom"
email = "tom@example.com"
kind = "personal"
access_key = [{ id = "TOM", secret = "tom-secret" }]

[[account]]
name = "ann"
email = "ann@example.com"
kind = "personal"
balance = "1000.00"

[[credit_instrument]]
id = "LINE"
sender = "ann"
recipient = "shop"
credit_limit = "500.00"
"#;

struct TestShop {
    server: Server,
    client: Client,
}

impl TestShop {
    async fn start(more: &str) -> Self {
        Self::start_with_config(more, config()).await
    }

    async fn start_with_config(more: &str, config: Config) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), format!("{ACCOUNTS}{more}")).expect("the seed is written");
        let server = Server::start_with(Config { seed: Some(file.path().to_owned()), ..config }).await;
        let client = server.client("SHOP", "shop-secret");
        Self { server, client }
    }

    /// Starts with one token `T` from Ann to the shop, which pays from her balance.
    async fn start_with_token(rules: &str) -> Self {
        Self::start(&format!(
            "[[token]]\nid = \"T\"\nsender = \"ann\"\ncaller = \"shop\"\nmethod = \"ABT\"\n{rules}"
        ))
        .await
    }

    async fn pays(&self, token: &str, dollars: &str, reference: &str) {
        self.client.ok("Pay", &pay(token, dollars, reference)).await;
    }

    async fn refused(&self, token: &str, dollars: &str, reference: &str, code: &str) -> Response {
        self.client.refused("Pay", &pay(token, dollars, reference), code).await
    }

    async fn settle(&self, token: &str, instrument: &str, reference: &str) -> Response {
        let settling = [
            ("SenderTokenId", token),
            ("CreditInstrumentId", instrument),
            ("SettlementAmount.Value", "1"),
            ("CallerReference", reference),
        ];
        self.client.call("SettleDebt", &settling).await
    }
}

// Usage limits.

#[tokio::test]
async fn a_daily_amount_is_renewed_in_windows_counted_from_the_start_of_the_token() {
    let shop = TestShop::start_with_token("usage_limit = [{ amount = \"50.00\", period = \"1 Day\" }]").await;
    shop.pays("T", "30", "1").await;
    let over = shop.refused("T", "20.01", "2", "TokenUsageError").await;
    assert_eq!(over.message(), "The token \"T\" has violated its usage policy.");
    shop.pays("T", "20", "3").await;
    shop.server.advance(DAY - Duration::from_millis(1)).await;
    shop.refused("T", "0.01", "4", "TokenUsageError").await;
    shop.server.advance(Duration::from_millis(1)).await;
    shop.pays("T", "50", "5").await;
    shop.refused("T", "0.01", "6", "TokenUsageError").await;
}

#[tokio::test]
async fn windows_begin_when_the_token_becomes_valid() {
    let rules = "valid_from = 2012-05-31T18:00:00Z\nusage_limit = [{ count = 1, period = \"1 Day\" }]";
    let shop = TestShop::start_with_token(rules).await;
    shop.pays("T", "1", "1").await;
    shop.server.advance(6 * 60 * MINUTE - Duration::from_millis(1)).await;
    shop.refused("T", "1", "2", "TokenUsageError").await;
    shop.server.advance(Duration::from_millis(1)).await;
    shop.pays("T", "1", "3").await;
}

#[tokio::test]
async fn a_count_without_a_period_is_for_the_lifetime_of_the_token() {
    let shop = TestShop::start_with_token("usage_limit = [{ count = 2 }]").await;
    shop.pays("T", "1", "1").await;
    shop.pays("T", "1", "2").await;
    shop.server.advance(400 * DAY).await;
    shop.refused("T", "1", "3", "TokenUsageError").await;
}

#[tokio::test]
async fn every_limit_of_a_token_counts_separately() {
    let rules = "global_amount_limit = \"100.00\"\n\
                 usage_limit = [{ amount = \"60.00\", period = \"1 Week\" }, { count = 2, period = \"1 Day\" }]";
    let shop = TestShop::start_with_token(rules).await;
    shop.pays("T", "10", "1").await;
    shop.pays("T", "10", "2").await;
    shop.refused("T", "1", "twice today", "TokenUsageError").await;
    shop.server.advance(DAY).await;
    shop.refused("T", "40.01", "too much this week", "TokenUsageError").await;
    shop.pays("T", "40", "3").await;
    shop.server.advance(7 * DAY).await;
    shop.refused("T", "40.01", "too much in all", "TokenUsageError").await;
    shop.pays("T", "40", "4").await;
    shop.refused("T", "0.01", "all is spent", "TokenUsageError").await;
}

#[tokio::test]
async fn a_refused_use_does_not_count() {
    let shop = TestShop::start_with_token("max_charge = \"50.00\"\nusage_limit = [{ count = 1 }]").await;
    shop.refused("T", "50.01", "1", "IncompatibleTokens").await;
    shop.pays("T", "50", "2").await;
}

#[tokio::test]
async fn a_replayed_request_uses_the_token_once() {
    let shop = TestShop::start_with_token("usage_limit = [{ count = 1 }]").await;
    shop.pays("T", "1", "1").await;
    shop.pays("T", "1", "1").await;
    shop.refused("T", "1", "2", "TokenUsageError").await;
}

#[tokio::test]
async fn a_payment_that_times_out_does_not_count_as_use() {
    let token = "[[token]]\nid = \"T\"\nsender = \"ann\"\ncaller = \"shop\"\nmethod = \"CC\"\n\
                 global_amount_limit = \"100.00\"\nusage_limit = [{ count = 1, period = \"1 Day\" }]";
    let shop = TestShop::start_with_config(token, Config { cc_delay: 10 * MINUTE, ..config() }).await;
    let mut hurried = pay("T", "100", "1").to_vec();
    hurried.push(("TransactionTimeoutInMins", "1"));
    shop.client.ok("Pay", &hurried).await;
    shop.refused("T", "100", "2", "TokenUsageError").await;
    shop.server.advance(MINUTE).await;
    shop.pays("T", "100", "3").await;
}

#[tokio::test]
async fn a_single_use_token_pays_once_and_can_be_used_again_only_if_that_fails() {
    let token =
        "[[token]]\nid = \"T\"\nsender = \"ann\"\ncaller = \"shop\"\nmethod = \"CC\"\ntype = \"SingleUse\"";
    let shop = TestShop::start_with_config(token, Config { cc_delay: 10 * MINUTE, ..config() }).await;
    shop.refused("T", "0.01", "out of range", "AmountOutOfRange").await;
    let mut hurried = pay("T", "5", "1").to_vec();
    hurried.push(("TransactionTimeoutInMins", "1"));
    shop.client.ok("Pay", &hurried).await;
    shop.refused("T", "5", "pending", "TokenUsageError").await;
    shop.server.advance(MINUTE).await;
    shop.pays("T", "5", "after the failure").await;
    shop.server.advance(10 * MINUTE).await;
    shop.refused("T", "5", "done", "TokenUsageError").await;
}

#[tokio::test]
async fn a_credit_tokens_single_charges_have_a_least_and_a_most() {
    let token = "[[token]]\nid = \"T\"\ncharges = \"LINE\"\nmin_charge = \"5.00\"\nmax_charge = \"50.00\"";
    let shop = TestShop::start(token).await;
    shop.refused("T", "4.99", "1", "IncompatibleTokens").await;
    shop.pays("T", "5", "2").await;
    shop.refused("T", "50.01", "3", "IncompatibleTokens").await;
    shop.pays("T", "50", "4").await;
}

// Validity.

#[tokio::test]
async fn a_token_works_from_its_first_instant_up_to_its_last() {
    let shop =
        TestShop::start_with_token("valid_from = 2012-06-01T13:00:00Z\nvalid_until = 2012-06-01T14:00:00Z")
            .await;
    assert_eq!(NOW, "2012-06-01T12:00:00Z");
    shop.server.advance(60 * MINUTE - Duration::from_millis(1)).await;
    shop.refused("T", "1", "early", "IncompatibleTokens").await;
    shop.server.advance(Duration::from_millis(1)).await;
    shop.pays("T", "1", "first").await;
    shop.server.advance(60 * MINUTE - Duration::from_millis(1)).await;
    shop.pays("T", "1", "last").await;
    shop.server.advance(Duration::from_millis(1)).await;
    shop.refused("T", "1", "late", "IncompatibleTokens").await;
}

#[tokio::test]
async fn a_cancelled_token_pays_nothing() {
    let shop = TestShop::start_with_token("active = false").await;
    let refused = shop.refused("T", "1", "1", "TokenNotActive_Sender").await;
    assert_eq!(refused.message(), "Sender token not active.");
}

#[tokio::test]
async fn cancelled_postpaid_tokens_neither_charge_nor_settle() {
    let tokens = "[[token]]\nid = \"CREDIT\"\ncharges = \"LINE\"\nactive = false\n\
                  [[token]]\nid = \"SETTLE\"\nsettles = \"LINE\"\nmethod = \"ABT\"\nactive = false";
    let shop = TestShop::start(tokens).await;
    shop.refused("CREDIT", "1", "1", "TokenNotActive_Sender").await;
    assert_eq!(shop.settle("SETTLE", "LINE", "2").await.code(), "TokenNotActive_Sender");
}

#[tokio::test]
async fn an_expired_instrument_is_neither_charged_nor_settled_but_can_be_written_off() {
    let world = "[[credit_instrument]]\nid = \"OLD\"\nsender = \"ann\"\nrecipient = \"shop\"\n\
                 credit_limit = \"50.00\"\nvalid_until = 2012-06-02T12:00:00Z\n\
                 [[token]]\nid = \"CREDIT\"\ncharges = \"OLD\"\n\
                 [[token]]\nid = \"SETTLE\"\nsettles = \"OLD\"\nmethod = \"ABT\"\n";
    let shop = TestShop::start(world).await;
    shop.pays("CREDIT", "10", "1").await;
    shop.server.advance(DAY).await;
    shop.refused("CREDIT", "1", "2", "InstrumentExpired").await;
    assert_eq!(shop.settle("SETTLE", "OLD", "3").await.code(), "InstrumentExpired");
    let writing_off =
        [("CreditInstrumentId", "OLD"), ("AdjustmentAmount.Value", "10"), ("CallerReference", "4")];
    shop.client.ok("WriteOffDebt", &writing_off).await;
    assert_eq!(shop.client.debt("OLD").await.0, "0.000000");
}

#[tokio::test]
async fn tokens_of_an_instrument_outside_their_own_validity_are_incompatible() {
    let tokens = "[[token]]\nid = \"CREDIT\"\ncharges = \"LINE\"\nvalid_until = 2012-06-01T12:00:00Z\n\
                  [[token]]\nid = \"SETTLE\"\nsettles = \"LINE\"\nmethod = \"ABT\"\nvalid_from = 2012-06-02T00:00:00Z";
    let shop = TestShop::start(tokens).await;
    shop.refused("CREDIT", "1", "1", "IncompatibleTokens").await;
    assert_eq!(shop.settle("SETTLE", "LINE", "2").await.code(), "IncompatibleTokens");
}

#[tokio::test]
async fn an_inactive_instrument_is_neither_charged_nor_settled() {
    let world = "[[credit_instrument]]\nid = \"OFF\"\nsender = \"ann\"\nrecipient = \"shop\"\n\
                 credit_limit = \"50.00\"\nactive = false\n\
                 [[token]]\nid = \"CREDIT\"\ncharges = \"OFF\"\n\
                 [[token]]\nid = \"SETTLE\"\nsettles = \"OFF\"\nmethod = \"ABT\"\n";
    let shop = TestShop::start(world).await;
    shop.refused("CREDIT", "1", "1", "InactiveInstrument").await;
    assert_eq!(shop.settle("SETTLE", "OFF", "2").await.code(), "InactiveInstrument");
}

// Parties.

#[tokio::test]
async fn accounts_in_a_bad_state_are_refused_by_role() {
    let world = r#"
        [[account]]
        name = "suspended"
        email = "s@example.com"
        state = "suspended"
        balance = "10.00"
        [[account]]
        name = "closed"
        email = "c@example.com"
        state = "closed"
        balance = "10.00"
        [[account]]
        name = "unverified"
        email = "u@example.com"
        state = "email-unverified"
        balance = "10.00"
        [[account]]
        name = "bad-shop"
        email = "b@example.com"
        state = "suspended"
        access_key = [{ id = "BAD", secret = "bad-secret" }]
        [[account]]
        name = "new-shop"
        email = "n@example.com"
        state = "email-unverified"
        access_key = [{ id = "NEW", secret = "new-secret" }]
        [[credit_instrument]]
        id = "BAD-LINE"
        sender = "ann"
        recipient = "bad-shop"
        credit_limit = "50.00"
        [[token]]
        id = "SUSPENDED"
        sender = "suspended"
        caller = "shop"
        method = "ABT"
        [[token]]
        id = "CLOSED"
        sender = "closed"
        caller = "shop"
        method = "ABT"
        [[token]]
        id = "UNVERIFIED"
        sender = "unverified"
        caller = "shop"
        method = "ABT"
        [[token]]
        id = "TO-BAD"
        sender = "ann"
        caller = "bad-shop"
        method = "ABT"
        [[token]]
        id = "TO-NEW"
        sender = "ann"
        caller = "new-shop"
        method = "ABT"
    "#;
    let shop = TestShop::start(world).await;
    shop.refused("SUSPENDED", "1", "1", "InvalidAccountState_Sender").await;
    shop.refused("CLOSED", "1", "2", "InvalidAccountState_Sender").await;
    shop.refused("UNVERIFIED", "1", "3", "UnverifiedEmailAddress_Sender").await;
    let bad = shop.server.client("BAD", "bad-secret");
    bad.refused("Pay", &pay("TO-BAD", "1", "4"), "InvalidAccountState_Caller").await;
    let writing_off =
        [("CreditInstrumentId", "BAD-LINE"), ("AdjustmentAmount.Value", "1"), ("CallerReference", "5")];
    bad.refused("WriteOffDebt", &writing_off, "InvalidAccountState_Caller").await;
    let new = shop.server.client("NEW", "new-secret");
    new.refused("Pay", &pay("TO-NEW", "1", "6"), "UnverifiedEmailAddress_Caller").await;
}

#[tokio::test]
async fn accounts_cannot_pay_themselves() {
    let token = "[[token]]\nid = \"SELF\"\nsender = \"shop\"\ncaller = \"shop\"\nmethod = \"CC\"";
    TestShop::start(token).await.refused("SELF", "1", "1", "SameSenderAndRecipient").await;
}

#[tokio::test]
async fn a_personal_account_takes_balance_and_bank_but_no_cards() {
    let tokens = "[[token]]\nid = \"CARD\"\nsender = \"ann\"\ncaller = \"tom\"\nmethod = \"CC\"\n\
                  [[token]]\nid = \"BALANCE\"\nsender = \"ann\"\ncaller = \"tom\"\nmethod = \"ABT\"\n\
                  [[token]]\nid = \"BANK\"\nsender = \"ann\"\ncaller = \"tom\"\nmethod = \"ACH\"";
    let shop = TestShop::start(tokens).await;
    let tom = shop.server.client("TOM", "tom-secret");
    tom.refused("Pay", &pay("CARD", "1", "1"), "InvalidRecipientForCCTransaction").await;
    tom.ok("Pay", &pay("BALANCE", "1", "2")).await;
    tom.ok("Pay", &pay("BANK", "1", "3")).await;
}

#[tokio::test]
async fn requests_that_only_a_marketplace_may_make_are_refused() {
    let shop = TestShop::start_with_token("").await;
    for (reference, name, value) in [
        ("1", "RecipientTokenId", "T"),
        ("2", "MarketplaceFixedFee.Value", "1"),
        ("3", "MarketplaceVariableFee", "2.5"),
    ] {
        let mut asked = pay("T", "10", reference).to_vec();
        asked.push((name, value));
        shop.client.refused("Pay", &asked, "NotMarketplaceApp").await;
    }
}
