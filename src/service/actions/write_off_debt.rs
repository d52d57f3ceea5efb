//! WriteOffDebt: debt forgiven (guide: Aggregated Payments Guide, WriteOffDebt).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "WriteOffDebt",
    aliases: &[],
    summary: "Forgives debt on a credit instrument. No money moves, and it cannot be undone.",
    source: "API Reference, WriteOffDebt; Aggregated Payments Guide",
    parameters: &[
        shared::CREDIT_INSTRUMENT_ID,
        Parameter::required("AdjustmentAmount", Kind::Amount, "How much of the debt."),
        shared::CALLER_REFERENCE,
        shared::CALLER_DESCRIPTION,
    ],
    legacy: &["MetaData", "TransactionDate"],
    errors: &[
        Code::InvalidParams,
        Code::InvalidPaymentInstrument,
        Code::InstrumentAccessDenied,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::SettleAmountGreaterThanDebt,
        Code::AmountOutOfRange,
        Code::DuplicateRequest,
    ],
    fidelity: &[
        documented("Lowers the debt without moving money; irreversible; only the creditor may do it."),
        documented("Writing off more than is owed is SettleAmountGreaterThanDebt."),
        our_choice("It succeeds in the call, costs no fee, and clears the oldest debt first."),
        our_choice("An instrument that is expired or inactive can still be written off."),
        shared::REFERENCE_OF_ACTION,
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let instrument = params.text("CreditInstrumentId")?.into();
    let amount = params.amount("AdjustmentAmount")?;
    let descriptions = params.descriptions()?;
    let write_off = ledger::WriteOffDebt { caller: call.caller, instrument, amount, descriptions };
    call.run_once(write_off).await
}
