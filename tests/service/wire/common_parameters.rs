//! The parameters that all requests have: action, version, timestamp and signature.

use super::*;

#[tokio::test]
async fn versions_before_the_first_and_ill_formed_ones_are_invalid() {
    let server = Server::start().await;
    for version in
        ["2007-01-08", "2008-09-16", "2008-9-17", "20080917", "latest", "2008-13-01", "2010-08-28 "]
    {
        let response = send(&server, &balance_request().with_parameter("Version", version)).await;
        let text = format!(
            "Value ({version}) for parameter Version is invalid. Must be 2008-09-17 or a later date, such as \
             2010-08-28."
        );
        assert_refused(&response, 400, "InvalidParameterValue", &text);
    }
}

#[tokio::test]
async fn the_version_can_not_be_left_out() {
    let server = Server::start().await;
    for request in
        [balance_request().without_parameter("Version"), balance_request().with_parameter("Version", "")]
    {
        assert_refused(&send(&server, &request).await, 400, "InvalidParams", "version can not be empty ");
    }
}

#[tokio::test]
async fn the_action_has_to_be_there_and_be_known() {
    let server = Server::start().await;
    let missing = "The request must contain the parameter Action.";
    for request in
        [balance_request().without_parameter("Action"), balance_request().with_parameter("Action", "")]
    {
        assert_refused(&send(&server, &request).await, 400, "MissingAction", missing);
    }
    for name in ["getdebtbalance", "GetResults", "Pay "] {
        let response = send(&server, &balance_request().with_parameter("Action", name)).await;
        let text = format!("The action {name} is not valid for this web service.");
        assert_refused(&response, 400, "InvalidAction", &text);
    }
}

#[tokio::test]
async fn authentication_comes_before_everything_else() {
    let server = Server::start().await;
    let unsigned = send_raw(server.addr, get_request("Action=Nothing&Colour=red").as_bytes()).await;
    let text = "The request must be signed; AWSAccessKeyId is missing.";
    assert_refused(&unsigned, 403, "MissingAuthenticationToken", text);
    let nothing = send_raw(server.addr, get_request("").as_bytes()).await;
    assert_refused(&nothing, 403, "MissingAuthenticationToken", text);
}

#[tokio::test]
async fn the_action_comes_before_the_version_and_the_version_before_parameters() {
    let server = Server::start().await;
    let request = balance_request()
        .with_parameter("Action", "Nothing")
        .with_parameter("Version", "2007-01-08")
        .with_parameter("Colour", "red");
    assert_eq!(send(&server, &request).await.code(), "InvalidAction");
    let request = balance_request().with_parameter("Version", "2007-01-08").with_parameter("Colour", "red");
    assert_eq!(send(&server, &request).await.code(), "InvalidParameterValue");
}

/// Values that are not valid text: as bytes, and as sent.
const MALFORMED_VALUES: [(&[u8], &str); 5] =
    [(b"\xff", "%FF"), (b"caf\xe9", "caf%E9"), (b"\x01", "%01"), (b"%zz", "%zz"), (b"100%", "100%")];

/// A signature covers bytes, so it is checked before the encoding of the bytes.
#[tokio::test]
async fn authentication_comes_before_complaints_about_the_encoding() {
    let server = Server::start().await;
    for scheme in [Scheme::V2(Hash::Sha256), Scheme::V2(Hash::Sha1), Scheme::V1] {
        for (bytes, text) in MALFORMED_VALUES {
            let request = balance_request().with_scheme(scheme);
            let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = request
                .pairs
                .iter()
                .map(|(name, value)| (name.clone().into_bytes(), value.clone().into_bytes()))
                .collect();
            pairs.push((b"CallerDescription".to_vec(), bytes.to_vec()));
            let signable = Signable { verb: "GET", path: "/", pairs: &pairs, signature_name: "Signature" };
            let right = sign(&SecretKey::new(demo::SECRET), scheme, &signable, "localhost");
            let send_query = async |query: String| {
                let query = format!("{query}&CallerDescription={text}");
                send_raw(server.addr, get_request(&query).as_bytes()).await
            };
            let response = send_query(request.query_with_signature(&right)).await;
            assert_eq!(
                (response.status, response.code().as_str()),
                (400, "InvalidParams"),
                "{}",
                response.body
            );
            assert!(response.message().starts_with("The value of CallerDescription "), "{}", response.body);
            let response = send_query(request.query()).await;
            assert_eq!(response.code(), "SignatureDoesNotMatch", "{text}");
            let stranger = request.clone().with_parameter("AWSAccessKeyId", "NOBODY");
            assert_eq!(send_query(stranger.query()).await.code(), "InvalidClientTokenId");
            let unsigned = crate::support::encode_query(&request.pairs);
            assert_eq!(send_query(unsigned).await.code(), "MissingAuthenticationToken");
        }
    }
}

#[tokio::test]
async fn authentication_comes_before_all_other_complaints_about_parameters() {
    let server = Server::start().await;
    let many = "&P=x".repeat(300);
    for faults in [
        many.as_str(),
        "&Action=Pay",
        "&Version=",
        "&Timestamp=never",
        "&SignatureMethod=x",
        "&=",
        "&Signature=y",
    ] {
        let query = format!("{}{faults}", crate::support::encode_query(&balance_request().pairs));
        let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
        let unsigned =
            if faults == "&Signature=y" { "SignatureDoesNotMatch" } else { "MissingAuthenticationToken" };
        assert_eq!(response.code(), unsigned, "{faults}");
    }
    let wrong = |request: RequestBuilder| query_signed_by_stranger(request);
    for request in [
        balance_request().with_parameter("Timestamp", "never"),
        balance_request().with_parameter("Timestamp", "2002-01-01T00:00:00Z"),
        balance_request().with_parameter("Version", "1"),
        balance_request().with_parameter("Colour", "red"),
    ] {
        let response = send_raw(server.addr, get_request(&wrong(request)).as_bytes()).await;
        assert_eq!(response.code(), "SignatureDoesNotMatch");
    }
}

/// The query string of a request that is signed with another secret.
fn query_signed_by_stranger(mut request: RequestBuilder) -> String {
    request.secret.push('x');
    request.query()
}

#[tokio::test]
async fn timestamps_come_in_many_forms() {
    let server = Server::start().await;
    for timestamp in [
        "2012-06-01T12:00:00Z",
        "2012-06-01T12:00:00.000Z",
        "2012-06-01T12:00:00.123456Z",
        "2012-06-01T14:00:00+02:00",
        "2012-06-01T04:30:00.5-07:30",
        "2012-06-01T12:00:00",
    ] {
        let response = send(&server, &balance_request().with_parameter("Timestamp", timestamp)).await;
        assert_eq!(response.status, 200, "{timestamp}: {}", response.body);
    }
}

#[tokio::test]
async fn malformed_timestamps_are_refused_with_the_recorded_message() {
    let server = Server::start().await;
    for timestamp in [
        "2010-02-26 T19:48:05.000Z",
        "2012-06-01 12:00:00Z",
        "2012-06-01T11:59:60Z",
        "2012-06-01T+1:00:00Z",
        "2012-06-01T12:00:00+0000",
        "2012-06-01",
        "1338552000",
        "2012-13-01T12:00:00Z",
        "now",
        "",
    ] {
        let response = send(&server, &balance_request().with_parameter("Timestamp", timestamp)).await;
        let text =
            format!("Value ({timestamp}) for parameter Timestamp is invalid. Must be in ISO8601 format.");
        assert_refused(&response, 400, "InvalidParameterValue", &text);
    }
    let response = send(&server, &balance_request().without_parameter("Timestamp")).await;
    let text = "Value () for parameter Timestamp is invalid. Must be in ISO8601 format.";
    assert_refused(&response, 400, "InvalidParameterValue", text);
}

#[tokio::test]
async fn the_window_is_fifteen_minutes_either_way_on_the_sandbox_clock() {
    let server = Server::start().await;
    let send_query = async |timestamp: &str| {
        send(&server, &balance_request().with_parameter("Timestamp", timestamp)).await
    };
    for edge in ["2012-06-01T11:45:00.000Z", "2012-06-01T12:15:00.000Z"] {
        assert_ok(&send_query(edge).await);
    }
    for beyond in ["2012-06-01T11:44:59.999Z", "2012-06-01T12:15:00.001Z"] {
        let text = format!("Request has expired. Timestamp date is {beyond}");
        let response = send_query(beyond).await;
        assert_eq!((response.status, response.code().as_str()), (400, "RequestExpired"));
        assert!(response.message().starts_with(&text), "{}", response.message());
    }
    // The window moves with the clock of the sandbox.
    server.advance(Duration::from_millis(1)).await;
    assert_ok(&send_query("2012-06-01T12:15:00.001Z").await);
    assert_eq!(send_query("2012-06-01T11:45:00.000Z").await.code(), "RequestExpired");
}

#[tokio::test]
async fn the_window_is_as_wide_as_configured() {
    let narrow = Config { timestamp_window: TimestampWindow(Some(Duration::from_secs(1))), ..config() };
    let server = Server::start_with(narrow).await;
    let send_query = async |timestamp: &str| {
        send(&server, &balance_request().with_parameter("Timestamp", timestamp)).await
    };
    assert_ok(&send_query("2012-06-01T12:00:01Z").await);
    assert_eq!(send_query("2012-06-01T12:00:01.001Z").await.code(), "RequestExpired");
}

#[tokio::test]
async fn signature_versions_are_2_and_1() {
    let server = Server::start().await;
    for version in ["0", "3", "two", ""] {
        let response = send(&server, &balance_request().with_parameter("SignatureVersion", version)).await;
        let text = format!("Value ({version}) for parameter SignatureVersion is invalid. Must be 2 or 1.");
        assert_refused(&response, 400, "InvalidParameterValue", &text);
    }
    let response = send(&server, &balance_request().without_parameter("SignatureVersion")).await;
    let text = "Value () for parameter SignatureVersion is invalid. Must be 2 or 1.";
    assert_refused(&response, 400, "InvalidParameterValue", text);
}

#[tokio::test]
async fn a_version_that_the_configuration_leaves_out_is_refused() {
    for (versions, refused, taken) in
        [(vec![2], Scheme::V1, Scheme::V2(Hash::Sha256)), (vec![1], Scheme::V2(Hash::Sha1), Scheme::V1)]
    {
        let server = Server::start_with(Config { signature_versions: versions, ..config() }).await;
        assert_ok(&send(&server, &balance_request().with_scheme(taken)).await);
        let number = if refused == Scheme::V1 { 1 } else { 2 };
        let text = format!(
            "Value ({number}) for parameter SignatureVersion is invalid. Requests signed by version {number} are not \
             accepted any more; sign by another version (--signature-versions)."
        );
        let response = send(&server, &balance_request().with_scheme(refused)).await;
        assert_refused(&response, 400, "InvalidParameterValue", &text);
    }
}

#[tokio::test]
async fn version_2_names_one_of_two_methods() {
    let server = Server::start().await;
    for method in ["HmacMD5", "hmacsha256", ""] {
        let response = send(&server, &balance_request().with_parameter("SignatureMethod", method)).await;
        let text = format!(
            "Value ({method}) for parameter SignatureMethod is invalid. Must be HmacSHA256 or HmacSHA1."
        );
        assert_refused(&response, 400, "InvalidParameterValue", &text);
    }
    assert_ok(&send(&server, &balance_request().with_scheme(Scheme::V2(Hash::Sha1))).await);
    assert_ok(&send(&server, &balance_request().with_scheme(Scheme::V2(Hash::Sha256))).await);
}

#[tokio::test]
async fn version_1_needs_no_method_and_covers_neither_host_nor_verb() {
    let server = Server::start().await;
    let request = balance_request().with_scheme(Scheme::V1);
    assert_ok(&send(&server, &request).await);
    let query = request.query();
    assert_ok(&server.send_raw(&request_bytes("GET", "elsewhere.test", &query)).await);
    assert_ok(&server.send_raw(&request_bytes("POST", "elsewhere.test", &query)).await);
}
