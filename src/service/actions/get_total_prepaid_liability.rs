//! GetTotalPrepaidLiability: what an issuer owes for money paid in advance (guide: API Reference).

use crate::error::FpsError;
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented};

pub(super) static ACTION: Action = Action {
    name: "GetTotalPrepaidLiability",
    aliases: &[],
    summary: "Tells what the caller owes on all prepaid instruments it issued.",
    source: "API Reference, GetTotalPrepaidLiability",
    parameters: &[],
    legacy: &[],
    errors: &[],
    fidelity: &[documented("OutstandingBalance is what can be spent, PendingInBalance what is on its way.")],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Answer, FpsError> {
    let liability = call.ask(ledger::GetTotalPrepaidLiability { caller: call.caller }).await?;
    Ok(Answer::result(|out| {
        out.nested("OutstandingPrepaidLiability", |out| {
            out.amount("OutstandingBalance", liability.available);
            out.amount("PendingInBalance", liability.pending_in);
        });
    }))
}
