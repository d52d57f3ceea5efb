//! Debt from its making to its end: pay on credit, settle, write off, refund, and all that is refused on the way.

use std::time::Duration;

use crate::support::{Client, Reply, Server, config, demo, pay, settle};
use fps_sandbox::config::Config;
use fps_sandbox::error::{Code, FpsError};
use fps_sandbox::ledger::{Book, LedgerAccount, Query, QueryContext, ReadSet, TransactionId};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A shop, a rival, and Ann, who buys on credit and owes nothing yet.
const SEED: &str = r#"
account = [
    { name = "shop", email = "shop@example.com", access_key = [{ id = "SHOP", secret = "shop-secret" }] },
    { name = "rival", email = "rival@example.com", access_key = [{ id = "RIVAL", secret = "rival-secret" }] },
    { name = "ann", email = "ann@example.com", kind = "personal", balance = "300.00" },
]
credit_instrument = [
    { id = "LINE", sender = "ann", recipient = "shop", credit_limit = "20000.00" },
    { id = "OTHER", sender = "ann", recipient = "shop", credit_limit = "50.00" },
]
token = [
    { id = "CREDIT", charges = "LINE" },
    { id = "BY-CARD", settles = "LINE", method = "CC", global_amount_limit = "200.00" },
    { id = "BY-BALANCE", settles = "LINE", method = "ABT" },
    { id = "BY-BANK", settles = "LINE", method = "ACH" },
    { id = "OTHER-BALANCE", settles = "OTHER", method = "ABT" },
    { id = "ABT", sender = "ann", caller = "shop", method = "ABT" },
    { id = "CC", sender = "ann", caller = "shop", method = "CC" },
    { id = "ACH", sender = "ann", caller = "shop", method = "ACH" },
    { id = "SHOP-PAYS", sender = "shop", caller = "rival", method = "ABT" },
]
"#;

/// The shop in the world above.
struct Shop {
    server: Server,
    client: Client,
}

impl Shop {
    async fn open() -> Self {
        Self::open_with(config()).await
    }

    async fn open_with(config: Config) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), SEED).expect("the seed is written");
        let server = Server::start_with(Config { seed: Some(file.path().to_owned()), ..config }).await;
        let client = server.client("SHOP", "shop-secret");
        Self { server, client }
    }

    fn rival(&self) -> Client {
        self.server.client("RIVAL", "rival-secret")
    }

    async fn advance(&self, by: Duration) {
        self.server.advance(by).await;
    }

    /// A Pay that is accepted: its transaction.
    async fn pays(&self, token: &str, dollars: &str, reference: &str) -> String {
        self.client.ok("Pay", &pay(token, dollars, reference)).await.text("TransactionId")
    }

    /// A SettleDebt that is accepted: its transaction.
    async fn settles(&self, token: &str, dollars: &str, reference: &str) -> String {
        self.client.ok("SettleDebt", &settling(token, dollars, reference)).await.text("TransactionId")
    }

    async fn settle_refused(&self, token: &str, dollars: &str, reference: &str, code: &str) -> Reply {
        self.client.refused("SettleDebt", &settling(token, dollars, reference), code).await
    }

    async fn writes_off(&self, dollars: &str, reference: &str) -> String {
        self.client.ok("WriteOffDebt", &writing_off(dollars, reference)).await.text("TransactionId")
    }

    async fn refunds(&self, transaction: &str, dollars: &str, reference: &str) -> String {
        self.client.ok("Refund", &refunding(transaction, dollars, reference)).await.text("TransactionId")
    }

    async fn refund_refused(&self, transaction: &str, dollars: &str, reference: &str, code: &str) -> Reply {
        self.client.refused("Refund", &refunding(transaction, dollars, reference), code).await
    }

    /// The debt on `LINE`: available, pending.
    async fn owed(&self) -> (String, String) {
        self.client.debt("LINE").await
    }

    async fn detail(&self, transaction: &str) -> Reply {
        self.client.ok("GetTransaction", &[("TransactionId", transaction)]).await
    }

    async fn fee(&self, transaction: &str) -> String {
        self.detail(transaction).await.text("FPSFees/Value")
    }

    async fn status(&self, transaction: &str) -> (String, String) {
        self.client.status(transaction).await
    }

    /// The balances of a transaction's sender and recipient.
    async fn balances(&self, transaction: &str) -> (String, String) {
        let balances = Balances { of: transaction.into() };
        self.server.store.query(balances).await.expect("the balances")
    }
}

/// Looks at the book itself, because no action shows a balance.
#[derive(Debug)]
struct Balances {
    of: TransactionId,
}

impl Query for Balances {
    type Output = (String, String);

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.transaction(&self.of);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        let found = book.transaction(&self.of).ok_or(Code::InvalidTransactionId)?;
        let balance = |party| book.total(LedgerAccount::balance(party)).to_string();
        Ok((balance(found.sender), balance(found.recipient)))
    }
}

fn settling<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> Vec<(&'a str, &'a str)> {
    let whole =
        vec![("SenderTokenId", token), ("CreditInstrumentId", "LINE"), ("CallerReference", reference)];
    with_amount(whole, "SettlementAmount.Value", dollars)
}

fn refunding<'a>(transaction: &'a str, dollars: &'a str, reference: &'a str) -> Vec<(&'a str, &'a str)> {
    let whole = vec![("TransactionId", transaction), ("CallerReference", reference)];
    with_amount(whole, "RefundAmount.Value", dollars)
}

fn writing_off<'a>(dollars: &'a str, reference: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("CreditInstrumentId", "LINE"), ("AdjustmentAmount.Value", dollars), ("CallerReference", reference)]
}

/// Without dollars the amount is left out.
fn with_amount<'a>(
    mut parameters: Vec<(&'a str, &'a str)>,
    name: &'a str,
    dollars: &'a str,
) -> Vec<(&'a str, &'a str)> {
    if !dollars.is_empty() {
        parameters.push((name, dollars));
    }
    parameters
}

fn owed(available: &str, pending: &str) -> (String, String) {
    (format!("{available}0000"), format!("{pending}0000"))
}

fn words(status: &str, code: &str) -> (String, String) {
    (status.to_owned(), code.to_owned())
}

// Making debt.

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
    let shop = Shop::open().await;
    let paid = shop.client.ok("Pay", &pay("CREDIT", "100", "p")).await;
    assert_eq!(paid.text("TransactionStatus"), "Success");
    let id = paid.text("TransactionId");
    assert_eq!(shop.balances(&id).await, words("300.000000", "0.000000"));
    let detail = shop.detail(&id).await;
    assert_eq!(detail.text("FPSFees/Value"), "0.000000");
    assert_eq!(detail.text("PaymentMethod"), "Debt");
    assert_eq!(detail.text("CreditInstrumentId"), "LINE");
    assert_eq!(shop.owed().await, owed("100.00", "0.00"));
}

// Settling.

#[tokio::test]
async fn a_debt_of_100_settled_by_90_leaves_10_and_brings_87_50() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "100", "p").await;
    let settled = shop.client.ok("SettleDebt", &settling("BY-CARD", "90", "s")).await;
    assert_eq!(settled.text("TransactionStatus"), "Pending");
    let id = settled.text("TransactionId");
    assert_eq!(shop.owed().await, owed("10.00", "90.00"));
    assert_eq!(shop.balances(&id).await.1, "0.000000");
    shop.advance(SECOND).await;
    assert_eq!(shop.owed().await, owed("10.00", "0.00"));
    assert_eq!(shop.status(&id).await, words("Success", "Success"));
    assert_eq!(shop.fee(&id).await, "2.500000");
    assert_eq!(shop.balances(&id).await, words("300.000000", "87.500000"));
}

#[tokio::test]
async fn a_settlement_from_the_balance_is_done_in_the_call() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "100", "p").await;
    let settled = shop.client.ok("SettleDebt", &settling("BY-BALANCE", "100", "s")).await;
    assert_eq!(settled.text("TransactionStatus"), "Success");
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
    assert_eq!(shop.balances(&settled.text("TransactionId")).await, words("200.000000", "98.490000"));
}

#[tokio::test]
async fn a_settlement_from_the_balance_needs_the_balance() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "300.01", "p").await;
    shop.settle_refused("BY-BALANCE", "300.01", "s", "InsufficientBalance").await;
    shop.settles("BY-BALANCE", "300", "s2").await;
    assert_eq!(shop.owed().await, owed("0.01", "0.00"));
}

#[tokio::test]
async fn a_settlement_by_bank_takes_four_days() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "100", "p").await;
    let id = shop.settles("BY-BANK", "60", "s").await;
    shop.advance(4 * DAY - Duration::from_millis(1)).await;
    assert_eq!(shop.owed().await, owed("40.00", "60.00"));
    assert_eq!(shop.status(&id).await, words("Pending", "PendingNetworkResponse"));
    shop.advance(Duration::from_millis(1)).await;
    assert_eq!(shop.owed().await, owed("40.00", "0.00"));
    assert_eq!(shop.status(&id).await, words("Success", "Success"));
}

#[tokio::test]
async fn a_settlement_without_an_amount_settles_all_that_is_owed() {
    let shop = Shop::open().await;
    shop.settle_refused("BY-BALANCE", "", "nothing", "SettleAmountGreaterThanDebt").await;
    shop.pays("CREDIT", "80", "p").await;
    shop.settles("BY-CARD", "30", "part").await;
    let rest = shop.settles("BY-BALANCE", "", "rest").await;
    assert_eq!(shop.detail(&rest).await.text("TransactionAmount/Value"), "50.000000");
    assert_eq!(shop.owed().await, owed("0.00", "30.00"));
    shop.settle_refused("BY-BALANCE", "", "pending only", "SettleAmountGreaterThanDebt").await;
}

#[tokio::test]
async fn more_than_the_debt_can_be_neither_settled_nor_written_off() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "100", "p").await;
    shop.settle_refused("BY-CARD", "100.01", "s1", "SettleAmountGreaterThanDebt").await;
    shop.settles("BY-CARD", "60", "s2").await;
    shop.settle_refused("BY-BALANCE", "40.01", "s3", "SettleAmountGreaterThanDebt").await;
    let over = writing_off("40.01", "w1");
    shop.client.refused("WriteOffDebt", &over, "SettleAmountGreaterThanDebt").await;
    shop.writes_off("40", "w2").await;
    assert_eq!(shop.owed().await, owed("0.00", "60.00"));
}

#[tokio::test]
async fn the_settlement_tokens_limit_bounds_the_sum_of_settlements() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "300", "p").await;
    shop.settles("BY-CARD", "150", "s1").await;
    let over = shop.settle_refused("BY-CARD", "50.01", "s2", "TokenUsageError").await;
    assert_eq!(over.message(), "The token \"BY-CARD\" has violated its usage policy.");
    shop.settles("BY-CARD", "50", "s3").await;
    shop.advance(SECOND).await;
    shop.settle_refused("BY-CARD", "0.02", "s4", "TokenUsageError").await;
    assert_eq!(shop.owed().await, owed("100.00", "0.00"));
}

#[tokio::test]
async fn a_settlement_that_times_out_gives_its_amount_back_to_debt_and_token() {
    let shop = Shop::open_with(Config { cc_delay: 10 * MINUTE, ..config() }).await;
    shop.pays("CREDIT", "300", "p").await;
    let mut hurried = settling("BY-CARD", "200", "s1");
    hurried.push(("TransactionTimeoutInMins", "5"));
    let id = shop.client.ok("SettleDebt", &hurried).await.text("TransactionId");
    shop.settle_refused("BY-CARD", "1", "s2", "TokenUsageError").await;
    shop.advance(5 * MINUTE - Duration::from_millis(1)).await;
    assert_eq!(shop.owed().await, owed("100.00", "200.00"));
    shop.advance(Duration::from_millis(1)).await;
    assert_eq!(shop.owed().await, owed("300.00", "0.00"));
    assert_eq!(shop.status(&id).await, words("Failure", "Expired"));
    assert_eq!(shop.balances(&id).await.1, "0.000000");
    assert_eq!(shop.detail(&id).await.text("DateCompleted"), "2012-06-01T12:05:00.000Z");
    shop.advance(5 * MINUTE).await;
    assert_eq!(shop.status(&id).await, words("Failure", "Expired"), "it does not succeed afterwards");
    shop.settles("BY-CARD", "200", "s3").await;
}

#[tokio::test]
async fn a_settlement_that_just_makes_its_time_succeeds() {
    let shop = Shop::open_with(Config { cc_delay: 5 * MINUTE, ..config() }).await;
    shop.pays("CREDIT", "300", "p").await;
    let mut timed = settling("BY-CARD", "200", "s1");
    timed.push(("TransactionTimeoutInMins", "5"));
    let id = shop.client.ok("SettleDebt", &timed).await.text("TransactionId");
    shop.advance(5 * MINUTE).await;
    assert_eq!(shop.status(&id).await, words("Success", "Success"));
}

#[tokio::test]
async fn only_the_instruments_own_settlement_token_settles_and_it_does_nothing_else() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "100", "p").await;
    for (reference, token) in [("s1", "CREDIT"), ("s2", "ABT"), ("s3", "OTHER-BALANCE")] {
        shop.settle_refused(token, "10", reference, "IncompatibleTokens").await;
    }
    for (reference, token) in [("p1", "BY-CARD"), ("p2", "BY-BALANCE")] {
        shop.client.refused("Pay", &pay(token, "10", reference), "IncompatibleTokens").await;
    }
    assert_eq!(shop.owed().await, owed("100.00", "0.00"));
}

#[tokio::test]
async fn another_caller_can_use_neither_tokens_nor_instruments_nor_transactions() {
    let shop = Shop::open().await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let rival = shop.rival();
    rival.refused("Pay", &pay("CREDIT", "1", "r1"), "IncompatibleTokens").await;
    rival.refused("SettleDebt", &settling("BY-CARD", "1", "r2"), "IncompatibleTokens").await;
    rival.refused("WriteOffDebt", &writing_off("1", "r3"), "InstrumentAccessDenied").await;
    rival.refused("GetDebtBalance", &[("CreditInstrumentId", "LINE")], "InstrumentAccessDenied").await;
    rival.refused("Refund", &refunding(&paid, "1", "r4"), "InvalidTransactionId").await;
    rival.refused("GetTransaction", &[("TransactionId", &paid)], "InvalidTransactionId").await;
    rival.refused("GetTransactionStatus", &[("TransactionId", &paid)], "InvalidTransactionId").await;
    assert_eq!(shop.owed().await, owed("100.00", "0.00"));
}

#[tokio::test]
async fn ids_of_fps_form_that_name_nothing_are_told_apart_from_ids_of_no_form() {
    let shop = Shop::open().await;
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

// Writing off.

#[tokio::test]
async fn writing_off_lowers_the_debt_moves_no_money_and_cannot_be_undone() {
    let shop = Shop::open().await;
    shop.pays("CREDIT", "100", "p").await;
    let reply = shop.client.ok("WriteOffDebt", &writing_off("100", "w")).await;
    assert_eq!(reply.text("TransactionStatus"), "Success");
    let id = reply.text("TransactionId");
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
    assert_eq!(shop.balances(&id).await, words("300.000000", "0.000000"));
    assert_eq!(shop.fee(&id).await, "0.000000");
    shop.refund_refused(&id, "", "r", "TransactionTypeNotRefundable").await;
}

// Refunding.

#[tokio::test]
async fn the_oldest_debt_is_settled_first_and_what_is_settled_cannot_be_refunded() {
    let shop = Shop::open().await;
    let first = shop.pays("CREDIT", "60", "p1").await;
    let second = shop.pays("CREDIT", "40", "p2").await;
    shop.settles("BY-BALANCE", "70", "s").await;
    shop.refund_refused(&first, "1", "r1", "TransactionTypeNotRefundable").await;
    shop.refund_refused(&first, "", "r2", "TransactionTypeNotRefundable").await;
    shop.refund_refused(&second, "30.01", "r3", "RefundAmountExceeded").await;
    shop.refunds(&second, "10", "r4").await;
    assert_eq!(shop.owed().await, owed("20.00", "0.00"));
    let rest = shop.refunds(&second, "", "r5").await;
    assert_eq!(shop.detail(&rest).await.text("TransactionAmount/Value"), "20.000000");
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
    shop.refund_refused(&second, "", "r6", "TransactionTypeNotRefundable").await;
}

#[tokio::test]
async fn the_oldest_debt_is_written_off_first() {
    let shop = Shop::open().await;
    let first = shop.pays("CREDIT", "60", "p1").await;
    let second = shop.pays("CREDIT", "40", "p2").await;
    shop.writes_off("50", "w").await;
    shop.refund_refused(&first, "10.01", "r1", "RefundAmountExceeded").await;
    shop.refunds(&second, "40", "r2").await;
    shop.refunds(&first, "10", "r3").await;
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
}

#[tokio::test]
async fn a_debt_pay_is_refunded_in_parts_until_nothing_is_left() {
    let shop = Shop::open().await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let part = shop.client.ok("Refund", &refunding(&paid, "30", "r1")).await;
    assert_eq!(part.text("TransactionStatus"), "Success", "a refund of debt is done in the call");
    assert_eq!(shop.owed().await, owed("70.00", "0.00"));
    shop.refund_refused(&paid, "70.01", "r2", "RefundAmountExceeded").await;
    shop.refunds(&paid, "", "r3").await;
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
    shop.refund_refused(&paid, "0.01", "r4", "TransactionFullyRefundedAlready").await;
    assert_eq!(shop.balances(&paid).await, words("300.000000", "0.000000"));
}

#[tokio::test]
async fn debt_that_is_being_settled_cannot_be_refunded_until_the_settlement_fails() {
    let shop = Shop::open_with(Config { cc_delay: 10 * MINUTE, ..config() }).await;
    let paid = shop.pays("CREDIT", "100", "p").await;
    let mut hurried = settling("BY-CARD", "100", "s");
    hurried.push(("TransactionTimeoutInMins", "1"));
    shop.client.ok("SettleDebt", &hurried).await;
    shop.refund_refused(&paid, "1", "r1", "TransactionTypeNotRefundable").await;
    shop.advance(MINUTE).await;
    shop.refunds(&paid, "100", "r2").await;
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
}

#[tokio::test]
async fn settlements_and_refunds_cannot_be_refunded_whatever_their_state() {
    let shop = Shop::open().await;
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
    let shop = Shop::open().await;
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
    let shop = Shop::open().await;
    let paid = shop.pays("CC", "100", "p").await;
    shop.advance(SECOND).await;
    assert_eq!(shop.balances(&paid).await.1, "96.800000");
    let part = shop.refunds(&paid, "30", "r1").await;
    assert_eq!(shop.status(&part).await, words("Pending", "PendingNetworkResponse"));
    assert_eq!(shop.fee(&part).await, "-0.960000");
    assert_eq!(shop.balances(&paid).await.1, "67.760000");
    shop.advance(SECOND).await;
    assert_eq!(shop.status(&part).await, words("Success", "Success"));
    assert_eq!(shop.balances(&paid).await, words("300.000000", "67.760000"), "card money goes to the card");
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
    let shop = Shop::open().await;
    let balance = shop.pays("ABT", "100", "p1").await;
    let bank = shop.pays("ACH", "50", "p2").await;
    shop.advance(4 * DAY).await;
    assert_eq!(shop.balances(&bank).await.0, "200.000000");
    let refund = shop.refunds(&balance, "100", "r1").await;
    assert_eq!(shop.status(&refund).await.0, "Success");
    assert_eq!(shop.balances(&bank).await.0, "300.000000");
    let refund = shop.refunds(&bank, "50", "r2").await;
    assert_eq!(shop.status(&refund).await.0, "Success");
    assert_eq!(shop.balances(&bank).await, words("350.000000", "0.000000"));
}

#[tokio::test]
async fn a_refund_needs_the_recipients_balance() {
    let shop = Shop::open().await;
    let paid = shop.pays("ABT", "100", "p").await;
    let rival = shop.rival();
    rival.ok("Pay", &pay("SHOP-PAYS", "50", "spent")).await;
    shop.refund_refused(&paid, "100", "r1", "InsufficientBalance").await;
    assert_eq!(shop.balances(&paid).await, words("200.000000", "48.490000"));
    shop.refunds(&paid, "49.23", "r2").await;
    // 49.23 − 0.74 of the fee of 1.51 is all there was.
    assert_eq!(shop.balances(&paid).await, words("249.230000", "0.000000"));
}

// Amounts, fees, time.

#[tokio::test]
async fn fees_follow_the_price_list() {
    let shop = Shop::open().await;
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
async fn amounts_must_lie_in_the_range_that_fps_moves() {
    let shop = Shop::open().await;
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
    shop.client.refused("WriteOffDebt", &writing_off("0", "w0"), out).await;
    for dollars in ["-1", "1e2", "1.001", "ten", "+1", "0x1"] {
        shop.client.refused("Pay", &pay("ABT", dollars, "ill-formed"), "InvalidParams").await;
    }
}

#[tokio::test]
async fn without_a_delay_cards_answer_pending_and_the_next_call_sees_the_end() {
    let shop =
        Shop::open_with(Config { cc_delay: Duration::ZERO, ach_delay: Duration::ZERO, ..config() }).await;
    shop.pays("CREDIT", "100", "p").await;
    for (token, reference) in [("BY-CARD", "s1"), ("BY-BANK", "s2")] {
        let settled = shop.client.ok("SettleDebt", &settling(token, "40", reference)).await;
        assert_eq!(settled.text("TransactionStatus"), "Pending");
        assert_eq!(shop.owed().await.1, "0.000000");
        assert_eq!(shop.status(&settled.text("TransactionId")).await, words("Success", "Success"));
    }
    assert_eq!(shop.owed().await, owed("20.00", "0.00"));
}

#[tokio::test]
async fn a_transactions_history_tells_every_state_and_when_it_was_reached() {
    let shop = Shop::open().await;
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

// Very many open debts.

/// More debts than the store reads at a time are cleared oldest first, in the batch of the command and when a card has paid.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_debts_are_cleared_as_it_takes_oldest_first() {
    let shop = Shop::open().await;
    let mut paid = Vec::new();
    for number in 0..2_400 {
        paid.push(shop.pays("CREDIT", "0.05", &format!("p{number}")).await);
    }
    // 1,200 debts from the balance, one and a half by writing off, the rest but the last by card.
    shop.settles("BY-BALANCE", "60", "s1").await;
    shop.client.ok("WriteOffDebt", &writing_off("0.08", "w1")).await;
    for (place, left) in
        [(0, "settled"), (1_199, "settled"), (1_200, "settled"), (1_202, "all"), (2_399, "all")]
    {
        let refund = refunding(&paid[place], "0.06", "too much");
        let expected =
            if left == "settled" { "TransactionTypeNotRefundable" } else { "RefundAmountExceeded" };
        let reference = format!("r{place}");
        let refund: Vec<_> = refund
            .into_iter()
            .map(|(name, value)| (name, if name == "CallerReference" { reference.as_str() } else { value }))
            .collect();
        shop.client.refused("Refund", &refund, expected).await;
    }
    shop.client.refused("Refund", &refunding(&paid[1_201], "0.03", "r"), "RefundAmountExceeded").await;
    shop.settles("BY-CARD", "59.87", "s2").await;
    shop.server.advance(SECOND).await;
    assert_eq!(shop.owed().await, owed("0.05", "0.00"));
    shop.client.ok("Refund", &refunding(&paid[2_399], "0.05", "last")).await;
    assert_eq!(shop.owed().await, owed("0.00", "0.00"));
}

/// What is refused, or answered as it was before, does not ask for open debts: there may be very many.
#[test]
fn settlements_and_write_offs_name_no_debts_before_they_are_to_be_cleared() {
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
