//! GetDebtBalance: the debt on one credit instrument (guide: API Reference, GetDebtBalance).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetDebtBalance",
    aliases: &[],
    summary: "Tells what a buyer owes on one credit instrument.",
    source: "API Reference, GetDebtBalance",
    parameters: &[shared::CREDIT_INSTRUMENT_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidPaymentInstrument, Code::InstrumentAccessDenied],
    fidelity: &[
        documented(
            "AvailableBalance is the debt accumulated, PendingOutBalance what a card or bank is settling.",
        ),
        our_choice(
            "AvailableBalance falls as soon as SettleDebt is accepted; a settlement that fails gives it back.",
        ),
        our_choice("Only the debtor and the creditor may ask; others get InstrumentAccessDenied."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let instrument = call.params.text("CreditInstrumentId")?.into();
    let balance = call.ask(ledger::GetDebtBalance { caller: call.caller, instrument }).await?;
    Ok(Answer::result(|out| {
        out.nested("DebtBalance", |out| {
            out.amount("AvailableBalance", balance.available);
            out.amount("PendingOutBalance", balance.pending_out);
        });
    }))
}
