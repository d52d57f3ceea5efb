//! The XML documents of responses.

use super::*;

#[tokio::test]
async fn a_success_is_a_declaration_and_one_line() {
    let server = Server::start().await;
    let response = send(&server, &payment_request("p")).await;
    assert!(response.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", response.head);
    assert_eq!(header(&response, "content-type").as_deref(), Some("text/xml"));
    assert_eq!(
        response.redacted(),
        "<?xml version=\"1.0\"?>\n<PayResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\"><PayResult>\
         <TransactionId>[transaction]</TransactionId><TransactionStatus>Success</TransactionStatus></PayResult>\
         <ResponseMetadata><RequestId>[uuid]:0</RequestId></ResponseMetadata></PayResponse>"
    );
}

#[tokio::test]
async fn a_refusal_has_no_namespace_and_its_own_spelling_of_the_request_id() {
    let server = Server::start().await;
    let response = send(&server, &payment_request("p").with_parameter("SenderTokenId", "NONE")).await;
    assert!(response.head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{}", response.head);
    assert_eq!(header(&response, "content-type").as_deref(), Some("text/xml"));
    assert_eq!(
        response.redacted(),
        "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>InvalidParams</Code><Message>\"senderTokenId\" has \
         to be a valid token ID. Specified value: NONE</Message></Error></Errors><RequestID>[uuid]</RequestID>\
         </Response>"
    );
}

#[tokio::test]
async fn the_namespace_follows_the_version_asked_for() {
    let server = Server::start().await;
    for version in ["2008-09-17", "2009-01-09", "2010-08-28", "2011-09-20", "2030-12-31"] {
        let response = send(&server, &balance_request().with_parameter("Version", version)).await;
        assert_ok(&response);
        let root = format!("<GetDebtBalanceResponse xmlns=\"http://fps.amazonaws.com/doc/{version}/\">");
        assert!(response.body.contains(&root), "{}", response.body);
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let server = Server::start().await;
    let first = send(&server, &payment_request("p")).await;
    let again = send(&server, &payment_request("p")).await;
    assert_eq!(first.text("TransactionId"), again.text("TransactionId"));
    assert_ne!(first.text("RequestId"), again.text("RequestId"));
    let refusals = [
        send(&server, &balance_request().with_parameter("Action", "Nothing")).await.text("RequestID"),
        send(&server, &balance_request().with_parameter("Action", "Nothing")).await.text("RequestID"),
    ];
    assert_ne!(refusals[0], refusals[1]);
}

#[tokio::test]
async fn markup_and_line_breaks_in_parameters_do_not_break_the_document() {
    let server = Server::start().await;
    let response = send(&server, &payment_request("p").with_parameter("SenderTokenId", "<a>&\r\n]]>")).await;
    assert_refused(
        &response,
        400,
        "InvalidParams",
        "\"senderTokenId\" has to be a valid token ID. Specified value: &lt;a&gt;&amp;&#13;&#10;]]&gt;",
    );
    assert_eq!(response.body.lines().count(), 2, "{}", response.body);
}
