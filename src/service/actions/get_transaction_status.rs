//! GetTransactionStatus: how far a transaction got (guide: API Reference, GetTransactionStatus).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, observed, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetTransactionStatus",
    aliases: &[],
    summary: "Tells how far a transaction got.",
    source: "API Reference, GetTransactionStatus",
    parameters: &[shared::TRANSACTION_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTransactionId],
    fidelity: &[
        documented("StatusCode refines TransactionStatus."),
        observed("The messages of Success and PendingNetworkResponse, and the refusal of an ill-formed id."),
        our_choice("The messages of Expired and TransactionDenied."),
        our_choice("Caller, sender and recipient of a transaction may ask; to others it does not exist."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let transaction = call.params.text("TransactionId")?.into();
    let state = call.ask(ledger::GetTransactionStatus { caller: call.caller, transaction }).await?;
    Ok(Answer::result(|out| {
        out.text("TransactionId", &state.id);
        out.text("TransactionStatus", state.last_change.status.name());
        out.text("CallerReference", &state.caller_reference);
        out.text("StatusCode", state.last_change.code.wire_name());
        out.text("StatusMessage", state.last_change.message());
    }))
}
