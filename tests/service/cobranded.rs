//! The Co-Branded pages without a browser: every pipeline and outcome, what is made, and what is refused.

use std::time::Duration;

use crate::support::cobranded::{Back, CONFIRM, RETURN, SIGN_IN, START, asking, owned, signed};
use crate::support::{Parameters, Server, config, demo, encode, pay, raw};
use fps_sandbox::config::{CoBrandedAuth, Config};

const POSTPAID: Parameters<'_> = &[
    ("callerReferenceSender", "credit 1"),
    ("callerReferenceSettlement", "settlement 1"),
    ("creditLimit", "15"),
    ("globalAmountLimit", "100.00"),
];
const SINGLE: Parameters<'_> = &[("callerReference", "once"), ("transactionAmount", "10.00")];
const ILL_FORMED: &str = "The following input(s) are not well formed:";

/// Each pipeline with what it needs, and what comes back of a success by card.
const PIPELINES: &[(&str, Parameters<'_>, &[&str])] = &[
    ("SingleUse", SINGLE, &["tokenID", "status", "expiry", "callerReference"]),
    (
        "MultiUse",
        &[("callerReference", "many"), ("globalAmountLimit", "50")],
        &["tokenID", "status", "expiry", "callerReference"],
    ),
    (
        "Recurring",
        &[("callerReference", "monthly"), ("transactionAmount", "9.99"), ("recurringPeriod", "1 Month")],
        &["tokenID", "status", "expiry", "callerReference"],
    ),
    (
        "SetupPrepaid",
        &[("callerReferenceSender", "p"), ("callerReferenceFunding", "f"), ("fundingAmount", "100")],
        &["prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID", "status", "expiry"],
    ),
    (
        "SetupPostpaid",
        POSTPAID,
        &["creditInstrumentID", "creditSenderTokenID", "settlementTokenID", "status", "expiry"],
    ),
    (
        "EditToken",
        &[("callerReference", "edit"), ("tokenId", demo::ACH)],
        &["tokenID", "status", "expiry", "callerReference"],
    ),
];
const RECIPIENT: (&str, Parameters<'_>) =
    ("Recipient", &[("callerReference", "seller"), ("recipientPaysFee", "True")]);

/// These parameters, and some more.
fn with<'a>(parameters: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = parameters.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more).copied().collect()
}

async fn ends(server: &Server, pipeline: &str, parameters: Parameters<'_>, outcome: &str) -> Back {
    let wish = [("sandbox_outcome", outcome)];
    server.pages().sent_back(&asking(pipeline, &with(parameters, &wish))).await
}

#[tokio::test]
async fn every_pipeline_returns_what_it_made_in_a_signed_url_that_keeps_the_merchants_query() {
    let server = Server::start().await;
    for (pipeline, parameters, results) in PIPELINES {
        let back = ends(&server, pipeline, parameters, "SC").await;
        assert!(back.url.as_str().starts_with(&format!("{RETURN}&")), "{}", back.url);
        assert_eq!(&back.results(), results, "{pipeline}: {}", back.url);
        assert_eq!((back.value("status"), back.value("expiry")), ("SC", "06/2017"), "{pipeline}");
        assert_eq!(server.pages().verifies(&back).await, "Success", "{pipeline}");
        for (name, id) in &back.pairs {
            let is_id = name.ends_with("ID") && *pipeline != "EditToken";
            assert!(!is_id || id.len() == 64, "{name} = {id}");
        }
    }
    let (pipeline, parameters) = RECIPIENT;
    let back = ends(&server, pipeline, parameters, "SR").await;
    assert_eq!(back.results(), ["tokenID", "refundTokenID", "status", "callerReference"]);
    assert_eq!(back.value("status"), "SR");
    assert_eq!(server.pages().verifies(&back).await, "Success");
}

#[tokio::test]
async fn the_status_of_a_success_tells_the_payment_method() {
    let server = Server::start().await;
    for (status, method) in [("SA", "ABT"), ("SB", "ACH"), ("SC", "CC")] {
        for (pipeline, parameters, _) in PIPELINES.iter().filter(|(name, ..)| *name != "EditToken") {
            let reference = format!("{pipeline} {status}");
            let names = ["callerReference", "callerReferenceSender"];
            let own: Vec<_> = names.into_iter().map(|name| (name, reference.as_str())).collect();
            let second = format!("{reference} second");
            let seconds =
                [("callerReferenceFunding", second.as_str()), ("callerReferenceSettlement", &second)];
            let parameters = with(&with(parameters, &own), &seconds);
            let back = ends(&server, pipeline, &parameters, status).await;
            assert_eq!(back.value("status"), status, "{pipeline}: {}", back.url);
            assert_eq!(back.value("expiry").is_empty(), method != "CC", "{pipeline}: {}", back.url);
        }
    }
}

#[tokio::test]
async fn every_other_outcome_can_be_asked_for_of_every_pipeline_and_makes_nothing() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let all = PIPELINES.iter().map(|(name, parameters, _)| (*name, *parameters)).chain([RECIPIENT]);
    for (pipeline, parameters) in all {
        let names = ["callerReferenceSender", "callerReference"];
        let reference =
            names.into_iter().find_map(|name| parameters.iter().find(|(known, _)| *known == name));
        let (name, reference) = reference.unwrap();
        for (outcome, message) in [
            ("A", String::new()),
            ("CE", format!("{ILL_FORMED}[{name}]")),
            ("PE", "The sender has none of the payment methods asked for".to_owned()),
            ("NP", "User Error: The pipeline was aborted and restarted".to_owned()),
            ("NM", "The caller is not registered for this kind of transaction".to_owned()),
            ("SE", "System error, please try again".to_owned()),
        ] {
            let back = ends(&server, pipeline, parameters, outcome).await;
            assert_eq!(back.says(), (outcome, message.as_str()), "{pipeline}");
            let expected: &[&str] =
                if message.is_empty() { &["status"] } else { &["status", "errorMessage"] };
            assert_eq!(back.results(), expected, "{pipeline}");
            assert_eq!(server.pages().verifies(&back).await, "Success", "{pipeline} {outcome}");
        }
        merchant
            .refused("GetTokenByCaller", &[("CallerReference", reference)], "InvalidCallerReference")
            .await;
    }
    // Blanks arrive as plus signs, as they did.
    let back = ends(&server, "SetupPostpaid", POSTPAID, "NP").await;
    assert!(back.url.as_str().contains("errorMessage=User+Error%3A+The+pipeline"), "{}", back.url);
}

#[tokio::test]
async fn an_expired_card_and_a_tampered_signature_are_successes_with_a_flaw() {
    let server = Server::start().await;
    let back = ends(&server, "SingleUse", SINGLE, "ExpiredCard").await;
    assert_eq!((back.value("status"), back.value("expiry")), ("SC", "05/2012"));
    assert_eq!(server.pages().verifies(&back).await, "Success");
    let back = ends(&server, "MultiUse", PIPELINES[1].1, "TamperedSignature").await;
    assert_eq!(back.value("status"), "SC");
    assert_eq!(server.pages().verifies(&back).await, "InvalidSignature");
}

#[tokio::test]
async fn what_is_not_well_formed_is_named_all_of_it() {
    let server = Server::start().await;
    let cases: &[(&str, Parameters<'_>, &str)] = &[
        ("SetupPostpaid", &[("callerReferenceSettlement", "")], "callerReferenceSettlement"),
        ("SetupPostpaid", &[("callerReferenceSettlement", "credit 1")], "callerReferenceSettlement"),
        (
            "SetupPostpaid",
            &[("creditLimit", "much"), ("globalAmountLimit", "-1")],
            "creditLimit, globalAmountLimit",
        ),
        ("SetupPostpaid", &[("creditLimit", "0")], "creditLimit"),
        ("SetupPostpaid", &[("creditLimit", "1.005")], "creditLimit"),
        ("SetupPostpaid", &[("currencyCode", "EUR")], "currencyCode"),
        ("SetupPostpaid", &[("paymentMethod", "CC,Cash")], "paymentMethod"),
        ("SetupPostpaid", &[("usageLimitType1", "Amount")], "usageLimitValue1"),
        ("SetupPostpaid", &[("usageLimitValue2", "3")], "usageLimitType2"),
        ("SetupPostpaid", &[("usageLimitType1", "Often"), ("usageLimitValue1", "3")], "usageLimitType1"),
        (
            "SetupPostpaid",
            &[("usageLimitType1", "Count"), ("usageLimitValue1", "3"), ("usageLimitPeriod1", "1 Fortnight")],
            "usageLimitPeriod1",
        ),
        ("SetupPostpaid", &[("validityStart", "soon")], "validityStart"),
        ("SetupPostpaid", &[("validityStart", "+1338552000")], "validityStart"),
        (
            "SetupPostpaid",
            &[("usageLimitType1", "Count"), ("usageLimitValue1", "+3"), ("usageLimitPeriod1", "1 Day")],
            "usageLimitValue1",
        ),
        (
            "SetupPostpaid",
            &[("usageLimitType1", "Count"), ("usageLimitValue1", "3"), ("usageLimitPeriod1", "+1 Day")],
            "usageLimitPeriod1",
        ),
        ("SetupPostpaid", &[("version", "+2009-01-09")], "version"),
        // A month ago; two years ahead; over before now.
        ("SetupPostpaid", &[("validityStart", "1335873600")], "validityStart"),
        ("SetupPostpaid", &[("validityStart", "1401624000")], "validityStart"),
        ("SetupPostpaid", &[("validityExpiry", "1338000000")], "validityExpiry"),
        ("SetupPostpaid", &[("collectShippingAddress", "Maybe")], "collectShippingAddress"),
        ("SetupPostpaid", &[("amountType", "Roughly")], "amountType"),
        ("SingleUse", &[("transactionAmount", "")], "transactionAmount"),
        ("SingleUse", &[("callerReference", "")], "callerReference"),
        ("SingleUse", &[("version", "latest")], "version"),
        ("SingleUse", &[("cobrandingStyle", "neon")], "cobrandingStyle"),
        ("SingleUse", &[("recipientToken", "nobody")], "recipientToken"),
        ("MultiUse", &[("globalAmountLimit", "")], "globalAmountLimit"),
        ("MultiUse", &[("isRecipientCobranding", "True")], "recipientTokenList"),
        ("MultiUse", &[("recipientTokenList", demo::CC)], "recipientTokenList"),
        ("Recurring", &[("recurringPeriod", "often")], "recurringPeriod"),
        ("SetupPrepaid", &[("fundingAmount", "")], "fundingAmount"),
        ("EditToken", &[("tokenId", "nothing")], "tokenId"),
        ("EditToken", &[("tokenId", demo::CREDIT)], "tokenId"),
    ];
    for (pipeline, wrong, names) in cases {
        let (_, parameters, _) = PIPELINES.iter().find(|(name, ..)| name == pipeline).unwrap();
        let back = server.pages().sent_back(&asking(pipeline, &with(parameters, wrong))).await;
        assert_eq!(back.says(), ("CE", format!("{ILL_FORMED}[{names}]").as_str()), "{pipeline} {wrong:?}");
        assert_eq!(server.pages().verifies(&back).await, "Success");
    }
    let long = "x".repeat(129);
    for (pipeline, wrong, name) in [
        ("SingleUse", ("callerReference", long.as_str()), "callerReference"),
        ("Recipient", ("recipientPaysFee", "perhaps"), "recipientPaysFee"),
        ("Recipient", ("maxVariableFee", "101"), "maxVariableFee"),
        ("NoSuchPipeline", ("callerReference", "x"), "pipelineName"),
    ] {
        let parameters = with(if pipeline == "Recipient" { RECIPIENT.1 } else { SINGLE }, &[]);
        let back = server.pages().sent_back(&asking(pipeline, &with(&parameters, &[wrong]))).await;
        assert_eq!(back.says(), ("CE", format!("{ILL_FORMED}[{name}]").as_str()), "{pipeline}");
    }
    // Bytes that are no text are told to the merchant too.
    let query = encode(&owned(&asking("SingleUse", SINGLE))) + "&paymentReason=caf%E9";
    let back = Back::of(&server.pages().visit_encoded(&query).await);
    assert_eq!(back.says().1, format!("{ILL_FORMED}[paymentReason]"));
    // Given twice, and not the same.
    let query = encode(&owned(&asking("SingleUse", SINGLE))) + "&transactionAmount=11";
    let back = Back::of(&server.pages().visit_encoded(&query).await);
    assert_eq!(back.says().1, format!("{ILL_FORMED}[transactionAmount]"));
}

#[tokio::test]
async fn names_are_matched_in_any_case_and_strange_ones_are_ignored() {
    let server = Server::start().await;
    let back = server
        .pages()
        .sent_back(&[
            ("CallerKey", demo::KEY),
            ("PipelineName", "singleuse"),
            ("returnUrl", RETURN),
            ("CallerReference", "a stray one that boto sends"),
            ("callerReference", "the one that is meant"),
            ("TransactionAmount", "3.14"),
            ("somethingElse", "x"),
            ("Sandbox_Outcome", "sc"),
        ])
        .await;
    assert_eq!((back.value("status"), back.value("callerReference")), ("SC", "the one that is meant"));
}

#[tokio::test]
async fn a_link_that_leads_nowhere_is_told_on_a_page() {
    let server = Server::start().await;
    for (wrong, told) in [
        (("returnURL", ""), "it has no returnURL"),
        (("returnURL", "/back"), "its returnURL is no absolute URL of http or https"),
        (("returnURL", "javascript:alert(1)"), "its returnURL is no absolute URL of http or https"),
        (("returnURL", "http://a;style-src/"), "the host of its returnURL has characters that no host has"),
        (("sandbox_outcome", "XX"), "sandbox_outcome is one of SA, SB"),
        (("sandbox_buyer", "nobody"), "sandbox_buyer is an e-mail address"),
        (("sandbox_mood", "good"), "there is no parameter sandbox_mood"),
        (("callerKey", ""), "it has no callerKey"),
        (("callerKey", "AKIANOBODY"), "its callerKey AKIANOBODY is not known here"),
    ] {
        let page = server.pages().visit(&asking("SingleUse", &with(SINGLE, &[wrong]))).await;
        assert_eq!(page.status, 400, "{wrong:?}");
        assert!(page.body.contains("This link does not work") && page.body.contains(told), "{}", page.body);
    }
    for (wrong, told) in [
        ("http:///back", "its returnURL is no absolute URL of http or https"),
        ("http://shop.example/b?x=%zz", "the query of its returnURL cannot be decoded"),
        ("http://shop.example/b?signature=x", "a parameter that is named like one of the signature"),
    ] {
        let page = server.pages().visit(&asking("SingleUse", &with(SINGLE, &[("returnURL", wrong)]))).await;
        assert!(page.status == 400 && page.body.contains(told), "{wrong}: {}", page.body);
    }
    let many = encode(&owned(&asking("SingleUse", SINGLE))) + &"&x=1".repeat(200);
    assert_eq!(server.pages().visit_encoded(&many).await.status, 400);
    let page = server.pages().visit_encoded(&format!("callerKey={}", "x".repeat(70_000))).await;
    assert_eq!(page.status, 414);
    let posted = server.pages().submit(START, "", &[]).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn what_a_postpaid_visit_makes_pays_owes_and_is_settled() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let limits = [("usageLimitType1", "Count"), ("usageLimitValue1", "3"), ("usageLimitPeriod1", "1 Day")];
    let back = ends(&server, "SetupPostpaid", &with(POSTPAID, &limits), "SC").await;
    let [instrument, credit, settlement] =
        ["creditInstrumentID", "creditSenderTokenID", "settlementTokenID"].map(|name| back.value(name));
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
async fn what_a_prepaid_visit_makes_is_funded_and_spent() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let back = ends(&server, "SetupPrepaid", PIPELINES[3].1, "SA").await;
    let [instrument, sender, funding] =
        ["prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID"].map(|name| back.value(name));
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
    let back = ends(&server, "SingleUse", SINGLE, "SA").await;
    let token = back.value("tokenID");
    merchant.refused("Pay", &pay(token, "10.01", "too much"), "TokenUsageError").await;
    merchant.ok("Pay", &pay(token, "9.99", "right")).await;
    merchant.refused("Pay", &pay(token, "0.01", "again"), "TokenUsageError").await;
    let back = ends(&server, "SingleUse", &with(SINGLE, &[("callerReference", "late")]), "SA").await;
    server.advance(Duration::from_secs(3 * 60 * 60 + 1)).await;
    merchant.refused("Pay", &pay(back.value("tokenID"), "1.00", "late"), "IncompatibleTokens").await;
}

#[tokio::test]
async fn a_multi_use_token_keeps_every_limit_that_was_agreed_to() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let token = |reference: &'static str, more: &[(&'static str, &'static str)]| {
        let named = with(PIPELINES[1].1, &[("callerReference", reference)]);
        let (server, parameters) = (&server, with(&named, more));
        async move { ends(server, "MultiUse", &parameters, "SA").await.value("tokenID").to_owned() }
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
    // Without an end of its own it lasts a year.
    server.advance(Duration::from_secs(302 * 24 * 60 * 60)).await;
    merchant.refused("Pay", &pay(&most, "1.00", "m3"), "IncompatibleTokens").await;
}

#[tokio::test]
async fn a_recurring_token_pays_once_a_period() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let back = ends(&server, "Recurring", PIPELINES[2].1, "SA").await;
    let token = back.value("tokenID");
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
    let seller = ends(&server, RECIPIENT.0, &with(RECIPIENT.1, &fees), "SR").await;
    let seller = seller.value("tokenID");
    let only = [("recipientTokenList", seller), ("isRecipientCobranding", "True")];
    let buyer = ends(&server, "MultiUse", &with(PIPELINES[1].1, &only), "SA").await;
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
    let back = ends(&server, "EditToken", edit, "SU").await;
    assert_eq!((back.value("status"), back.value("tokenID")), ("SU", demo::ACH));
    // A bank takes days, a balance no time.
    merchant.ok("Pay", &pay(demo::ACH, "5.00", "by bank")).await;
    let back = ends(&server, "EditToken", edit, "SA").await;
    assert_eq!((back.value("status"), back.value("callerReference")), ("SA", "edit"));
    let reply = merchant.ok("Pay", &pay(demo::ACH, "5.00", "by balance")).await;
    assert_eq!(reply.text("TransactionStatus"), "Success");
    let back = ends(&server, "EditToken", edit, "SA").await;
    assert_eq!(back.value("status"), "SU");
    let stranger = [("sandbox_buyer", "bob@example.com")];
    let back = ends(&server, "EditToken", &with(edit, &stranger), "SC").await;
    assert_eq!(back.says(), ("NP", "The token belongs to another account"));
}

#[tokio::test]
async fn a_recipients_refund_token_has_a_reference_of_its_own() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let found = async |reference| {
        merchant.ok("GetTokenByCaller", &[("CallerReference", reference)]).await.text("TokenId")
    };
    let named = with(RECIPIENT.1, &[("callerReferenceRefund", "seller refunds")]);
    let back = ends(&server, "Recipient", &named, "SR").await;
    assert_eq!(back.results(), ["tokenID", "refundTokenID", "status", "callerReference"]);
    assert_eq!(found("seller").await, back.value("tokenID"));
    assert_eq!(found("seller refunds").await, back.value("refundTokenID"));
    for (recipient, refund, wrong) in [
        // Used before: as a reference of the same kind, or of the other.
        ("other", "seller refunds", "callerReferenceRefund"),
        ("other", "seller", "callerReferenceRefund"),
        ("seller refunds", "other", "callerReference"),
        // One name for two tokens.
        ("other", "other", "callerReferenceRefund"),
    ] {
        let asked = with(RECIPIENT.1, &[("callerReference", recipient), ("callerReferenceRefund", refund)]);
        for back in [
            server.pages().sent_back(&asking("Recipient", &asked)).await,
            ends(&server, "Recipient", &asked, "SR").await,
        ] {
            let told = format!("{ILL_FORMED}[{wrong}]");
            assert_eq!(back.says(), ("CE", told.as_str()), "{recipient} {refund}");
        }
    }
    let long = "x".repeat(129);
    let asked = with(RECIPIENT.1, &[("callerReferenceRefund", long.as_str())]);
    assert_eq!(ends(&server, "Recipient", &asked, "SR").await.says().0, "CE");
    // Without a name of its own the refund token is never found in the recipient token's place.
    let plain = with(RECIPIENT.1, &[("callerReference", "plain")]);
    let first = ends(&server, "Recipient", &plain, "SR").await;
    assert_eq!(found("plain").await, first.value("tokenID"));
    merchant.ok("CancelToken", &[("TokenId", first.value("tokenID"))]).await;
    assert_eq!(found("plain").await, first.value("tokenID"));
}

/// Visits that began before anything was made, and end one after the other.
#[tokio::test]
async fn references_of_two_visits_are_not_taken_for_one_that_was_made_before() {
    let server = Server::start().await;
    for (pipeline, parameters, one, other) in [
        ("Recipient", RECIPIENT.1, "callerReference", "callerReferenceRefund"),
        ("SetupPrepaid", PIPELINES[3].1, "callerReferenceSender", "callerReferenceFunding"),
        ("SetupPostpaid", POSTPAID, "callerReferenceSender", "callerReferenceSettlement"),
    ] {
        let names = [["a1", "a2"], ["b1", "b2"], ["a1", "b2"], ["a1", "a2"]];
        let names = names.map(|pair| pair.map(|name| format!("{pipeline} {name}")));
        let mut visits = Vec::new();
        for [first, second] in &names {
            let asked = with(parameters, &[(one, first.as_str()), (other, second.as_str())]);
            visits.push(
                server.pages().reviewed_by("books@example.com", &asking(pipeline, &asked)).await.visit(),
            );
        }
        let mut ends = Vec::new();
        for visit in &visits {
            let fields = [("visit", visit.as_str()), ("method", "ABT")];
            ends.push(Back::of(&server.pages().submit(CONFIRM, "", &fields).await));
        }
        assert_eq!(ends[2].says(), ("CE", format!("{ILL_FORMED}[{one}]").as_str()), "{}", ends[2].url);
        // The first pair again is found again.
        let ids = |back: &Back| -> Vec<_> {
            back.pairs.iter().filter(|(name, _)| name.ends_with("ID")).cloned().collect()
        };
        assert!(!ids(&ends[0]).is_empty() && ids(&ends[0]) == ids(&ends[3]), "{}", ends[3].url);
    }
    // Whether the refund token has a name of its own makes a difference too.
    for refunds in [["", "refunds"], ["refunds", ""]] {
        let mut visits = Vec::new();
        let reference = format!("first {}", refunds[0]);
        for refund in refunds {
            let asked =
                with(RECIPIENT.1, &[("callerReference", &reference), ("callerReferenceRefund", refund)]);
            visits.push(
                server.pages().reviewed_by("books@example.com", &asking("Recipient", &asked)).await.visit(),
            );
        }
        let [first, second] = [&visits[0], &visits[1]];
        for (visit, status) in [(first, "SR"), (second, "CE"), (first, "SR")] {
            let back = Back::of(&server.pages().submit(CONFIRM, "", &[("visit", visit)]).await);
            assert_eq!(back.value("status"), status, "{refunds:?}: {}", back.url);
        }
    }
}

#[tokio::test]
async fn a_used_caller_reference_is_not_well_formed() {
    let server = Server::start().await;
    assert_eq!(ends(&server, "SetupPostpaid", POSTPAID, "SC").await.value("status"), "SC");
    let again = server.pages().sent_back(&asking("SetupPostpaid", POSTPAID)).await;
    assert_eq!(again.says(), ("CE", format!("{ILL_FORMED}[callerReferenceSender]").as_str()));
    let half = with(POSTPAID, &[("callerReferenceSender", "credit 2")]);
    let again = ends(&server, "SetupPostpaid", &half, "SC").await;
    assert_eq!(again.says(), ("CE", format!("{ILL_FORMED}[callerReferenceSettlement]").as_str()));
    // Another merchant's references are his own.
    let other = with(POSTPAID, &[("callerKey", demo::SECOND_KEY)]);
    assert_eq!(ends(&server, "SetupPostpaid", &other, "SC").await.value("status"), "SC");
}

/// A world in which not everybody can take part in everything.
const PEOPLE: &str = r#"
[[account]]
name = "shop"
email = "shop@example.com"
marketplace = false
access_key = [{ id = "SHOP", secret = "shop secret" }]

[[account]]
name = "market"
email = "market@example.com"
access_key = [{ id = "MARKET", secret = "market secret" }]

[[account]]
name = "old"
email = "old@example.com"
cobranded_ending = "SC"
return_signature = 1
access_key = [{ id = "OLD", secret = "this-is-a-fake-key" }]

[[account]]
name = "unverified"
email = "unverified@example.com"
kind = "personal"
state = "email-unverified"

[[account]]
name = "saver"
email = "saver@example.com"
kind = "personal"
methods = ["ABT"]

[[account]]
name = "spender"
email = "spender@example.com"
kind = "personal"
methods = ["CC", "ACH"]
"#;

#[tokio::test]
async fn who_cannot_take_part_is_sent_back_with_the_reason() {
    let server = Server::start_seeded(PEOPLE).await;
    let visit = |key, pipeline, parameters: Parameters<'static>, who: &'static str| {
        let own = [("callerKey", key), ("sandbox_outcome", "SC"), ("sandbox_buyer", who)];
        let (server, parameters) = (&server, with(parameters, &own));
        async move { server.pages().sent_back(&asking(pipeline, &parameters)).await }
    };
    for (key, pipeline, parameters, who, status, message) in [
        (
            "MARKET",
            "SingleUse",
            SINGLE,
            "unverified@example.com",
            "NP",
            "The e-mail address of the account is not verified",
        ),
        (
            "MARKET",
            "SingleUse",
            SINGLE,
            "market@example.com",
            "NP",
            "The sender and the recipient are the same",
        ),
        (
            "MARKET",
            "SingleUse",
            SINGLE,
            "saver@example.com",
            "PE",
            "The sender has none of the payment methods asked for",
        ),
        (
            "SHOP",
            "Recipient",
            RECIPIENT.1,
            "spender@example.com",
            "NM",
            "The caller is not registered for this kind of transaction",
        ),
        (
            "MARKET",
            "Recipient",
            &[("callerReference", "seller"), ("recipientPaysFee", "True"), ("paymentMethod", "CC,ABT")],
            "spender@example.com",
            "NP",
            "A personal account cannot take credit cards",
        ),
    ] {
        let back = visit(key, pipeline, parameters, who).await;
        assert_eq!(back.says(), (status, message), "{key} {pipeline} {who}");
        assert_eq!(server.pages().verifies(&back).await, "Success");
    }
    // Nobody has said who it is: the first that can.
    let market = server.client("MARKET", "market secret");
    for (outcome, buyer) in [("SC", "spender"), ("SB", "spender")] {
        let parameters = with(SINGLE, &[("callerKey", "MARKET"), ("callerReference", outcome)]);
        let back = ends(&server, "SingleUse", &parameters, outcome).await;
        assert_eq!(back.value("status"), outcome, "{}", back.url);
        let paid = market.ok("Pay", &pay(back.value("tokenID"), "5.00", outcome)).await.text("TransactionId");
        let detail = market.ok("GetTransaction", &[("TransactionId", &paid)]).await;
        assert_eq!(detail.text("SenderName"), buyer);
    }
    // The merchant takes only what the buyer has not.
    let only =
        with(SINGLE, &[("callerKey", "MARKET"), ("callerReference", "none"), ("paymentMethod", "ABT")]);
    assert_eq!(ends(&server, "SingleUse", &only, "SC").await.value("status"), "PE");
    let page = server.pages().reviewed_by("spender@example.com", &asking("SingleUse", &only)).await;
    assert_eq!(Back::of(&page).value("status"), "PE");
}

#[tokio::test]
async fn an_account_can_do_without_pages_and_have_its_urls_signed_by_version_1() {
    let server = Server::start_seeded(PEOPLE).await;
    let secret = "this-is-a-fake-key";
    let signed_by_old = |more: &[(&'static str, &'static str)]| {
        let own = with(&[("callerKey", "OLD")], more);
        encode(&signed(&asking("SingleUse", &with(SINGLE, &own)), secret))
    };
    let back = Back::of(&server.pages().visit_encoded(&signed_by_old(&[])).await);
    assert_eq!(back.results(), ["tokenID", "status", "expiry", "callerReference"]);
    let names: Vec<_> = back.pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["order", "tokenID", "status", "expiry", "callerReference", "signature"]);
    let signable = fps_sandbox::signature::Signable {
        verb: "",
        path: "",
        pairs: &back.pairs,
        signature_name: "signature",
    };
    let key = fps_sandbox::signature::SecretKey::new(secret);
    let scheme = fps_sandbox::signature::Scheme::V1;
    assert_eq!(back.value("signature"), fps_sandbox::signature::sign(&key, scheme, &signable, ""));
    // Version 1 had another blank, and the reference.
    let back = Back::of(&server.pages().visit_encoded(&signed_by_old(&[("transactionAmount", "x")])).await);
    assert_eq!(back.says().1, format!("{ILL_FORMED} [transactionAmount]"));
    assert_eq!(back.value("callerReference"), "once");
    // The URL can want pages all the same.
    let mut ask = signed_by_old(&[("callerReference", "pages")]);
    ask.push_str("&sandbox_outcome=ask");
    assert_eq!(server.pages().visit_encoded(&ask).await.status, 200);
}

/// Version 1 runs names and values together, so any text in the query of returnURL could be read as other parameters.
#[tokio::test]
async fn by_version_1_nothing_is_signed_that_somebody_without_the_secret_has_chosen() {
    let server = Server::start_seeded(PEOPLE).await;
    let old = with(SINGLE, &[("callerKey", "OLD")]);
    let page = server.pages().visit(&asking("SingleUse", &old)).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Its returnURL has a query, which signature version 1"), "{}", page.body);
    let page = server.pages().visit_encoded(&encode(&signed(&asking("SingleUse", &old), "guessed"))).await;
    assert_eq!(page.status, 400);
    let plain = with(&old, &[("returnURL", "http://shop.example:3000/back")]);
    // A reference such as this one makes a success out of a refusal.
    let chosen = with(&plain, &[("callerReference", "AstatusSCtokenIDFORGEDx")]);
    let back = Back::of(
        &server.pages().visit_encoded(&encode(&signed(&asking("SingleUse", &chosen), "guessed"))).await,
    );
    assert_eq!(back.says(), ("CE", format!("{ILL_FORMED} [signature]").as_str()));
    assert_eq!(back.results(), ["status", "errorMessage"]);
    assert_eq!(server.pages().sent_back(&asking("SingleUse", &plain)).await.value("status"), "SC");
}

/// What the pages and notifications say, which only the sandbox may have signed.
const RESULTS: [&str; 14] = [
    "status",
    "tokenID",
    "refundTokenID",
    "creditInstrumentID",
    "creditSenderTokenID",
    "settlementTokenID",
    "prepaidInstrumentID",
    "prepaidSenderTokenID",
    "fundingTokenID",
    "errorMessage",
    "callerReference",
    "expiry",
    "notificationType",
    "transactionStatus",
];

#[tokio::test]
async fn somebody_without_a_key_gets_no_result_signed() {
    let optional = Server::start().await;
    let strict = Server::start_with(Config { cobranded_auth: CoBrandedAuth::Strict, ..config() }).await;
    for server in [&optional, &strict] {
        for name in RESULTS {
            let written = [
                format!("{name}=FORGED"),
                format!("x=1&{}=FORGED", name.to_ascii_uppercase()),
                format!("%{:02x}{}=FORGED", name.as_bytes()[0], &name[1..]),
                format!("x=1;{name}=FORGED"),
                format!("{name}[]=FORGED"),
            ];
            for query in written {
                let url = format!("http://shop.test/back?{query}");
                let asked = asking("SingleUse", &[("returnURL", url.as_str())]);
                let nobody = with(&asked, &[("callerKey", "nobody")]);
                let forged = encode(&signed(&asked, "guessed"));
                let wished = with(&asked, &[("sandbox_outcome", "A")]);
                for (page, told) in [
                    (server.pages().visit(&nobody).await, "its callerKey nobody is not known here"),
                    (server.pages().visit(&asked).await, name),
                    (server.pages().visit(&wished).await, name),
                    (server.pages().visit_encoded(&forged).await, name),
                ] {
                    assert_eq!((page.status, page.header("location")), (400, None), "{query}");
                    assert!(page.body.contains(told), "{query}: {}", page.body);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_merchant_vouches_for_the_link_that_he_has_signed() {
    let strict = Server::start_with(Config { cobranded_auth: CoBrandedAuth::Strict, ..config() }).await;
    let own =
        [("returnURL", "http://shop.test/back?Status=open&state=WA#end"), ("callerReference", "vouched")];
    let mut query = encode(&signed(&asking("SingleUse", &with(SINGLE, &own)), demo::SECRET));
    query.push_str("&sandbox_outcome=SC");
    let back = Back::of(&strict.pages().visit_encoded(&query).await);
    assert_eq!((back.value("Status"), back.value("status")), ("open", "SC"));
    assert_eq!(
        (back.url.fragment(), strict.pages().verifies(&back).await),
        (Some("end"), "Success".to_owned())
    );
    // What names no result stays the merchant's, signed by him or not.
    let asked =
        asking("SingleUse", &with(SINGLE, &[("returnURL", "http://shop.test/back?state=WA#status=SC")]));
    assert_eq!(strict.pages().sent_back(&asked).await.says().0, "CE");
    // Of two returnURLs the first counts, and a signature covers both.
    let mut twice = signed(&asked, demo::SECRET);
    twice.push(("returnURL".to_owned(), "http://evil.test/".to_owned()));
    let back = Back::of(&strict.pages().visit_encoded(&encode(&twice)).await);
    assert_eq!((back.url.host_str(), back.says().0), (Some("shop.test"), "CE"));
}

#[tokio::test]
async fn a_signature_is_checked_where_there_is_one() {
    let server = Server::start().await;
    let asked = asking("SingleUse", SINGLE);
    let page = server.pages().visit_encoded(&encode(&signed(&asked, demo::SECRET))).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let wrong = Back::of(&server.pages().visit_encoded(&encode(&signed(&asked, "another secret"))).await);
    assert_eq!(wrong.says(), ("CE", format!("{ILL_FORMED}[signature]").as_str()));
    let mut changed = signed(&asked, demo::SECRET);
    changed.push(("paymentReason".to_owned(), "added later".to_owned()));
    assert_eq!(Back::of(&server.pages().visit_encoded(&encode(&changed)).await).value("status"), "CE");
    // The sandbox's own parameters are no part of it.
    let mut wished = signed(&asked, demo::SECRET);
    wished.push(("sandbox_outcome".to_owned(), "SC".to_owned()));
    assert_eq!(Back::of(&server.pages().visit_encoded(&encode(&wished)).await).value("status"), "SC");
    for (name, value) in [("signatureVersion", "3"), ("signatureMethod", "HmacMD5")] {
        let mut pairs = signed(&asked, demo::SECRET);
        pairs.iter_mut().filter(|(known, _)| known == name).for_each(|(_, known)| value.clone_into(known));
        assert_eq!(
            Back::of(&server.pages().visit_encoded(&encode(&pairs)).await).value("status"),
            "CE",
            "{name}"
        );
    }
}

/// The vectors of the start URL: by version 2 for Amazon's host and for a local one, by version 1, and as in 2007.
#[tokio::test]
async fn urls_signed_by_each_generation_of_clients_are_taken() {
    let server = Server::start().await;
    let asked = [
        ("callerKey", demo::KEY),
        ("callerReferenceSender", "JohnPp10102008"),
        ("callerReferenceSettlement", "JohnPpSettle10102008"),
        ("creditLimit", "15"),
        ("globalAmountLimit", "100"),
        ("paymentMethod", "CC,ACH,ABT"),
        ("paymentReason", "Postpaid digital downloads"),
        ("pipelineName", "SetupPostpaid"),
        ("returnURL", "http://www.mysite.com/return?x=1"),
        ("usageLimitPeriod1", "1 Day"),
        ("usageLimitType1", "Count"),
        ("usageLimitValue1", "3"),
        ("version", "2009-01-09"),
    ];
    let version_2 = [("signatureVersion", "2"), ("signatureMethod", "HmacSHA256")];
    for (more, signature) in [
        (&version_2[..], ("signature", "62p1yLHleMmcP4twsFBIVo9G7Txvk8iCBxqGlq1nkvc=")),
        (&[], ("signature", "QqVXOSN3SuZDpDTKM3GkRIUD+lE=")),
        (&[], ("awsSignature", "QqVXOSN3SuZDpDTKM3GkRIUD+lE=")),
        (&[], ("awsSignature", "GVLXzrAf+ChihRDhs/mVHmLfUnM=")),
    ] {
        let mut parameters = with(&asked, more);
        parameters.push(signature);
        let page = server.pages().visit(&parameters).await;
        assert_eq!(page.status, 200, "{signature:?}: {}", page.head);
        let wrong: String = signature.1.chars().rev().skip(1).collect::<String>() + "=";
        *parameters.last_mut().unwrap() = (signature.0, wrong.as_str());
        assert_eq!(server.pages().sent_back(&parameters).await.value("status"), "CE", "{signature:?}");
    }
    // Signed for a host with its port, and sent there.
    let mut parameters = with(&asked, &version_2);
    parameters.push(("signature", "EH+QlWvcCbuS573b9IA8xrAly/UHsRH8hy3asKsa3gk="));
    let request = format!(
        "GET {START}?{} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n\r\n",
        encode(&owned(&parameters))
    );
    assert_eq!(raw(server.addr, request.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn unsigned_urls_are_refused_where_signatures_are_insisted_on() {
    let strict = Config { cobranded_auth: CoBrandedAuth::Strict, ..config() };
    let server = Server::start_with(strict).await;
    let asked = asking("SingleUse", SINGLE);
    assert_eq!(
        server.pages().sent_back(&asked).await.says(),
        ("CE", format!("{ILL_FORMED}[signature]").as_str())
    );
    assert_eq!(server.pages().visit_encoded(&encode(&signed(&asked, demo::SECRET))).await.status, 200);
}

#[tokio::test]
async fn the_first_page_has_what_merchants_browser_tests_look_for() {
    let server = Server::start().await;
    let page = server.pages().visit(&asking("SetupPostpaid", POSTPAID)).await;
    assert_eq!(page.status, 200);
    for wanted in [
        "Sign in with your Amazon account",
        "id=\"ap_email\"",
        "id=\"ap_password\"",
        "id=\"signInSubmit\"",
        "Digital Downloads",
        "alice@example.com",
        "bob@example.com",
        "data-testid=\"sandbox-panel\"",
    ] {
        assert!(page.body.contains(wanted), "no {wanted} in {}", page.body);
    }
    let review = server.pages().reviewed_by("alice@example.com", &asking("SetupPostpaid", POSTPAID)).await;
    let first_submit = review.body.split("type=\"submit\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(first_submit.contains("data-testid=\"confirm\""), "{first_submit}");
}

#[tokio::test]
async fn both_pages_have_an_image_button_that_goes_on() {
    let server = Server::start().await;
    let first = server.pages().visit(&asking("SetupPostpaid", POSTPAID)).await;
    // A browser sends with it where it was clicked.
    let clicked = [("x", "11"), ("y", "7")];
    let signed_in = with(&[("email", "alice@example.com"), ("password", "")], &clicked);
    let visit = first.visit();
    let second = server.pages().submit(SIGN_IN, "", &with(&signed_in, &[("visit", visit.as_str())])).await;
    for (page, says) in [(&first, "Sign in"), (&second, "Authorise")] {
        let buttons: Vec<_> =
            page.body.split("<input").filter(|tag| tag.contains("type=\"image\"")).collect();
        let [button] = buttons[..] else { panic!("{}", page.body) };
        let button = button.split('>').next().unwrap();
        assert!(button.contains(" submit\"") && button.contains(&format!("alt=\"{says}\"")), "{button}");
        assert!(
            button.contains("src=\"/cobranded-ui/continue.svg\"") && !button.contains("name="),
            "{button}"
        );
        assert_eq!(page.body.matches(" submit\"").count(), 1, "{}", page.body);
    }
    let visit = second.visit();
    let confirmed = with(&[("visit", visit.as_str()), ("method", "CC")], &clicked);
    assert_eq!(Back::of(&server.pages().submit(CONFIRM, "", &confirmed).await).value("status"), "SC");
    let image = raw(
        server.addr,
        b"GET /cobranded-ui/continue.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!((image.status, image.header("content-type")), (200, Some("image/svg+xml")));
}

#[tokio::test]
async fn the_second_page_says_in_words_what_is_agreed_to() {
    let server = Server::start().await;
    let more = [
        ("usageLimitType1", "Count"),
        ("usageLimitValue1", "3"),
        ("usageLimitPeriod1", "1 Day"),
        ("usageLimitType2", "Amount"),
        ("usageLimitValue2", "50"),
        ("usageLimitPeriod2", "6 Months"),
        ("transactionAmount", "5"),
        ("amountType", "Maximum"),
        ("validityExpiry", "1370088000"),
        ("paymentMethod", "CC,ABT"),
        ("paymentReason", "Music & <b>books</b><script>alert(1)</script>"),
    ];
    let page = server
        .pages()
        .reviewed_by("alice@example.com", &asking("SetupPostpaid", &with(POSTPAID, &more)))
        .await;
    for wanted in [
        "Buy on credit from Digital Downloads",
        "You are Alice Buyer (alice@example.com).",
        "You can owe at most $15.00 at a time.",
        "Digital Downloads can collect at most $100.00 of your debt, all settlements together.",
        "Each purchase is at most $5.00.",
        "At most 3 purchases each day.",
        "At most $50.00 every 6 months.",
        "Until 1 June 2013, 12:00 UTC.",
        "Music &amp; <b>books</b>alert(1)",
        "id=\"method-CC\"",
        "id=\"method-ABT\"",
    ] {
        assert!(page.body.contains(wanted), "no {wanted} in {}", page.body);
    }
    assert!(!page.body.contains("method-ACH") && !page.body.contains("<script"), "{}", page.body);
    let page = server
        .pages()
        .reviewed_by(
            "books@example.com",
            &asking(RECIPIENT.0, &with(RECIPIENT.1, &[("maxFixedFee", "1"), ("maxVariableFee", "2.5")])),
        )
        .await;
    for wanted in [
        "Receive payments through Digital Downloads",
        "You pay the fees of Amazon Payments.",
        "Digital Downloads takes at most $1.00 and 2.5 % of each payment.",
    ] {
        assert!(page.body.contains(wanted), "no {wanted} in {}", page.body);
    }
}

#[tokio::test]
async fn what_an_amount_is_made_of_is_shown() {
    let server = Server::start().await;
    let parts = [("itemTotal", "8.00"), ("shipping", "2.50"), ("discount", "0.50"), ("disableGuest", "True")];
    let page =
        server.pages().reviewed_by("alice@example.com", &asking("SingleUse", &with(SINGLE, &parts))).await;
    assert!(page.body.contains("goods $8.00, shipping $2.50, discount −$0.50"), "{}", page.body);
    let wrong = with(SINGLE, &[("tax", "some")]);
    let back = server.pages().sent_back(&asking("SingleUse", &wrong)).await;
    assert_eq!(back.says(), ("CE", format!("{ILL_FORMED}[tax]").as_str()));
}

#[tokio::test]
async fn somebody_new_gets_an_account_when_all_is_agreed() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let page = server.pages().reviewed_by("carol@example.com", &asking("SingleUse", SINGLE)).await;
    assert!(page.body.contains("An account is made for carol@example.com when you agree."), "{}", page.body);
    let back = server.pages().authorised_by("carol@example.com", "CC", &asking("SingleUse", SINGLE)).await;
    assert_eq!(back.value("status"), "SC");
    let paid = merchant.ok("Pay", &pay(back.value("tokenID"), "10.00", "by carol")).await;
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &paid.text("TransactionId"))]).await;
    assert_eq!(
        (detail.text("SenderName"), detail.text("SenderEmail")),
        ("carol".to_owned(), "carol@example.com".to_owned())
    );
    // The second time she is known, on the page too, however her address is typed.
    let again = with(SINGLE, &[("callerReference", "again")]);
    let page = server.pages().reviewed_by("Carol@Example.com", &asking("SingleUse", &again)).await;
    assert!(page.body.contains("You are carol (Carol@Example.com)."), "{}", page.body);
    let page = server.pages().visit(&asking("SingleUse", &again)).await;
    assert!(page.body.contains("visitor-carol@example.com"), "{}", page.body);
}

#[tokio::test]
async fn an_address_has_one_account_in_whatever_case_and_alphabet_it_is_written() {
    let server = Server::start_seeded(&format!(
        "{PEOPLE}\n[[account]]\nname = \"seeded\"\nemail = \"ÖDÖN@example.com\"\nkind = \"personal\"\n"
    ))
    .await;
    let sign_in = async |address: &str, reference: &str| {
        let own = [("callerKey", "MARKET"), ("callerReference", reference)];
        server.pages().reviewed_by(address, &asking("SingleUse", &with(SINGLE, &own))).await.body
    };
    let made = async |address: &str, reference: &str| {
        let own = [
            ("callerKey", "MARKET"),
            ("callerReference", reference),
            ("sandbox_buyer", address),
            ("sandbox_outcome", "SC"),
        ];
        server.pages().sent_back(&asking("SingleUse", &with(SINGLE, &own))).await.value("status").to_owned()
    };
    assert!(sign_in("Éva@example.com", "0").await.contains("You are new here."));
    assert_eq!(made("Éva@example.com", "1").await, "SC");
    for (number, address) in ["Éva@example.com", "ÉVA@EXAMPLE.COM", "éva@example.com"].into_iter().enumerate()
    {
        let page = sign_in(address, &format!("page {number}")).await;
        assert!(page.contains(&format!("You are Éva ({address}).")), "{page}");
        assert_eq!(made(address, &format!("wish {number}")).await, "SC");
    }
    let own = [("callerKey", "MARKET"), ("callerReference", "last")];
    let first = server.pages().visit(&asking("SingleUse", &with(SINGLE, &own))).await.body;
    assert_eq!(first.matches("data-testid=\"visitor-Éva@example.com\"").count(), 1, "{first}");
    assert!(!first.contains("visitor-ÉVA") && !first.contains("visitor-éva"), "{first}");
    assert!(sign_in("ödön@example.com", "seeded").await.contains("You are seeded (ödön@example.com)."));
}

#[tokio::test]
async fn an_address_that_is_none_is_asked_for_again() {
    let server = Server::start().await;
    let first = server.pages().visit(&asking("SingleUse", SINGLE)).await;
    for wrong in ["", "alice", "<b>@example.com>", "a b@example.com", "@example.com"] {
        let fields = [("visit", first.visit()), ("email", wrong.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let page = server.pages().submit(SIGN_IN, "", &fields).await;
        let expected = if wrong.starts_with('<') { 200 } else { 422 };
        assert_eq!(page.status, expected, "{wrong}: {}", page.body);
        assert!(!page.body.contains("<b>@"), "{}", page.body);
        if expected == 422 {
            assert!(page.body.contains("role=\"alert\">Enter an e-mail address"), "{}", page.body);
            // And it can be gone on with.
            let fields = [("visit", page.visit()), ("visitor", "alice@example.com".to_owned())];
            let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(server.pages().submit(SIGN_IN, "", &fields).await.status, 200);
        }
    }
}

#[tokio::test]
async fn the_same_form_sent_twice_has_one_effect() {
    let server = Server::start().await;
    for (who, pipeline, parameters, _) in PIPELINES
        .iter()
        .take(5)
        .map(|(name, parameters, results)| ("dave@example.com", *name, *parameters, *results))
    {
        let page = server.pages().reviewed_by(who, &asking(pipeline, parameters)).await;
        let visit = page.visit();
        let fields = [("visit", visit.as_str()), ("method", "ACH"), ("confirm", "Authorise")];
        let pages = server.pages();
        let (first, second) =
            tokio::join!(pages.submit(CONFIRM, "", &fields), pages.submit(CONFIRM, "", &fields));
        let (first, second) = (Back::of(&first), Back::of(&second));
        assert_eq!(first.value("status"), "SB", "{}", first.url);
        let ids = |back: &Back| -> Vec<_> {
            back.pairs.iter().filter(|(name, _)| name.ends_with("ID")).cloned().collect()
        };
        assert_eq!(ids(&first), ids(&second), "{pipeline}");
        // With another choice it is another request.
        let other = [("visit", visit.as_str()), ("method", "CC")];
        assert_eq!(Back::of(&server.pages().submit(CONFIRM, "", &other).await).value("status"), "CE");
    }
}

#[tokio::test]
async fn a_visit_lives_half_an_hour_and_cannot_be_altered() {
    let server = Server::start().await;
    let page = server.pages().reviewed_by("alice@example.com", &asking("SingleUse", SINGLE)).await;
    let visit = page.visit();
    let altered = format!("e{}", &visit[1..].replacen('A', "B", 1));
    for wrong in ["", "x", altered.as_str()] {
        let page = server.pages().submit(CONFIRM, "", &[("visit", wrong), ("method", "CC")]).await;
        assert_eq!(page.status, 400, "{wrong}");
        assert!(page.body.contains("start again"), "{}", page.body);
    }
    server.advance(Duration::from_secs(30 * 60 + 1)).await;
    let late = server.pages().submit(CONFIRM, "", &[("visit", &visit), ("method", "CC")]).await;
    assert_eq!(late.status, 410);
    assert!(late.body.contains("open for too long"), "{}", late.body);
    server
        .merchant()
        .refused("GetTokenByCaller", &[("CallerReference", "once")], "InvalidCallerReference")
        .await;
}

#[tokio::test]
async fn nobody_confirms_without_having_signed_in() {
    let server = Server::start().await;
    let page = server.pages().visit(&asking("SingleUse", SINGLE)).await;
    let fields = [("visit", page.visit()), ("confirm", "Authorise".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(server.pages().submit(CONFIRM, "", &fields).await.status, 400);
    // A success is none of the endings that need nobody.
    for ending in ["SC", "sa", "ExpiredCard", "TamperedSignature"] {
        let fields = [fields[0], ("ending", ending)];
        assert_eq!(server.pages().submit(CONFIRM, "", &fields).await.status, 400, "{ending}");
    }
    server
        .merchant()
        .refused("GetTokenByCaller", &[("CallerReference", "once")], "InvalidCallerReference")
        .await;
    // Giving up needs nobody.
    let fields = [fields[0], ("ending", "A")];
    assert_eq!(Back::of(&server.pages().submit(CONFIRM, "", &fields).await).value("status"), "A");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let server = Server::start().await;
    let page = server.pages().reviewed_by("alice@example.com", &asking("SingleUse", SINGLE)).await;
    let visit = page.visit();
    let fields = [("visit", visit.as_str()), ("method", "CC")];
    for foreign in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\nOrigin: http://localhost\r\n",
    ] {
        assert_eq!(server.pages().submit(CONFIRM, foreign, &fields).await.status, 403, "{foreign}");
        assert_eq!(server.pages().submit(SIGN_IN, foreign, &fields).await.status, 403, "{foreign}");
    }
    let own = "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n";
    assert_eq!(server.pages().submit(CONFIRM, own, &fields).await.status, 302);
}

#[tokio::test]
async fn everything_shown_is_escaped_and_the_browser_is_kept_to_the_pages() {
    let server = Server::start_seeded(
        "[[account]]\nname = 'shop'\ndisplay_name = '<i>Shop</i> & Sons'\nemail = 'shop@example.com'\n\
         access_key = [{ id = 'SHOP', secret = 'x' }]\n\
         [[account]]\nname = 'buyer'\ndisplay_name = '\"><script>alert(1)</script>'\nemail = 'buyer@example.com'\nkind = 'personal'\n",
    )
    .await;
    let nasty = "'\"><script>alert(2)</script>";
    let asked = with(
        SINGLE,
        &[
            ("callerKey", "SHOP"),
            ("websiteDescription", nasty),
            ("addressName", nasty),
            ("callerReference", nasty),
            ("cobrandingUrl", "https://cdn.example/logo.png?\"><script>"),
        ],
    );
    let first = server.pages().visit(&asking("SingleUse", &asked)).await;
    let second = server.pages().reviewed_by("buyer@example.com", &asking("SingleUse", &asked)).await;
    for page in [&first, &second] {
        assert_eq!(page.status, 200);
        assert!(!page.body.contains("<script") && !page.body.contains("<i>Shop"), "{}", page.body);
        assert!(page.body.contains("&#60;i&#62;Shop&#60;/i&#62; &#38; Sons"), "{}", page.body);
        let policy = page.header("content-security-policy").unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'self'; img-src 'self' https://cdn.example; \
             form-action 'self' http: https:; frame-ancestors 'none'; base-uri 'none'"
        );
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    }
    let style = raw(
        server.addr,
        b"GET /cobranded-ui/style.css HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
}

#[tokio::test]
async fn an_address_is_asked_for_and_returned_where_the_merchant_wants_it() {
    let server = Server::start().await;
    let wants = with(SINGLE, &[("collectShippingAddress", "True"), ("addressName", "ignored then")]);
    let page = server.pages().reviewed_by("alice@example.com", &asking("SingleUse", &wants)).await;
    assert!(
        page.body.contains("id=\"addressLine1\"") && !page.body.contains("ignored then"),
        "{}",
        page.body
    );
    let visit = page.visit();
    let fields = [
        ("visit", visit.as_str()),
        ("method", "CC"),
        ("addressName", "Alice Ämter"),
        ("addressLine1", "2 Other Street"),
        ("addressLine2", ""),
        ("city", "Portland"),
        ("state", "OR"),
        ("zip", "97201"),
    ];
    let back = Back::of(&server.pages().submit(CONFIRM, "", &fields).await);
    let results = back.results();
    assert_eq!(&results[4..], ["addressName", "addressLine1", "city", "state", "zip"]);
    assert_eq!((back.value("addressName"), back.value("zip")), ("Alice Ämter", "97201"));
    assert_eq!(server.pages().verifies(&back).await, "Success");
    let given = with(SINGLE, &[("callerReference", "given"), ("addressName", "Bob"), ("city", "Salem")]);
    let page = server.pages().reviewed_by("alice@example.com", &asking("SingleUse", &given)).await;
    assert!(page.body.contains("Bob<br>Salem<br>"), "{}", page.body);
}

#[tokio::test]
async fn the_certificate_is_where_the_message_says_and_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let seed = fps_sandbox::seed::DEMO_SEED;
    let server = Server::start_in(folder.path(), seed).await;
    let back = ends(&server, "SingleUse", SINGLE, "SC").await;
    let (url, request) = back.value("certificateUrl").split_once("?requestId=").unwrap();
    assert!(url.starts_with("http://localhost/certs/") && url.ends_with("/PKICert.pem"), "{url}");
    assert!(request.len() > 40 && request.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let path = url.strip_prefix("http://localhost").unwrap();
    let fetch = |addr| async move {
        let request =
            format!("GET {path}?requestId=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        raw(addr, request.as_bytes()).await
    };
    let certificate = fetch(server.addr).await;
    assert_eq!(certificate.status, 200);
    assert!(
        certificate.body.starts_with("-----BEGIN CERTIFICATE-----") && !certificate.body.contains("PRIVATE")
    );
    let other = raw(
        server.addr,
        b"GET /certs/00000000/PKICert.pem HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(other.status, 404);
    if crate::support::postgres::server().is_some() {
        return;
    }
    server.stop_and_audit().await;
    let server = Server::start_in(folder.path(), seed).await;
    assert_eq!(fetch(server.addr).await.body, certificate.body);
    assert_eq!(server.pages().verifies(&back).await, "Success");
    server.stop_and_audit().await;
}

#[tokio::test]
async fn the_address_of_the_certificate_follows_the_host_or_the_configuration() {
    let server = Server::start().await;
    let query = encode(&owned(&asking("SingleUse", &with(SINGLE, &[("sandbox_outcome", "A")]))));
    let visit = |addr, host: &'static str| {
        let request = format!("GET {START}?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        async move { Back::of(&raw(addr, request.as_bytes()).await).value("certificateUrl").to_owned() }
    };
    for (host, base) in [
        ("fps-sandbox:8008", "http://fps-sandbox:8008/certs/"),
        ("authorize.payments-sandbox.amazon.com", "https://fps.sandbox.amazonaws.com/certs/"),
        ("authorize.payments.amazon.com:443", "https://fps.amazonaws.com/certs/"),
    ] {
        let url = visit(server.addr, host).await;
        assert!(url.starts_with(base), "{host}: {url}");
    }
    let base = Some("https://fps.sandbox.amazonaws.com".to_owned());
    let server = Server::start_with(Config { certificate_base: base, ..config() }).await;
    let url = visit(server.addr, "localhost").await;
    assert!(url.starts_with("https://fps.sandbox.amazonaws.com/certs/"), "{url}");
}

#[tokio::test]
async fn a_look_at_the_headers_makes_nothing() {
    let server = Server::start().await;
    let query = encode(&owned(&asking("SingleUse", &with(SINGLE, &[("sandbox_outcome", "SC")]))));
    let head = format!("HEAD {START}?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let reply = raw(server.addr, head.as_bytes()).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET")), "{}", reply.head);
    server
        .merchant()
        .refused("GetTokenByCaller", &[("CallerReference", "once")], "InvalidCallerReference")
        .await;
}

#[tokio::test]
async fn an_edit_that_is_sent_twice_says_twice_what_it_changed() {
    let server = Server::start().await;
    let page = server.pages().reviewed_by("alice@example.com", &asking("EditToken", PIPELINES[5].1)).await;
    assert!(page.body.contains("You pay by bank account."), "{}", page.body);
    let visit = page.visit();
    for _ in 0..2 {
        let fields = [("visit", visit.as_str()), ("method", "CC")];
        assert_eq!(Back::of(&server.pages().submit(CONFIRM, "", &fields).await).value("status"), "SC");
    }
    // Whoever goes back and signs in again finds the token as it is now.
    let page = server.pages().reviewed_by("alice@example.com", &asking("EditToken", PIPELINES[5].1)).await;
    let visit = page.visit();
    let fields = [("visit", visit.as_str()), ("method", "CC")];
    assert_eq!(Back::of(&server.pages().submit(CONFIRM, "", &fields).await).value("status"), "SU");
}

#[tokio::test]
async fn whoever_goes_back_and_agrees_again_finds_what_was_made() {
    let server = Server::start().await;
    let pages = server.pages();
    let first = pages.visit(&asking("SetupPostpaid", POSTPAID)).await.visit();
    let sign_in = [("visit", first.as_str()), ("email", "alice@example.com")];
    let agree = async || {
        let review = pages.submit(SIGN_IN, "", &sign_in).await;
        Back::of(&pages.submit(CONFIRM, "", &[("visit", &review.visit()), ("method", "CC")]).await)
    };
    let (once, again) = (agree().await, agree().await);
    assert_eq!(once.value("status"), "SC");
    assert_eq!(once.value("creditInstrumentID"), again.value("creditInstrumentID"));
}

#[tokio::test]
async fn forms_that_cannot_be_read_are_told_so() {
    let server = Server::start().await;
    let page = server.pages().reviewed_by("alice@example.com", &asking("SingleUse", SINGLE)).await;
    let visit = page.visit();
    for (field, status) in [(("method", "Cash"), 422), (("ending", "QQ"), 422)] {
        let reply = server.pages().submit(CONFIRM, "", &[("visit", visit.as_str()), field]).await;
        assert_eq!(reply.status, status, "{field:?}");
    }
    let long = "x".repeat(200_000);
    assert_eq!(server.pages().submit(CONFIRM, "", &[("visit", &long)]).await.status, 413);
    let broken = format!(
        "POST {CONFIRM} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\na=%zz"
    );
    assert_eq!(raw(server.addr, broken.as_bytes()).await.status, 400);
    server
        .merchant()
        .refused("GetTokenByCaller", &[("CallerReference", "once")], "InvalidCallerReference")
        .await;
}

#[tokio::test]
async fn a_token_for_a_reservation_is_by_card() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let reserves = with(SINGLE, &[("reserve", "True")]);
    assert_eq!(ends(&server, "SingleUse", &reserves, "SA").await.value("status"), "PE");
    let page = server.pages().reviewed_by("alice@example.com", &asking("SingleUse", &reserves)).await;
    assert!(page.body.contains("reserved first") && !page.body.contains("method-ABT"), "{}", page.body);
    let back = ends(&server, "SingleUse", &reserves, "SC").await;
    merchant.ok("Reserve", &pay(back.value("tokenID"), "10.00", "held")).await;
}

#[tokio::test]
async fn a_commission_that_is_half_agreed_to_is_agreed_to() {
    let server = Server::start().await;
    let seller = ends(&server, RECIPIENT.0, &with(RECIPIENT.1, &[("maxFixedFee", "1")]), "SR").await;
    let mut paid = pay(demo::ABT, "20.00", "through").to_vec();
    paid.extend([("RecipientTokenId", seller.value("tokenID")), ("MarketplaceFixedFee.Value", "1.00")]);
    server.merchant().ok("Pay", &paid).await;
}
