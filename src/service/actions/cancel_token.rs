//! CancelToken: deactivates a token (guide: API Reference, CancelToken).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "CancelToken",
    aliases: &[],
    summary: "Deactivates a token for good.",
    source: "API Reference, CancelToken",
    parameters: &[
        shared::TOKEN_ID,
        Parameter::optional("ReasonText", ParameterKind::Characters(256), "Why."),
        shared::OVERRIDE_IPN_URL,
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTokenId,
        Code::TokenAccessDenied,
        Code::AccountClosed,
        Code::InvalidAccountState,
        Code::UnverifiedEmailAddress_Caller,
        Code::TokenNotActive,
    ],
    behaviours: &[
        documented("The answer has no result element."),
        documented("Only the application that had the token installed may cancel it."),
        our_choice("Cancelling it again is TokenNotActive."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let token = context.parameters.read("TokenId")?;
    context.parameters.read_unused("ReasonText")?;
    context.parameters.read_unused("OverrideIPNURL")?;
    context.run(ledger::CancelToken { caller: context.caller, token }).await?;
    Ok(ActionResult::without_result())
}
