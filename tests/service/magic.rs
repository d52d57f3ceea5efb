//! Magic token ids and amounts force errors, unless they are switched off.

use std::time::Duration;

use crate::support::{Client, Server, config, demo, get_request, pay, send_raw, settle};
use fps_sandbox::config::Config;
use fps_sandbox::ledger::magic::{AMOUNTS, TOKENS};

/// Pays by card and waits for the result. Returns the status and its code.
async fn pay_by_card(server: &Server, merchant: &Client, dollars: &str) -> (String, String) {
    let response = merchant.ok("Pay", &pay(demo::CC, dollars, dollars)).await;
    assert_eq!(response.text("TransactionStatus"), "Pending", "{dollars}");
    server.advance(Duration::from_secs(1)).await;
    merchant.status(&response.text("TransactionId")).await
}

#[tokio::test]
async fn sender_and_recipient_token_ids_force_their_errors_in_every_payment() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for magic in TOKENS {
        for action in ["Pay", "Reserve"] {
            let reference = format!("{action} {}", magic.id);
            let mut asks = pay(demo::CC, "1", &reference).to_vec();
            asks.retain(|(name, _)| *name != magic.parameter);
            asks.push((magic.parameter, magic.id));
            let refused = merchant.refused(action, &asks, magic.forces.name()).await;
            assert!(refused.message().contains(magic.stands_for), "{}", refused.body);
        }
    }
    assert_eq!(TOKENS.len(), 6);
    server.stop().await;
}

#[tokio::test]
async fn the_first_decimal_of_a_card_s_amount_decides() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for dollars in ["50.61", "100.6", "0.60", "0.69", "2.61"] {
        assert_eq!(
            pay_by_card(&server, &merchant, dollars).await,
            ("Failure".into(), "TransactionDenied".into())
        );
    }
    for dollars in ["50.71", "0.70", "0.79"] {
        assert_eq!(pay_by_card(&server, &merchant, dollars).await.0, "Failure");
    }
    for dollars in ["0.59", "0.80", "0.99", "6.00", "7.07", "60"] {
        assert_eq!(pay_by_card(&server, &merchant, dollars).await, ("Success".into(), "Success".into()));
    }
    assert_eq!(AMOUNTS.len(), 2);
    server.stop().await;
}

#[tokio::test]
async fn insufficient_funds_are_named_in_the_message() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let id = merchant.pay(demo::CC, "1.70", "1").await.text("TransactionId");
    server.advance(Duration::from_secs(1)).await;
    let status = merchant.ok("GetTransactionStatus", &[("TransactionId", &id)]).await;
    assert!(status.text("StatusMessage").contains("insufficient funds"), "{}", status.body);
    server.stop().await;
}

#[tokio::test]
async fn a_declined_settlement_leaves_the_debt_as_it_was() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let before = merchant.debt(demo::INSTRUMENT).await;
    merchant.ok("SettleDebt", &settle("10.60", "1")).await;
    server.advance(Duration::from_secs(1)).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await, before);
    server.stop().await;
}

#[tokio::test]
async fn magic_amounts_do_not_apply_to_balances_and_debt() {
    let server = Server::start().await;
    let merchant = server.merchant();
    for token in [demo::ABT, demo::CREDIT] {
        assert_eq!(merchant.pay(token, "1.60", token).await.text("TransactionStatus"), "Success");
    }
    server.stop().await;
}

#[tokio::test]
async fn with_no_magic_they_are_ordinary_values() {
    let server = Server::start_with(Config { no_magic: true, ..config() }).await;
    let merchant = server.merchant();
    assert_eq!(pay_by_card(&server, &merchant, "50.61").await, ("Success".into(), "Success".into()));
    for magic in TOKENS.iter().filter(|magic| magic.parameter == "SenderTokenId") {
        merchant.refused("Pay", &pay(magic.id, "1", magic.id), "InvalidTokenId_Sender").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_running_sandbox_lists_its_magic_values() {
    let server = Server::start().await;
    let request = get_request("").replacen("/?", "/_sandbox/magic", 1);
    let page = send_raw(server.addr, request.as_bytes()).await;
    assert_eq!(page.status, 200, "{}", page.body);
    assert!(TOKENS.iter().all(|magic| page.body.contains(magic.id)), "{}", page.body);
    server.stop().await;
}
