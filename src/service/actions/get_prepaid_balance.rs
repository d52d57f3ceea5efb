//! GetPrepaidBalance: the balance of one prepaid instrument (guide: API Reference, GetPrepaidBalance).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetPrepaidBalance",
    aliases: &[],
    summary: "Tells what is left on one prepaid instrument.",
    source: "API Reference, GetPrepaidBalance",
    parameters: &[shared::PREPAID_INSTRUMENT_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidPaymentInstrument, Code::InstrumentAccessDenied],
    fidelity: &[
        documented("PendingInBalance is what a card or bank has not confirmed yet."),
        our_choice("Only the buyer and the issuer may ask; others get InstrumentAccessDenied."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let instrument = call.params.text("PrepaidInstrumentId")?.into();
    let balance = call.ask(ledger::GetPrepaidBalance { caller: call.caller, instrument }).await?;
    Ok(Answer::result(|out| {
        out.nested("PrepaidBalance", |out| {
            out.amount("AvailableBalance", balance.available);
            out.amount("PendingInBalance", balance.pending_in);
        });
    }))
}
