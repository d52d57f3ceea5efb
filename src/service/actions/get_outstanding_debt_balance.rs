//! GetOutstandingDebtBalance: returns what all buyers owe a creditor (guide: API Reference).

use crate::error::FpsError;
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, observed};
use crate::service::context::ActionContext;

pub(super) static ACTION: Action = Action {
    name: "GetOutstandingDebtBalance",
    aliases: &["GetOutStandingDebtBalance"],
    summary: "Returns what is owed on all credit instruments of which the caller is the creditor.",
    source: "API Reference, GetOutstandingDebtBalance",
    parameters: &[],
    legacy: &[],
    errors: &[],
    behaviours: &[
        documented("The sum over all credit instruments of the caller."),
        observed("One client library writes the action GetOutStandingDebtBalance, which is accepted too."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let debt = context.query(ledger::GetOutstandingDebtBalance { caller: context.caller }).await?;
    Ok(ActionResult::with_result(|out| {
        out.element("OutstandingDebt", |out| {
            out.amount("OutstandingBalance", debt.available);
            out.amount("PendingOutBalance", debt.pending_out);
        });
    }))
}
