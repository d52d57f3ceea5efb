//! Parameters with malformed, unknown, repeated and oversized names and values.

use super::*;

/// Malformed encodings, each with a part of the error message.
const MALFORMED_ENCODINGS: [(&str, &str); 15] = [
    ("%", "is not valid percent-encoding"),
    ("%4", "is not valid percent-encoding"),
    ("%zz", "is not valid percent-encoding"),
    ("%%%%%%", "is not valid percent-encoding"),
    ("100%25%", "is not valid percent-encoding"),
    ("%u0041", "is not valid percent-encoding"),
    ("%FF", "is not valid UTF-8"),
    ("%C3%28", "is not valid UTF-8"),
    ("%C0%80", "is not valid UTF-8"),
    ("%ED%A0%80", "is not valid UTF-8"),
    ("%F4%90%80%80", "is not valid UTF-8"),
    ("a%00b", "contains a control character"),
    ("%1B%5B2J", "contains a control character"),
    ("%EF%BF%BF", "contains a control character"),
    ("%EF%BF%BE", "contains a control character"),
];

#[tokio::test]
async fn malformed_names_and_values_are_refused_by_name() {
    let server = start_without_authentication().await;
    let merchant = server.merchant();
    for (text, problem) in MALFORMED_ENCODINGS {
        for query in [
            format!("Action=Pay&CallerReference={text}&SenderTokenId=x"),
            format!("Action=Pay&{text}=x&SenderTokenId=x"),
            format!("Action={text}"),
            text.to_owned(),
        ] {
            for bytes in [get_request(&query).into_bytes(), post_request(query.as_bytes())] {
                assert_refused(&exchange(server.addr, &bytes).await, Code::InvalidParams, problem);
                assert_serves(&merchant).await;
            }
        }
    }
    // Bytes that are not percent-encoded.
    for (form, problem) in [
        (&b"CallerReference=\xff"[..], "The value of CallerReference is not valid UTF-8"),
        (b"\xc3=1", "A parameter name is not valid UTF-8"),
        (b"CallerReference=\0", "The value of CallerReference contains a control character"),
    ] {
        assert_refused(&exchange(server.addr, &post_request(form)).await, Code::InvalidParams, problem);
        assert_serves(&merchant).await;
    }
}

#[tokio::test]
async fn odd_parameter_names_are_refused_as_unknown_and_nothing_is_paid() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let (long, nested) = ("N".repeat(10_000), "a.".repeat(5_000));
    for name in [
        "Action[]",
        "CallerReference[]",
        "CallerReference[0]",
        "callerReference",
        "CallerReference ",
        "CallerReference.",
        ".CallerReference",
        "TransactionAmount",
        "TransactionAmount.",
        "TransactionAmount..Value",
        "TransactionAmount.Value.",
        "TransactionAmount.Value.Value",
        "TransactionAmount.value",
        "TransactionAmount.CurrencyCode\u{301}",
        "__proto__",
        "' OR 1=1 --",
        "<script>",
        "]]>",
        "\n",
        "",
        "\u{202e}ecnerefeRrellaC",
        "💸",
        &long,
        &nested,
    ] {
        let mut parameters = pay(demo::CREDIT, "1", "odd").to_vec();
        parameters.push((name, "1"));
        let response = merchant.call("Pay", &parameters).await;
        assert_refused(&response, Code::InvalidRequest, "is found at unexpected location");
        assert!(unescaped_message(&response).contains(&format!(":{name}\"")), "{}", response.body);
        assert_serves(&merchant).await;
    }
    assert_unpaid(&merchant).await;
}

/// The error message with its entities resolved.
fn unescaped_message(response: &Response) -> String {
    unescaped_text(response, "Message").expect("a message")
}

/// The text of the first element of this name, with its entities resolved.
fn unescaped_text(response: &Response, name: &str) -> Option<String> {
    let found = elements(&response.body).unwrap_or_else(|problem| panic!("{problem}: {}", response.body));
    found.into_iter().find(|(path, _)| path.rsplit('/').next() == Some(name)).map(|(_, text)| text)
}

#[tokio::test]
async fn a_parameter_given_twice_is_refused_whichever_it_is() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let parameters = pay(demo::CREDIT, "1", "twice");
    let query = merchant.signed_query("Pay", &parameters);
    let pairs: Vec<&str> = query.split('&').collect();
    for pair in &pairs {
        let (name, value) = pair.split_once('=').unwrap();
        let value = percent_decoded(value);
        // The signature covers both copies, except for the parameter Signature itself.
        let doubled = if name == "Signature" {
            format!("{query}&{pair}")
        } else {
            let copies = if parameters.iter().any(|(known, _)| *known == name) { 1 } else { 2 };
            let twice: Vec<_> = parameters.into_iter().chain(vec![(name, value.as_str()); copies]).collect();
            merchant.signed_query("Pay", &twice)
        };
        let response = exchange(server.addr, get_request(&doubled).as_bytes()).await;
        assert_refused(&response, Code::InvalidParams, "is given more than once");
    }
    // A forged second signature, before and after the correct one.
    for forged in [format!("Signature=AAAA&{query}"), format!("{query}&Signature=AAAA")] {
        let response = exchange(server.addr, get_request(&forged).as_bytes()).await;
        assert!(
            [Code::InvalidParams, Code::SignatureDoesNotMatch].contains(&refusal_code(&response)),
            "{response:?}"
        );
    }
    // Once in the query and once in the form.
    let form = post_request(query.as_bytes());
    let both = String::from_utf8(form).unwrap().replacen("POST /", &format!("POST /?{query}"), 1);
    refusal_code(&exchange(server.addr, both.as_bytes()).await);
    assert_unpaid(&merchant).await;
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
}

#[tokio::test]
async fn values_that_are_too_long_or_not_of_their_type_are_refused_by_name() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let (long, digits, zeros) = ("x".repeat(50_000), "9".repeat(50_000), format!("0.{}", "0".repeat(50_000)));
    let ampersands = "&".repeat(10_000);
    for (name, value) in [
        ("CallerReference", long.as_str()),
        ("CallerDescription", &ampersands),
        ("SenderDescription", &long),
        ("SenderTokenId", &long),
        ("OverrideIPNURL", &long),
        ("TransactionAmount.CurrencyCode", &long),
        ("TransactionAmount.Value", &zeros),
        ("TransactionAmount.Value", "NaN"),
        ("TransactionAmount.Value", "1e3"),
        ("TransactionAmount.Value", "0x10"),
        ("TransactionAmount.Value", "-1"),
        ("TransactionAmount.Value", "١"),
        ("TransactionAmount.Value", "1\n"),
        ("TransactionTimeoutInMins", "2147483648"),
        ("TransactionTimeoutInMins", "-1"),
        ("TransactionTimeoutInMins", "+5"),
        ("TransactionTimeoutInMins", " 5"),
        ("TransactionTimeoutInMins", "1_0"),
        ("TransactionAmount.Value", "+1"),
        ("TransactionAmount.Value", "1_0"),
        ("MarketplaceVariableFee", "1_0"),
        ("MarketplaceVariableFee", "+2.5"),
        ("MarketplaceVariableFee", "-0"),
        ("MarketplaceVariableFee", " 2"),
        ("TransactionTimeoutInMins", &digits),
        ("MarketplaceVariableFee", &long),
        ("MarketplaceFixedFee.Value", "1"),
        ("ChargeFeeTo", "caller"),
        ("DescriptorPolicy.CSOwner", "<b>"),
    ] {
        let mut parameters = pay(demo::CREDIT, "1", "wrong").to_vec();
        parameters.retain(|(known, _)| *known != name);
        parameters.push((name, value));
        let response = merchant.call("Pay", &parameters).await;
        let code = refusal_code(&response);
        let expected =
            if name == "MarketplaceFixedFee.Value" { Code::NotMarketplaceApp } else { Code::InvalidParams };
        assert_eq!(code, expected, "{name}: {}", response.body);
        assert_serves(&merchant).await;
    }
    // Many digits are a number, but one that is too large.
    let mut parameters = pay(demo::CREDIT, &digits, "digits").to_vec();
    assert_refused(&merchant.call("Pay", &parameters).await, Code::AmountOutOfRange, "");
    parameters[1].1 = "1";
    assert_unpaid(&merchant).await;
}

/// Texts that are valid in XML and that careless code mishandles.
fn special_texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "<>&\"'",
        "]]>",
        "<![CDATA[x]]>",
        "<!-- -->",
        "<?xml version=\"1.0\"?>",
        "&amp;&#10;&#x0;&unknown;",
        "</CallerReference><TransactionId>forged</TransactionId>",
        "a\nb",
        "a\r\nb\rc",
        "a\tb",
        "+%2B%",
        "  blanks  around  ",
        "next line \u{85} and \u{2028} and \u{2029}",
        "\u{7f}\u{80}\u{9f}",
        "e\u{301} is not \u{e9}",
        "\u{202e}right to left\u{202c} שלום مرحبا",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 🏴\u{e0067}\u{e0062}",
        "\u{feff}bom \u{fffd} \u{200b}",
        "\u{fdd0} \u{1fffe} \u{10ffff}",
        "'; DROP TABLE transactions; --",
        "%s%n{}${jndi:x}",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("z\u{334}".repeat(60));
    texts
}

#[tokio::test]
async fn special_characters_come_back_from_get_transaction_as_they_were_sent() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for given in special_texts() {
        // The limit of SenderDescription is in bytes.
        let short: String = given.chars().take(30).collect();
        let mut parameters = pay(demo::CREDIT, "0.01", &given).to_vec();
        parameters.extend([("CallerDescription", given.as_str()), ("SenderDescription", &short)]);
        let id = merchant.ok("Pay", &parameters).await.text("TransactionId");
        let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
        assert_eq!(unescaped_text(&detail, "CallerReference").as_ref(), Some(&given));
        assert_eq!(unescaped_text(&detail, "CallerDescription").as_ref(), Some(&given));
        assert_eq!(unescaped_text(&detail, "SenderDescription").as_ref(), Some(&short));
        assert_eq!(unescaped_text(&detail, "TransactionId"), Some(id.clone()), "{}", detail.body);
        // The same request again.
        assert_eq!(merchant.ok("Pay", &parameters).await.text("TransactionId"), id);
    }
}

#[tokio::test]
async fn special_characters_in_ids_come_back_escaped_in_the_refusal() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for given in special_texts() {
        let given: String = given.chars().take(30).collect();
        for (action, parameters) in [
            ("GetTransaction", vec![("TransactionId", given.as_str())]),
            ("GetDebtBalance", vec![("CreditInstrumentId", given.as_str())]),
            ("Pay", pay(&given, "1", "an odd token").to_vec()),
        ] {
            let response = merchant.call(action, &parameters).await;
            assert_eq!(refusal_code(&response), Code::InvalidParams, "{}", response.body);
            assert!(
                unescaped_message(&response).ends_with(&format!("Specified value: {given}")),
                "{}",
                response.body
            );
        }
        for name in
            ["Action", "Version", "Timestamp", "SignatureVersion", "SignatureMethod", "AWSAccessKeyId"]
        {
            let mut parameters = pay(demo::CREDIT, "1", "odd").to_vec();
            parameters.push((name, &given));
            refusal_code(&merchant.call("Pay", &parameters).await);
        }
    }
    assert_unpaid(&merchant).await;
}

#[tokio::test]
async fn references_are_compared_character_by_character() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let references = [
        "\u{e9}",
        "e\u{301}",
        "E",
        "e",
        "e ",
        " e",
        "\u{ff45}",
        "e\u{200b}",
        "e\u{feff}",
        "\u{2126}",
        "\u{3a9}",
    ];
    for reference in references {
        merchant.ok("Pay", &pay(demo::CREDIT, "1", reference)).await;
    }
    let debt = format!("{}.000000", 100 + references.len());
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt);
}

#[tokio::test]
async fn a_reference_may_have_128_characters_of_four_bytes_and_no_more() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let longest = "\u{1f4b8}".repeat(128);
    let id = merchant.ok("Pay", &pay(demo::CREDIT, "1", &longest)).await.text("TransactionId");
    let detail = merchant.ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(unescaped_text(&detail, "CallerReference"), Some(longest.clone()));
    let longer = merchant.call("Pay", &pay(demo::CREDIT, "1", &format!("{longest}x"))).await;
    assert_refused(&longer, Code::InvalidParams, "callerReference can not be longer than 128 characters");
}

#[tokio::test]
async fn a_lenient_server_reports_on_the_signature_whatever_the_request_says() {
    let server = Server::start_with(Config { auth: AuthMode::Lenient, ..config() }).await;
    let merchant = server.merchant();
    let long = "x".repeat(20_000);
    for method in ["é", "\n", "\u{2028}", "a\r\nX-Forged: 1", &long] {
        let parameters = [("SignatureMethod", method), ("CreditInstrumentId", demo::INSTRUMENT)];
        let response = merchant.ok("GetDebtBalance", &parameters).await;
        let report = response.head.lines().find(|line| line.starts_with("x-sandbox-signature: "));
        let report = report.unwrap_or_else(|| panic!("no report for {method:?}: {}", response.head));
        assert!(report.contains("InvalidParameterValue"), "{report}");
        assert!(report.len() < 2_000, "{} bytes", report.len());
        assert!(!response.head.contains("\nX-Forged"), "{}", response.head);
    }
}

#[tokio::test]
async fn only_a_plain_date_is_a_version() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for version in
        ["+2010-1-01", " 2010-01-1", "2010-1-001", "2010-01-01\n", "\"><x y=\"", "2010-02-30", "2008-09-16"]
    {
        let parameters = [("Version", version), ("CreditInstrumentId", demo::INSTRUMENT)];
        let response = merchant.call("GetDebtBalance", &parameters).await;
        assert_refused(&response, Code::InvalidParameterValue, "for parameter Version is invalid");
    }
}
