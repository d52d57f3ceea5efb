//! The steps of `fps-sandbox demo`: the example of the guide (Aggregated Payments Guide, Using Postpaid Payment Tokens)
//! with its figures, and requests that are refused.

use super::CliError;
use super::demo::{DemoRun, print_line, print_table_header};
use super::demo_ids::{CREDIT_INSTRUMENT, CREDIT_TOKEN, SETTLEMENT_TOKEN};

/// Plays all steps.
pub(super) fn play(demo: &mut DemoRun<'_>) -> Result<(), CliError> {
    print_line("Alice buys on credit, at most 500.00, and settles by card.\n")?;
    print_table_header()?;
    let settled_purchase = use_credit(demo)?;
    print_line("\nThe refusals change nothing.\n")?;
    send_refused_requests(demo, &settled_purchase)?;
    print_line(
        "\nEach line was a signed request over HTTP. Your turn: start `fps-sandbox` and paste its curl line.",
    )
}

/// Purchases, settlement, write-off and refund. Returns the id of the purchase that is settled in the end.
fn use_credit(demo: &mut DemoRun<'_>) -> Result<String, CliError> {
    let balance = [("Action", "GetDebtBalance"), ("CreditInstrumentId", CREDIT_INSTRUMENT)];
    demo.request("GetDebtBalance", &balance, "200")?;
    let first =
        demo.request("Pay 100.00 by credit token", &pay(CREDIT_TOKEN, "100", "order-1"), "200 Success")?;
    let settled =
        demo.request("SettleDebt 90.00", &settle(SETTLEMENT_TOKEN, "90", "settle-1"), "200 Pending")?;
    print_line("    … a second later the card has paid, and the merchant has it less the fee:")?;
    demo.advance_clock(1)?;
    let detail = [("Action", "GetTransaction"), ("TransactionId", settled.as_str())];
    demo.request("GetTransaction of the settlement", &detail, "200 Success, fee 2.50")?;
    let write_off = [
        ("Action", "WriteOffDebt"),
        ("CreditInstrumentId", CREDIT_INSTRUMENT),
        ("AdjustmentAmount.Value", "10"),
        ("AdjustmentAmount.CurrencyCode", "USD"),
        ("CallerReference", "write-off-1"),
    ];
    demo.request("WriteOffDebt 10.00", &write_off, "200 Success")?;
    let second =
        demo.request("Pay 60.00 by credit token", &pay(CREDIT_TOKEN, "60", "order-2"), "200 Success")?;
    demo.request("Refund 25.00 of it", &refund(&second, "25", "refund-1"), "200 Success")?;
    Ok(first)
}

/// Requests that must be refused, and a repeated one.
fn send_refused_requests(demo: &mut DemoRun<'_>, settled: &str) -> Result<(), CliError> {
    let over = pay(CREDIT_TOKEN, "465.01", "order-3");
    demo.request("Pay 465.01: above the limit", &over, "400 InsufficientBalance")?;
    let too_much = settle(SETTLEMENT_TOKEN, "35.01", "settle-2");
    demo.request("SettleDebt 35.01: more than owed", &too_much, "400 SettleAmountGreaterThanDebt")?;
    let wrong = settle(CREDIT_TOKEN, "35", "settle-3");
    demo.request("SettleDebt by the credit token", &wrong, "400 IncompatibleTokens")?;
    let gone = refund(settled, "1", "refund-2");
    demo.request("Refund of the settled purchase", &gone, "400 TransactionTypeNotRefundable")?;
    let other = pay(CREDIT_TOKEN, "61", "order-2");
    demo.request("Pay 61.00 as order-2, a used name", &other, "400 DuplicateRequest")?;
    let same = pay(CREDIT_TOKEN, "60", "order-2");
    demo.request("Pay 60.00 as order-2, the same again", &same, "200 Success, same id")?;
    Ok(())
}

type RequestParameters<'a, const N: usize> = [(&'a str, &'a str); N];

fn pay<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> RequestParameters<'a, 5> {
    [
        ("Action", "Pay"),
        ("SenderTokenId", token),
        ("TransactionAmount.Value", dollars),
        ("TransactionAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

fn settle<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> RequestParameters<'a, 6> {
    [
        ("Action", "SettleDebt"),
        ("SenderTokenId", token),
        ("CreditInstrumentId", CREDIT_INSTRUMENT),
        ("SettlementAmount.Value", dollars),
        ("SettlementAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

fn refund<'a>(transaction: &'a str, dollars: &'a str, reference: &'a str) -> RequestParameters<'a, 5> {
    [
        ("Action", "Refund"),
        ("TransactionId", transaction),
        ("RefundAmount.Value", dollars),
        ("RefundAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}
