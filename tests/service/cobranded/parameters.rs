//! The parameters of start URLs, and the errors that report malformed ones.

use super::*;

#[tokio::test]
async fn all_malformed_parameters_are_named() {
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
        // These are a month ago, two years ahead, and before the clock of the world.
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
        let return_url =
            server.pages().visit_and_return(&start_parameters(pipeline, &merge(parameters, wrong))).await;
        assert_eq!(
            return_url.status_and_message(),
            ("CE", format!("{NOT_WELL_FORMED}[{names}]").as_str()),
            "{pipeline} {wrong:?}"
        );
        assert_eq!(server.pages().verify_signature(&return_url).await, "Success");
    }
    let long = "x".repeat(129);
    for (pipeline, wrong, name) in [
        ("SingleUse", ("callerReference", long.as_str()), "callerReference"),
        ("Recipient", ("recipientPaysFee", "perhaps"), "recipientPaysFee"),
        ("Recipient", ("maxVariableFee", "101"), "maxVariableFee"),
        ("NoSuchPipeline", ("callerReference", "x"), "pipelineName"),
    ] {
        let parameters = merge(if pipeline == "Recipient" { RECIPIENT.1 } else { SINGLE_USE }, &[]);
        let return_url =
            server.pages().visit_and_return(&start_parameters(pipeline, &merge(&parameters, &[wrong]))).await;
        assert_eq!(
            return_url.status_and_message(),
            ("CE", format!("{NOT_WELL_FORMED}[{name}]").as_str()),
            "{pipeline}"
        );
    }
    // Bytes that are not valid UTF-8 are reported to the merchant too.
    let query =
        encode_query(&to_owned_pairs(&start_parameters("SingleUse", SINGLE_USE))) + "&paymentReason=caf%E9";
    let return_url = ReturnUrl::from_redirect(&server.pages().visit_encoded(&query).await);
    assert_eq!(return_url.status_and_message().1, format!("{NOT_WELL_FORMED}[paymentReason]"));
    // The parameter is given twice with different values.
    let query =
        encode_query(&to_owned_pairs(&start_parameters("SingleUse", SINGLE_USE))) + "&transactionAmount=11";
    let return_url = ReturnUrl::from_redirect(&server.pages().visit_encoded(&query).await);
    assert_eq!(return_url.status_and_message().1, format!("{NOT_WELL_FORMED}[transactionAmount]"));
}

#[tokio::test]
async fn names_are_matched_in_any_case_and_unknown_ones_are_ignored() {
    let server = Server::start().await;
    let return_url = server
        .pages()
        .visit_and_return(&[
            ("CallerKey", demo::KEY),
            ("PipelineName", "singleuse"),
            ("returnUrl", RETURN_URL),
            ("CallerReference", "a stray one that boto sends"),
            ("callerReference", "the one that is meant"),
            ("TransactionAmount", "3.14"),
            ("somethingElse", "x"),
            ("Sandbox_Outcome", "sc"),
        ])
        .await;
    assert_eq!(
        (return_url.value("status"), return_url.value("callerReference")),
        ("SC", "the one that is meant")
    );
}

#[tokio::test]
async fn a_link_without_a_valid_return_url_or_caller_key_gets_an_error_page() {
    let server = Server::start().await;
    for (wrong, message) in [
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
        let page = server.pages().visit(&start_parameters("SingleUse", &merge(SINGLE_USE, &[wrong]))).await;
        assert_eq!(page.status, 400, "{wrong:?}");
        assert!(
            page.body.contains("This link does not work") && page.body.contains(message),
            "{}",
            page.body
        );
    }
    for (wrong, message) in [
        ("http:///back", "its returnURL is no absolute URL of http or https"),
        ("http://shop.example/b?x=%zz", "the query of its returnURL cannot be decoded"),
        ("http://shop.example/b?signature=x", "a parameter that is named like one of the signature"),
    ] {
        let page = server
            .pages()
            .visit(&start_parameters("SingleUse", &merge(SINGLE_USE, &[("returnURL", wrong)])))
            .await;
        assert!(page.status == 400 && page.body.contains(message), "{wrong}: {}", page.body);
    }
    let many =
        encode_query(&to_owned_pairs(&start_parameters("SingleUse", SINGLE_USE))) + &"&x=1".repeat(200);
    assert_eq!(server.pages().visit_encoded(&many).await.status, 400);
    let page = server.pages().visit_encoded(&format!("callerKey={}", "x".repeat(70_000))).await;
    assert_eq!(page.status, 414);
    let posted = server.pages().submit(START, "", &[]).await;
    assert_eq!(posted.status, 405);
}

#[tokio::test]
async fn a_recipients_refund_token_has_a_reference_of_its_own() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let found = async |reference| {
        merchant.ok("GetTokenByCaller", &[("CallerReference", reference)]).await.text("TokenId")
    };
    let named = merge(RECIPIENT.1, &[("callerReferenceRefund", "seller refunds")]);
    let return_url = visit_with_outcome(&server, "Recipient", &named, "SR").await;
    assert_eq!(return_url.result_names(), ["tokenID", "refundTokenID", "status", "callerReference"]);
    assert_eq!(found("seller").await, return_url.value("tokenID"));
    assert_eq!(found("seller refunds").await, return_url.value("refundTokenID"));
    for (recipient, refund, wrong) in [
        // The reference is in use, for the same type of token or for the other type.
        ("other", "seller refunds", "callerReferenceRefund"),
        ("other", "seller", "callerReferenceRefund"),
        ("seller refunds", "other", "callerReference"),
        // Both tokens have the same reference.
        ("other", "other", "callerReferenceRefund"),
    ] {
        let requested =
            merge(RECIPIENT.1, &[("callerReference", recipient), ("callerReferenceRefund", refund)]);
        for return_url in [
            server.pages().visit_and_return(&start_parameters("Recipient", &requested)).await,
            visit_with_outcome(&server, "Recipient", &requested, "SR").await,
        ] {
            let message = format!("{NOT_WELL_FORMED}[{wrong}]");
            assert_eq!(return_url.status_and_message(), ("CE", message.as_str()), "{recipient} {refund}");
        }
    }
    let long = "x".repeat(129);
    let requested = merge(RECIPIENT.1, &[("callerReferenceRefund", long.as_str())]);
    assert_eq!(visit_with_outcome(&server, "Recipient", &requested, "SR").await.status_and_message().0, "CE");
    // A refund token without a reference of its own is never returned in place of the recipient token.
    let plain = merge(RECIPIENT.1, &[("callerReference", "plain")]);
    let first = visit_with_outcome(&server, "Recipient", &plain, "SR").await;
    assert_eq!(found("plain").await, first.value("tokenID"));
    merchant.ok("CancelToken", &[("TokenId", first.value("tokenID"))]).await;
    assert_eq!(found("plain").await, first.value("tokenID"));
}

/// All visits begin before any of them is confirmed, and are confirmed one after the other.
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
            let requested = merge(parameters, &[(one, first.as_str()), (other, second.as_str())]);
            visits.push(
                server
                    .pages()
                    .open_review_page("books@example.com", &start_parameters(pipeline, &requested))
                    .await
                    .visit_token(),
            );
        }
        let mut return_urls = Vec::new();
        for visit in &visits {
            let fields = [("visit", visit.as_str()), ("method", "ABT")];
            return_urls.push(ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &fields).await));
        }
        assert_eq!(
            return_urls[2].status_and_message(),
            ("CE", format!("{NOT_WELL_FORMED}[{one}]").as_str()),
            "{}",
            return_urls[2].url
        );
        // The visit with the references of the first one returns its results.
        let ids = |return_url: &ReturnUrl| -> Vec<_> {
            return_url.pairs.iter().filter(|(name, _)| name.ends_with("ID")).cloned().collect()
        };
        assert!(
            !ids(&return_urls[0]).is_empty() && ids(&return_urls[0]) == ids(&return_urls[3]),
            "{}",
            return_urls[3].url
        );
    }
    // Two visits also differ when only one of them has a reference for the refund token.
    for refunds in [["", "refunds"], ["refunds", ""]] {
        let mut visits = Vec::new();
        let reference = format!("first {}", refunds[0]);
        for refund in refunds {
            let requested =
                merge(RECIPIENT.1, &[("callerReference", &reference), ("callerReferenceRefund", refund)]);
            visits.push(
                server
                    .pages()
                    .open_review_page("books@example.com", &start_parameters("Recipient", &requested))
                    .await
                    .visit_token(),
            );
        }
        let [first, second] = [&visits[0], &visits[1]];
        for (visit, status) in [(first, "SR"), (second, "CE"), (first, "SR")] {
            let return_url =
                ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &[("visit", visit)]).await);
            assert_eq!(return_url.value("status"), status, "{refunds:?}: {}", return_url.url);
        }
    }
}

#[tokio::test]
async fn a_used_caller_reference_is_not_well_formed() {
    let server = Server::start().await;
    assert_eq!(visit_with_outcome(&server, "SetupPostpaid", POSTPAID, "SC").await.value("status"), "SC");
    let again = server.pages().visit_and_return(&start_parameters("SetupPostpaid", POSTPAID)).await;
    assert_eq!(
        again.status_and_message(),
        ("CE", format!("{NOT_WELL_FORMED}[callerReferenceSender]").as_str())
    );
    let half = merge(POSTPAID, &[("callerReferenceSender", "credit 2")]);
    let again = visit_with_outcome(&server, "SetupPostpaid", &half, "SC").await;
    assert_eq!(
        again.status_and_message(),
        ("CE", format!("{NOT_WELL_FORMED}[callerReferenceSettlement]").as_str())
    );
    // References are separate for each merchant.
    let other = merge(POSTPAID, &[("callerKey", demo::SECOND_KEY)]);
    assert_eq!(visit_with_outcome(&server, "SetupPostpaid", &other, "SC").await.value("status"), "SC");
}
