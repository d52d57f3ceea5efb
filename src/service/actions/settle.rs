//! Settle: charges a reservation, once, in full or in part (guide: API Reference, Settle).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "Settle",
    aliases: &[],
    summary: "Charges what a Reserve holds, once, in full or in part.",
    source: "API Reference, Settle",
    parameters: &[
        Parameter::required("ReserveTransactionId", ParameterKind::Characters(35), "The reservation."),
        Parameter::optional("TransactionAmount", ParameterKind::Amount, "How much of it. Default: all."),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &["TransactionDate"],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTransactionId,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::OriginalTransactionIncomplete,
        Code::OriginalTransactionFailed,
        Code::InvalidTransactionState,
        Code::SettleAmountGreaterThanReserveAmount,
        Code::AmountOutOfRange,
        Code::InsufficientBalance,
    ],
    behaviours: &[
        documented("The answer carries the id of the Reserve itself."),
        our_choice("What is not settled is released, and a second Settle is InvalidTransactionState."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let reservation = context.parameters.read("ReserveTransactionId")?;
    let amount = context.parameters.read("TransactionAmount")?;
    context.parameters.read_unused("OverrideIPNURL")?;
    let settle = ledger::Settle { caller: context.caller, reservation, amount };
    let receipt = context.run(settle).await?;
    Ok(ActionResult::receipt(&receipt))
}
