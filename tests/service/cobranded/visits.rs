//! Visits: sign-in, accounts of new visitors, repeated and forged forms.

use super::*;

#[tokio::test]
async fn a_new_visitor_gets_an_account_with_the_confirmation() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let page = server
        .pages()
        .open_review_page("carol@example.com", &start_parameters("SingleUse", SINGLE_USE))
        .await;
    assert!(page.body.contains("An account is made for carol@example.com when you agree."), "{}", page.body);
    let return_url = server
        .pages()
        .authorise_as("carol@example.com", "CC", &start_parameters("SingleUse", SINGLE_USE))
        .await;
    assert_eq!(return_url.value("status"), "SC");
    let paid = merchant.ok("Pay", &pay(return_url.value("tokenID"), "10.00", "by carol")).await;
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &paid.text("TransactionId"))]).await;
    assert_eq!(
        (detail.text("SenderName"), detail.text("SenderEmail")),
        ("carol".to_owned(), "carol@example.com".to_owned())
    );
    // At the second visit the account exists, whatever the case of the address.
    let again = merge(SINGLE_USE, &[("callerReference", "again")]);
    let page =
        server.pages().open_review_page("Carol@Example.com", &start_parameters("SingleUse", &again)).await;
    assert!(page.body.contains("You are carol (Carol@Example.com)."), "{}", page.body);
    let page = server.pages().visit(&start_parameters("SingleUse", &again)).await;
    assert!(page.body.contains("visitor-carol@example.com"), "{}", page.body);
}

#[tokio::test]
async fn an_address_has_one_account_in_whatever_case_and_alphabet_it_is_written() {
    let server = Server::start_seeded(&format!(
        "{RESTRICTED_ACCOUNTS}\n[[account]]\nname = \"seeded\"\nemail = \"ÖDÖN@example.com\"\nkind = \"personal\"\n"
    ))
    .await;
    let sign_in = async |address: &str, reference: &str| {
        let own = [("callerKey", "MARKET"), ("callerReference", reference)];
        server
            .pages()
            .open_review_page(address, &start_parameters("SingleUse", &merge(SINGLE_USE, &own)))
            .await
            .body
    };
    let made = async |address: &str, reference: &str| {
        let own = [
            ("callerKey", "MARKET"),
            ("callerReference", reference),
            ("sandbox_buyer", address),
            ("sandbox_outcome", "SC"),
        ];
        server
            .pages()
            .visit_and_return(&start_parameters("SingleUse", &merge(SINGLE_USE, &own)))
            .await
            .value("status")
            .to_owned()
    };
    assert!(sign_in("Éva@example.com", "0").await.contains("You are new here."));
    assert_eq!(made("Éva@example.com", "1").await, "SC");
    for (number, address) in ["Éva@example.com", "ÉVA@EXAMPLE.COM", "éva@example.com"].into_iter().enumerate()
    {
        let page = sign_in(address, &format!("page {number}")).await;
        assert!(page.contains(&format!("You are Éva ({address}).")), "{page}");
        assert_eq!(made(address, &format!("outcome {number}")).await, "SC");
    }
    let own = [("callerKey", "MARKET"), ("callerReference", "last")];
    let first = server.pages().visit(&start_parameters("SingleUse", &merge(SINGLE_USE, &own))).await.body;
    assert_eq!(first.matches("data-testid=\"visitor-Éva@example.com\"").count(), 1, "{first}");
    assert!(!first.contains("visitor-ÉVA") && !first.contains("visitor-éva"), "{first}");
    assert!(sign_in("ödön@example.com", "seeded").await.contains("You are seeded (ödön@example.com)."));
}

#[tokio::test]
async fn an_invalid_address_is_asked_for_again() {
    let server = Server::start().await;
    let first = server.pages().visit(&start_parameters("SingleUse", SINGLE_USE)).await;
    for wrong in ["", "alice", "<b>@example.com>", "a b@example.com", "@example.com"] {
        let fields = [("visit", first.visit_token()), ("email", wrong.to_owned())];
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let page = server.pages().submit(SIGN_IN, "", &fields).await;
        let expected = if wrong.starts_with('<') { 200 } else { 422 };
        assert_eq!(page.status, expected, "{wrong}: {}", page.body);
        assert!(!page.body.contains("<b>@"), "{}", page.body);
        if expected == 422 {
            assert!(page.body.contains("role=\"alert\">Enter an e-mail address"), "{}", page.body);
            // The form on this page works.
            let fields = [("visit", page.visit_token()), ("visitor", "alice@example.com".to_owned())];
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
        let page = server.pages().open_review_page(who, &start_parameters(pipeline, parameters)).await;
        let visit = page.visit_token();
        let fields = [("visit", visit.as_str()), ("method", "ACH"), ("confirm", "Authorise")];
        let pages = server.pages();
        let (first, second) =
            tokio::join!(pages.submit(CONFIRM, "", &fields), pages.submit(CONFIRM, "", &fields));
        let (first, second) = (ReturnUrl::from_redirect(&first), ReturnUrl::from_redirect(&second));
        assert_eq!(first.value("status"), "SB", "{}", first.url);
        let ids = |return_url: &ReturnUrl| -> Vec<_> {
            return_url.pairs.iter().filter(|(name, _)| name.ends_with("ID")).cloned().collect()
        };
        assert_eq!(ids(&first), ids(&second), "{pipeline}");
        // The same visit with another payment method is another request.
        let other = [("visit", visit.as_str()), ("method", "CC")];
        assert_eq!(
            ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &other).await).value("status"),
            "CE"
        );
    }
}

#[tokio::test]
async fn a_visit_lives_half_an_hour_and_cannot_be_altered() {
    let server = Server::start().await;
    let page = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("SingleUse", SINGLE_USE))
        .await;
    let visit = page.visit_token();
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
    assert_no_single_use_token(&server).await;
}

#[tokio::test]
async fn a_visit_cannot_be_confirmed_without_sign_in() {
    let server = Server::start().await;
    let page = server.pages().visit(&start_parameters("SingleUse", SINGLE_USE)).await;
    let fields = [("visit", page.visit_token()), ("confirm", "Authorise".to_owned())];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(server.pages().submit(CONFIRM, "", &fields).await.status, 400);
    // A successful ending needs a signed-in visitor.
    for ending in ["SC", "sa", "ExpiredCard", "TamperedSignature"] {
        let fields = [fields[0], ("ending", ending)];
        assert_eq!(server.pages().submit(CONFIRM, "", &fields).await.status, 400, "{ending}");
    }
    assert_no_single_use_token(&server).await;
    // Cancelling needs no sign-in.
    let fields = [fields[0], ("ending", "A")];
    assert_eq!(
        ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &fields).await).value("status"),
        "A"
    );
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let server = Server::start().await;
    let page = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("SingleUse", SINGLE_USE))
        .await;
    let visit = page.visit_token();
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
async fn a_head_request_creates_nothing() {
    let server = Server::start().await;
    let query = encode_query(&to_owned_pairs(&start_parameters(
        "SingleUse",
        &merge(SINGLE_USE, &[("sandbox_outcome", "SC")]),
    )));
    let head = format!("HEAD {START}?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let response = send_raw(server.addr, head.as_bytes()).await;
    assert_eq!((response.status, response.header("allow")), (405, Some("GET")), "{}", response.head);
    assert_no_single_use_token(&server).await;
}

#[tokio::test]
async fn a_second_confirmation_returns_the_results_of_the_first() {
    let server = Server::start().await;
    let pages = server.pages();
    let first = pages.visit(&start_parameters("SetupPostpaid", POSTPAID)).await.visit_token();
    let sign_in = [("visit", first.as_str()), ("email", "alice@example.com")];
    let agree = async || {
        let review = pages.submit(SIGN_IN, "", &sign_in).await;
        ReturnUrl::from_redirect(
            &pages.submit(CONFIRM, "", &[("visit", &review.visit_token()), ("method", "CC")]).await,
        )
    };
    let (once, again) = (agree().await, agree().await);
    assert_eq!(once.value("status"), "SC");
    assert_eq!(once.value("creditInstrumentID"), again.value("creditInstrumentID"));
}

#[tokio::test]
async fn malformed_forms_get_an_error_page() {
    let server = Server::start().await;
    let page = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("SingleUse", SINGLE_USE))
        .await;
    let visit = page.visit_token();
    for (field, status) in [(("method", "Cash"), 422), (("ending", "QQ"), 422)] {
        let response = server.pages().submit(CONFIRM, "", &[("visit", visit.as_str()), field]).await;
        assert_eq!(response.status, status, "{field:?}");
    }
    let long = "x".repeat(200_000);
    assert_eq!(server.pages().submit(CONFIRM, "", &[("visit", &long)]).await.status, 413);
    let broken = format!(
        "POST {CONFIRM} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nConnection: close\r\n\r\na=%zz"
    );
    assert_eq!(send_raw(server.addr, broken.as_bytes()).await.status, 400);
    assert_no_single_use_token(&server).await;
}
