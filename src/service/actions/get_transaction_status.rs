//! GetTransactionStatus: returns the status of a transaction (guide: API Reference, GetTransactionStatus).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::ledger::Named as _;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, observed, our_choice};
use crate::service::context::ActionContext;

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetTransactionStatus",
    aliases: &[],
    summary: "Returns the status of a transaction.",
    source: "API Reference, GetTransactionStatus",
    parameters: &[shared::TRANSACTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTransactionId],
    behaviours: &[
        documented("StatusCode refines TransactionStatus."),
        observed("The messages of Success and PendingNetworkResponse, and the refusal of an ill-formed id."),
        our_choice("The messages of Expired and TransactionDenied."),
        our_choice("Caller, sender and recipient of a transaction may ask; to others it does not exist."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let transaction = context.parameters.read("TransactionId")?;
    let state = context.query(ledger::GetTransactionStatus { caller: context.caller, transaction }).await?;
    Ok(ActionResult::with_result(|out| {
        out.text("TransactionId", &state.id);
        out.text("TransactionStatus", state.last_change.status.name());
        out.text("CallerReference", &state.caller_reference);
        out.text("StatusCode", state.last_change.code.wire_name());
        out.text("StatusMessage", state.last_change.message());
    }))
}
