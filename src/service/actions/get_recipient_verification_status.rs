//! GetRecipientVerificationStatus: reports whether a recipient may receive without limits (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;
use crate::service::parameters::{Parameter, ParameterKind};

pub(super) static ACTION: Action = Action {
    name: "GetRecipientVerificationStatus",
    aliases: &[],
    summary: "Reports whether the owner of a recipient token is verified.",
    source: "API Reference (2010-08-28), GetRecipientVerificationStatus",
    parameters: &[Parameter::required(
        "RecipientTokenId",
        ParameterKind::Characters(64),
        "The recipient token.",
    )],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTokenId_Recipient,
        Code::IncompatibleTokens,
        Code::InvalidAccountState_Recipient,
    ],
    behaviours: &[
        documented(
            "The values of the schema: VerificationComplete, VerificationPending, VerificationCompleteNoLimits.",
        ),
        our_choice("VerificationComplete for an account in good order, VerificationPending for any other."),
        our_choice("The element names of the schema; the guide's sample has others."),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let token = context.parameters.read("RecipientTokenId")?;
    let is_verified =
        context.query(ledger::GetRecipientVerificationStatus { caller: context.caller, token }).await?;
    let status = if is_verified { "VerificationComplete" } else { "VerificationPending" };
    Ok(ActionResult::with_result(|out| out.text("RecipientVerificationStatus", status)))
}
