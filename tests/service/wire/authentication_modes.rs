//! The modes of authentication: strict, lenient and off.

use super::*;

async fn server(auth: AuthMode) -> Server {
    Server::start_with(Config { auth, ..config() }).await
}

fn signature_header(response: &Response) -> Option<String> {
    header(response, "x-sandbox-signature")
}

#[tokio::test]
async fn strict_refuses_and_reports_nothing() {
    let server = server(AuthMode::Strict).await;
    let right = send(&server, &balance_request()).await;
    assert_eq!((right.status, signature_header(&right)), (200, None));
    let wrong =
        send_raw(server.addr, get_request(&balance_request().query_with_signature("AAAA")).as_bytes()).await;
    assert_eq!((wrong.status, signature_header(&wrong)), (403, None));
}

#[tokio::test]
async fn lenient_lets_through_and_reports() {
    let server = server(AuthMode::Lenient).await;
    let right = send(&server, &balance_request()).await;
    assert_eq!((right.status, signature_header(&right).as_deref()), (200, Some("ok")));
    let signature_report = async |query: String| {
        let response = send_raw(server.addr, get_request(&query).as_bytes()).await;
        assert_ok(&response);
        signature_header(&response).expect("a report")
    };
    let mut other = balance_request();
    other.secret = "another secret".to_owned();
    let wrong = signature_report(other.query()).await;
    assert!(wrong.starts_with("SignatureDoesNotMatch: "), "{wrong}");
    let unsigned = signature_report(crate::support::encode_query(&balance_request().pairs)).await;
    assert_eq!(unsigned, "MissingAuthenticationToken: The request must be signed; Signature is missing.");
    let unknown =
        signature_report(balance_request().with_parameter("AWSAccessKeyId", "NOBODY").query()).await;
    assert!(unknown.starts_with("InvalidClientTokenId: "), "{unknown}");
    let old =
        signature_report(balance_request().with_parameter("Timestamp", "2010-02-26T19:48:05.000Z").query())
            .await;
    let expired = "RequestExpired: Request has expired. Timestamp date is 2010-02-26T19:48:05.000Z. The clock of the world shows \
         2012-06-01T12:00:00.000Z, the real time is ";
    assert!(old.starts_with(expired), "{old}");
}

#[tokio::test]
async fn lenient_reports_on_refused_actions_too() {
    let server = server(AuthMode::Lenient).await;
    let response = send(&server, &balance_request().with_parameter("CreditInstrumentId", "NONE")).await;
    assert_eq!((response.status, signature_header(&response).as_deref()), (400, Some("ok")));
}

#[tokio::test]
async fn off_checks_nothing_and_an_unknown_key_is_the_first_account() {
    let server = server(AuthMode::Off).await;
    let query = format!("Action=GetDebtBalance&Version=2008-09-17&CreditInstrumentId={}", demo::INSTRUMENT);
    for key in ["", "&AWSAccessKeyId=NOBODY", &format!("&AWSAccessKeyId={}", demo::KEY)] {
        let response = send_raw(server.addr, get_request(&format!("{query}{key}")).as_bytes()).await;
        assert_ok(&response);
        assert_eq!(signature_header(&response), None);
    }
    // A known key still selects its account.
    let other = format!("{query}&AWSAccessKeyId={}", demo::SECOND_KEY);
    let response = send_raw(server.addr, get_request(&other).as_bytes()).await;
    assert_eq!(response.code(), "InstrumentAccessDenied");
}

#[tokio::test]
async fn off_still_checks_the_rest() {
    let server = server(AuthMode::Off).await;
    let response = send_raw(server.addr, get_request("Action=GetDebtBalance").as_bytes()).await;
    assert_refused(&response, 400, "InvalidParams", "version can not be empty ");
}
