//! GetOutstandingDebtBalance: what all buyers owe a creditor (guide: API Reference).

use crate::error::FpsError;
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, observed};

pub(super) static ACTION: Action = Action {
    name: "GetOutstandingDebtBalance",
    aliases: &["GetOutStandingDebtBalance"],
    summary: "Tells what is owed on all credit instruments of which the caller is the creditor.",
    source: "API Reference, GetOutstandingDebtBalance",
    parameters: &[],
    legacy: &[],
    errors: &[],
    fidelity: &[
        documented("The sum over all credit instruments of the caller."),
        observed("One client library writes the action GetOutStandingDebtBalance; that is taken too."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Answer, FpsError> {
    let debt = call.ask(ledger::GetOutstandingDebtBalance { caller: call.caller }).await?;
    Ok(Answer::result(|out| {
        out.nested("OutstandingDebt", |out| {
            out.amount("OutstandingBalance", debt.available);
            out.amount("PendingOutBalance", debt.pending_out);
        });
    }))
}
