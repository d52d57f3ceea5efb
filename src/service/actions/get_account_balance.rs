//! GetAccountBalance: returns the balances of the caller's account (guide: API Reference, GetAccountBalance).

use crate::error::FpsError;
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;

pub(super) static ACTION: Action = Action {
    name: "GetAccountBalance",
    aliases: &[],
    summary: "Returns the balance of the caller's account and the amounts that are pending.",
    source: "API Reference, GetAccountBalance",
    parameters: &[],
    legacy: &[],
    errors: &[],
    behaviours: &[
        documented("Total, pending in, pending out, and what can be disbursed or refunded."),
        our_choice("All of the total can be disbursed and refunded."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let balance = context.query(ledger::GetAccountBalance { caller: context.caller }).await?;
    Ok(ActionResult::with_result(|out| {
        out.element("AccountBalance", |out| {
            out.amount("TotalBalance", balance.total);
            out.amount("PendingInBalance", balance.pending_in);
            out.amount("PendingOutBalance", balance.pending_out);
            out.element("AvailableBalances", |out| {
                out.amount("DisburseBalance", balance.total);
                out.amount("RefundBalance", balance.total);
            });
        });
    }))
}
