//! GetAccountBalance: what the caller's account holds (guide: API Reference, GetAccountBalance).

use crate::error::FpsError;
use crate::fps::call::Call;
use crate::fps::xml::Answer;
use crate::ledger;

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
    Ok(Answer::result(ACTION.name, |xml| {
        xml.nested("AccountBalance", |xml| {
            xml.amount("TotalBalance", balance.total);
            xml.amount("PendingInBalance", balance.pending_in);
            xml.amount("PendingOutBalance", balance.pending_out);
            xml.nested("AvailableBalances", |xml| {
                xml.amount("DisburseBalance", balance.total);
                xml.amount("RefundBalance", balance.total);
            });
        });
    }))
}
