//! What the pages show.

use super::*;

#[tokio::test]
async fn the_first_page_has_the_elements_that_browser_tests_of_merchants_use() {
    let server = Server::start().await;
    let page = server.pages().visit(&start_parameters("SetupPostpaid", POSTPAID)).await;
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
    let review = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("SetupPostpaid", POSTPAID))
        .await;
    let first_submit = review.body.split("type=\"submit\"").nth(1).unwrap().split('>').next().unwrap();
    assert!(first_submit.contains("data-testid=\"confirm\""), "{first_submit}");
}

#[tokio::test]
async fn both_pages_have_an_image_button_that_continues() {
    let server = Server::start().await;
    let first = server.pages().visit(&start_parameters("SetupPostpaid", POSTPAID)).await;
    // A browser sends the coordinates of a click on an image button.
    let clicked = [("x", "11"), ("y", "7")];
    let signed_in = merge(&[("email", "alice@example.com"), ("password", "")], &clicked);
    let visit = first.visit_token();
    let second = server.pages().submit(SIGN_IN, "", &merge(&signed_in, &[("visit", visit.as_str())])).await;
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
    let visit = second.visit_token();
    let confirmed = merge(&[("visit", visit.as_str()), ("method", "CC")], &clicked);
    assert_eq!(
        ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &confirmed).await).value("status"),
        "SC"
    );
    let image = send_raw(
        server.addr,
        b"GET /cobranded-ui/continue.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!((image.status, image.header("content-type")), (200, Some("image/svg+xml")));
}

#[tokio::test]
async fn the_review_page_describes_what_the_buyer_authorises() {
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
        .open_review_page("alice@example.com", &start_parameters("SetupPostpaid", &merge(POSTPAID, &more)))
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
        .open_review_page(
            "books@example.com",
            &start_parameters(
                RECIPIENT.0,
                &merge(RECIPIENT.1, &[("maxFixedFee", "1"), ("maxVariableFee", "2.5")]),
            ),
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
async fn the_components_of_an_amount_are_shown() {
    let server = Server::start().await;
    let parts = [("itemTotal", "8.00"), ("shipping", "2.50"), ("discount", "0.50"), ("disableGuest", "True")];
    let page = server
        .pages()
        .open_review_page("alice@example.com", &start_parameters("SingleUse", &merge(SINGLE_USE, &parts)))
        .await;
    assert!(page.body.contains("goods $8.00, shipping $2.50, discount −$0.50"), "{}", page.body);
    let wrong = merge(SINGLE_USE, &[("tax", "some")]);
    let return_url = server.pages().visit_and_return(&start_parameters("SingleUse", &wrong)).await;
    assert_eq!(return_url.status_and_message(), ("CE", format!("{NOT_WELL_FORMED}[tax]").as_str()));
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
    let requested = merge(
        SINGLE_USE,
        &[
            ("callerKey", "SHOP"),
            ("websiteDescription", nasty),
            ("addressName", nasty),
            ("callerReference", nasty),
            ("cobrandingUrl", "https://cdn.example/logo.png?\"><script>"),
        ],
    );
    let first = server.pages().visit(&start_parameters("SingleUse", &requested)).await;
    let second = server
        .pages()
        .open_review_page("buyer@example.com", &start_parameters("SingleUse", &requested))
        .await;
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
    let style = send_raw(
        server.addr,
        b"GET /cobranded-ui/style.css HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!((style.status, style.header("content-type")), (200, Some("text/css; charset=utf-8")));
}

#[tokio::test]
async fn an_address_is_requested_and_returned_if_the_merchant_wants_it() {
    let server = Server::start().await;
    let wants = merge(SINGLE_USE, &[("collectShippingAddress", "True"), ("addressName", "ignored then")]);
    let page =
        server.pages().open_review_page("alice@example.com", &start_parameters("SingleUse", &wants)).await;
    assert!(
        page.body.contains("id=\"addressLine1\"") && !page.body.contains("ignored then"),
        "{}",
        page.body
    );
    let visit = page.visit_token();
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
    let return_url = ReturnUrl::from_redirect(&server.pages().submit(CONFIRM, "", &fields).await);
    let results = return_url.result_names();
    assert_eq!(&results[4..], ["addressName", "addressLine1", "city", "state", "zip"]);
    assert_eq!((return_url.value("addressName"), return_url.value("zip")), ("Alice Ämter", "97201"));
    assert_eq!(server.pages().verify_signature(&return_url).await, "Success");
    let given = merge(SINGLE_USE, &[("callerReference", "given"), ("addressName", "Bob"), ("city", "Salem")]);
    let page =
        server.pages().open_review_page("alice@example.com", &start_parameters("SingleUse", &given)).await;
    assert!(page.body.contains("Bob<br>Salem<br>"), "{}", page.body);
}
