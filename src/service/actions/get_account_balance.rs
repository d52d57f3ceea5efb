//! GetAccountBalance: what the caller's account holds (guide: API Reference, GetAccountBalance).

use crate::error::FpsError;
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, our_choice};

pub(super) static ACTION: Action = Action {
    name: "GetAccountBalance",
    aliases: &[],
    summary: "Tells what the caller's account holds and what is on its way.",
    source: "API Reference, GetAccountBalance",
    parameters: &[],
    legacy: &[],
    errors: &[],
    fidelity: &[
        documented("Total, pending in, pending out, and what can be disbursed or refunded."),
        our_choice("All of the total can be disbursed and refunded."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(call: Call<'_>) -> Result<Answer, FpsError> {
    let balance = call.ask(ledger::GetAccountBalance { caller: call.caller }).await?;
    Ok(Answer::result(|out| {
        out.nested("AccountBalance", |out| {
            out.amount("TotalBalance", balance.total);
            out.amount("PendingInBalance", balance.pending_in);
            out.amount("PendingOutBalance", balance.pending_out);
            out.nested("AvailableBalances", |out| {
                out.amount("DisburseBalance", balance.total);
                out.amount("RefundBalance", balance.total);
            });
        });
    }))
}
