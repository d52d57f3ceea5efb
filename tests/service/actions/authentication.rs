//! Authentication, tried on the success of every action: refused requests do nothing, and afterwards it succeeds.

use fps_sandbox::service::actions::ACTIONS;

use super::{Stage, server, success_of};
use crate::support::{Client, NOW, Reply, get, instant, raw};

/// What is wrong with a request, and what it must answer.
struct Fault {
    name: &'static str,
    request: fn(&Client, &str, &[(&str, &str)]) -> String,
    status: u16,
    code: &'static str,
    message: &'static str,
}

fn signed(client: &Client, action: &str, asks: &[(&str, &str)], extra: &[(&str, &str)]) -> String {
    client.signed_query(action, &[asks, extra].concat())
}

fn without(query: &str, name: &str) -> String {
    let prefix = format!("{name}=");
    query.split('&').filter(|pair| !pair.starts_with(&prefix)).collect::<Vec<_>>().join("&")
}

const FAULTS: &[Fault] = &[
    Fault {
        name: "no access key",
        request: |client, action, asks| without(&signed(client, action, asks, &[]), "AWSAccessKeyId"),
        status: 403,
        code: "MissingAuthenticationToken",
        message: "The request must be signed; AWSAccessKeyId is missing.",
    },
    Fault {
        name: "no signature",
        request: |client, action, asks| without(&signed(client, action, asks, &[]), "Signature"),
        status: 403,
        code: "MissingAuthenticationToken",
        message: "The request must be signed; Signature is missing.",
    },
    Fault {
        name: "an unknown access key",
        request: |client, action, asks| signed(client, action, asks, &[("AWSAccessKeyId", "NOBODY")]),
        status: 403,
        code: "InvalidClientTokenId",
        message: "The AWS Access Key Id you provided does not exist in our records.",
    },
    Fault {
        name: "another account's key",
        request: |client, action, asks| signed(client, action, asks, &[("AWSAccessKeyId", "RIVAL")]),
        status: 403,
        code: "SignatureDoesNotMatch",
        message: NO_REASON,
    },
    Fault {
        name: "a parameter added after signing",
        request: |client, action, asks| {
            format!(
                "{}&CallerDescription=more",
                without(&signed(client, action, asks, &[]), "CallerDescription")
            )
        },
        status: 403,
        code: "SignatureDoesNotMatch",
        message: "The request signature we calculated does not match the signature you provided. `CallerDescription` was \
                  not among the parameters that were signed.",
    },
    Fault {
        name: "an ill-formed timestamp",
        request: |client, action, asks| {
            signed(client, action, asks, &[("Timestamp", "2012-06-01 T12:00:00.000Z")])
        },
        status: 400,
        code: "InvalidParameterValue",
        message: "Value (2012-06-01 T12:00:00.000Z) for parameter Timestamp is invalid. Must be in ISO8601 format.",
    },
    Fault {
        name: "a timestamp too old",
        request: |client, action, asks| {
            signed(client, action, asks, &[("Timestamp", "2012-06-01T11:44:59.999Z")])
        },
        status: 400,
        code: "RequestExpired",
        message: "Request has expired. Timestamp date is 2012-06-01T11:44:59.999Z",
    },
    Fault {
        name: "a timestamp too far ahead",
        request: |client, action, asks| {
            signed(client, action, asks, &[("Timestamp", "2012-06-01T12:15:00.001Z")])
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
        let case = success_of(action.name);
        let stage = Stage::before(&server, &case).await;
        assert_eq!(
            stage.world.clock().now(),
            instant(NOW),
            "the edges of the window are those of this instant"
        );
        let asks = stage.filled(&case.asks);
        let client = stage.client(case.by);
        for fault in FAULTS {
            let query = (fault.request)(&client, case.action, &asks);
            let reply = raw(client.addr, get(&query).as_bytes()).await;
            let message = fault.message.replace("PORT", &client.addr.port().to_string());
            let expected = (fault.status, fault.code.to_owned(), message);
            let (status, code, mut message) = told(&reply);
            // The text as captured, then the times that were compared; real time is another in each run.
            if let Some((captured, _)) = message.split_once(TIMES) {
                message = captured.to_owned();
            }
            assert_eq!((status, code, message), expected, "{} with {}", action.name, fault.name);
        }
        // Nothing was done under its reference, so the authentic request succeeds.
        client.ok(case.action, &asks).await;
    }
}

#[tokio::test]
async fn only_verify_signature_needs_no_signature() {
    let server = server().await;
    for action in ACTIONS {
        let case = success_of(action.name);
        let stage = Stage::before(&server, &case).await;
        let asks = stage.filled(&case.asks);
        let client = stage.client(case.by);
        let query = without(&client.signed_query(case.action, &asks), "Signature");
        let reply = raw(client.addr, get(&query).as_bytes()).await;
        assert_eq!(reply.status == 200, action.name == "VerifySignature", "{}: {}", action.name, reply.body);
    }
}

fn told(reply: &Reply) -> (u16, String, String) {
    assert!(reply.body.contains("<Message>"), "{}", reply.body);
    (reply.status, reply.code(), reply.message())
}
