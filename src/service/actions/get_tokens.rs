//! GetTokens: lists the tokens on the caller's own account (guide: API Reference, GetTokens).

use crate::error::{Code, FpsError};
use crate::ledger;

use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, observed};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::shared;
use super::token_element::write_token;

pub(super) static ACTION: Action = Action {
    name: "GetTokens",
    aliases: &[],
    summary: "Lists the tokens on the caller's own account.",
    source: "API Reference, GetTokens",
    parameters: &[
        Parameter::optional("TokenStatus", ParameterKind::OneOf(&["Active", "Inactive"]), "Only these.")
            .or("Active"),
        Parameter::optional("TokenType", shared::TOKEN_TYPES, "Only these."),
        Parameter::optional("CallerReference", ParameterKind::Characters(128), "Only those made under it."),
        Parameter::optional("TokenFriendlyName", ParameterKind::Characters(128), "Only those of this name."),
    ],
    legacy: &[],
    errors: &[Code::InvalidParams],
    behaviours: &[
        documented("TokenStatus is Active by default."),
        observed(
            "Only tokens on the caller's own account: a token that a buyer authorised is on the buyer's account.",
        ),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let parameters = &mut context.parameters;
    let query = ledger::GetTokens {
        caller: context.caller,
        active: parameters.read::<&str>("TokenStatus")? == "Active",
        token_type: parameters.read("TokenType")?,
        caller_reference: parameters.read("CallerReference")?,
        friendly_name: parameters.read("TokenFriendlyName")?,
    };
    let tokens = context.query(query).await?;
    Ok(ActionResult::with_result(|out| {
        for token in &tokens {
            write_token(out, token);
        }
    }))
}
