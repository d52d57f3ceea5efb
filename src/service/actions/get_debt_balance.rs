//! GetDebtBalance: returns the debt on one credit instrument (guide: API Reference, GetDebtBalance).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "GetDebtBalance",
    aliases: &[],
    summary: "Returns what a buyer owes on one credit instrument.",
    source: "API Reference, GetDebtBalance",
    parameters: &[shared::CREDIT_INSTRUMENT_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidPaymentInstrument, Code::InstrumentAccessDenied],
    behaviours: &[
        documented(
            "AvailableBalance is the debt accumulated, PendingOutBalance what a card or bank is settling.",
        ),
        our_choice(
            "AvailableBalance falls as soon as SettleDebt is accepted; a settlement that fails gives it back.",
        ),
        our_choice("Only the debtor and the creditor may ask; others get InstrumentAccessDenied."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let instrument = context.parameters.read("CreditInstrumentId")?;
    let balance = context.query(ledger::GetDebtBalance { caller: context.caller, instrument }).await?;
    Ok(ActionResult::with_result(|out| {
        out.element("DebtBalance", |out| {
            out.amount("AvailableBalance", balance.available);
            out.amount("PendingOutBalance", balance.pending_out);
        });
    }))
}
