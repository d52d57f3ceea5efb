//! The Co-Branded pages, as a client without a browser uses them.

mod outcomes;
mod pages;
mod parameters;
mod signatures;
mod tokens;
mod visits;

use std::time::Duration;

use crate::support::cobranded::{
    CONFIRM, RETURN_URL, ReturnUrl, SIGN_IN, START, sign_start_parameters, start_parameters, to_owned_pairs,
};
use crate::support::{Parameters, Server, config, demo, encode_query, pay, send_raw};
use fps_sandbox::config::{CoBrandedAuth, Config};

const POSTPAID: Parameters<'_> = &[
    ("callerReferenceSender", "credit 1"),
    ("callerReferenceSettlement", "settlement 1"),
    ("creditLimit", "15"),
    ("globalAmountLimit", "100.00"),
];

const SINGLE_USE: Parameters<'_> = &[("callerReference", "once"), ("transactionAmount", "10.00")];

/// The beginning of the message that names malformed parameters.
const NOT_WELL_FORMED: &str = "The following input(s) are not well formed:";

/// Each pipeline with its required parameters, and the results of a successful visit with a card.
const PIPELINES: &[(&str, Parameters<'_>, &[&str])] = &[
    ("SingleUse", SINGLE_USE, &["tokenID", "status", "expiry", "callerReference"]),
    (
        "MultiUse",
        &[("callerReference", "many"), ("globalAmountLimit", "50")],
        &["tokenID", "status", "expiry", "callerReference"],
    ),
    (
        "Recurring",
        &[("callerReference", "monthly"), ("transactionAmount", "9.99"), ("recurringPeriod", "1 Month")],
        &["tokenID", "status", "expiry", "callerReference"],
    ),
    (
        "SetupPrepaid",
        &[("callerReferenceSender", "p"), ("callerReferenceFunding", "f"), ("fundingAmount", "100")],
        &["prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID", "status", "expiry"],
    ),
    (
        "SetupPostpaid",
        POSTPAID,
        &["creditInstrumentID", "creditSenderTokenID", "settlementTokenID", "status", "expiry"],
    ),
    (
        "EditToken",
        &[("callerReference", "edit"), ("tokenId", demo::ACH)],
        &["tokenID", "status", "expiry", "callerReference"],
    ),
];

const RECIPIENT: (&str, Parameters<'_>) =
    ("Recipient", &[("callerReference", "seller"), ("recipientPaysFee", "True")]);

/// These parameters and more; of two with the same name, the latter counts.
fn merge<'a>(parameters: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let kept = parameters.iter().filter(|(name, _)| !more.iter().any(|(other, _)| other == name));
    kept.chain(more).copied().collect()
}

/// Opens a start URL that requests this outcome without showing pages.
async fn visit_with_outcome(
    server: &Server,
    pipeline: &str,
    parameters: Parameters<'_>,
    outcome: &str,
) -> ReturnUrl {
    let requested_outcome = [("sandbox_outcome", outcome)];
    server.pages().visit_and_return(&start_parameters(pipeline, &merge(parameters, &requested_outcome))).await
}

/// Asserts that no visit with [`SINGLE_USE`] has created its token.
async fn assert_no_single_use_token(server: &Server) {
    let parameters = [("CallerReference", "once")];
    server.merchant().refused("GetTokenByCaller", &parameters, "InvalidCallerReference").await;
}

/// A seed with accounts that cannot take part in every pipeline.
const RESTRICTED_ACCOUNTS: &str = r#"
[[account]]
name = "shop"
email = "shop@example.com"
marketplace = false
access_key = [{ id = "SHOP", secret = "shop secret" }]

[[account]]
name = "market"
email = "market@example.com"
access_key = [{ id = "MARKET", secret = "market secret" }]

[[account]]
name = "old"
email = "old@example.com"
cobranded_ending = "SC"
return_signature = 1
access_key = [{ id = "OLD", secret = "this-is-a-fake-key" }]

[[account]]
name = "unverified"
email = "unverified@example.com"
kind = "personal"
state = "email-unverified"

[[account]]
name = "saver"
email = "saver@example.com"
kind = "personal"
methods = ["ABT"]

[[account]]
name = "spender"
email = "spender@example.com"
kind = "personal"
methods = ["CC", "ACH"]
"#;
