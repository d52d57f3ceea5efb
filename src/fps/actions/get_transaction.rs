//! GetTransaction: everything about a transaction (guide: API Reference, GetTransaction).

use crate::error::{Code, FpsError};
use crate::fps::call::Call;
use crate::fps::xml::{Answer, Xml};
use crate::ledger::{self, InstrumentKind, Status, Transaction, TransactionDetail};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetTransaction",
    aliases: &[],
    summary: "Tells everything about a transaction, with its history and what is related to it.",
    source: "API Reference, GetTransaction; schema type TransactionDetail",
    parameters: &[shared::TRANSACTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTransactionId],
    fidelity: &[
        documented(
            "Elements and their order; status history with the oldest entry first; a Refund relation on the original, a Parent relation on the refund.",
        ),
        documented("SenderEmail only when the caller is the recipient too."),
        our_choice("Caller, sender and recipient of a transaction may ask; to others it does not exist."),
        our_choice("A history entry's amount is the transaction's."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let transaction = call.params.text("TransactionId")?.into();
    let detail = call.ask(ledger::GetTransaction { caller: call.caller, transaction }).await?;
    Ok(Answer::result(ACTION.name, |xml| xml.nested("Transaction", |xml| write_detail(xml, &detail))))
}

fn write_detail(xml: &mut Xml, detail: &TransactionDetail) {
    let transaction = &detail.transaction;
    let remarks = &transaction.remarks;
    xml.text("TransactionId", &transaction.id);
    xml.text("CallerReference", &remarks.caller_reference);
    xml.maybe("CallerDescription", remarks.caller_description.as_ref());
    xml.maybe("SenderDescription", remarks.sender_description.as_ref());
    xml.text("DateReceived", transaction.received);
    xml.maybe("DateCompleted", transaction.history.completed());
    xml.amount("TransactionAmount", transaction.charged());
    xml.amount("FPSFees", transaction.progress.fee);
    if !transaction.progress.marketplace_fee.is_zero() {
        xml.amount("MarketplaceFees", transaction.progress.marketplace_fee);
    }
    xml.text("FPSFeesPaidBy", transaction.charge_fee_to.name());
    xml.maybe("SenderTokenId", detail.sender_token.as_ref());
    xml.maybe("RecipientTokenId", detail.recipient_token.as_ref());
    match &detail.instrument {
        Some((InstrumentKind::Prepaid, id)) => xml.text("PrepaidInstrumentId", id),
        Some((InstrumentKind::Credit, id)) => xml.text("CreditInstrumentId", id),
        None => {}
    }
    xml.text("FPSOperation", transaction.operation.name());
    xml.text("PaymentMethod", transaction.method.name());
    let stage = transaction.stage();
    xml.text("TransactionStatus", stage.status.name());
    xml.text("StatusCode", stage.code.wire_name());
    xml.text("StatusMessage", stage.message());
    xml.text("SenderName", &detail.sender.name);
    if transaction.caller == transaction.recipient {
        xml.text("SenderEmail", &detail.sender.email);
    }
    xml.text("CallerName", &detail.caller.name);
    xml.text("RecipientName", &detail.recipient.name);
    xml.text("RecipientEmail", &detail.recipient.email);
    for refund in &detail.refunds {
        write_relation(xml, refund.as_str(), "Refund");
    }
    if let Some(original) = &detail.original {
        write_relation(xml, original.as_str(), "Parent");
    }
    write_history(xml, transaction);
}

fn write_relation(xml: &mut Xml, id: &str, relation: &str) {
    xml.nested("RelatedTransaction", |xml| {
        xml.text("TransactionId", id);
        xml.text("RelationType", relation);
    });
}

/// Oldest first: clients take the last entry for the current state.
fn write_history(xml: &mut Xml, transaction: &Transaction) {
    let mut amount = transaction.amount;
    for stage in transaction.history.stages() {
        xml.nested("StatusHistory", |xml| {
            xml.text("Date", stage.at);
            xml.text("TransactionStatus", Status::name(stage.status));
            xml.text("StatusCode", stage.code.wire_name());
            xml.amount("Amount", amount);
        });
        // What comes after the hold is about what was settled of it.
        if stage.status == Status::Reserved {
            amount = transaction.charged();
        }
    }
}
