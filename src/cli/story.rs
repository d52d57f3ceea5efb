//! The guide's story (Aggregated Payments Guide, Using Postpaid Payment Tokens): its figures, and its refusals.

use super::Failure;
use super::demo::{Stage, head, say};
use super::world::{CREDIT, INSTRUMENT, SETTLEMENT};

/// Tells it.
pub(super) fn tell(stage: &mut Stage<'_>) -> Result<(), Failure> {
    say("Alice buys on credit, at most 500.00, and settles by card.\n")?;
    head()?;
    let first = credit(stage)?;
    say("\nThe refusals change nothing.\n")?;
    refusals(stage, &first)?;
    say("\nEach line was a signed request over HTTP. Your turn: start `fps-sandbox` and paste its curl line.")
}

/// Purchase, settlement, write-off and refund. Answers the id of the purchase that ends up settled.
fn credit(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let balance = [("Action", "GetDebtBalance"), ("CreditInstrumentId", INSTRUMENT)];
    stage.ask("GetDebtBalance", &balance, "200")?;
    let first = stage.ask("Pay 100.00 by credit token", &pay(CREDIT, "100", "order-1"), "200 Success")?;
    let settled = stage.ask("SettleDebt 90.00", &settle(SETTLEMENT, "90", "settle-1"), "200 Pending")?;
    say("    … a second later the card has paid, and the merchant has it less the fee:")?;
    stage.wait(1)?;
    let detail = [("Action", "GetTransaction"), ("TransactionId", settled.as_str())];
    stage.ask("GetTransaction of the settlement", &detail, "200 Success, fee 2.50")?;
    let write_off = [
        ("Action", "WriteOffDebt"),
        ("CreditInstrumentId", INSTRUMENT),
        ("AdjustmentAmount.Value", "10"),
        ("AdjustmentAmount.CurrencyCode", "USD"),
        ("CallerReference", "write-off-1"),
    ];
    stage.ask("WriteOffDebt 10.00", &write_off, "200 Success")?;
    let second = stage.ask("Pay 60.00 by credit token", &pay(CREDIT, "60", "order-2"), "200 Success")?;
    stage.ask("Refund 25.00 of it", &refund(&second, "25", "refund-1"), "200 Success")?;
    Ok(first)
}

fn refusals(stage: &mut Stage<'_>, settled: &str) -> Result<(), Failure> {
    let over = pay(CREDIT, "465.01", "order-3");
    stage.ask("Pay 465.01: above the limit", &over, "400 InsufficientBalance")?;
    let too_much = settle(SETTLEMENT, "35.01", "settle-2");
    stage.ask("SettleDebt 35.01: more than owed", &too_much, "400 SettleAmountGreaterThanDebt")?;
    let wrong = settle(CREDIT, "35", "settle-3");
    stage.ask("SettleDebt by the credit token", &wrong, "400 IncompatibleTokens")?;
    let gone = refund(settled, "1", "refund-2");
    stage.ask("Refund of the settled purchase", &gone, "400 TransactionTypeNotRefundable")?;
    let other = pay(CREDIT, "61", "order-2");
    stage.ask("Pay 61.00 as order-2, a used name", &other, "400 DuplicateRequest")?;
    let same = pay(CREDIT, "60", "order-2");
    stage.ask("Pay 60.00 as order-2, the same again", &same, "200 Success, same id")?;
    Ok(())
}

type Parameters<'a, const N: usize> = [(&'a str, &'a str); N];

fn pay<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> Parameters<'a, 5> {
    [
        ("Action", "Pay"),
        ("SenderTokenId", token),
        ("TransactionAmount.Value", dollars),
        ("TransactionAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

fn settle<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> Parameters<'a, 6> {
    [
        ("Action", "SettleDebt"),
        ("SenderTokenId", token),
        ("CreditInstrumentId", INSTRUMENT),
        ("SettlementAmount.Value", dollars),
        ("SettlementAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

fn refund<'a>(transaction: &'a str, dollars: &'a str, reference: &'a str) -> Parameters<'a, 5> {
    [
        ("Action", "Refund"),
        ("TransactionId", transaction),
        ("RefundAmount.Value", dollars),
        ("RefundAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}
