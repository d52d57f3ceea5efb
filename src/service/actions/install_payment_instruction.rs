//! InstallPaymentInstruction: installs a token on the caller's own account (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;

pub(super) static ACTION: Action = Action {
    name: "InstallPaymentInstruction",
    aliases: &[],
    summary: "Installs a token on the caller's own account.",
    source: "API Reference, InstallPaymentInstruction",
    parameters: &[
        Parameter::required(
            "PaymentInstruction",
            ParameterKind::Bytes(16_384),
            "What the token allows, in GateKeeper's words.",
        ),
        Parameter::optional("TokenFriendlyName", ParameterKind::Characters(128), "A name for people."),
        Parameter::required(
            "CallerReference",
            ParameterKind::Characters(128),
            "Your own name for the token.",
        ),
        Parameter::required("TokenType", shared::TOKEN_TYPES, "How often it may be used."),
        Parameter::optional("PaymentReason", ParameterKind::Characters(64), "What it is for."),
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::AccountClosed,
        Code::InvalidAccountState,
        Code::UnverifiedEmailAddress_Caller,
        Code::DuplicateRequest,
    ],
    behaviours: &[
        documented("Answers the id of the new token."),
        our_choice(
            "The instruction is stored and returned, but not interpreted: the token pays from the caller's balance and receives onto it.",
        ),
        our_choice(
            "The same request again gets the same token; caller references of tokens are independent of those of other actions.",
        ),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let parameters = &mut context.parameters;
    let install = ledger::InstallPaymentInstruction {
        caller: context.caller,
        instruction: parameters.read("PaymentInstruction")?,
        friendly_name: parameters.read("TokenFriendlyName")?,
        caller_reference: parameters.read("CallerReference")?,
        token_type: parameters.read("TokenType")?,
        payment_reason: parameters.read("PaymentReason")?,
    };
    let token = context.run(install).await?;
    Ok(ActionResult::with_result(|out| out.text("TokenId", token)))
}
