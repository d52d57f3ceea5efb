//! Explanations of mismatches.

use super::*;

/// A query with characters that clients encode wrongly, in an order that is neither sorted by bytes nor ignoring case.
pub(super) const SENT: &str = "Version=2008-09-17&Action=Pay&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&CallerDescription=T+~+a%2Bb+%26+'q'+(x)*!%2F&CallerReference=ref+1&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2009-10-07T11:20:33%2B00:00&TransactionAmount.Value=10.00";
const HOSTS: [&str; 2] = ["localhost:8080", "localhost"];

/// The explanation for `given` as the signature of the request [`SENT`].
fn explain(scheme: Scheme, given: &str) -> Option<String> {
    explain_sent(scheme, SENT, given)
}

fn explain_sent(scheme: Scheme, sent: &str, given: &str) -> Option<String> {
    let pairs = pairs(sent);
    let request = request("GET", "/", &pairs);
    match verify(&SecretKey::new(GUIDE), scheme, &request, &HOSTS, given, sent) {
        VerificationResult::Invalid { explanation, string_to_sign } => {
            assert_eq!(string_to_sign, super::string_to_sign(scheme, &request, HOSTS[0]));
            explanation
        }
        VerificationResult::Valid { .. } => panic!("accepted"),
    }
}

/// The correct string to sign.
fn correct_string(scheme: Scheme) -> String {
    string_to_sign(scheme, &request("GET", "/", &pairs(SENT)), HOSTS[0])
}

fn hmac(hash: Hash, text: &str) -> String {
    SecretKey::new(GUIDE).sign(hash, &[text.as_bytes()])
}

/// Asserts the explanation for signing `text` in place of the correct string to sign.
#[track_caller]
fn assert_explanation(scheme: Scheme, text: &str, expected: &str) {
    assert_ne!(text, correct_string(scheme), "the test makes no mistake");
    assert_eq!(explain(scheme, &hmac(scheme.hash(), text)).as_deref(), Some(expected));
}

#[track_caller]
fn assert_replaced(from: &str, to: &str, expected: &str) {
    assert_explanation(V2_SHA256, &correct_string(V2_SHA256).replace(from, to), expected);
}

/// The correct string to sign with its parameters in another order.
fn reordered(names: &[&str]) -> String {
    let correct = correct_string(V2_SHA256);
    let (head, line) = correct.rsplit_once('\n').unwrap();
    let mut pairs: Vec<&str> = line.split('&').collect();
    pairs.sort_by_key(|pair| names.iter().position(|name| pair.starts_with(&format!("{name}="))));
    format!("{head}\n{}", pairs.join("&"))
}

#[test]
fn a_wrong_secret_gives_no_explanation() {
    let pairs = pairs(SENT);
    for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
        let other = sign(&SecretKey::new("another"), scheme, &request("GET", "/", &pairs), HOSTS[0]);
        assert_eq!(explain(scheme, &other), None);
    }
}

/// A client signs first and adds parameters of the protocol, or others, afterwards.
#[test]
fn a_set_of_parameters_added_after_signing() {
    let own = ["Action", "AWSAccessKeyId", "SignatureMethod", "SignatureVersion", "Timestamp", "Version"];
    let pairs = pairs(SENT);
    let explain_without = |added: &[&str], scheme| {
        let signed: Vec<_> =
            pairs.iter().filter(|(name, _)| !added.contains(&name.as_str())).cloned().collect();
        assert_eq!(signed.len() + added.len(), pairs.len(), "{added:?}");
        let given = sign(&SecretKey::new(GUIDE), scheme, &request("GET", "/", &signed), HOSTS[0]);
        explain(V2_SHA256, &given).unwrap_or_else(|| panic!("no reason for {added:?}"))
    };
    for chosen in 0_usize..1 << own.len() {
        let added: Vec<&str> =
            (0..own.len()).filter(|bit| chosen >> bit & 1 == 1).map(|bit| own[bit]).collect();
        if added.len() < 2 {
            continue;
        }
        let found = explain_without(&added, V2_SHA256);
        assert!(found.ends_with("were not among the parameters that were signed."), "{found}");
        for name in own {
            assert_eq!(found.contains(&format!("`{name}`")), added.contains(&name), "{name}: {found}");
        }
    }
    for (index, (one, _)) in pairs.iter().enumerate() {
        for (other, _) in &pairs[index + 1..] {
            let expected = format!("`{one}` and `{other}` were not among the parameters that were signed.");
            assert_eq!(explain_without(&[one, other], V2_SHA256), expected);
        }
    }
    let last: Vec<&str> = pairs[pairs.len() - 4..].iter().map(|(name, _)| name.as_str()).collect();
    assert!(explain_without(&last, V2_SHA256).contains("were not among the parameters"));
    let by_version_1 = explain_without(&["SignatureMethod", "SignatureVersion"], Scheme::V1);
    assert!(by_version_1.contains("by the rules of version 1"), "{by_version_1}");
    assert!(by_version_1.contains("`SignatureMethod` and `SignatureVersion`"), "{by_version_1}");
}

#[test]
fn long_lists_and_long_names_are_cut_off() {
    let long = "x".repeat(200);
    let names: Vec<&str> = vec![&long; 20];
    let text = diagnosis::quoted_list(&names, " or ");
    assert!(text.len() < 1000 && text.ends_with(" or 12 more"), "{text}");
    assert_eq!(diagnosis::quoted_list(&["a"], " or "), "`a`");
    assert_eq!(diagnosis::quoted_list(&["a", "b", "c"], " or "), "`a`, `b` or `c`");
}

#[test]
fn another_host() {
    for host in [
        "fps.amazonaws.com",
        "fps.sandbox.amazonaws.com",
        "authorize.payments.amazon.com",
        "authorize.payments-sandbox.amazon.com:443",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]:8080",
        "::1",
        "localhost:80",
        "localhost:443",
    ] {
        let has_port = host.ends_with(":443") || host.ends_with("80");
        let remedy = if has_port { "" } else { " (--host-alias takes another)" };
        let expected = format!(
            "The host was signed as `{host}`, where `localhost:8080` or `localhost` is expected{remedy}."
        );
        assert_replaced("\nlocalhost:8080\n", &format!("\n{host}\n"), &expected);
    }
}

#[test]
fn no_host() {
    assert_replaced(
        "localhost:8080",
        "",
        "The host was signed as nothing, where `localhost:8080` or `localhost` is expected.",
    );
}

#[test]
fn a_host_with_or_without_the_port() {
    let (secret, pairs) = (SecretKey::new(GUIDE), pairs(SENT));
    let request = request("GET", "/", &pairs);
    for (signed, accepted, remedy) in [
        ("sandbox.test", "sandbox.test:81", " (--host-alias takes another)"),
        ("sandbox.test:80", "sandbox.test", ""),
    ] {
        let given = sign(&secret, V2_SHA256, &request, signed);
        let VerificationResult::Invalid { explanation: reason, .. } =
            verify(&secret, V2_SHA256, &request, &[accepted], &given, SENT)
        else {
            panic!("accepted")
        };
        let expected = format!("The host was signed as `{signed}`, where `{accepted}` is expected{remedy}.");
        assert_eq!(reason, Some(expected));
    }
}

#[test]
fn a_host_not_in_lower_case() {
    let (secret, pairs) = (SecretKey::new(GUIDE), pairs(SENT));
    let given = hmac(Hash::Sha256, &correct_string(V2_SHA256).replace("localhost", "LocalHost"));
    let result = verify(&secret, V2_SHA256, &request("GET", "/", &pairs), &["LocalHost:8080"], &given, SENT);
    let VerificationResult::Invalid { explanation: reason, .. } = result else { panic!("accepted") };
    let expected = "The host was signed as `LocalHost:8080`, but has to be in lower case.";
    assert_eq!(reason.as_deref(), Some(expected));
}

#[test]
fn blanks_as_plus() {
    assert_replaced(
        "%20",
        "+",
        "The values were encoded with blanks as `+` instead of `%20` (first `CallerDescription`).",
    );
}

#[test]
fn the_other_hash() {
    assert_eq!(
        explain(V2_SHA256, &hmac(Hash::Sha1, &correct_string(V2_SHA256))).as_deref(),
        Some("HmacSHA1 was used, but the declared method is HmacSHA256.")
    );
    assert_eq!(
        explain(V2_SHA1, &hmac(Hash::Sha256, &correct_string(V2_SHA1))).as_deref(),
        Some("HmacSHA256 was used, but the declared method is HmacSHA1.")
    );
    assert_eq!(
        explain(Scheme::V1, &hmac(Hash::Sha256, &correct_string(Scheme::V1))).as_deref(),
        Some("HmacSHA256 was used, but signature version 1 goes with HmacSHA1.")
    );
}

#[test]
fn another_signature_version() {
    let version_1 = "The request was signed by the rules of version 1, but declares signature version 2.";
    assert_eq!(
        explain(V2_SHA256, &hmac(Hash::Sha1, &correct_string(Scheme::V1))).as_deref(),
        Some(version_1)
    );
    assert_eq!(
        explain(V2_SHA256, &hmac(Hash::Sha256, &correct_string(Scheme::V1))).as_deref(),
        Some(version_1)
    );
    let version_2 = "The request was signed by the rules of version 2, but declares signature version 1.";
    assert_explanation(Scheme::V1, &correct_string(V2_SHA1), version_2);
    assert_eq!(
        explain(Scheme::V1, &hmac(Hash::Sha256, &correct_string(V2_SHA256))).as_deref(),
        Some(version_2)
    );
}

#[test]
fn signature_version_0() {
    let given = hmac(Hash::Sha1, "Pay2009-10-07T11:20:33+00:00");
    for (scheme, declared) in [(V2_SHA256, 2), (V2_SHA1, 2), (Scheme::V1, 1)] {
        let expected = format!(
            "The request was signed by the rules of version 0 (Action and Timestamp only), but declares signature version {declared}."
        );
        assert_eq!(explain(scheme, &given), Some(expected));
    }
}

#[test]
fn sorted_ignoring_case() {
    let text = reordered(&["Action", "AWSAccessKeyId"]);
    let (head, line) = text.rsplit_once('\n').unwrap();
    let mut pairs: Vec<&str> = line.split('&').collect();
    pairs.sort_by_key(|pair| pair.to_ascii_lowercase());
    assert_explanation(
        V2_SHA256,
        &format!("{head}\n{}", pairs.join("&")),
        "The parameters were signed sorted ignoring case, not sorted by the bytes of their names (`AWSAccessKeyId` has to come before `Action`).",
    );
}

#[test]
fn in_the_order_of_arrival() {
    let sent = pairs(SENT);
    let names: Vec<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_explanation(
        V2_SHA256,
        &reordered(&names),
        "The parameters were signed in the order they were sent, not sorted by the bytes of their names (`AWSAccessKeyId` has to come before `Version`).",
    );
}

#[test]
fn version_1_sorted_by_bytes() {
    let correct = correct_string(Scheme::V1);
    let text = correct.replacen("ActionPay", "", 1).replace("EXAMPLE", "EXAMPLEActionPay");
    assert_explanation(
        Scheme::V1,
        &text,
        "The parameters were signed sorted by the bytes of their names, not sorted ignoring case (`Action` has to come before `AWSAccessKeyId`).",
    );
}

#[test]
fn version_1_with_encoded_values() {
    let mut text = String::new();
    percent_encode(&correct_string(Scheme::V1), &mut text);
    assert_explanation(
        Scheme::V1,
        &text,
        "The values were percent-encoded, but are signed as they are (first `CallerDescription`).",
    );
}

#[test]
fn hexadecimal_digits_in_lower_case() {
    let text = ["2B", "3A", "2F", "2A"].iter().fold(correct_string(V2_SHA256), |text, digits| {
        text.replace(&format!("%{digits}"), &format!("%{}", digits.to_ascii_lowercase()))
    });
    assert_explanation(
        V2_SHA256,
        &text,
        "The values were encoded with hexadecimal digits in lower case (first `CallerDescription`).",
    );
}

#[test]
fn a_tilde_encoded() {
    assert_replaced(
        "~",
        "%7E",
        "The values were encoded with `~` as `%7E` instead of left as it is (first `CallerDescription`).",
    );
}

#[test]
fn reserved_characters_left_as_they_are() {
    assert_replaced(
        "%2A",
        "*",
        "The values were encoded with `*` left as it is instead of `%2A` (first `CallerDescription`).",
    );
    assert_replaced(
        "%3A",
        ":",
        "The values were encoded with `:` left as it is instead of `%3A` (first `Timestamp`).",
    );
    let text = [("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*")]
        .iter()
        .fold(correct_string(V2_SHA256), |text, (from, to)| text.replace(from, to));
    assert_explanation(
        V2_SHA256,
        &text,
        "The values were encoded with `!` left as it is instead of `%21` and `'` left as it is instead of `%27` and `(` left as it is instead of `%28` and `)` left as it is instead of `%29` and `*` left as it is instead of `%2A` (first `CallerDescription`).",
    );
}

#[test]
fn encoded_like_a_form() {
    let text = correct_string(V2_SHA256).replace("%20", "+").replace('~', "%7E").replace("%2A", "*");
    assert_explanation(
        V2_SHA256,
        &text,
        "The values were encoded with blanks as `+` instead of `%20` and `~` as `%7E` instead of left as it is and `*` left as it is instead of `%2A` (first `CallerDescription`).",
    );
}

#[test]
fn not_encoded_at_all() {
    let text = percent_decode_str(&correct_string(V2_SHA256)).decode_utf8().unwrap().into_owned();
    assert_explanation(
        V2_SHA256,
        &text,
        "The values were signed without percent-encoding (first `CallerDescription`).",
    );
}

#[test]
fn encoded_twice_before_signing() {
    assert_replaced(
        "%",
        "%25",
        "The values were percent-encoded twice before signing (first `CallerDescription`).",
    );
}

#[test]
fn encoded_twice_when_sent() {
    let sent = SENT.replace('+', "%20").replace('%', "%25");
    assert_eq!(
        explain_sent(V2_SHA256, &sent, &hmac(Hash::Sha256, &correct_string(V2_SHA256))).as_deref(),
        Some("The values were percent-encoded twice when they were sent (first `CallerDescription`).")
    );
}

#[test]
fn signed_as_sent() {
    let head = format!("GET\n{}\n/\n", HOSTS[0]);
    assert_explanation(
        V2_SHA256,
        &format!("{head}{SENT}"),
        "The parameters were signed as they were sent, neither decoded nor encoded anew, and in the order they were sent.",
    );
    let mut sorted: Vec<&str> = SENT.split('&').collect();
    sorted.sort_unstable();
    assert_explanation(
        V2_SHA256,
        &format!("{head}{}", sorted.join("&")),
        "The parameters were signed as they were sent, neither decoded nor encoded anew, and sorted by the bytes of their names.",
    );
}

#[test]
fn a_plus_sent_unencoded() {
    let sent = SENT.replace('+', "%20").replace("33%2B00", "33+00");
    assert_eq!(
        explain_sent(V2_SHA256, &sent, &hmac(Hash::Sha256, &correct_string(V2_SHA256))).as_deref(),
        Some("A `+` in `Timestamp` was sent unencoded and arrived as a blank: encode it as %2B.")
    );
}

#[test]
fn the_other_verb() {
    assert_replaced("GET\n", "POST\n", "The verb was signed as `POST`, but the request came by GET.");
    assert_replaced("GET\n", "get\n", "The verb was signed as `get`, but the request came by GET.");
}

#[test]
fn another_path() {
    assert_replaced("\n/\n", "\n\n", "The path was signed as nothing, where `/` is expected.");
    let (secret, pairs) = (SecretKey::new(GUIDE), pairs(SENT));
    for (came, signed) in [
        ("/fps", "/"),
        ("/fps", "/fps/"),
        ("/fps/", "/fps"),
        ("/a%2Ab", "/a*b"),
        ("/a*b", "/a*b"),
        ("/a%2Ab", "/a%252Ab"),
    ] {
        let text = correct_string(V2_SHA256).replace("\n/\n", &format!("\n{signed}\n"));
        let request = request("GET", came, &pairs);
        let result = verify(&secret, V2_SHA256, &request, &HOSTS, &hmac(Hash::Sha256, &text), SENT);
        let VerificationResult::Invalid { explanation: reason, .. } = result else { panic!("accepted") };
        let came = came.replace('*', "%2A");
        let expected = format!("The path was signed as `{signed}`, where `{came}` is expected.");
        assert_eq!(reason, Some(expected));
    }
}

#[test]
fn the_signature_among_what_was_signed() {
    let sentence = "The Signature parameter itself was part of what was signed.";
    assert_replaced("&SignatureMethod", "&Signature=&SignatureMethod", sentence);
    let mut earlier = String::new();
    percent_encode(&hmac(Hash::Sha256, &correct_string(V2_SHA256)), &mut earlier);
    assert_replaced("&SignatureMethod", &format!("&Signature={earlier}&SignatureMethod"), sentence);
    let text = correct_string(V2_SHA256).replace("&SignatureMethod", "&Signature=old&SignatureMethod");
    let given = hmac(Hash::Sha256, &text);
    assert_eq!(explain_sent(V2_SHA256, &format!("{SENT}&Signature=old"), &given).as_deref(), Some(sentence));
    assert_explanation(
        Scheme::V1,
        &correct_string(Scheme::V1).replace("SignatureMethod", "SignatureSignatureMethod"),
        sentence,
    );
}

#[test]
fn a_parameter_that_was_not_signed() {
    assert_replaced(
        "&CallerReference=ref%201",
        "",
        "`CallerReference` was not among the parameters that were signed.",
    );
}

#[test]
fn a_line_break_at_the_end() {
    for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
        assert_explanation(scheme, &(correct_string(scheme) + "\n"), "A line break was signed at the end.");
    }
}

#[test]
fn a_signature_in_hexadecimal() {
    let tag = STANDARD.decode(hmac(Hash::Sha256, &correct_string(V2_SHA256))).unwrap();
    let hex = tag.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(
        explain(V2_SHA256, &hex).as_deref(),
        Some("The Signature was written in hexadecimal, where the base64 of the raw bytes is expected.")
    );
    assert_eq!(
        explain(V2_SHA256, &STANDARD.encode(hex)).as_deref(),
        Some(
            "The Signature is the base64 of hexadecimal digits, where the base64 of the raw bytes is expected."
        )
    );
}

/// A request whose correct signature contains `+` and `/`, and that signature.
fn with_plus() -> (String, String) {
    (0..1_000)
        .map(|number| format!("{SENT}&SenderReference={number}"))
        .map(|sent| {
            let pairs = pairs(&sent);
            let given = sign(&SecretKey::new(GUIDE), V2_SHA256, &request("GET", "/", &pairs), HOSTS[0]);
            (sent, given)
        })
        .find(|(_, given)| given.contains('+') && given.contains('/'))
        .unwrap()
}

#[test]
fn an_unencoded_plus_in_the_signature() {
    let (sent, given) = with_plus();
    let expected = "A `+` in the Signature arrived as a blank: encode + as %2B in the Signature parameter.";
    assert_eq!(explain_sent(V2_SHA256, &sent, &given.replace('+', " ")).as_deref(), Some(expected));
}

#[test]
fn a_signature_encoded_twice_or_otherwise_odd() {
    let (sent, given) = with_plus();
    let mut twice = String::new();
    percent_encode(&given, &mut twice);
    assert_eq!(
        explain_sent(V2_SHA256, &sent, &twice).as_deref(),
        Some("The Signature was percent-encoded twice when it was sent.")
    );
    assert_eq!(
        explain_sent(V2_SHA256, &sent, &given.replace('+', "-").replace('/', "_")).as_deref(),
        Some("The Signature is not in standard base64, which has `+` and `/`, and ends in `=`.")
    );
    assert_eq!(
        explain_sent(V2_SHA256, &sent, &given.replacen('/', "\n/", 1)).as_deref(),
        Some("The Signature has white space in it that is not part of its base64.")
    );
}

#[test]
fn not_a_signature_at_all() {
    assert_eq!(explain(V2_SHA256, "").as_deref(), Some("The Signature is empty."));
    assert_eq!(
        explain(V2_SHA256, "no signature!").as_deref(),
        Some(
            "The Signature is not base64: HmacSHA256 gives 44 characters of `A-Z a-z 0-9 + /` that end in `=`."
        )
    );
    assert_eq!(
        explain(V2_SHA1, "AAAA").as_deref(),
        Some("The Signature is the base64 of 3 bytes, but HmacSHA1 gives 20 bytes.")
    );
    assert_eq!(
        explain(V2_SHA256, &STANDARD.encode([7; 20])).as_deref(),
        Some("The Signature is the base64 of 20 bytes, but HmacSHA256 gives 32 bytes.")
    );
}

#[test]
fn two_mistakes_at_once() {
    let another = |host: &str| format!("\n{host}\n");
    let text = correct_string(V2_SHA256)
        .replace("\nlocalhost:8080\n", &another("fps.amazonaws.com"))
        .replace("%20", "+");
    assert_explanation(
        V2_SHA256,
        &text,
        "The host was signed as `fps.amazonaws.com`, where `localhost:8080` or `localhost` is expected (--host-alias takes another), and the values were encoded with blanks as `+` instead of `%20` (first `CallerDescription`).",
    );
    let text = correct_string(V2_SHA256).replace("\nlocalhost:8080\n", &another("127.0.0.1:8080"));
    assert_eq!(
        explain(V2_SHA256, &hmac(Hash::Sha1, &text)).as_deref(),
        Some(
            "HmacSHA1 was used, but the declared method is HmacSHA256, and the host was signed as `127.0.0.1:8080`, where `localhost:8080` or `localhost` is expected."
        )
    );
    let text = correct_string(V2_SHA256).replace("GET\n", "POST\n").replace('~', "%7E");
    assert_explanation(
        V2_SHA256,
        &text,
        "The verb was signed as `POST`, but the request came by GET, and the values were encoded with `~` as `%7E` instead of left as it is (first `CallerDescription`).",
    );
}

#[test]
fn huge_requests_are_not_searched() {
    let text = correct_string(V2_SHA256).replace("GET\n", "POST\n");
    let sent = format!("{SENT}&SenderDescription={}", "x".repeat(1 << 20));
    assert_eq!(explain_sent(V2_SHA256, &sent, &hmac(Hash::Sha256, &text)), None);
    let sent = format!("{SENT}{}", "&a=".repeat(1_000));
    assert_eq!(explain_sent(V2_SHA256, &sent, &hmac(Hash::Sha256, &text)), None);
}

#[test]
fn no_explanation_contains_the_secret() {
    for given in ["", "x", "AAAA", &hmac(Hash::Sha1, "x"), &hmac(Hash::Sha256, &correct_string(Scheme::V1))] {
        for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
            assert!(!explain(scheme, given).unwrap_or_default().contains(GUIDE));
        }
    }
}
