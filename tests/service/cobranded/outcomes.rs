//! The outcomes of each pipeline, and the return URLs that report them.

use super::*;

#[tokio::test]
async fn every_pipeline_returns_its_results_in_a_signed_url_that_keeps_the_merchants_query() {
    let server = Server::start().await;
    for (pipeline, parameters, results) in PIPELINES {
        let return_url = visit_with_outcome(&server, pipeline, parameters, "SC").await;
        assert!(return_url.url.as_str().starts_with(&format!("{RETURN_URL}&")), "{}", return_url.url);
        assert_eq!(&return_url.result_names(), results, "{pipeline}: {}", return_url.url);
        assert_eq!((return_url.value("status"), return_url.value("expiry")), ("SC", "06/2017"), "{pipeline}");
        assert_eq!(server.pages().verify_signature(&return_url).await, "Success", "{pipeline}");
        for (name, id) in &return_url.pairs {
            let is_id = name.ends_with("ID") && *pipeline != "EditToken";
            assert!(!is_id || id.len() == 64, "{name} = {id}");
        }
    }
    let (pipeline, parameters) = RECIPIENT;
    let return_url = visit_with_outcome(&server, pipeline, parameters, "SR").await;
    assert_eq!(return_url.result_names(), ["tokenID", "refundTokenID", "status", "callerReference"]);
    assert_eq!(return_url.value("status"), "SR");
    assert_eq!(server.pages().verify_signature(&return_url).await, "Success");
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
            let parameters = merge(&merge(parameters, &own), &seconds);
            let return_url = visit_with_outcome(&server, pipeline, &parameters, status).await;
            assert_eq!(return_url.value("status"), status, "{pipeline}: {}", return_url.url);
            assert_eq!(
                return_url.value("expiry").is_empty(),
                method != "CC",
                "{pipeline}: {}",
                return_url.url
            );
        }
    }
}

#[tokio::test]
async fn every_other_outcome_can_be_requested_for_every_pipeline_and_creates_nothing() {
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
            ("CE", format!("{NOT_WELL_FORMED}[{name}]")),
            ("PE", "The sender has none of the payment methods asked for".to_owned()),
            ("NP", "User Error: The pipeline was aborted and restarted".to_owned()),
            ("NM", "The caller is not registered for this kind of transaction".to_owned()),
            ("SE", "System error, please try again".to_owned()),
        ] {
            let return_url = visit_with_outcome(&server, pipeline, parameters, outcome).await;
            assert_eq!(return_url.status_and_message(), (outcome, message.as_str()), "{pipeline}");
            let expected: &[&str] =
                if message.is_empty() { &["status"] } else { &["status", "errorMessage"] };
            assert_eq!(return_url.result_names(), expected, "{pipeline}");
            assert_eq!(server.pages().verify_signature(&return_url).await, "Success", "{pipeline} {outcome}");
        }
        merchant
            .refused("GetTokenByCaller", &[("CallerReference", reference)], "InvalidCallerReference")
            .await;
    }
    // Blanks are encoded as plus signs, as the recorded URLs have them.
    let return_url = visit_with_outcome(&server, "SetupPostpaid", POSTPAID, "NP").await;
    assert!(
        return_url.url.as_str().contains("errorMessage=User+Error%3A+The+pipeline"),
        "{}",
        return_url.url
    );
}

#[tokio::test]
async fn expired_cards_and_tampered_signatures_are_outcomes_of_successful_visits() {
    let server = Server::start().await;
    let return_url = visit_with_outcome(&server, "SingleUse", SINGLE_USE, "ExpiredCard").await;
    assert_eq!((return_url.value("status"), return_url.value("expiry")), ("SC", "05/2012"));
    assert_eq!(server.pages().verify_signature(&return_url).await, "Success");
    let return_url = visit_with_outcome(&server, "MultiUse", PIPELINES[1].1, "TamperedSignature").await;
    assert_eq!(return_url.value("status"), "SC");
    assert_eq!(server.pages().verify_signature(&return_url).await, "InvalidSignature");
}

#[tokio::test]
async fn accounts_that_cannot_take_part_are_redirected_with_the_reason() {
    let server = Server::start_seeded(RESTRICTED_ACCOUNTS).await;
    let visit = |key, pipeline, parameters: Parameters<'static>, who: &'static str| {
        let own = [("callerKey", key), ("sandbox_outcome", "SC"), ("sandbox_buyer", who)];
        let (server, parameters) = (&server, merge(parameters, &own));
        async move { server.pages().visit_and_return(&start_parameters(pipeline, &parameters)).await }
    };
    for (key, pipeline, parameters, who, status, message) in [
        (
            "MARKET",
            "SingleUse",
            SINGLE_USE,
            "unverified@example.com",
            "NP",
            "The e-mail address of the account is not verified",
        ),
        (
            "MARKET",
            "SingleUse",
            SINGLE_USE,
            "market@example.com",
            "NP",
            "The sender and the recipient are the same",
        ),
        (
            "MARKET",
            "SingleUse",
            SINGLE_USE,
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
        let return_url = visit(key, pipeline, parameters, who).await;
        assert_eq!(return_url.status_and_message(), (status, message), "{key} {pipeline} {who}");
        assert_eq!(server.pages().verify_signature(&return_url).await, "Success");
    }
    // Without a buyer in the URL, the first account that can pay this way is the buyer.
    let market = server.client("MARKET", "market secret");
    for (outcome, buyer) in [("SC", "spender"), ("SB", "spender")] {
        let parameters = merge(SINGLE_USE, &[("callerKey", "MARKET"), ("callerReference", outcome)]);
        let return_url = visit_with_outcome(&server, "SingleUse", &parameters, outcome).await;
        assert_eq!(return_url.value("status"), outcome, "{}", return_url.url);
        let paid =
            market.ok("Pay", &pay(return_url.value("tokenID"), "5.00", outcome)).await.text("TransactionId");
        let detail = market.ok("GetTransaction", &[("TransactionId", &paid)]).await;
        assert_eq!(detail.text("SenderName"), buyer);
    }
    // The buyer has none of the payment methods that the merchant accepts.
    let only =
        merge(SINGLE_USE, &[("callerKey", "MARKET"), ("callerReference", "none"), ("paymentMethod", "ABT")]);
    assert_eq!(visit_with_outcome(&server, "SingleUse", &only, "SC").await.value("status"), "PE");
    let page =
        server.pages().open_review_page("spender@example.com", &start_parameters("SingleUse", &only)).await;
    assert_eq!(ReturnUrl::from_redirect(&page).value("status"), "PE");
}
