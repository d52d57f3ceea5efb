//! WriteOffDebt: forgives debt (guide: Aggregated Payments Guide, WriteOffDebt).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "WriteOffDebt",
    aliases: &[],
    summary: "Forgives debt on a credit instrument. No money moves, and it cannot be undone.",
    source: "API Reference, WriteOffDebt; Aggregated Payments Guide",
    parameters: &[
        shared::CREDIT_INSTRUMENT_ID,
        Parameter::required("AdjustmentAmount", ParameterKind::Amount, "How much of the debt."),
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
    behaviours: &[
        documented("Lowers the debt without moving money; irreversible; only the creditor may do it."),
        documented("Writing off more than is owed is SettleAmountGreaterThanDebt."),
        our_choice("It succeeds in the call, costs no fee, and clears the oldest debt first."),
        our_choice("An instrument that is expired or inactive can still be written off."),
        shared::CALLER_REFERENCE_SCOPE,
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let parameters = &mut context.parameters;
    let write_off = ledger::WriteOffDebt {
        caller: context.caller,
        instrument: parameters.read("CreditInstrumentId")?,
        amount: parameters.read("AdjustmentAmount")?,
        descriptions: shared::read_descriptions(parameters)?,
    };
    let receipt = context.run_idempotent(write_off).await?;
    Ok(ActionResult::receipt(&receipt))
}
