//! GetTotalPrepaidLiability: what an issuer owes for money paid in advance (guide: API Reference).

use crate::error::FpsError;
use crate::fps::call::Call;
use crate::fps::xml::Answer;
use crate::ledger;

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
    Ok(Answer::result(ACTION.name, |xml| {
        xml.nested("OutstandingPrepaidLiability", |xml| {
            xml.amount("OutstandingBalance", liability.available);
            xml.amount("PendingInBalance", liability.pending_in);
        });
    }))
}
