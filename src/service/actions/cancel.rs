//! Cancel: cancels a reservation or a pending payment (guide: API Reference, Cancel).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "Cancel",
    aliases: &[],
    summary: "Cancels a reserved or pending transaction.",
    source: "API Reference, Cancel",
    parameters: &[
        shared::TRANSACTION_ID,
        Parameter::optional("Description", ParameterKind::Characters(160), "Why."),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTransactionId,
        Code::AccountClosed,
        Code::InvalidAccountState_Caller,
        Code::UnverifiedEmailAddress_Caller,
        Code::InvalidTransactionState,
    ],
    behaviours: &[
        documented("The answer carries the id of the transaction itself, and Cancelled."),
        our_choice(
            "Pending payments can be cancelled too; refunds and reservations that are being settled cannot.",
        ),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let transaction = context.parameters.read("TransactionId")?;
    context.parameters.read_unused("Description")?;
    context.parameters.read_unused("OverrideIPNURL")?;
    let cancel = ledger::Cancel { caller: context.caller, transaction };
    let receipt = context.run(cancel).await?;
    Ok(ActionResult::receipt(&receipt))
}
