//! GetPaymentInstruction: returns a token with the instruction it was made from (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger;

use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, our_choice};
use crate::service::context::ActionContext;

use super::shared;
use super::token_element::write_token;

pub(super) static ACTION: Action = Action {
    name: "GetPaymentInstruction",
    aliases: &[],
    summary: "Returns a token with the instruction it was made from.",
    source: "API Reference, GetPaymentInstruction",
    parameters: &[shared::TOKEN_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTokenId, Code::TokenAccessDenied],
    behaviours: &[
        documented("Token, PaymentInstruction, CallerReference, TokenFriendlyName."),
        our_choice(
            "A token that no instruction made shows `MyRole == 'Sender';` or `MyRole == 'Recipient';`.",
        ),
    ],
    handler: Handler::Authenticated(|context| Box::pin(handle(context))),
};

async fn handle(mut context: ActionContext<'_>) -> Result<ActionResult, FpsError> {
    let token = context.parameters.read("TokenId")?;
    let token = context.query(ledger::GetPaymentInstruction { caller: context.caller, token }).await?;
    let role = if token.purpose.can_receive() { "Recipient" } else { "Sender" };
    let generated = format!("MyRole == '{role}';");
    Ok(ActionResult::with_result(|out| {
        write_token(out, &token);
        out.text("PaymentInstruction", token.instruction.as_ref().unwrap_or(&generated));
        out.text("CallerReference", &token.caller_reference);
        out.optional_text("TokenFriendlyName", Some(&token.friendly_name).filter(|name| !name.is_empty()));
    }))
}
