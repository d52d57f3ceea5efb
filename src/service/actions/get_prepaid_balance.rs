//! GetPrepaidBalance: returns the balance of one prepaid instrument (guide: API Reference, GetPrepaidBalance).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetPrepaidBalance",
    aliases: &[],
    summary: "Returns the balance of one prepaid instrument.",
    source: "API Reference, GetPrepaidBalance",
    parameters: &[shared::PREPAID_INSTRUMENT_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidPaymentInstrument, Code::InstrumentAccessDenied],
    behaviours: &[
        documented("PendingInBalance is what a card or bank has not confirmed yet."),
        our_choice("Only the buyer and the issuer may ask; others get InstrumentAccessDenied."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let instrument = context.parameters.read("PrepaidInstrumentId")?;
    let balance = context.query(ledger::GetPrepaidBalance { caller: context.caller, instrument }).await?;
    Ok(ActionResult::with_result(|out| {
        out.element("PrepaidBalance", |out| {
            out.amount("AvailableBalance", balance.available);
            out.amount("PendingInBalance", balance.pending_in);
        });
    }))
}
