//! Caller references make requests idempotent: a repeated request gets the stored response, a different one an error.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use crate::support::{Client, Parameters, Response, Server, config, demo, instant, pay, settle};
use fps_sandbox::config::{Config, Database};

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The debt on the demo instrument, which is 100 at first.
async fn debt(client: &Client) -> String {
    client.debt(demo::INSTRUMENT).await.0
}

fn receipt(response: &Response) -> (String, String) {
    (response.text("TransactionId"), response.text("TransactionStatus"))
}

/// Adds or replaces a parameter.
fn with_parameter<'a>(
    parameters: &[(&'a str, &'a str)],
    name: &'a str,
    value: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let others = parameters.iter().copied().filter(|(known, _)| *known != name);
    others.chain([(name, value)]).collect()
}

/// Asserts that the second request counts as a repetition of the first.
async fn assert_same(action: &str, first: Parameters<'_>, second: Parameters<'_>) {
    let server = Server::start().await;
    let merchant = server.merchant();
    let once = merchant.ok(action, first).await;
    let again = merchant.ok(action, second).await;
    assert_eq!(receipt(&once), receipt(&again), "{second:?}");
}

/// Asserts that the second request counts as a different one under the same reference.
async fn assert_different(action: &str, first: Parameters<'_>, second: Parameters<'_>) {
    let server = Server::start().await;
    let merchant = server.merchant();
    merchant.ok(action, first).await;
    merchant.refused(action, second, "DuplicateRequest").await;
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer_with_a_new_request_id_and_no_second_effect() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let first = merchant.ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    let second = merchant.ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    assert_eq!(receipt(&first), receipt(&second));
    assert_ne!(first.text("RequestId"), second.text("RequestId"));
    assert_eq!(debt(&merchant).await, "110.000000");
}

#[tokio::test]
async fn a_replay_uses_the_version_of_the_repeated_request() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let first = merchant.ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    assert!(first.body.contains("xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\""), "{}", first.body);
    let second =
        merchant.ok("Pay", &with_parameter(&pay(demo::CREDIT, "10", "r"), "Version", "2010-08-28")).await;
    assert!(second.body.contains("xmlns=\"http://fps.amazonaws.com/doc/2010-08-28/\""), "{}", second.body);
    assert_eq!(receipt(&first), receipt(&second));
}

#[tokio::test]
async fn a_replay_returns_the_first_status_even_after_the_transaction_has_changed() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let first = merchant.ok("SettleDebt", &settle("10", "r")).await;
    server.advance(SECOND).await;
    assert_eq!(merchant.status(&first.text("TransactionId")).await.0, "Success");
    let second = merchant.ok("SettleDebt", &settle("10", "r")).await;
    assert_eq!(receipt(&second), (first.text("TransactionId"), "Pending".to_owned()));
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("90.000000".to_owned(), "0.000000".to_owned()));
}

#[tokio::test]
async fn a_different_request_under_a_used_reference_is_refused_and_changes_nothing() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let first = merchant.ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    merchant.refused("Pay", &pay(demo::CREDIT, "11", "r"), "DuplicateRequest").await;
    assert_eq!(debt(&merchant).await, "110.000000");
    let again = merchant.ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    assert_eq!(receipt(&first), receipt(&again), "the refusal did not take the reference over");
}

#[tokio::test]
async fn a_refused_request_uses_its_reference_up() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let over = pay(demo::CREDIT, "400.01", "r");
    let first = merchant.refused("Pay", &over, "InsufficientBalance").await;
    merchant.refused("Pay", &pay(demo::CREDIT, "1", "r"), "DuplicateRequest").await;
    merchant.ok("SettleDebt", &settle("50", "room for it")).await;
    server.advance(SECOND).await;
    let again = merchant.refused("Pay", &over, "InsufficientBalance").await;
    assert_eq!(again.message(), first.message(), "the stored refusal, although there is room by now");
    merchant.ok("Pay", &pay(demo::CREDIT, "400.01", "another reference")).await;
}

#[tokio::test]
async fn refusals_from_the_existence_check_onward_use_the_reference_up() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let unknown = "Z".repeat(64);
    merchant.refused("Pay", &pay(&unknown, "1", "r1"), "InvalidTokenId_Sender").await;
    merchant.refused("Pay", &pay(demo::CREDIT, "1", "r1"), "DuplicateRequest").await;
    merchant.refused("Pay", &pay(demo::CC, "0.01", "r2"), "AmountOutOfRange").await;
    merchant.refused("Pay", &pay(demo::CC, "1", "r2"), "DuplicateRequest").await;
    let other = server.other_merchant();
    other.refused("Pay", &pay(demo::CREDIT, "1", "r3"), "IncompatibleTokens").await;
    merchant.ok("Pay", &pay(demo::CREDIT, "1", "r3")).await;
}

#[tokio::test]
async fn ill_formed_and_unauthenticated_requests_do_not_use_the_reference_up() {
    let server = Server::start().await;
    let merchant = server.merchant();
    merchant.refused("Pay", &pay(demo::CREDIT, "ten", "r"), "InvalidParams").await;
    merchant.refused("Pay", &pay("no-token-id", "10", "r"), "InvalidParams").await;
    let unknown = with_parameter(&pay(demo::CREDIT, "10", "r"), "Colour", "red");
    merchant.refused("Pay", &unknown, "InvalidRequest").await;
    let stranger = server.client(demo::KEY, "not the secret");
    assert_eq!(stranger.pay(demo::CREDIT, "10", "r").await.status, 403);
    merchant.ok("Pay", &pay(demo::CREDIT, "11", "r")).await;
}

#[tokio::test]
async fn amounts_are_compared_as_numbers() {
    for amount in ["10", "10.0", "10.00", "010.00"] {
        assert_same("Pay", &pay(demo::CREDIT, "10.00", "r"), &pay(demo::CREDIT, amount, "r")).await;
    }
    assert_different("Pay", &pay(demo::CREDIT, "10.00", "r"), &pay(demo::CREDIT, "10.01", "r")).await;
}

#[tokio::test]
async fn an_absent_parameter_is_its_explicit_default() {
    let bare = [("SenderTokenId", demo::CC), ("TransactionAmount.Value", "10"), ("CallerReference", "r")];
    for (name, default, other) in [
        ("TransactionAmount.CurrencyCode", "USD", None),
        ("TransactionTimeoutInMins", "10080", Some("10081")),
        ("ChargeFeeTo", "Recipient", Some("Caller")),
        ("DescriptorPolicy.SoftDescriptorType", "Static", Some("Dynamic")),
        ("DescriptorPolicy.CSOwner", "Recipient", Some("Caller")),
        ("SenderDescription", "", Some("shoes")),
        ("CallerDescription", "", Some("shoes")),
        ("OverrideIPNURL", "", Some("http://localhost/ipn")),
    ] {
        assert_same("Pay", &bare, &with_parameter(&bare, name, default)).await;
        if let Some(other) = other {
            assert_different("Pay", &bare, &with_parameter(&bare, name, other)).await;
        }
    }
}

#[tokio::test]
async fn descriptions_are_part_of_the_request_and_are_never_joined() {
    let plain = pay(demo::CREDIT, "10", "r");
    let one = with_parameter(&with_parameter(&plain, "CallerDescription", "ab"), "SenderDescription", "c");
    let two = with_parameter(&with_parameter(&plain, "CallerDescription", "a"), "SenderDescription", "bc");
    assert_different("Pay", &one, &two).await;
    let swapped =
        with_parameter(&with_parameter(&plain, "CallerDescription", "c"), "SenderDescription", "ab");
    assert_different("Pay", &one, &swapped).await;
}

#[tokio::test]
async fn order_time_and_version_do_not_matter() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let parameters = pay(demo::CREDIT, "10", "r");
    let first = merchant.ok("Pay", &parameters).await;
    let reversed: Vec<_> = parameters.iter().rev().copied().collect();
    let legacy = with_parameter(&parameters, "SenderReference", "an old name that is ignored");
    for again in [reversed, legacy, with_parameter(&parameters, "Version", "2011-09-20")] {
        server.advance(60 * SECOND).await;
        assert_eq!(receipt(&merchant.ok("Pay", &again).await), receipt(&first), "{again:?}");
    }
    assert_eq!(debt(&merchant).await, "110.000000");
}

#[tokio::test]
async fn references_are_compared_letter_by_letter() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let references = ["r", "R", "r ", "ŕ", "r\u{301}"];
    let mut ids = BTreeSet::new();
    for reference in references {
        ids.insert(merchant.ok("Pay", &pay(demo::CREDIT, "1", reference)).await.text("TransactionId"));
    }
    assert_eq!(ids.len(), references.len());
}

#[tokio::test]
async fn two_callers_may_use_the_same_reference() {
    let server = Server::start().await;
    let (merchant, other) = (server.merchant(), server.other_merchant());
    let mine = merchant.ok("Pay", &pay(demo::CREDIT, "1", "r")).await;
    let theirs = other.ok("Pay", &pay("98796ExampleCredit", "2", "r")).await;
    assert_ne!(receipt(&mine).0, receipt(&theirs).0);
}

/// The action and the parameters of a request, without its caller reference.
type RequestWithoutReference = (&'static str, Vec<(&'static str, String)>);

/// A request of each action that creates a transaction under a caller reference. All of them succeed in any order.
async fn one_of_each_action(merchant: &Client) -> Vec<RequestWithoutReference> {
    let paid =
        merchant.ok("Pay", &pay(demo::CREDIT, "50", "a payment to refund")).await.text("TransactionId");
    let to_owned = |parameters: &[(&'static str, &str)]| {
        parameters.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    vec![
        ("Pay", to_owned(&[("SenderTokenId", demo::CREDIT), ("TransactionAmount.Value", "1")])),
        ("Reserve", to_owned(&[("SenderTokenId", demo::CC), ("TransactionAmount.Value", "1")])),
        ("Refund", to_owned(&[("TransactionId", &paid), ("RefundAmount.Value", "1")])),
        (
            "FundPrepaid",
            to_owned(&[
                ("SenderTokenId", demo::FUNDING),
                ("PrepaidInstrumentId", demo::PREPAID_INSTRUMENT),
                ("FundingAmount.Value", "1"),
            ]),
        ),
        (
            "SettleDebt",
            to_owned(&[
                ("SenderTokenId", demo::SETTLEMENT),
                ("CreditInstrumentId", demo::INSTRUMENT),
                ("SettlementAmount.Value", "1"),
            ]),
        ),
        (
            "WriteOffDebt",
            to_owned(&[("CreditInstrumentId", demo::INSTRUMENT), ("AdjustmentAmount.Value", "1")]),
        ),
        (
            "CancelSubscriptionAndRefund",
            to_owned(&[("SubscriptionId", demo::SUBSCRIPTION), ("RefundAmount.Value", "1")]),
        ),
    ]
}

/// Each pair of actions shares a reference, in both orders: both take effect once, and a different request of the same
/// action is a duplicate.
#[tokio::test]
async fn any_two_actions_of_a_caller_may_share_a_reference_and_none_may_use_it_twice() {
    let add_reference = |(action, parameters): &RequestWithoutReference, reference: &str| {
        let mut parameters = parameters.clone();
        parameters.push(("CallerReference", reference.to_owned()));
        (*action, parameters)
    };
    for first in 0..7 {
        for second in 0..7 {
            let server = Server::start().await;
            let merchant = server.merchant();
            let actions = one_of_each_action(&merchant).await;
            let call = async |(action, parameters): &RequestWithoutReference| {
                let parameters: Vec<_> =
                    parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
                merchant.call(action, &parameters).await
            };
            let mut made = Vec::new();
            for place in [first, second] {
                let response = call(&add_reference(&actions[place], "shared")).await;
                assert_eq!(
                    response.status, 200,
                    "{} after {}: {}",
                    actions[place].0, actions[first].0, response.body
                );
                made.push(response);
            }
            let id = |response: &Response| response.body.split("TransactionId>").nth(1).map(str::to_owned);
            assert_eq!(first == second, id(&made[0]) == id(&made[1]), "{first} {second}");
            for place in [first, second] {
                let mut other = add_reference(&actions[place], "shared");
                other.1.push(("CallerDescription", "another request".to_owned()));
                if actions[place].0 == "CancelSubscriptionAndRefund" {
                    other.1.retain(|(name, _)| *name != "CallerDescription");
                    other.1.push(("CancelReason", "another request".to_owned()));
                }
                let response = call(&other).await;
                assert_eq!(response.code(), "DuplicateRequest", "{}: {}", actions[place].0, response.body);
            }
            server.stop().await;
        }
    }
}

#[tokio::test]
async fn two_hundred_concurrent_copies_have_one_effect_and_one_answer() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let copies: Vec<_> = (0..200)
        .map(|_| {
            let merchant = merchant.clone();
            tokio::spawn(async move { merchant.pay(demo::CREDIT, "10", "r").await })
        })
        .collect();
    let (mut receipts, mut request_ids) = (BTreeSet::new(), BTreeSet::new());
    for copy in copies {
        let response = copy.await.expect("an answer");
        assert_eq!(response.status, 200, "{}", response.body);
        receipts.insert(receipt(&response));
        request_ids.insert(response.text("RequestId"));
    }
    assert_eq!((receipts.len(), request_ids.len()), (1, 200));
    assert_eq!(debt(&merchant).await, "110.000000");
}

#[tokio::test]
async fn of_concurrent_requests_that_differ_one_wins_and_the_others_are_refused() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let rivals: Vec<_> = (1..=100)
        .map(|cents| {
            let merchant = merchant.clone();
            tokio::spawn(
                async move { merchant.pay(demo::CREDIT, &format!("1.{:02}", cents % 100), "r").await },
            )
        })
        .collect();
    let mut won = 0;
    for rival in rivals {
        let response = rival.await.expect("an answer");
        if response.status == 200 {
            won += 1;
        } else {
            assert_eq!(
                (response.status, response.code().as_str()),
                (400, "DuplicateRequest"),
                "{}",
                response.body
            );
        }
    }
    assert_eq!(won, 1);
}

fn file_config(path: &Path) -> Config {
    Config { database: Database::File(path.to_owned()), ..config() }
}

#[tokio::test]
async fn references_persist_over_a_restart_on_a_database_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let server = Server::start_with(file_config(&path)).await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::CREDIT, "10", "paid")).await;
    let settled = merchant.ok("SettleDebt", &settle("10", "settled")).await;
    let refused = merchant.refused("Pay", &pay(demo::CREDIT, "500", "refused"), "InsufficientBalance").await;
    server.stop().await;

    let server = Server::start_with(file_config(&path)).await;
    let merchant = server.merchant();
    assert_eq!(receipt(&merchant.ok("Pay", &pay(demo::CREDIT, "10", "paid")).await), receipt(&paid));
    assert_eq!(receipt(&merchant.ok("SettleDebt", &settle("10", "settled")).await), receipt(&settled));
    let again = merchant.refused("Pay", &pay(demo::CREDIT, "500", "refused"), "InsufficientBalance").await;
    assert_eq!(again.message(), refused.message());
    merchant.refused("Pay", &pay(demo::CREDIT, "11", "paid"), "DuplicateRequest").await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, ("100.000000".to_owned(), "10.000000".to_owned()));
    server.stop().await;
}

#[tokio::test]
async fn references_are_forgotten_after_seven_days() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let first = merchant.ok("Pay", &pay(demo::CREDIT, "10", "paid")).await;
    merchant.refused("Pay", &pay(demo::CREDIT, "500", "refused"), "InsufficientBalance").await;
    server.advance(7 * DAY - Duration::from_millis(1)).await;
    assert_eq!(receipt(&merchant.ok("Pay", &pay(demo::CREDIT, "10", "paid")).await), receipt(&first));
    server.advance(Duration::from_millis(1)).await;
    let second = merchant.ok("Pay", &pay(demo::CREDIT, "10", "paid")).await;
    assert_ne!(receipt(&first).0, receipt(&second).0);
    merchant.ok("Pay", &pay(demo::CREDIT, "5", "refused")).await;
    assert_eq!(debt(&merchant).await, "125.000000");
    let again = merchant.ok("Pay", &pay(demo::CREDIT, "10", "paid")).await;
    assert_eq!(receipt(&again), receipt(&second), "the seven days begin anew");
}

#[tokio::test]
async fn seven_days_are_counted_over_a_restart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let server = Server::start_with(file_config(&path)).await;
    let first = server.merchant().ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    server.stop().await;
    let server =
        Server::start_at(file_config(&path), instant("2012-06-08T12:00:00Z")).await.expect("it starts");
    let merchant = server.merchant();
    let second = merchant.ok("Pay", &pay(demo::CREDIT, "10", "r")).await;
    assert_ne!(receipt(&first).0, receipt(&second).0);
    assert_eq!(debt(&merchant).await, "120.000000");
    server.stop().await;
}
