//! GetTransaction: returns all details of a transaction (guide: API Reference, GetTransaction).

use crate::error::{Code, FpsError};
use crate::ledger::Named as _;
use crate::ledger::{self, InstrumentKind, Status, Transaction, TransactionDetail};
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::{ActionResult, ElementWriter};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetTransaction",
    aliases: &[],
    summary: "Returns all details of a transaction, with its history and related transactions.",
    source: "API Reference, GetTransaction; schema type TransactionDetail",
    parameters: &[shared::TRANSACTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTransactionId],
    behaviours: &[
        documented(
            "Elements and their order; status history with the oldest entry first; a Refund relation on the original, a Parent relation on the refund.",
        ),
        documented("SenderEmail only when the caller is the recipient too."),
        our_choice("Caller, sender and recipient of a transaction may ask; to others it does not exist."),
        our_choice("A history entry's amount is the transaction's."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let transaction = context.parameters.read("TransactionId")?;
    let detail = context.query(ledger::GetTransaction { caller: context.caller, transaction }).await?;
    Ok(ActionResult::with_result(|out| out.element("Transaction", |out| write_detail(out, &detail))))
}

fn write_detail(out: &mut ElementWriter, detail: &TransactionDetail) {
    let transaction = &detail.transaction;
    let descriptions = &transaction.descriptions;
    out.text("TransactionId", &transaction.id);
    out.text("CallerReference", &descriptions.caller_reference);
    out.optional_text("CallerDescription", descriptions.caller_description.as_ref());
    out.optional_text("SenderDescription", descriptions.sender_description.as_ref());
    out.text("DateReceived", transaction.received);
    out.optional_text("DateCompleted", transaction.history.completed());
    out.amount("TransactionAmount", transaction.charged());
    out.amount("FPSFees", transaction.progress.fee);
    if !transaction.progress.marketplace_fee.is_zero() {
        out.amount("MarketplaceFees", transaction.progress.marketplace_fee);
    }
    out.text("FPSFeesPaidBy", transaction.charge_fee_to.name());
    out.optional_text("SenderTokenId", detail.sender_token.as_ref());
    out.optional_text("RecipientTokenId", detail.recipient_token.as_ref());
    match &detail.instrument {
        Some((InstrumentKind::Prepaid, id)) => out.text("PrepaidInstrumentId", id),
        Some((InstrumentKind::Credit, id)) => out.text("CreditInstrumentId", id),
        None => {}
    }
    out.text("FPSOperation", transaction.operation.name());
    out.text("PaymentMethod", transaction.method.name());
    let last_change = transaction.last_change();
    out.text("TransactionStatus", last_change.status.name());
    out.text("StatusCode", last_change.code.wire_name());
    out.text("StatusMessage", last_change.message());
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

fn write_relation(out: &mut ElementWriter, id: &str, relation: &str) {
    out.element("RelatedTransaction", |out| {
        out.text("TransactionId", id);
        out.text("RelationType", relation);
    });
}

/// Writes the history with the oldest entry first: clients take the last entry for the current state.
fn write_history(out: &mut ElementWriter, transaction: &Transaction) {
    let mut amount = transaction.amount;
    for change in transaction.history.changes() {
        out.element("StatusHistory", |out| {
            out.text("Date", change.at);
            out.text("TransactionStatus", change.status.name());
            out.text("StatusCode", change.code.wire_name());
            out.amount("Amount", amount);
        });
        // The entries after a reservation belong to its settlement, which may be for less.
        if change.status == Status::Reserved {
            amount = transaction.charged();
        }
    }
}
