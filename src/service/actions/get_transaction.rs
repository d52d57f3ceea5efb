//! GetTransaction: everything about a transaction (guide: API Reference, GetTransaction).

use crate::error::{Code, FpsError};
use crate::ledger::{self, InstrumentKind, Status, Transaction, TransactionDetail};
use crate::service::call::Call;
use crate::service::{Answer, Elements};

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
    Ok(Answer::result(|out| out.nested("Transaction", |out| write_detail(out, &detail))))
}

fn write_detail(out: &mut Elements, detail: &TransactionDetail) {
    let transaction = &detail.transaction;
    let descriptions = &transaction.descriptions;
    out.text("TransactionId", &transaction.id);
    out.text("CallerReference", &descriptions.caller_reference);
    out.maybe("CallerDescription", descriptions.caller_description.as_ref());
    out.maybe("SenderDescription", descriptions.sender_description.as_ref());
    out.text("DateReceived", transaction.received);
    out.maybe("DateCompleted", transaction.history.completed());
    out.amount("TransactionAmount", transaction.charged());
    out.amount("FPSFees", transaction.progress.fee);
    if !transaction.progress.marketplace_fee.is_zero() {
        out.amount("MarketplaceFees", transaction.progress.marketplace_fee);
    }
    out.text("FPSFeesPaidBy", transaction.charge_fee_to.name());
    out.maybe("SenderTokenId", detail.sender_token.as_ref());
    out.maybe("RecipientTokenId", detail.recipient_token.as_ref());
    match &detail.instrument {
        Some((InstrumentKind::Prepaid, id)) => out.text("PrepaidInstrumentId", id),
        Some((InstrumentKind::Credit, id)) => out.text("CreditInstrumentId", id),
        None => {}
    }
    out.text("FPSOperation", transaction.operation.name());
    out.text("PaymentMethod", transaction.method.name());
    let stage = transaction.last_change();
    out.text("TransactionStatus", stage.status.name());
    out.text("StatusCode", stage.code.wire_name());
    out.text("StatusMessage", stage.message());
    out.text("SenderName", &detail.sender.name);
    if transaction.caller == transaction.recipient {
        out.text("SenderEmail", &detail.sender.email);
    }
    out.text("CallerName", &detail.caller.name);
    out.text("RecipientName", &detail.recipient.name);
    out.text("RecipientEmail", &detail.recipient.email);
    for refund in &detail.refunds {
        write_relation(out, refund.as_str(), "Refund");
    }
    if let Some(original) = &detail.original {
        write_relation(out, original.as_str(), "Parent");
    }
    write_history(out, transaction);
}

fn write_relation(out: &mut Elements, id: &str, relation: &str) {
    out.nested("RelatedTransaction", |out| {
        out.text("TransactionId", id);
        out.text("RelationType", relation);
    });
}

/// Oldest first: clients take the last entry for the current state.
fn write_history(out: &mut Elements, transaction: &Transaction) {
    let mut amount = transaction.amount;
    for stage in transaction.history.changes() {
        out.nested("StatusHistory", |out| {
            out.text("Date", stage.at);
            out.text("TransactionStatus", Status::name(stage.status));
            out.text("StatusCode", stage.code.wire_name());
            out.amount("Amount", amount);
        });
        // What comes after the hold is about what was settled of it.
        if stage.status == Status::Reserved {
            amount = transaction.charged();
        }
    }
}
