//! VerifySignature, with messages that FPS itself signed, as published by merchants and in the samples of Amazon.

use std::sync::Arc;

use crate::support::request_builder::RequestBuilder;
use crate::support::{NOW, Response, Server, config, demo, encode_query, get_request, send_raw};
use fps_sandbox::config::{AuthMode, Config, FileOnlySettings, VerifySignatureRefusal};
use fps_sandbox::message_signing::MessageSigner;
use fps_sandbox::random::RequestIdGenerator;
use fps_sandbox::signature::{Scheme, percent_encode};
use fps_sandbox::signature::{TrustedRsaKey, TrustedRsaKeys};

/// The keys of Amazon's sandbox (2009 to 2012) and of production. The moduli were computed from the signatures.
const SANDBOX: &str = "https://fps.sandbox.amazonaws.com/certs/090911/PKICert.pem";
const SANDBOX_MODULUS: &str = "b32cfe0f97be4a244ec9441acb3622c3d244b535b94f0bf777bc0b0242a27bdb141978625ce2151faf308879d69b85bea52a4787eb2d450b9bb6f1314711a49965ea8fc723c8241a0db7c2f5fae22b3dad8e3b11485184241bc532dd81b0d24646a0722e1b24b73a58e0ea5a0370d65289d5c88e69eaa1d9eb01f98f4fce7df3";
const PRODUCTION: &str = "https://fps.amazonaws.com/certs/090909/PKICert.pem";
const PRODUCTION_MODULUS: &str = "d398c3461cacc92f11795e344fa8367a9ed3e4f769b119fedbba804387cc4d9f04dbd948623271e98b94eab779ea204347f931956ffdc5bb1d0bb8e0261ebf6cc8e05a917bc665fd46323339539c595b04c3847de1a1e2fbe5ee3bd7b064f0e7671ffb7294ffffcb39cf825d910ef80363c66da39a648dbaf6bf0fbe25f01dc51437ca5b0dea9769902964cde9c01d4a1f2b076095c7d13012c44bc5617b687aad049af660288c22e44cf80a0dc0d82868516336cb811cb7b7edd8b8a8b09b532abc797c6d32b5b329d0061c52fcc1ec4e90dd1a0dfff1fa2ea0a1b7bc10f49451a63df7304e2e3d498add9a6fbe6b41231faded1dd51691668ebb4387b07d59";

/// A message that FPS signed.
pub(crate) struct SignedMessage {
    pub(crate) endpoint: &'static str,
    pub(crate) parameters: &'static [(&'static str, &'static str)],
}

pub(crate) const POSTPAID: SignedMessage = SignedMessage {
    endpoint: "http://momeant.dev/fund/accept-postpaid",
    parameters: &[
        (
            "certificateUrl",
            "https://fps.sandbox.amazonaws.com/certs/090911/PKICert.pem?requestId=1mibf30suu4kx9ssye1joafw1mjjdejt45oc7v86z5hifxn41k",
        ),
        ("creditInstrumentID", "I7GIB3T2Q8EU2ZK9CBAI31FJXY9DB7G2F8QF78HCDA7VM3MB6QTQFQTFHZZGD3DG"),
        ("creditSenderTokenID", "I5GIP372QXEV2ZA9JBAQ3FFJ3YQDB2GBF8TF68H8D37VL3LB6VTJFQ4F9ZZ6DZDK"),
        ("expiry", "02/2017"),
        ("settlementTokenID", "I1GII3G2QUE82ZI9DBA534FJNYZDB7G8F8JFS8HHDC7VL36B6BT3FQ9FJZZFDKD6"),
        ("signatureMethod", "RSA-SHA1"),
        ("signatureVersion", "2"),
        ("status", "SC"),
        (
            "signature",
            "VztSCPvJH0s1Hgg7TvLEDB5hF7R3VIXO12BRzuihITwakjzUQlXOyLDUbsbi4ct9YCkyColoUndZ\noNlV2mUb+RFC6ixatKuUUDjIxOD07Awh7SClNzk4vxVIRouZeP5ROAZpm33tvRnH66XHr/EvqdW/\n6NzAw0HOgVFAeRyvixo=",
        ),
    ],
};

/// A return URL that reports an error of the caller.
const CALLER_ERROR: SignedMessage = SignedMessage {
    endpoint: "http://momeant.dev/fund/accept-postpaid",
    parameters: &[
        (
            "certificateUrl",
            "https://fps.sandbox.amazonaws.com/certs/090911/PKICert.pem?requestId=1mibf30suu4kx9ssye1joafw1mjjdejt45oc7v86z5hifxn41k",
        ),
        ("errorMessage", "The following input(s) are not well formed:[callerReferenceSettlement]"),
        ("signatureMethod", "RSA-SHA1"),
        ("signatureVersion", "2"),
        ("status", "CE"),
        (
            "signature",
            "nnY+dk1+E+WdFk7+2PLCXpbuEb5ZqLfXt9l+RdcalZsRZ7OMoChwjp008+fpiuzmgLLjiC0riC77\nua7C36JbbkdlsOflgJOppnvQrylDfvWTVoPYQ2eg0CiuMdQqGqx6NpLsz4ZUuscognGn/xoHXD4n\nNuAxpMkp5Qd4ZguC+sU=",
        ),
    ],
};

/// A return URL whose endpoint has a port.
const MULTI_USE: SignedMessage = SignedMessage {
    endpoint: "http://127.0.0.1:3999/contributions/save",
    parameters: &[
        ("callerReference", "c5b2c519-2b55-4fdd-83e1-2fff1238f51a"),
        (
            "certificateUrl",
            "https://fps.sandbox.amazonaws.com/certs/090911/PKICert.pem?requestId=bjzj0tpgedksa8xv8c5jns5i4d7ugwehryvxtzspigd3omooy0j",
        ),
        ("expiry", "10/2017"),
        ("signatureMethod", "RSA-SHA1"),
        ("signatureVersion", "2"),
        ("status", "SC"),
        ("tokenID", "I7TRIVD1A1ABBN6Z5JIP3MUP6XLCXADCIDER9MMKUM6DTJ4ZD2DUKDSEHBDFQNBH"),
        (
            "signature",
            "oqf/HV3gxQpVi1nwDGdYaSzNO5XvikEypZi82M5/Z0mQaj5KNH7v6XB3XtNatXEZYdYiTbjCjZu2\n4X8W6BZ6mEvQXEgAsgr/q6vpm+kfdk1wFiV4Ho2lAkAzF93tBbLg12GIVQpETuQ8h6aTWUIy9Y01\n1P+fPYDznVrapsdmy8s=",
        ),
    ],
};

/// A notification, which is signed as a POST.
const NOTIFICATION: SignedMessage = SignedMessage {
    endpoint: "http://www.mysite.com/ipn.jsp",
    parameters: &[
        ("buyerName", "BuyerName-SsUo3oDjHx"),
        ("callerReference", "callerReference=ReferenceStringJYI1251832057319108"),
        ("certificateUrl", "https://fps.amazonaws.com/certs/090909/PKICert.pem"),
        ("notificationType", "TransactionStatus"),
        ("operation", "PAY"),
        ("paymentMethod", "CC"),
        ("paymentReason", "DescriptionString-1251832057319108"),
        ("recipientEmail", "recipientemail@amazon.com"),
        ("signatureMethod", "RSA-SHA1"),
        ("signatureVersion", "2"),
        ("status", "INITIATED"),
        ("transactionAmount", "USD 1.00"),
        ("transactionDate", "1251832057"),
        ("transactionId", "14DRG2JGR7LK4J54P544DKKNDLQFFZLE323"),
        (
            "signature",
            "vKXXCbtxvSkRR+Zn8YNW6DNGpbi474h2iM4L+xaOi16kYKdYpuGbvKyXQ36uTZTVHdUGAAcvpXFLwDfnTcqcckr2IUElrVJKQeT0WeWR+IqmABwSRGo+YqjzPNISSNXNzg6LFhouhUvmmwY15X3YgXfcERN5IhPwv04YkyCLPCA9P0/QgD8Jum/hc9jj0HYjj3s3MuuQ3yoIhf2x+2CBZRm5lslRqnoF/8OJ1ZHmAHt9VvQSZ+QC3fwJgeqzJPAvtuOm930BP6hPYZVhXE5w7ByLt0qLk1ZFE/vzQ4io4vOyie6Wbhp5+AuNyAs+QrGMYO8VZruZJfkZO4b6QOgV2A==",
        ),
    ],
};

/// A return URL that reports a failure, with blanks and a colon in its parameters.
const NOT_PAID: SignedMessage = SignedMessage {
    endpoint: "http://localhost:3000/receive_amazon_fps_token",
    parameters: &[
        (
            "certificateUrl",
            "https://fps.sandbox.amazonaws.com/certs/090911/PKICert.pem?requestId=bjykc5z7jagpe7o43lwji2gv1tsa30s4fpgbsfpvd8gh87p4jle",
        ),
        ("errorMessage", "User Error: The pipeline was aborted and restarted"),
        ("signatureMethod", "RSA-SHA1"),
        ("signatureVersion", "2"),
        ("status", "NP"),
        (
            "signature",
            "oNs5QXJdeQ1u2EqHgtlMPrgHhKEmUh8kOPi5+CB1j9pqf6SwbCBSfF7nLjbBxskzRgrybvQCpQ6q\niLKtSwmRO3DYYTJmgIoe2ZJ9ptJOtD/UY0en/yP5V5dcJCPjThjEbJ/PPZxEdRQLsM4LyRzmH/OE\ng3ChqhtVADbI+0/20Fk=",
        ),
    ],
};

const MESSAGES: &[SignedMessage] = &[POSTPAID, CALLER_ERROR, MULTI_USE, NOT_PAID, NOTIFICATION];

/// A configuration that trusts both keys.
pub(crate) fn config_with_trusted_keys() -> Config {
    let key = |url: &str, modulus: &str| TrustedRsaKey {
        certificate_url: url.to_owned(),
        modulus: modulus.to_owned(),
        exponent: "010001".to_owned(),
    };
    let trusted_key = vec![key(SANDBOX, SANDBOX_MODULUS), key(PRODUCTION, PRODUCTION_MODULUS)];
    Config { file_only: FileOnlySettings { trusted_key, ..FileOnlySettings::default() }, ..config() }
}

/// Starts a sandbox that trusts both keys.
async fn server() -> Server {
    Server::start_with(config_with_trusted_keys()).await
}

/// The parameters with their encoding.
pub(crate) fn wire(parameters: &[(&str, &str)]) -> String {
    let owned: Vec<_> = parameters.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    encode_query(&owned)
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    percent_encode(text, &mut encoded);
    encoded
}

/// The unsigned request that the utilities of Amazon (2010) send.
fn unsigned(endpoint: &str, parameters: &str) -> String {
    let parameters = encoded(parameters);
    format!("Action=VerifySignature&UrlEndPoint={endpoint}&HttpParameters={parameters}&Version=2010-08-28")
}

async fn verified(server: &Server, endpoint: &str, parameters: &str) -> String {
    let response =
        send_raw(server.addr, get_request(&unsigned(&encoded(endpoint), parameters)).as_bytes()).await;
    status_or_code(&response)
}

/// The error code for a wrong signature.
const REFUSED: &str = "InvalidSignature";

/// The status, found as the utilities of Amazon find it, by its literal text; or the error code.
fn status_or_code(response: &Response) -> String {
    if response.body.contains("<VerificationStatus>Success</VerificationStatus>") {
        "Success".to_owned()
    } else if response.body.contains("<VerificationStatus>Failure</VerificationStatus>") {
        "Failure".to_owned()
    } else {
        response.code()
    }
}

#[tokio::test]
async fn what_fps_signed_is_verified_with_its_parameters_in_any_order() {
    let server = server().await;
    for message in MESSAGES {
        let mut parameters = message.parameters.to_vec();
        for _ in 0..parameters.len() {
            parameters.rotate_left(1);
            assert_eq!(verified(&server, message.endpoint, &wire(&parameters)).await, "Success");
        }
        parameters.reverse();
        assert_eq!(verified(&server, message.endpoint, &wire(&parameters)).await, "Success");
    }
    server.stop().await;
}

#[tokio::test]
async fn any_change_to_a_message_or_its_endpoint_makes_its_signature_wrong() {
    let server = server().await;
    for message in MESSAGES {
        for place in 0..message.parameters.len() {
            let (name, value) = message.parameters[place];
            if ["certificateUrl", "signature"].contains(&name) {
                continue;
            }
            let changed = format!("{value}0");
            let mut parameters = message.parameters.to_vec();
            parameters[place] = (name, &changed);
            assert_eq!(
                verified(&server, message.endpoint, &wire(&parameters)).await,
                REFUSED,
                "another {name}"
            );
            parameters.remove(place);
            assert_eq!(verified(&server, message.endpoint, &wire(&parameters)).await, REFUSED, "no {name}");
        }
        let more = [message.parameters, &[("extra", "1")]].concat();
        assert_eq!(verified(&server, message.endpoint, &wire(&more)).await, REFUSED);
        let slash = format!("{}/", message.endpoint);
        assert_eq!(verified(&server, &slash, &wire(message.parameters)).await, REFUSED);
        let port = message
            .endpoint
            .replacen(".com", ".com:81", 1)
            .replacen(":3999", ":3998", 1)
            .replacen(":3000", ":3001", 1)
            .replacen(".dev", ".dev:81", 1);
        assert_eq!(verified(&server, &port, &wire(message.parameters)).await, REFUSED);
    }
    server.stop().await;
}

/// Variants: the host in capitals, the default port, the base64 on one line or with `+` turned into blanks.
#[tokio::test]
async fn the_encoding_of_a_message_makes_no_difference() {
    let server = server().await;
    for endpoint in ["http://MOMEANT.dev/fund/accept-postpaid", "http://momeant.dev:80/fund/accept-postpaid"]
    {
        assert_eq!(verified(&server, endpoint, &wire(POSTPAID.parameters)).await, "Success", "{endpoint}");
    }
    let sent = wire(POSTPAID.parameters);
    for other in [
        sent.replace("%0A", ""),
        sent.replace("%0A", "%0D%0A"),
        sent.replace("%2B", "+"),
        sent.replace("%2F", "/"),
    ] {
        assert_ne!(other, sent);
        assert_eq!(verified(&server, POSTPAID.endpoint, &other).await, "Success", "{other}");
    }
    server.stop().await;
}

#[tokio::test]
async fn unsigned_requests_may_leave_the_endpoint_as_it_is_and_come_by_get_or_post() {
    let server = server().await;
    let query = unsigned(POSTPAID.endpoint, &wire(POSTPAID.parameters));
    assert_eq!(status_or_code(&send_raw(server.addr, get_request(&query).as_bytes()).await), "Success");
    let post = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{query}",
        query.len()
    );
    assert_eq!(status_or_code(&send_raw(server.addr, post.as_bytes()).await), "Success");
    server.stop().await;
}

/// The signature of the request may be correct, wrong, for another verb, or by an unknown key.
#[tokio::test]
async fn the_signature_of_the_request_itself_is_not_checked() {
    for auth in [AuthMode::Strict, AuthMode::Lenient, AuthMode::Off] {
        let server = Server::start_with(Config { auth, ..config_with_trusted_keys() }).await;
        let parameters = wire(POSTPAID.parameters);
        let parameters = [("UrlEndPoint", POSTPAID.endpoint), ("HttpParameters", parameters.as_str())];
        let signed = |key, secret| RequestBuilder::new(key, secret, NOW, "VerifySignature", &parameters);
        let right = signed(demo::KEY, demo::SECRET);
        for request in [
            right.clone(),
            signed(demo::KEY, "another secret"),
            signed("NOBODY", "another secret"),
            right.clone().with_parameter("Timestamp", "2002-01-01T00:00:00Z"),
            right.clone().with_parameter("Timestamp", "yesterday"),
            right.clone().with_scheme(Scheme::V1),
            right.clone().with_parameter("SignatureVersion", "7"),
            right.clone().without_parameter("AWSAccessKeyId"),
        ] {
            let response = send_raw(server.addr, get_request(&request.query()).as_bytes()).await;
            assert_eq!(status_or_code(&response), "Success", "{request:?}");
            assert!(!response.head.to_lowercase().contains("x-sandbox-signature"), "{}", response.head);
            let wrong = request.with_parameter("UrlEndPoint", "http://momeant.dev/elsewhere");
            assert_eq!(
                status_or_code(&send_raw(server.addr, get_request(&wrong.query()).as_bytes()).await),
                REFUSED
            );
        }
        // A shopping cart in production signed for POST and sent by GET.
        let post = right.clone().with_verb("POST").query();
        assert_eq!(status_or_code(&send_raw(server.addr, get_request(&post).as_bytes()).await), "Success");
        server.stop().await;
    }
}

#[tokio::test]
async fn a_wrong_signature_is_answered_as_recorded_or_as_the_guide_says() {
    let with = |name: &str, value: &'static str| {
        let replaced = |&(known, given): &(&'static str, &'static str)| {
            (known, if known == name { value } else { given })
        };
        wire(&POSTPAID.parameters.iter().map(replaced).collect::<Vec<_>>())
    };
    for (verify_signature_refusal, answer) in
        [(VerifySignatureRefusal::Error, REFUSED), (VerifySignatureRefusal::Failure, "Failure")]
    {
        let server =
            Server::start_with(Config { verify_signature_refusal, ..config_with_trusted_keys() }).await;
        for (parameters, expected) in [
            (with("certificateUrl", "https://fps.sandbox.amazonaws.com/certs/090910/PKICert.pem"), answer),
            (with("certificateUrl", "https://example.com/PKICert.pem"), answer),
            (with("certificateUrl", "http://127.0.0.1:9/never-fetched.pem"), answer),
            (with("certificateUrl", "no URL"), answer),
            (with("certificateUrl", PRODUCTION), answer),
            (with("signature", "eA=="), answer),
            (with("signature", "no base64!"), answer),
            (with("signature", ""), answer),
            (with("status", "SC") + "&extra=1", answer),
            (with("status", "SC") + "&extra=%zz", answer),
            (with("status", "SC") + "&extra=%FF", answer),
            (with("certificateUrl", ""), "InvalidParams"),
        ] {
            assert_eq!(verified(&server, POSTPAID.endpoint, &parameters).await, expected, "{parameters}");
        }
        server.stop().await;
    }
    let server = server().await;
    let wrong = encoded(&wire(MULTI_USE.parameters));
    let query = format!(
        "Action=VerifySignature&UrlEndPoint=http%3A%2F%2Fmomeant.dev%2F&HttpParameters={wrong}&Version=2008-09-17"
    );
    let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
    assert_eq!((response.status, response.code().as_str()), (400, REFUSED));
    assert_eq!(
        response.message(),
        "The request signature we calculated does not match the signature you provided."
    );
    server.stop().await;
}

#[tokio::test]
async fn an_endpoint_that_is_no_http_url_is_refused() {
    let server = server().await;
    for endpoint in [
        "momeant.dev/fund/accept-postpaid",
        "/fund/accept-postpaid",
        "//momeant.dev/fund/accept-postpaid",
        "http:momeant.dev/fund/accept-postpaid",
        "http:///momeant.dev/fund/accept-postpaid",
        "http://",
        "ftp://momeant.dev/fund/accept-postpaid",
        "javascript://momeant.dev/fund/accept-postpaid",
        " http://momeant.dev/fund/accept-postpaid",
        "NONE",
    ] {
        let query = unsigned(&encoded(endpoint), &wire(POSTPAID.parameters));
        let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
        assert_eq!((response.status, response.code().as_str()), (400, "InvalidParams"), "{endpoint}");
        assert_eq!(response.message(), format!("{endpoint} is an invalid URL"));
    }
    server.stop().await;
}

/// A receiver passes the URL to which a notification was posted, including its query. The signature covers the form only.
#[tokio::test]
async fn the_query_of_an_endpoint_is_not_signed() {
    let server = server().await;
    let endpoint = format!("{}?wc-api=wc_gateway_amazon_fps", NOTIFICATION.endpoint);
    assert_eq!(verified(&server, &endpoint, &wire(NOTIFICATION.parameters)).await, "Success");
    let with_query = [&[("wc-api", "wc_gateway_amazon_fps")], NOTIFICATION.parameters].concat();
    assert_eq!(verified(&server, &endpoint, &wire(&with_query)).await, REFUSED);
    server.stop().await;
}

#[tokio::test]
async fn a_message_of_the_sandbox_to_an_endpoint_with_a_query_is_verified() {
    let server = server().await;
    let ids = RequestIdGenerator::new(Some(1));
    let message_signer = Arc::new(MessageSigner::new(TrustedRsaKeys::default(), server.store.clone()));
    let endpoint: url::Url = "http://shop.test:3000/?wc-api=fps&x=1".parse().expect("a URL");
    let sent = [("status".to_owned(), "SC".to_owned()), ("note".to_owned(), "a b+c".to_owned())];
    // The signature of a notification covers its form.
    let mut form = sent.to_vec();
    message_signer.sign("POST", &endpoint, "http://localhost", &ids, &mut form).await.expect("it is signed");
    assert_eq!(verified(&server, endpoint.as_str(), &encode_query(&form)).await, "Success");
    // The signature of a return URL covers its whole query.
    let mut added = sent.to_vec();
    message_signer.sign("GET", &endpoint, "http://localhost", &ids, &mut added).await.expect("it is signed");
    let query = format!("wc-api=fps&x=1&{}", encode_query(&added));
    assert_eq!(verified(&server, "http://shop.test:3000/", &query).await, "Success");
    assert_eq!(verified(&server, endpoint.as_str(), &query).await, "Success");
    assert_eq!(verified(&server, endpoint.as_str(), &encode_query(&added)).await, REFUSED);
    server.stop().await;
}
