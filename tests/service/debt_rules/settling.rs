//! SettleDebt and WriteOffDebt.

use super::*;

#[tokio::test]
async fn settling_90_of_100_leaves_10_and_adds_87_50_to_the_balance() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "100", "p").await;
    let settled = shop.client.ok("SettleDebt", &settle_parameters("BY-CARD", "90", "s")).await;
    assert_eq!(settled.text("TransactionStatus"), "Pending");
    let id = settled.text("TransactionId");
    assert_eq!(shop.debt().await, debt("10.00", "90.00"));
    assert_eq!(shop.balances(&id).await.1, "0.000000");
    shop.advance(SECOND).await;
    assert_eq!(shop.debt().await, debt("10.00", "0.00"));
    assert_eq!(shop.status(&id).await, status_and_code("Success", "Success"));
    assert_eq!(shop.fee(&id).await, "2.500000");
    assert_eq!(shop.balances(&id).await, status_and_code("300.000000", "87.500000"));
}

#[tokio::test]
async fn a_settlement_from_the_balance_is_done_in_the_call() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "100", "p").await;
    let settled = shop.client.ok("SettleDebt", &settle_parameters("BY-BALANCE", "100", "s")).await;
    assert_eq!(settled.text("TransactionStatus"), "Success");
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
    assert_eq!(
        shop.balances(&settled.text("TransactionId")).await,
        status_and_code("200.000000", "98.490000")
    );
}

#[tokio::test]
async fn a_settlement_from_the_balance_needs_the_balance() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "300.01", "p").await;
    shop.settle_refused("BY-BALANCE", "300.01", "s", "InsufficientBalance").await;
    shop.settles("BY-BALANCE", "300", "s2").await;
    assert_eq!(shop.debt().await, debt("0.01", "0.00"));
}

#[tokio::test]
async fn a_settlement_by_bank_takes_four_days() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "100", "p").await;
    let id = shop.settles("BY-BANK", "60", "s").await;
    shop.advance(4 * DAY - Duration::from_millis(1)).await;
    assert_eq!(shop.debt().await, debt("40.00", "60.00"));
    assert_eq!(shop.status(&id).await, status_and_code("Pending", "PendingNetworkResponse"));
    shop.advance(Duration::from_millis(1)).await;
    assert_eq!(shop.debt().await, debt("40.00", "0.00"));
    assert_eq!(shop.status(&id).await, status_and_code("Success", "Success"));
}

#[tokio::test]
async fn a_settlement_without_an_amount_settles_all_that_is_owed() {
    let shop = TestShop::start().await;
    shop.settle_refused("BY-BALANCE", "", "nothing", "SettleAmountGreaterThanDebt").await;
    shop.pays("CREDIT", "80", "p").await;
    shop.settles("BY-CARD", "30", "part").await;
    let rest = shop.settles("BY-BALANCE", "", "rest").await;
    assert_eq!(shop.detail(&rest).await.text("TransactionAmount/Value"), "50.000000");
    assert_eq!(shop.debt().await, debt("0.00", "30.00"));
    shop.settle_refused("BY-BALANCE", "", "pending only", "SettleAmountGreaterThanDebt").await;
}

#[tokio::test]
async fn more_than_the_debt_can_be_neither_settled_nor_written_off() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "100", "p").await;
    shop.settle_refused("BY-CARD", "100.01", "s1", "SettleAmountGreaterThanDebt").await;
    shop.settles("BY-CARD", "60", "s2").await;
    shop.settle_refused("BY-BALANCE", "40.01", "s3", "SettleAmountGreaterThanDebt").await;
    let over = write_off_parameters("40.01", "w1");
    shop.client.refused("WriteOffDebt", &over, "SettleAmountGreaterThanDebt").await;
    shop.writes_off("40", "w2").await;
    assert_eq!(shop.debt().await, debt("0.00", "60.00"));
}

#[tokio::test]
async fn the_settlement_tokens_limit_bounds_the_sum_of_settlements() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "300", "p").await;
    shop.settles("BY-CARD", "150", "s1").await;
    let over = shop.settle_refused("BY-CARD", "50.01", "s2", "TokenUsageError").await;
    assert_eq!(over.message(), "The token \"BY-CARD\" has violated its usage policy.");
    shop.settles("BY-CARD", "50", "s3").await;
    shop.advance(SECOND).await;
    shop.settle_refused("BY-CARD", "0.02", "s4", "TokenUsageError").await;
    assert_eq!(shop.debt().await, debt("100.00", "0.00"));
}

#[tokio::test]
async fn a_settlement_that_times_out_restores_the_debt_and_the_token_limit() {
    let shop = TestShop::start_with(Config { cc_delay: 10 * MINUTE, ..config() }).await;
    shop.pays("CREDIT", "300", "p").await;
    let mut hurried = settle_parameters("BY-CARD", "200", "s1");
    hurried.push(("TransactionTimeoutInMins", "5"));
    let id = shop.client.ok("SettleDebt", &hurried).await.text("TransactionId");
    shop.settle_refused("BY-CARD", "1", "s2", "TokenUsageError").await;
    shop.advance(5 * MINUTE - Duration::from_millis(1)).await;
    assert_eq!(shop.debt().await, debt("100.00", "200.00"));
    shop.advance(Duration::from_millis(1)).await;
    assert_eq!(shop.debt().await, debt("300.00", "0.00"));
    assert_eq!(shop.status(&id).await, status_and_code("Failure", "Expired"));
    assert_eq!(shop.balances(&id).await.1, "0.000000");
    assert_eq!(shop.detail(&id).await.text("DateCompleted"), "2012-06-01T12:05:00.000Z");
    shop.advance(5 * MINUTE).await;
    assert_eq!(
        shop.status(&id).await,
        status_and_code("Failure", "Expired"),
        "it does not succeed afterwards"
    );
    shop.settles("BY-CARD", "200", "s3").await;
}

#[tokio::test]
async fn a_settlement_just_within_its_timeout_succeeds() {
    let shop = TestShop::start_with(Config { cc_delay: 5 * MINUTE, ..config() }).await;
    shop.pays("CREDIT", "300", "p").await;
    let mut timed = settle_parameters("BY-CARD", "200", "s1");
    timed.push(("TransactionTimeoutInMins", "5"));
    let id = shop.client.ok("SettleDebt", &timed).await.text("TransactionId");
    shop.advance(5 * MINUTE).await;
    assert_eq!(shop.status(&id).await, status_and_code("Success", "Success"));
}

#[tokio::test]
async fn only_the_instruments_own_settlement_token_settles_and_it_does_nothing_else() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "100", "p").await;
    for (reference, token) in [("s1", "CREDIT"), ("s2", "ABT"), ("s3", "OTHER-BALANCE")] {
        shop.settle_refused(token, "10", reference, "IncompatibleTokens").await;
    }
    for (reference, token) in [("p1", "BY-CARD"), ("p2", "BY-BALANCE")] {
        shop.client.refused("Pay", &pay(token, "10", reference), "IncompatibleTokens").await;
    }
    assert_eq!(shop.debt().await, debt("100.00", "0.00"));
}

#[tokio::test]
async fn writing_off_lowers_the_debt_moves_no_money_and_cannot_be_undone() {
    let shop = TestShop::start().await;
    shop.pays("CREDIT", "100", "p").await;
    let response = shop.client.ok("WriteOffDebt", &write_off_parameters("100", "w")).await;
    assert_eq!(response.text("TransactionStatus"), "Success");
    let id = response.text("TransactionId");
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
    assert_eq!(shop.balances(&id).await, status_and_code("300.000000", "0.000000"));
    assert_eq!(shop.fee(&id).await, "0.000000");
    shop.refund_refused(&id, "", "r", "TransactionTypeNotRefundable").await;
}

#[tokio::test]
async fn the_oldest_debt_is_written_off_first() {
    let shop = TestShop::start().await;
    let first = shop.pays("CREDIT", "60", "p1").await;
    let second = shop.pays("CREDIT", "40", "p2").await;
    shop.writes_off("50", "w").await;
    shop.refund_refused(&first, "10.01", "r1", "RefundAmountExceeded").await;
    shop.refunds(&second, "40", "r2").await;
    shop.refunds(&first, "10", "r3").await;
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
}

/// The store reads open debts in several steps. They are cleared oldest first, by a command and when a card has paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_debts_are_cleared_as_it_takes_oldest_first() {
    let shop = TestShop::start().await;
    let mut paid = Vec::new();
    for number in 0..2_400 {
        paid.push(shop.pays("CREDIT", "0.05", &format!("p{number}")).await);
    }
    // 1,200 debts are settled from the balance, one and a half are written off, all others except the last by card.
    shop.settles("BY-BALANCE", "60", "s1").await;
    shop.client.ok("WriteOffDebt", &write_off_parameters("0.08", "w1")).await;
    for (place, left) in
        [(0, "settled"), (1_199, "settled"), (1_200, "settled"), (1_202, "all"), (2_399, "all")]
    {
        let refund = refund_parameters(&paid[place], "0.06", "too much");
        let expected =
            if left == "settled" { "TransactionTypeNotRefundable" } else { "RefundAmountExceeded" };
        let reference = format!("r{place}");
        let refund: Vec<_> = refund
            .into_iter()
            .map(|(name, value)| (name, if name == "CallerReference" { reference.as_str() } else { value }))
            .collect();
        shop.client.refused("Refund", &refund, expected).await;
    }
    shop.client
        .refused("Refund", &refund_parameters(&paid[1_201], "0.03", "r"), "RefundAmountExceeded")
        .await;
    shop.settles("BY-CARD", "59.87", "s2").await;
    shop.server.advance(SECOND).await;
    assert_eq!(shop.debt().await, debt("0.05", "0.00"));
    shop.client.ok("Refund", &refund_parameters(&paid[2_399], "0.05", "last")).await;
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
}

/// Refused and repeated requests must not read open debts, because there may be very many.
#[test]
fn settlements_and_write_offs_read_no_debts_before_they_clear_them() {
    let caller = fps_sandbox::ledger::AccountNumber(1);
    let write_off = fps_sandbox::ledger::WriteOffDebt {
        caller,
        instrument: "LINE".into(),
        amount: fps_sandbox::ledger::Amount::CENT,
        descriptions: fps_sandbox::ledger::Descriptions::default(),
    };
    let book = Book::default();
    let mut reads = ReadSet::new(&book);
    fps_sandbox::ledger::IdempotentOperation::read_set(&write_off, &mut reads);
    assert!(reads.into_missing().oldest_debts.is_empty());
}
