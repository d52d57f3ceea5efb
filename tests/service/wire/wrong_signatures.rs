//! The explanations of wrong signatures.

use super::*;

const PREFIX: &str = "The request signature we calculated does not match the signature you provided. ";

fn assert_reason(response: &Response, reason: &str) {
    assert_refused(response, 403, "SignatureDoesNotMatch", &format!("{PREFIX}{reason}"));
}

#[tokio::test]
async fn another_host() {
    let server = Server::start().await;
    let query = balance_request().with_host("merchant.test").query();
    let response = server.send_raw(&request_bytes("GET", "localhost:8008", &query)).await;
    assert_eq!((response.status, response.code().as_str()), (403, "SignatureDoesNotMatch"));
    // An unexpected host cannot be identified; the message lists the hosts that were tried.
    assert!(response.message().starts_with(PREFIX), "{}", response.body);
    for part in ["`localhost:8008`", "`localhost`", "`fps.amazonaws.com`", "--host-alias"] {
        assert!(response.message().contains(part), "no {part}: {}", response.message());
    }
    let query = balance_request().with_host("authorize.payments.amazon.com").query();
    let response = server.send_raw(&request_bytes("GET", "localhost:8008", &query)).await;
    let reason = response.message();
    assert!(reason.contains("The host was signed as `authorize.payments.amazon.com`, where "), "{reason}");
    assert!(reason.contains("`localhost:8008`"), "{reason}");
}

#[tokio::test]
async fn plus_signed_for_a_blank() {
    let server = Server::start().await;
    let request = payment_request("a b");
    // The client signed the blank as `+` instead of `%20`.
    let to_sign = fps_sandbox::signature::string_to_sign(
        request.scheme,
        &fps_sandbox::signature::Signable {
            verb: "GET",
            path: "/",
            pairs: &request.pairs,
            signature_name: "Signature",
        },
        "localhost",
    );
    let signature = hmac_sha256(demo::SECRET, &to_sign.replace("a%20b", "a+b"));
    let response =
        send_raw(server.addr, get_request(&request.query_with_signature(&signature)).as_bytes()).await;
    assert_eq!(response.code(), "SignatureDoesNotMatch");
    assert!(response.message().contains("`+`"), "{}", response.message());
}

fn hmac_sha256(secret: &str, text: &str) -> String {
    use base64::Engine as _;
    use hmac::{KeyInit, Mac};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any key will do");
    mac.update(text.as_bytes());
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_plus_in_the_signature_arrived_as_a_blank() {
    let server = Server::start().await;
    // Every other signature has a `+` in it.
    let request = (0..1000)
        .map(|number| payment_request(&format!("r{number}")))
        .find(|request| request.signature().contains('+'))
        .expect("one in two has");
    let query = request.query().replace("%2B", "+");
    let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
    assert_reason(
        &response,
        "A `+` in the Signature arrived as a blank: encode + as %2B in the Signature parameter.",
    );
}

#[tokio::test]
async fn another_hash() {
    let server = Server::start().await;
    let mut request = balance_request();
    request.scheme = Scheme::V2(Hash::Sha1);
    let response = send(&server, &request).await;
    assert_reason(&response, "HmacSHA1 was used, but the declared method is HmacSHA256.");
}

#[tokio::test]
async fn another_verb() {
    let server = Server::start().await;
    let query = balance_request().with_verb("POST").query();
    let response = server.send_raw(&request_bytes("GET", "localhost", &query)).await;
    assert_reason(&response, "The verb was signed as `POST`, but the request came by GET.");
}

#[tokio::test]
async fn a_parameter_added_after_signing() {
    let server = Server::start().await;
    let response =
        send_raw(server.addr, get_request(&format!("{}&Colour=red", balance_request().query())).as_bytes())
            .await;
    assert_reason(&response, "`Colour` was not among the parameters that were signed.");
}

/// A recorded client signs first and then adds the parameters of the signature.
#[tokio::test]
async fn parameters_of_the_protocol_added_after_signing() {
    let server = Server::start().await;
    let unsigned =
        balance_request().without_parameter("SignatureVersion").without_parameter("SignatureMethod");
    let query = balance_request().query_with_signature(&unsigned.signature());
    let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
    assert_reason(
        &response,
        "`SignatureVersion` and `SignatureMethod` were not among the parameters that were signed.",
    );
    let bare = unsigned
        .without_parameter("Timestamp")
        .without_parameter("Version")
        .without_parameter("AWSAccessKeyId");
    let query = balance_request().query_with_signature(&bare.signature());
    let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
    assert_reason(
        &response,
        "`AWSAccessKeyId`, `Version`, `Timestamp`, `SignatureVersion` and `SignatureMethod` were not among the \
         parameters that were signed.",
    );
}

#[tokio::test]
async fn another_secret_has_no_reason_but_advice() {
    let server = Server::start().await;
    let mut request = balance_request();
    request.secret.make_ascii_lowercase();
    let advice =
        "No usual mistake explains it: check the secret key, and that nothing was changed after signing.";
    let hosts = format!(
        "The hosts tried are `localhost`, `127.0.0.1:{}`, `fps.sandbox.amazonaws.com` and `fps.amazonaws.com`; if \
         the client signs another one, name it by --host-alias.",
        server.addr.port()
    );
    assert_reason(&send(&server, &request).await, &format!("{advice} {hosts}"));
    // Version 1 does not sign the host.
    assert_reason(&send(&server, &request.with_scheme(Scheme::V1)).await, advice);
}

#[tokio::test]
async fn malformed_signatures() {
    let server = Server::start().await;
    for signature in ["x", "====", "AAAA", "é", &"A".repeat(5000), "' OR 1=1 --"] {
        let response =
            send_raw(server.addr, get_request(&balance_request().query_with_signature(signature)).as_bytes())
                .await;
        assert_eq!(
            (response.status, response.code().as_str()),
            (403, "SignatureDoesNotMatch"),
            "{signature}"
        );
    }
}

#[tokio::test]
async fn no_answer_gives_the_secret_or_the_right_signature_away() {
    let server = Server::start_with(Config { auth: AuthMode::Lenient, ..config() }).await;
    let strict = Server::start().await;
    let mut other_hash = balance_request();
    other_hash.scheme = Scheme::V2(Hash::Sha1);
    let right = balance_request().signature();
    let requests = [
        get_request(&balance_request().query()),
        get_request(&balance_request().query_with_signature("AAAA")),
        get_request(&balance_request().query_with_signature(&right.to_lowercase())),
        get_request(&other_hash.query()),
        get_request(&balance_request().with_host("authorize.payments.amazon.com").query()),
        get_request(&crate::support::encode_query(&balance_request().pairs)),
        get_request(&balance_request().with_parameter("AWSAccessKeyId", demo::SECRET).query()),
    ];
    for request in &requests[..6] {
        for at in [server.addr, strict.addr] {
            let response = send_raw(at, request.as_bytes()).await;
            let whole = format!("{}\n{}", response.head, response.body);
            assert!(!whole.contains(demo::SECRET), "{whole}");
            assert!(!whole.contains(&right), "{whole}");
        }
    }
    // The secret is not repeated either when a client sends it as its access key.
    let response = send_raw(strict.addr, requests[6].as_bytes()).await;
    assert_eq!(response.code(), "InvalidClientTokenId");
    assert!(!response.body.contains(demo::SECRET), "{}", response.body);
}
