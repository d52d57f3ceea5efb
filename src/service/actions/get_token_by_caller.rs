//! GetTokenByCaller: finds a token by its id or caller reference (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger::{self, TokenSelector};

use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, observed, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

use super::token_element::write_token;

pub(super) static ACTION: Action = Action {
    name: "GetTokenByCaller",
    aliases: &["GetTokensByCaller"],
    summary: "Finds a token by its id, or by the caller reference under which it was made.",
    source: "API Reference, GetTokenByCaller",
    parameters: &[
        Parameter::optional("TokenId", ParameterKind::Characters(64), "The token; or else CallerReference."),
        Parameter::optional(
            "CallerReference",
            ParameterKind::Characters(128),
            "The reference of the token; or else TokenId.",
        ),
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTokenId,
        Code::TokenAccessDenied,
        Code::InvalidCallerReference,
    ],
    behaviours: &[
        documented("For a postpaid set-up, callerReferenceSender finds the credit sender token."),
        observed("One client library writes the action GetTokensByCaller, which is accepted too."),
        our_choice("Exactly one of TokenId and CallerReference must be given."),
        our_choice("The caller of a token and its owner may see it; others get TokenAccessDenied."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let id = context.parameters.read("TokenId")?;
    let reference = context.parameters.read("CallerReference")?;
    let name = match (id, reference) {
        (Some(id), None) => TokenSelector::Id(id),
        (None, Some(reference)) => TokenSelector::Reference(reference),
        _ => {
            return Err(FpsError::invalid_params(
                "Either tokenId or callerReference must be given, and not both",
            ));
        }
    };
    let token = context.query(ledger::GetTokenByCaller { caller: context.caller, name }).await?;
    Ok(ActionResult::with_result(|out| write_token(out, &token)))
}
