//! Authentication of every action: requests that fail it have no effect, and the correct request succeeds afterwards.

use fps_sandbox::service::actions::ACTIONS;

use super::{TestWorld, server, success_case};
use crate::support::{Client, NOW, Response, get_request, instant, send_raw};

/// A fault in the authentication of a request, and the expected error.
struct Fault {
    name: &'static str,
    request: fn(&Client, &str, &[(&str, &str)]) -> String,
    status: u16,
    code: &'static str,
    message: &'static str,
}

fn sign_request(
    client: &Client,
    action: &str,
    parameters: &[(&str, &str)],
    extra: &[(&str, &str)],
) -> String {
    client.signed_query(action, &[parameters, extra].concat())
}

fn remove_parameter(query: &str, name: &str) -> String {
    let prefix = format!("{name}=");
    query.split('&').filter(|pair| !pair.starts_with(&prefix)).collect::<Vec<_>>().join("&")
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "no access key",
        request: |client, action, parameters| {
            remove_parameter(&sign_request(client, action, parameters, &[]), "AWSAccessKeyId")
        },
        status: 403,
        code: "MissingAuthenticationToken",
        message: "The request must be signed; AWSAccessKeyId is missing.",
    },
    Fault {
        name: "no signature",
        request: |client, action, parameters| {
            remove_parameter(&sign_request(client, action, parameters, &[]), "Signature")
        },
        status: 403,
        code: "MissingAuthenticationToken",
        message: "The request must be signed; Signature is missing.",
    },
    Fault {
        name: "an unknown access key",
        request: |client, action, parameters| {
            sign_request(client, action, parameters, &[("AWSAccessKeyId", "NOBODY")])
        },
        status: 403,
        code: "InvalidClientTokenId",
        message: "The AWS Access Key Id you provided does not exist in our records.",
    },
    Fault {
        name: "another account's key",
        request: |client, action, parameters| {
            sign_request(client, action, parameters, &[("AWSAccessKeyId", "RIVAL")])
        },
        status: 403,
        code: "SignatureDoesNotMatch",
        message: NO_REASON,
    },
    Fault {
        name: "a parameter added after signing",
        request: |client, action, parameters| {
            format!(
                "{}&CallerDescription=more",
                remove_parameter(&sign_request(client, action, parameters, &[]), "CallerDescription")
            )
        },
        status: 403,
        code: "SignatureDoesNotMatch",
        message: "The request signature we calculated does not match the signature you provided. `CallerDescription` was \
                  not among the parameters that were signed.",
    },
    Fault {
        name: "an ill-formed timestamp",
        request: |client, action, parameters| {
            sign_request(client, action, parameters, &[("Timestamp", "2012-06-01 T12:00:00.000Z")])
        },
        status: 400,
        code: "InvalidParameterValue",
        message: "Value (2012-06-01 T12:00:00.000Z) for parameter Timestamp is invalid. Must be in ISO8601 format.",
    },
    Fault {
        name: "a timestamp too old",
        request: |client, action, parameters| {
            sign_request(client, action, parameters, &[("Timestamp", "2012-06-01T11:44:59.999Z")])
        },
        status: 400,
        code: "RequestExpired",
        message: "Request has expired. Timestamp date is 2012-06-01T11:44:59.999Z",
    },
    Fault {
        name: "a timestamp too far ahead",
        request: |client, action, parameters| {
            sign_request(client, action, parameters, &[("Timestamp", "2012-06-01T12:15:00.001Z")])
        },
        status: 400,
        code: "RequestExpired",
        message: "Request has expired. Timestamp date is 2012-06-01T12:15:00.001Z",
    },
];

const NO_REASON: &str = "The request signature we calculated does not match the signature you provided. No usual \
mistake explains it: check the secret key, and that nothing was changed after signing. The hosts tried are `localhost`, \
`127.0.0.1:PORT`, `fps.sandbox.amazonaws.com` and `fps.amazonaws.com`; if the client signs another one, name it by \
--host-alias.";

const TIMES: &str = ". The clock of the world shows 2012-06-01T12:00:00.000Z, the real time is ";

#[tokio::test]
async fn every_action_refuses_requests_that_are_not_authentic() {
    let server = server().await;
    for action in ACTIONS {
        if action.is_public() {
            continue;
        }
        let case = success_case(action.name);
        let test_world = TestWorld::prepare(&server, &case).await;
        assert_eq!(
            test_world.world.clock().now(),
            instant(NOW),
            "the edges of the window are those of this instant"
        );
        let parameters = test_world.resolve(&case.parameters);
        let client = test_world.client(case.by);
        for fault in FAULTS {
            let query = (fault.request)(&client, case.action, &parameters);
            let response = send_raw(client.addr, get_request(&query).as_bytes()).await;
            let message = fault.message.replace("PORT", &client.addr.port().to_string());
            let expected = (fault.status, fault.code.to_owned(), message);
            let (status, code, mut message) = parse_error(&response);
            // The recorded text precedes the times, and real time differs in each run.
            if let Some((captured, _)) = message.split_once(TIMES) {
                message = captured.to_owned();
            }
            assert_eq!((status, code, message), expected, "{} with {}", action.name, fault.name);
        }
        // The refused requests have not used the caller reference, so the correct request succeeds.
        client.ok(case.action, &parameters).await;
    }
}

#[tokio::test]
async fn only_verify_signature_needs_no_signature() {
    let server = server().await;
    for action in ACTIONS {
        let case = success_case(action.name);
        let test_world = TestWorld::prepare(&server, &case).await;
        let parameters = test_world.resolve(&case.parameters);
        let client = test_world.client(case.by);
        let query = remove_parameter(&client.signed_query(case.action, &parameters), "Signature");
        let response = send_raw(client.addr, get_request(&query).as_bytes()).await;
        assert_eq!(
            response.status == 200,
            action.name == "VerifySignature",
            "{}: {}",
            action.name,
            response.body
        );
    }
}

fn parse_error(response: &Response) -> (u16, String, String) {
    assert!(response.body.contains("<Message>"), "{}", response.body);
    (response.status, response.code(), response.message())
}
