//! Signatures of start URLs and return URLs, and the certificate for the latter.

use super::*;

#[tokio::test]
async fn an_account_can_skip_the_pages_and_have_its_return_urls_signed_by_version_1() {
    let server = Server::start_seeded(RESTRICTED_ACCOUNTS).await;
    let secret = "this-is-a-fake-key";
    let signed_by_old = |more: &[(&'static str, &'static str)]| {
        let own = merge(&[("callerKey", "OLD")], more);
        encode_query(&sign_start_parameters(&start_parameters("SingleUse", &merge(SINGLE_USE, &own)), secret))
    };
    let return_url = ReturnUrl::from_redirect(&server.pages().visit_encoded(&signed_by_old(&[])).await);
    assert_eq!(return_url.result_names(), ["tokenID", "status", "expiry", "callerReference"]);
    let names: Vec<_> = return_url.pairs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["order", "tokenID", "status", "expiry", "callerReference", "signature"]);
    let signable = fps_sandbox::signature::Signable {
        verb: "",
        path: "",
        pairs: &return_url.pairs,
        signature_name: "signature",
    };
    let key = fps_sandbox::signature::SecretKey::new(secret);
    let scheme = fps_sandbox::signature::Scheme::V1;
    assert_eq!(return_url.value("signature"), fps_sandbox::signature::sign(&key, scheme, &signable, ""));
    // With version 1 the message has a blank before the bracket, and the URL has the caller reference.
    let return_url = ReturnUrl::from_redirect(
        &server.pages().visit_encoded(&signed_by_old(&[("transactionAmount", "x")])).await,
    );
    assert_eq!(return_url.status_and_message().1, format!("{NOT_WELL_FORMED} [transactionAmount]"));
    assert_eq!(return_url.value("callerReference"), "once");
    // A start URL can request the pages all the same.
    let mut ask = signed_by_old(&[("callerReference", "pages")]);
    ask.push_str("&sandbox_outcome=ask");
    assert_eq!(server.pages().visit_encoded(&ask).await.status, 200);
}

/// Version 1 signs names and values without separators, so text in the query of returnURL could pass as other parameters.
#[tokio::test]
async fn version_1_signs_no_text_that_a_client_without_the_secret_has_chosen() {
    let server = Server::start_seeded(RESTRICTED_ACCOUNTS).await;
    let old = merge(SINGLE_USE, &[("callerKey", "OLD")]);
    let page = server.pages().visit(&start_parameters("SingleUse", &old)).await;
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Its returnURL has a query, which signature version 1"), "{}", page.body);
    let page = server
        .pages()
        .visit_encoded(&encode_query(&sign_start_parameters(&start_parameters("SingleUse", &old), "guessed")))
        .await;
    assert_eq!(page.status, 400);
    let plain = merge(&old, &[("returnURL", "http://shop.example:3000/back")]);
    // A reference such as this one could turn an error into a success.
    let chosen = merge(&plain, &[("callerReference", "AstatusSCtokenIDFORGEDx")]);
    let return_url = ReturnUrl::from_redirect(
        &server
            .pages()
            .visit_encoded(&encode_query(&sign_start_parameters(
                &start_parameters("SingleUse", &chosen),
                "guessed",
            )))
            .await,
    );
    assert_eq!(return_url.status_and_message(), ("CE", format!("{NOT_WELL_FORMED} [signature]").as_str()));
    assert_eq!(return_url.result_names(), ["status", "errorMessage"]);
    assert_eq!(
        server.pages().visit_and_return(&start_parameters("SingleUse", &plain)).await.value("status"),
        "SC"
    );
}

/// The parameters of return URLs and notifications that only the sandbox may sign.
const RESULT_NAMES: [&str; 14] = [
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
async fn a_client_without_the_secret_gets_no_result_signed() {
    let optional = Server::start().await;
    let strict = Server::start_with(Config { cobranded_auth: CoBrandedAuth::Strict, ..config() }).await;
    for server in [&optional, &strict] {
        for name in RESULT_NAMES {
            let written = [
                format!("{name}=FORGED"),
                format!("x=1&{}=FORGED", name.to_ascii_uppercase()),
                format!("%{:02x}{}=FORGED", name.as_bytes()[0], &name[1..]),
                format!("x=1;{name}=FORGED"),
                format!("{name}[]=FORGED"),
            ];
            for query in written {
                let url = format!("http://shop.test/back?{query}");
                let requested = start_parameters("SingleUse", &[("returnURL", url.as_str())]);
                let nobody = merge(&requested, &[("callerKey", "nobody")]);
                let forged = encode_query(&sign_start_parameters(&requested, "guessed"));
                let with_outcome = merge(&requested, &[("sandbox_outcome", "A")]);
                for (page, message) in [
                    (server.pages().visit(&nobody).await, "its callerKey nobody is not known here"),
                    (server.pages().visit(&requested).await, name),
                    (server.pages().visit(&with_outcome).await, name),
                    (server.pages().visit_encoded(&forged).await, name),
                ] {
                    assert_eq!((page.status, page.header("location")), (400, None), "{query}");
                    assert!(page.body.contains(message), "{query}: {}", page.body);
                }
            }
        }
    }
}

#[tokio::test]
async fn the_query_of_a_return_url_is_trusted_when_the_merchant_has_signed_it() {
    let strict = Server::start_with(Config { cobranded_auth: CoBrandedAuth::Strict, ..config() }).await;
    let own =
        [("returnURL", "http://shop.test/back?Status=open&state=WA#end"), ("callerReference", "vouched")];
    let mut query = encode_query(&sign_start_parameters(
        &start_parameters("SingleUse", &merge(SINGLE_USE, &own)),
        demo::SECRET,
    ));
    query.push_str("&sandbox_outcome=SC");
    let return_url = ReturnUrl::from_redirect(&strict.pages().visit_encoded(&query).await);
    assert_eq!((return_url.value("Status"), return_url.value("status")), ("open", "SC"));
    assert_eq!(
        (return_url.url.fragment(), strict.pages().verify_signature(&return_url).await),
        (Some("end"), "Success".to_owned())
    );
    // Parameters that are not results remain in the URL, whether the merchant has signed it or not.
    let requested = start_parameters(
        "SingleUse",
        &merge(SINGLE_USE, &[("returnURL", "http://shop.test/back?state=WA#status=SC")]),
    );
    assert_eq!(strict.pages().visit_and_return(&requested).await.status_and_message().0, "CE");
    // The first of two returnURLs counts. The signature covers both.
    let mut twice = sign_start_parameters(&requested, demo::SECRET);
    twice.push(("returnURL".to_owned(), "http://evil.test/".to_owned()));
    let return_url = ReturnUrl::from_redirect(&strict.pages().visit_encoded(&encode_query(&twice)).await);
    assert_eq!((return_url.url.host_str(), return_url.status_and_message().0), (Some("shop.test"), "CE"));
}

#[tokio::test]
async fn a_signature_is_checked_where_there_is_one() {
    let server = Server::start().await;
    let requested = start_parameters("SingleUse", SINGLE_USE);
    let page =
        server.pages().visit_encoded(&encode_query(&sign_start_parameters(&requested, demo::SECRET))).await;
    assert_eq!(page.status, 200, "{}", page.body);
    let wrong = ReturnUrl::from_redirect(
        &server
            .pages()
            .visit_encoded(&encode_query(&sign_start_parameters(&requested, "another secret")))
            .await,
    );
    assert_eq!(wrong.status_and_message(), ("CE", format!("{NOT_WELL_FORMED}[signature]").as_str()));
    let mut changed = sign_start_parameters(&requested, demo::SECRET);
    changed.push(("paymentReason".to_owned(), "added later".to_owned()));
    assert_eq!(
        ReturnUrl::from_redirect(&server.pages().visit_encoded(&encode_query(&changed)).await)
            .value("status"),
        "CE"
    );
    // The signature does not cover the parameters of the sandbox.
    let mut with_outcome = sign_start_parameters(&requested, demo::SECRET);
    with_outcome.push(("sandbox_outcome".to_owned(), "SC".to_owned()));
    assert_eq!(
        ReturnUrl::from_redirect(&server.pages().visit_encoded(&encode_query(&with_outcome)).await)
            .value("status"),
        "SC"
    );
    for (name, value) in [("signatureVersion", "3"), ("signatureMethod", "HmacMD5")] {
        let mut pairs = sign_start_parameters(&requested, demo::SECRET);
        pairs.iter_mut().filter(|(known, _)| known == name).for_each(|(_, known)| value.clone_into(known));
        assert_eq!(
            ReturnUrl::from_redirect(&server.pages().visit_encoded(&encode_query(&pairs)).await)
                .value("status"),
            "CE",
            "{name}"
        );
    }
}

/// Start URLs with signatures computed elsewhere: by version 2 for Amazon's host and for a local one, by version 1, and as
/// in 2007.
#[tokio::test]
async fn urls_signed_by_each_generation_of_clients_are_taken() {
    let server = Server::start().await;
    let requested = [
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
        let mut parameters = merge(&requested, more);
        parameters.push(signature);
        let page = server.pages().visit(&parameters).await;
        assert_eq!(page.status, 200, "{signature:?}: {}", page.head);
        let wrong: String = signature.1.chars().rev().skip(1).collect::<String>() + "=";
        *parameters.last_mut().unwrap() = (signature.0, wrong.as_str());
        assert_eq!(server.pages().visit_and_return(&parameters).await.value("status"), "CE", "{signature:?}");
    }
    // This one is signed for a host with a port and sent to it.
    let mut parameters = merge(&requested, &version_2);
    parameters.push(("signature", "EH+QlWvcCbuS573b9IA8xrAly/UHsRH8hy3asKsa3gk="));
    let request = format!(
        "GET {START}?{} HTTP/1.1\r\nHost: localhost:8080\r\nConnection: close\r\n\r\n",
        encode_query(&to_owned_pairs(&parameters))
    );
    assert_eq!(send_raw(server.addr, request.as_bytes()).await.status, 200);
}

#[tokio::test]
async fn unsigned_urls_are_refused_where_signatures_are_required() {
    let strict = Config { cobranded_auth: CoBrandedAuth::Strict, ..config() };
    let server = Server::start_with(strict).await;
    let requested = start_parameters("SingleUse", SINGLE_USE);
    assert_eq!(
        server.pages().visit_and_return(&requested).await.status_and_message(),
        ("CE", format!("{NOT_WELL_FORMED}[signature]").as_str())
    );
    assert_eq!(
        server
            .pages()
            .visit_encoded(&encode_query(&sign_start_parameters(&requested, demo::SECRET)))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn the_certificate_is_where_the_message_says_and_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let seed = fps_sandbox::seed::DEMO_SEED;
    let server = Server::start_in(folder.path(), seed).await;
    let return_url = visit_with_outcome(&server, "SingleUse", SINGLE_USE, "SC").await;
    let (url, request) = return_url.value("certificateUrl").split_once("?requestId=").unwrap();
    assert!(url.starts_with("http://localhost/certs/") && url.ends_with("/PKICert.pem"), "{url}");
    assert!(request.len() > 40 && request.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    let path = url.strip_prefix("http://localhost").unwrap();
    let fetch = |addr| async move {
        let request =
            format!("GET {path}?requestId=x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        send_raw(addr, request.as_bytes()).await
    };
    let certificate = fetch(server.addr).await;
    assert_eq!(certificate.status, 200);
    assert!(
        certificate.body.starts_with("-----BEGIN CERTIFICATE-----") && !certificate.body.contains("PRIVATE")
    );
    let other = send_raw(
        server.addr,
        b"GET /certs/00000000/PKICert.pem HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert_eq!(other.status, 404);
    if crate::support::postgres::server_url().is_some() {
        return;
    }
    server.stop_and_audit().await;
    let server = Server::start_in(folder.path(), seed).await;
    assert_eq!(fetch(server.addr).await.body, certificate.body);
    assert_eq!(server.pages().verify_signature(&return_url).await, "Success");
    server.stop_and_audit().await;
}

#[tokio::test]
async fn the_address_of_the_certificate_follows_the_host_or_the_configuration() {
    let server = Server::start().await;
    let query = encode_query(&to_owned_pairs(&start_parameters(
        "SingleUse",
        &merge(SINGLE_USE, &[("sandbox_outcome", "A")]),
    )));
    let visit = |addr, host: &'static str| {
        let request = format!("GET {START}?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        async move {
            ReturnUrl::from_redirect(&send_raw(addr, request.as_bytes()).await)
                .value("certificateUrl")
                .to_owned()
        }
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
