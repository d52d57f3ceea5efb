//! GetTotalPrepaidLiability: returns what an issuer owes for money paid in advance (guide: API Reference).

use crate::error::FpsError;
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented};
use crate::service::context::ActionContext;

pub(super) static ACTION: Action = Action {
    name: "GetTotalPrepaidLiability",
    aliases: &[],
    summary: "Returns what the caller owes on all prepaid instruments that it issued.",
    source: "API Reference, GetTotalPrepaidLiability",
    parameters: &[],
    legacy: &[],
    errors: &[],
    behaviours: &[documented(
        "OutstandingBalance is what can be spent, PendingInBalance what is on its way.",
    )],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let liability = context.query(ledger::GetTotalPrepaidLiability { caller: context.caller }).await?;
    Ok(ActionResult::with_result(|out| {
        out.element("OutstandingPrepaidLiability", |out| {
            out.amount("OutstandingBalance", liability.available);
            out.amount("PendingInBalance", liability.pending_in);
        });
    }))
}
