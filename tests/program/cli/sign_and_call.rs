//! The commands `sign` and `call`.

use super::*;

#[test]
fn signed_requests_are_accepted_by_every_signature_version_and_verb() {
    let sandbox = RunningSandbox::start(&[]);
    for options in [
        &[][..],
        &["--method", "HmacSHA1"],
        &["--signature-version", "1"],
        &["SignatureVersion=1"],
        &["SignatureMethod=HmacSHA1", "Version=2010-08-28"],
        &["--key", demo::KEY, "--secret", demo::SECRET, "--api-version", "2010-08-28"],
    ] {
        for post in [false, true] {
            let mut words = vec!["sign", "--endpoint", sandbox.url(), "Action=GetDebtBalance"];
            let instrument = instrument_parameter();
            words.push(&instrument);
            words.extend(options);
            if post {
                words.push("--post");
            }
            let signed = run(&words);
            assert_eq!((signed.code, signed.out.lines().count()), (Some(0), 1), "{signed:?}");
            let line = signed.out.trim_end();
            let response =
                if post { send_request(sandbox.url(), Some(line)) } else { send_request(line, None) };
            assert_eq!(available_debt(&response), "100.000000", "{words:?}");
        }
    }
}

#[test]
fn a_url_for_the_pages_is_signed_as_merchants_sign_it() {
    let sandbox = RunningSandbox::start(&["--cobranded-auth", "strict"]);
    for (number, options) in
        [&[][..], &["--method", "HmacSHA1"], &["--signature-version", "1"]].into_iter().enumerate()
    {
        let reference = format!("callerReference={number}");
        let mut words =
            vec!["sign", "--endpoint", sandbox.url(), "pipelineName=SingleUse", "transactionAmount=10"];
        words.extend(["returnURL=http://localhost:3000/back?order=7", "sandbox_outcome=SC", &reference]);
        words.extend(options);
        let signed = run(&words);
        assert_eq!((signed.code, signed.out.lines().count()), (Some(0), 1), "{signed:?}");
        let response = send_request(signed.out.trim_end(), None);
        assert!(response.head.contains("status=SC"), "{words:?}: {response:?}");
    }
    let called = run(&["call", "--endpoint", sandbox.url(), "pipelineName=SingleUse"]);
    called.assert_one_line_error(2, &["for a browser", "fps-sandbox sign"]);
}

#[test]
fn a_signature_by_another_secret_is_refused() {
    let sandbox = RunningSandbox::start(&[]);
    let words = [
        "sign",
        "--endpoint",
        sandbox.url(),
        "--secret",
        "other",
        "Action=GetDebtBalance",
        &instrument_parameter(),
    ];
    assert_eq!(send_request(run(&words).out.trim_end(), None).code(), "SignatureDoesNotMatch");
}

#[test]
fn a_curl_line_survives_the_shell_whatever_the_values_are() {
    let sandbox = RunningSandbox::start(&[]);
    let note = "it's $HOME `x` \"é\" & 100%";
    let description = format!("CallerDescription={note}");
    for post in [false, true] {
        let token = credit_token_parameter();
        let mut words =
            vec!["sign", "--curl", "--endpoint", sandbox.url(), "Action=Pay", "TransactionAmount=1"];
        words.extend([token.as_str(), &description]);
        if post {
            words.push("--post");
        }
        let curl = shell_words(&run(&words).out);
        let (form, url) = match &curl[..] {
            [_, _, url] => (None, url),
            [_, _, data, form, url] if data == "--data" => (Some(form.as_str()), url),
            other => panic!("{other:?}"),
        };
        let paid = send_request(url, form);
        assert_eq!((paid.status, form.is_some()), (200, post), "{}", paid.body);
        let transaction = format!("TransactionId={}", paid.text("TransactionId"));
        let detail = run(&["call", "--endpoint", sandbox.url(), "Action=GetTransaction", &transaction]);
        let stored = detail.out.replace("&amp;", "&");
        assert!(stored.contains(&format!("<CallerDescription>{note}</CallerDescription>")), "{stored}");
    }
}

#[test]
fn amounts_are_expanded_and_a_missing_reference_is_generated() {
    let words = ["sign", "Action=Pay", "TransactionAmount=10.5", &credit_token_parameter()];
    let signed = run(&words);
    assert!(
        signed.out.contains("TransactionAmount.Value=10.5&TransactionAmount.CurrencyCode=USD&"),
        "{signed:?}"
    );
    assert!(signed.out.contains("CallerReference=cli-"), "{signed:?}");
    assert_eq!(signed.err.lines().count(), 1, "{signed:?}");
    assert!(signed.err.starts_with("note: made up CallerReference=cli-"), "{signed:?}");

    let verbatim = run(&["sign", "--verbatim", "Action=Pay", "TransactionAmount=10.5"]);
    assert!(verbatim.out.contains("TransactionAmount=10.5&") && !verbatim.out.contains("CallerReference"));
    assert_eq!(verbatim.err, "");
}

#[test]
fn a_doubtful_request_is_signed_with_a_warning() {
    for (words, warning) in [
        (&["Action=GetDebtBallance"][..], "did you mean `GetDebtBalance`?"),
        (&["Action=GetDebtBalance", "CreditInstrument=I"], "did you mean `CreditInstrumentId`?"),
        (&["Action=GetDebtBalance"], "GetDebtBalance needs CreditInstrumentId"),
        (&["CallerReference=1"], "no Action"),
    ] {
        let signed = run(&[&["sign"], words].concat());
        assert_eq!(signed.code, Some(0), "{signed:?}");
        assert!(signed.out.starts_with("http://127.0.0.1:8008/?"), "{signed:?}");
        assert!(signed.err.starts_with("warning: ") && signed.err.contains(warning), "{signed:?}");
    }
}

#[test]
fn the_string_to_sign_is_shown_on_standard_error() {
    let words = ["--timestamp", "2012-06-01T12:00:00Z", "Action=GetDebtBalance", "CreditInstrumentId=I"];
    let signed =
        run(&[&["sign", "--show-string-to-sign", "--endpoint", "http://Localhost:80"], &words[..]].concat());
    assert_eq!(
        signed.err,
        "GET\nlocalhost\n/\nAWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Action=GetDebtBalance&CreditInstrumentId=I&\
         SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2012-06-01T12%3A00%3A00Z&Version=2008-09-17\n"
    );
}

#[test]
fn key_secret_and_endpoint_come_from_the_environment() {
    let output = sandbox_command(&["sign", "Action=GetDebtBalance", &instrument_parameter()])
        .envs([
            ("FPS_SANDBOX_ENDPOINT", "http://h:9"),
            ("FPS_SANDBOX_KEY", "K"),
            ("FPS_SANDBOX_SECRET", "other"),
        ])
        .output()
        .expect("the program runs");
    let signed = CommandOutput::from(output);
    assert!(signed.out.starts_with("http://h:9/?") && signed.out.contains("AWSAccessKeyId=K&"), "{signed:?}");
    let wrong = sandbox_command(&["sign", "Action=Pay"]).env("FPS_SANDBOX_ENDPOINT", "h:9").output();
    CommandOutput::from(wrong.expect("the program runs"))
        .assert_one_line_error(2, &["FPS_SANDBOX_ENDPOINT", "http://HOST:PORT"]);
}

#[test]
fn call_prints_the_response_indented_and_its_exit_code_tells_success() {
    let sandbox = RunningSandbox::start(&[]);
    let asked = run(&["call", "--endpoint", sandbox.url(), "Action=GetDebtBalance", &instrument_parameter()]);
    assert_eq!((asked.code, asked.err.as_str()), (Some(0), "HTTP/1.1 200 OK\n"));
    let expected = "<?xml version=\"1.0\"?>\n\
        <GetDebtBalanceResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\">\n  <GetDebtBalanceResult>\n    \
        <DebtBalance>\n      <AvailableBalance>\n        <CurrencyCode>USD</CurrencyCode>\n        \
        <Value>100.000000</Value>\n";
    assert!(asked.out.starts_with(expected), "{}", asked.out);

    let over = ["Action=Pay", "TransactionAmount=400.01", &credit_token_parameter(), "CallerReference=over"];
    let refused = run(&[&["call", "--post", "--endpoint", sandbox.url()], &over[..]].concat());
    assert_eq!((refused.code, refused.err.as_str()), (Some(1), "HTTP/1.1 400 Bad Request\n"));
    assert!(refused.out.contains("\n      <Code>InsufficientBalance</Code>\n"), "{}", refused.out);
}

#[test]
fn call_gives_advice_when_the_endpoint_is_down_or_speaks_tls_only() {
    let ask = ["Action=GetDebtBalance", &instrument_parameter()];
    let nobody = format!("http://{UNUSED_ADDRESS}");
    run(&[&["call", "--endpoint", &nobody], &ask[..]].concat()).assert_one_line_error(
        3,
        &["no sandbox answers at http://127.0.0.1:1 (connection refused)", "`fps-sandbox`"],
    );
    run(&[&["call", "--endpoint", "https://127.0.0.1:8443"], &ask[..]].concat())
        .assert_one_line_error(2, &["plain HTTP only", "curl"]);
}
