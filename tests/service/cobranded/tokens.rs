//! The tokens and instruments that visits create, in use.

use super::*;

#[tokio::test]
async fn tokens_of_a_postpaid_visit_pay_and_settle_debt() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let limits = [("usageLimitType1", "Count"), ("usageLimitValue1", "3"), ("usageLimitPeriod1", "1 Day")];
    let return_url = visit_with_outcome(&server, "SetupPostpaid", &merge(POSTPAID, &limits), "SC").await;
    let [instrument, credit, settlement] =
        ["creditInstrumentID", "creditSenderTokenID", "settlementTokenID"].map(|name| return_url.value(name));
    assert_eq!(merchant.debt(instrument).await, ("0.000000".to_owned(), "0.000000".to_owned()));
    let found = merchant.ok("GetTokenByCaller", &[("CallerReference", "credit 1")]).await;
    assert_eq!((found.text("TokenId"), found.text("TokenType")), (credit.to_owned(), "MultiUse".to_owned()));
    let found = merchant.ok("GetTokenByCaller", &[("CallerReference", "settlement 1")]).await;
    assert_eq!(found.text("TokenId"), settlement);

    merchant.ok("Pay", &pay(credit, "10.00", "first")).await;
    merchant.refused("Pay", &pay(credit, "5.01", "above the limit"), "InsufficientBalance").await;
    merchant.ok("Pay", &pay(credit, "1.00", "second")).await;
    merchant.ok("Pay", &pay(credit, "1.00", "third")).await;
    merchant.refused("Pay", &pay(credit, "1.00", "fourth of the day"), "TokenUsageError").await;
    let settle = |amount, reference| {
        [
            ("SenderTokenId", settlement),
            ("CreditInstrumentId", instrument),
            ("SettlementAmount.Value", amount),
            ("SettlementAmount.CurrencyCode", "USD"),
            ("CallerReference", reference),
        ]
    };
    merchant.ok("SettleDebt", &settle("12.00", "settle")).await;
    assert_eq!(merchant.debt(instrument).await, ("0.000000".to_owned(), "12.000000".to_owned()));
    server.advance(Duration::from_secs(2)).await;
    assert_eq!(merchant.debt(instrument).await, ("0.000000".to_owned(), "0.000000".to_owned()));
}

#[tokio::test]
async fn tokens_of_a_prepaid_visit_fund_and_spend_the_instrument() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let return_url = visit_with_outcome(&server, "SetupPrepaid", PIPELINES[3].1, "SA").await;
    let [instrument, sender, funding] =
        ["prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID"].map(|name| return_url.value(name));
    let fund = [
        ("SenderTokenId", funding),
        ("PrepaidInstrumentId", instrument),
        ("FundingAmount.Value", "40.00"),
        ("FundingAmount.CurrencyCode", "USD"),
        ("CallerReference", "fund"),
    ];
    merchant.ok("FundPrepaid", &fund).await;
    merchant.ok("Pay", &pay(sender, "15.00", "spend")).await;
    let balance = merchant.ok("GetPrepaidBalance", &[("PrepaidInstrumentId", instrument)]).await;
    assert_eq!(balance.text("AvailableBalance/Value"), "25.000000");
}

#[tokio::test]
async fn a_single_use_token_pays_once_at_most_its_amount_within_three_hours() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let return_url = visit_with_outcome(&server, "SingleUse", SINGLE_USE, "SA").await;
    let token = return_url.value("tokenID");
    merchant.refused("Pay", &pay(token, "10.01", "too much"), "TokenUsageError").await;
    merchant.ok("Pay", &pay(token, "9.99", "right")).await;
    merchant.refused("Pay", &pay(token, "0.01", "again"), "TokenUsageError").await;
    let return_url =
        visit_with_outcome(&server, "SingleUse", &merge(SINGLE_USE, &[("callerReference", "late")]), "SA")
            .await;
    server.advance(Duration::from_secs(3 * 60 * 60 + 1)).await;
    merchant.refused("Pay", &pay(return_url.value("tokenID"), "1.00", "late"), "IncompatibleTokens").await;
}

#[tokio::test]
async fn a_multi_use_token_keeps_every_limit_that_was_agreed_to() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let token = |reference: &'static str, more: &[(&'static str, &'static str)]| {
        let named = merge(PIPELINES[1].1, &[("callerReference", reference)]);
        let (server, parameters) = (&server, merge(&named, more));
        async move { visit_with_outcome(server, "MultiUse", &parameters, "SA").await.value("tokenID").to_owned() }
    };
    let exact = token("exact", &[("transactionAmount", "5")]).await;
    merchant.refused("Pay", &pay(&exact, "4.99", "e1"), "IncompatibleTokens").await;
    merchant.ok("Pay", &pay(&exact, "5.00", "e2")).await;
    let most = token("most", &[("transactionAmount", "5"), ("amountType", "Maximum")]).await;
    merchant.refused("Pay", &pay(&most, "5.01", "m1"), "IncompatibleTokens").await;
    merchant.ok("Pay", &pay(&most, "4.99", "m2")).await;
    let least = token("least", &[("transactionAmount", "5"), ("amountType", "minimum")]).await;
    merchant.refused("Pay", &pay(&least, "4.99", "l1"), "IncompatibleTokens").await;
    merchant.ok("Pay", &pay(&least, "50.00", "l2")).await;
    merchant.refused("Pay", &pay(&least, "5.00", "l3"), "TokenUsageError").await;
    let limited = [
        ("usageLimitType1", "Amount"),
        ("usageLimitValue1", "10.00"),
        ("usageLimitPeriod1", "1 Month"),
        ("usageLimitType2", "Count"),
        ("usageLimitValue2", "2"),
    ];
    let limited = token("limited", &limited).await;
    merchant.refused("Pay", &pay(&limited, "10.01", "u1"), "TokenUsageError").await;
    merchant.ok("Pay", &pay(&limited, "10.00", "u2")).await;
    server.advance(Duration::from_secs(32 * 24 * 60 * 60)).await;
    merchant.ok("Pay", &pay(&limited, "10.00", "u3")).await;
    server.advance(Duration::from_secs(32 * 24 * 60 * 60)).await;
    merchant.refused("Pay", &pay(&limited, "1.00", "u4"), "TokenUsageError").await;
    // A token without validityExpiry is valid for a year.
    server.advance(Duration::from_secs(302 * 24 * 60 * 60)).await;
    merchant.refused("Pay", &pay(&most, "1.00", "m3"), "IncompatibleTokens").await;
}

#[tokio::test]
async fn a_recurring_token_pays_once_a_period() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let return_url = visit_with_outcome(&server, "Recurring", PIPELINES[2].1, "SA").await;
    let token = return_url.value("tokenID");
    merchant.refused("Pay", &pay(token, "10.00", "too much"), "TokenUsageError").await;
    merchant.ok("Pay", &pay(token, "9.99", "june")).await;
    merchant.refused("Pay", &pay(token, "0.01", "june again"), "TokenUsageError").await;
    server.advance(Duration::from_secs(31 * 24 * 60 * 60)).await;
    merchant.ok("Pay", &pay(token, "9.99", "july")).await;
}

#[tokio::test]
async fn a_marketplace_is_paid_through_the_tokens_that_recipient_and_buyer_gave() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let fees = [("maxFixedFee", "0.50"), ("maxVariableFee", "5")];
    let seller = visit_with_outcome(&server, RECIPIENT.0, &merge(RECIPIENT.1, &fees), "SR").await;
    let seller = seller.value("tokenID");
    let only = [("recipientTokenList", seller), ("isRecipientCobranding", "True")];
    let buyer = visit_with_outcome(&server, "MultiUse", &merge(PIPELINES[1].1, &only), "SA").await;
    let buyer = buyer.value("tokenID");
    let through = |recipient, fee, reference| {
        let mut parameters = pay(buyer, "20.00", reference).to_vec();
        parameters.extend([("RecipientTokenId", recipient), ("MarketplaceFixedFee.Value", fee)]);
        parameters
    };
    merchant.ok("Pay", &through(seller, "1.00", "through")).await;
    merchant.refused("Pay", &through(seller, "1.51", "too much commission"), "IncompatibleTokens").await;
    let other = "RECIPIENT0TOKEN0CORNER0BOOKS0RECEIVES00000000000000000000000DEMO";
    merchant.refused("Pay", &through(other, "0.10", "to another seller"), "IncompatibleTokens").await;
    merchant.refused("Pay", &pay(buyer, "20.00", "to the marketplace"), "IncompatibleTokens").await;
}

#[tokio::test]
async fn an_edited_token_pays_in_another_way() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let edit = PIPELINES[5].1;
    let return_url = visit_with_outcome(&server, "EditToken", edit, "SU").await;
    assert_eq!((return_url.value("status"), return_url.value("tokenID")), ("SU", demo::ACH));
    // A payment by bank is pending for days; a payment from a balance completes at once.
    merchant.ok("Pay", &pay(demo::ACH, "5.00", "by bank")).await;
    let return_url = visit_with_outcome(&server, "EditToken", edit, "SA").await;
    assert_eq!((return_url.value("status"), return_url.value("callerReference")), ("SA", "edit"));
    let response = merchant.ok("Pay", &pay(demo::ACH, "5.00", "by balance")).await;
    assert_eq!(response.text("TransactionStatus"), "Success");
    let return_url = visit_with_outcome(&server, "EditToken", edit, "SA").await;
    assert_eq!(return_url.value("status"), "SU");
    let stranger = [("sandbox_buyer", "bob@example.com")];
    let return_url = visit_with_outcome(&server, "EditToken", &merge(edit, &stranger), "SC").await;
    assert_eq!(return_url.status_and_message(), ("NP", "The token belongs to another account"));
}

#[tokio::test]
async fn an_edit_that_is_submitted_twice_has_the_same_result_twice() {
    let server = Server::start().await;
    let page = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("EditToken", PIPELINES[5].1))
        .await;
    assert!(page.body.contains("You pay by bank account."), "{}", page.body);
    let visit = page.visit_token();
    for _ in 0..2 {
        let fields = [("visit", visit.as_str()), ("method", "CC")];
        assert_eq!(
            ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &fields).await).value("status"),
            "SC"
        );
    }
    // A visitor who signs in again sees the current payment method of the token.
    let page = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("EditToken", PIPELINES[5].1))
        .await;
    let visit = page.visit_token();
    let fields = [("visit", visit.as_str()), ("method", "CC")];
    assert_eq!(
        ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &fields).await).value("status"),
        "SU"
    );
}

#[tokio::test]
async fn a_token_for_a_reservation_is_by_card() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let reserves = merge(SINGLE_USE, &[("reserve", "True")]);
    assert_eq!(visit_with_outcome(&server, "SingleUse", &reserves, "SA").await.value("status"), "PE");
    let page =
        server.pages().open_review_page("alice@example.com", &start_parameters("SingleUse", &reserves)).await;
    assert!(page.body.contains("reserved first") && !page.body.contains("method-ABT"), "{}", page.body);
    let return_url = visit_with_outcome(&server, "SingleUse", &reserves, "SC").await;
    merchant.ok("Reserve", &pay(return_url.value("tokenID"), "10.00", "held")).await;
}

#[tokio::test]
async fn a_recipient_token_may_limit_the_fixed_fee_only() {
    let server = Server::start().await;
    let seller =
        visit_with_outcome(&server, RECIPIENT.0, &merge(RECIPIENT.1, &[("maxFixedFee", "1")]), "SR").await;
    let mut paid = pay(demo::ABT, "20.00", "through").to_vec();
    paid.extend([("RecipientTokenId", seller.value("tokenID")), ("MarketplaceFixedFee.Value", "1.00")]);
    server.merchant().ok("Pay", &paid).await;
}
