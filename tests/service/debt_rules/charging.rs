//! Pay on credit: limits, fees, amounts, access, and the history of transactions.

use super::*;

#[tokio::test]
async fn debt_may_reach_the_credit_limit_but_not_pass_it() {
    let server = Server::start().await;
    let merchant = server.merchant();
    let over = merchant.refused("Pay", &pay(demo::CREDIT, "400.01", "over"), "InsufficientBalance").await;
    assert_eq!(over.message(), "The transaction exceeds the account/instrument limits.");
    merchant.ok("Pay", &pay(demo::CREDIT, "400", "equal")).await;
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "500.000000");
}

#[tokio::test]
async fn debt_that_is_being_settled_still_counts_against_the_limit() {
    let server = Server::start().await;
    let merchant = server.merchant();
    merchant.ok("SettleDebt", &settle("90", "s")).await;
    merchant.refused("Pay", &pay(demo::CREDIT, "400.01", "over"), "InsufficientBalance").await;
    server.advance(SECOND).await;
    merchant.ok("Pay", &pay(demo::CREDIT, "490", "equal")).await;
}

#[tokio::test]
async fn a_pay_on_credit_succeeds_at_once_moves_no_money_and_costs_nothing() {
    let shop = TestShop::start().await;
    let paid = shop.client.ok("Pay", &pay("CREDIT", "100", "p")).await;
    assert_eq!(paid.text("TransactionStatus"), "Success");
    let id = paid.text("TransactionId");
    assert_eq!(shop.balances(&id).await, status_and_code("300.000000", "0.000000"));
    let detail = shop.detail(&id).await;
    assert_eq!(detail.text("FPSFees/Value"), "0.000000");
    assert_eq!(detail.text("PaymentMethod"), "Debt");
    assert_eq!(detail.text("CreditInstrumentId"), "LINE");
    assert_eq!(shop.debt().await, debt("100.00", "0.00"));
}

#[tokio::test]
async fn another_caller_can_use_neither_tokens_nor_instruments_nor_transactions() {
    let shop = TestShop::start().await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let rival = shop.rival();
    rival.refused("Pay", &pay("CREDIT", "1", "r1"), "IncompatibleTokens").await;
    rival.refused("SettleDebt", &settle_parameters("BY-CARD", "1", "r2"), "IncompatibleTokens").await;
    rival.refused("WriteOffDebt", &write_off_parameters("1", "r3"), "InstrumentAccessDenied").await;
    rival.refused("GetDebtBalance", &[("CreditInstrumentId", "LINE")], "InstrumentAccessDenied").await;
    rival.refused("Refund", &refund_parameters(&paid, "1", "r4"), "InvalidTransactionId").await;
    rival.refused("GetTransaction", &[("TransactionId", &paid)], "InvalidTransactionId").await;
    rival.refused("GetTransactionStatus", &[("TransactionId", &paid)], "InvalidTransactionId").await;
    assert_eq!(shop.debt().await, debt("100.00", "0.00"));
}

#[tokio::test]
async fn unknown_ids_and_malformed_ids_are_different_errors() {
    let shop = TestShop::start().await;
    let (long, id) = ("Z".repeat(64), "1".repeat(35));
    shop.client.refused("Pay", &pay(&long, "1", "1"), "InvalidTokenId_Sender").await;
    shop.client.refused("GetDebtBalance", &[("CreditInstrumentId", &long)], "InvalidPaymentInstrument").await;
    shop.refund_refused(&id, "1", "2", "InvalidTransactionId").await;
    let token = shop.client.refused("Pay", &pay("NONE", "1", "3"), "InvalidParams").await;
    assert_eq!(token.message(), "\"senderTokenId\" has to be a valid token ID. Specified value: NONE");
    shop.client.refused("GetDebtBalance", &[("CreditInstrumentId", "NONE")], "InvalidParams").await;
    let transaction = shop.refund_refused("FAKE", "1", "4", "InvalidParams").await;
    assert_eq!(
        transaction.message(),
        "transactionId has to be a valid transaction ID. Specified value: FAKE"
    );
}

#[tokio::test]
async fn fees_follow_the_price_list() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "5000", "debt").await;
    for (token, dollars, fee) in [
        ("CC", "1.00", "0.100000"),
        ("CC", "5.00", "0.300000"),
        ("CC", "9.99", "0.550000"),
        ("CC", "10.00", "0.590000"),
        ("CC", "100.00", "3.200000"),
        ("CC", "0.02", "0.020000"),
        ("ACH", "100.00", "2.050000"),
        ("ACH", "0.02", "0.020000"),
        ("ABT", "100.00", "1.510000"),
        ("ABT", "0.05", "0.010000"),
        ("ABT", "0.04", "0.008000"),
        ("ABT", "0.01", "0.002500"),
    ] {
        let paid = shop.pays(token, dollars, &format!("{token} {dollars}")).await;
        assert_eq!(shop.fee(&paid).await, fee, "Pay {dollars} by {token}");
    }
    for (token, dollars, fee) in [
        ("BY-CARD", "9.99", "0.550000"),
        ("BY-CARD", "10.00", "0.300000"),
        ("BY-CARD", "90.00", "2.500000"),
        ("BY-BANK", "100.00", "2.050000"),
        ("BY-BALANCE", "100.00", "1.510000"),
    ] {
        let settled = shop.settles(token, dollars, &format!("{token} {dollars}")).await;
        assert_eq!(shop.fee(&settled).await, fee, "SettleDebt {dollars} {token}");
    }
}

#[tokio::test]
async fn amounts_must_be_within_the_range_of_fps() {
    let shop = TestShop::start().await;
    let out = "AmountOutOfRange";
    let huge = format!("1{}", "0".repeat(30));
    for (token, dollars) in [
        ("CC", "0.01"),
        ("ACH", "0.01"),
        ("ABT", "0"),
        ("ABT", "0.00"),
        ("CREDIT", "10000.01"),
        ("CREDIT", huge.as_str()),
    ] {
        shop.client.refused("Pay", &pay(token, dollars, &format!("{token} {dollars}")), out).await;
    }
    shop.pays("ABT", "0.01", "a cent").await;
    shop.pays("CREDIT", "10000", "the most").await;
    shop.settle_refused("BY-BALANCE", "0", "s0", out).await;
    shop.settle_refused("BY-CARD", "0.01", "s1", out).await;
    shop.client.refused("WriteOffDebt", &write_off_parameters("0", "w0"), out).await;
    for dollars in ["-1", "1e2", "1.001", "ten", "+1", "0x1"] {
        shop.client.refused("Pay", &pay("ABT", dollars, "ill-formed"), "InvalidParams").await;
    }
}

#[tokio::test]
async fn without_a_delay_cards_answer_pending_and_the_next_call_sees_the_end() {
    let shop =
        TestShop::start_with(Config { cc_delay: Duration::ZERO, ach_delay: Duration::ZERO, ..config() })
            .await;
    shop.pays("CREDIT", "100", "p").await;
    for (token, reference) in [("BY-CARD", "s1"), ("BY-BANK", "s2")] {
        let settled = shop.client.ok("SettleDebt", &settle_parameters(token, "40", reference)).await;
        assert_eq!(settled.text("TransactionStatus"), "Pending");
        assert_eq!(shop.debt().await.1, "0.000000");
        assert_eq!(shop.status(&settled.text("TransactionId")).await, status_and_code("Success", "Success"));
    }
    assert_eq!(shop.debt().await, debt("20.00", "0.00"));
}

#[tokio::test]
async fn the_history_of_a_transaction_has_every_status_with_its_time() {
    let shop = TestShop::start().await;
    let paid = shop.pays("CC", "100", "p").await;
    shop.advance(10 * SECOND).await;
    let detail = shop.detail(&paid).await;
    assert_eq!(detail.text("DateReceived"), "2012-06-01T12:00:00.000Z");
    assert_eq!(
        detail.text("DateCompleted"),
        "2012-06-01T12:00:01.000Z",
        "when it was due, not when it was seen"
    );
    let history: Vec<&str> = detail.body.split("<StatusHistory>").skip(1).collect();
    let [pending, success] = history[..] else { panic!("two entries: {}", detail.body) };
    assert!(
        pending.contains("12:00:00.000Z</Date><TransactionStatus>Pending</TransactionStatus>"),
        "{pending}"
    );
    assert!(
        success.contains("12:00:01.000Z</Date><TransactionStatus>Success</TransactionStatus>"),
        "{success}"
    );
}
