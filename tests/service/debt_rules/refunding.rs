//! Refund of debt and of other payments.

use super::*;

#[tokio::test]
async fn the_oldest_debt_is_settled_first_and_what_is_settled_cannot_be_refunded() {
    let shop = TestShop::start().await;
    let first = shop.pays("CREDIT", "60", "p1").await;
    let second = shop.pays("CREDIT", "40", "p2").await;
    shop.settles("BY-BALANCE", "70", "s").await;
    shop.refund_refused(&first, "1", "r1", "TransactionTypeNotRefundable").await;
    shop.refund_refused(&first, "", "r2", "TransactionTypeNotRefundable").await;
    shop.refund_refused(&second, "30.01", "r3", "RefundAmountExceeded").await;
    shop.refunds(&second, "10", "r4").await;
    assert_eq!(shop.debt().await, debt("20.00", "0.00"));
    let rest = shop.refunds(&second, "", "r5").await;
    assert_eq!(shop.detail(&rest).await.text("TransactionAmount/Value"), "20.000000");
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
    shop.refund_refused(&second, "", "r6", "TransactionTypeNotRefundable").await;
}

#[tokio::test]
async fn a_debt_pay_is_refunded_in_parts_until_nothing_is_left() {
    let shop = TestShop::start().await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let part = shop.client.ok("Refund", &refund_parameters(&paid, "30", "r1")).await;
    assert_eq!(part.text("TransactionStatus"), "Success", "a refund of debt is done in the call");
    assert_eq!(shop.debt().await, debt("70.00", "0.00"));
    shop.refund_refused(&paid, "70.01", "r2", "RefundAmountExceeded").await;
    shop.refunds(&paid, "", "r3").await;
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
    shop.refund_refused(&paid, "0.01", "r4", "TransactionFullyRefundedAlready").await;
    assert_eq!(shop.balances(&paid).await, status_and_code("300.000000", "0.000000"));
}

#[tokio::test]
async fn debt_that_is_being_settled_cannot_be_refunded_until_the_settlement_fails() {
    let shop = TestShop::start_with(Config { cc_delay: 10 * MINUTE, ..config() }).await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let mut hurried = settle_parameters("BY-CARD", "100", "s");
    hurried.push(("TransactionTimeoutInMins", "1"));
    shop.client.ok("SettleDebt", &hurried).await;
    shop.refund_refused(&paid, "1", "r1", "TransactionTypeNotRefundable").await;
    shop.advance(MINUTE).await;
    shop.refunds(&paid, "100", "r2").await;
    assert_eq!(shop.debt().await, debt("0.00", "0.00"));
}

#[tokio::test]
async fn settlements_and_refunds_cannot_be_refunded_whatever_their_state() {
    let shop = TestShop::start().await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let settled = shop.settles("BY-CARD", "50", "s").await;
    shop.refund_refused(&settled, "1", "r1", "TransactionTypeNotRefundable").await;
    shop.advance(SECOND).await;
    shop.refund_refused(&settled, "1", "r2", "TransactionTypeNotRefundable").await;
    let refund = shop.refunds(&paid, "10", "r3").await;
    shop.refund_refused(&refund, "1", "r4", "TransactionTypeNotRefundable").await;
}

#[tokio::test]
async fn only_a_payment_that_succeeded_can_be_refunded() {
    let shop = TestShop::start().await;
    let pending = shop.pays("CC", "100", "p1").await;
    shop.refund_refused(&pending, "1", "r1", "OriginalTransactionIncomplete").await;
    let mut hurried = pay("ACH", "100", "p2").to_vec();
    hurried.push(("TransactionTimeoutInMins", "1"));
    let failed = shop.client.ok("Pay", &hurried).await.text("TransactionId");
    shop.advance(MINUTE).await;
    shop.refund_refused(&failed, "1", "r2", "OriginalTransactionFailed").await;
    shop.refunds(&pending, "1", "r3").await;
}

#[tokio::test]
async fn a_card_refund_takes_the_recipients_money_at_once_and_gives_the_fee_back_in_proportion() {
    let shop = TestShop::start().await;
    let paid = shop.pays("CC", "100", "p").await;
    shop.advance(SECOND).await;
    assert_eq!(shop.balances(&paid).await.1, "96.800000");
    let part = shop.refunds(&paid, "30", "r1").await;
    assert_eq!(shop.status(&part).await, status_and_code("Pending", "PendingNetworkResponse"));
    assert_eq!(shop.fee(&part).await, "-0.960000");
    assert_eq!(shop.balances(&paid).await.1, "67.760000");
    shop.advance(SECOND).await;
    assert_eq!(shop.status(&part).await, status_and_code("Success", "Success"));
    assert_eq!(
        shop.balances(&paid).await,
        status_and_code("300.000000", "67.760000"),
        "card money goes to the card"
    );
    shop.refund_refused(&paid, "70.01", "r2", "RefundAmountExceeded").await;
    let rest = shop.refunds(&paid, "", "r3").await;
    assert_eq!(shop.fee(&rest).await, "-2.240000");
    assert_eq!(shop.balances(&paid).await.1, "0.000000");
    shop.refund_refused(&paid, "0.01", "r4", "TransactionFullyRefundedAlready").await;
    let related = shop.detail(&paid).await;
    assert_eq!(related.body.matches("<RelationType>Refund</RelationType>").count(), 2);
    assert_eq!(shop.detail(&part).await.text("RelatedTransaction/TransactionId"), paid);
}

#[tokio::test]
async fn refunds_of_balance_and_bank_payments_go_to_the_balance_in_the_call() {
    let shop = TestShop::start().await;
    let balance = shop.pays("ABT", "100", "p1").await;
    let bank = shop.pays("ACH", "50", "p2").await;
    shop.advance(4 * DAY).await;
    assert_eq!(shop.balances(&bank).await.0, "200.000000");
    let refund = shop.refunds(&balance, "100", "r1").await;
    assert_eq!(shop.status(&refund).await.0, "Success");
    assert_eq!(shop.balances(&bank).await.0, "300.000000");
    let refund = shop.refunds(&bank, "50", "r2").await;
    assert_eq!(shop.status(&refund).await.0, "Success");
    assert_eq!(shop.balances(&bank).await, status_and_code("350.000000", "0.000000"));
}

#[tokio::test]
async fn a_refund_needs_the_recipients_balance() {
    let shop = TestShop::start().await;
    let paid = shop.pays("ABT", "100", "p").await;
    let rival = shop.rival();
    rival.ok("Pay", &pay("SHOP-PAYS", "50", "spent")).await;
    shop.refund_refused(&paid, "100", "r1", "InsufficientBalance").await;
    assert_eq!(shop.balances(&paid).await, status_and_code("200.000000", "48.490000"));
    shop.refunds(&paid, "49.23", "r2").await;
    // The balance was 49.23 − 0.74 of the fee of 1.51.
    assert_eq!(shop.balances(&paid).await, status_and_code("249.230000", "0.000000"));
}
