//! GetPaymentInstruction: a token with the text it was made from (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;

use super::token::write_token;
use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "GetPaymentInstruction",
    aliases: &[],
    summary: "Shows a token with the instruction it was made from.",
    source: "API Reference, GetPaymentInstruction",
    parameters: &[shared::TOKEN_ID],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidTokenId, Code::TokenAccessDenied],
    fidelity: &[
        documented("Token, PaymentInstruction, CallerReference, TokenFriendlyName."),
        our_choice(
            "A token that no instruction made shows `MyRole == 'Sender';` or `MyRole == 'Recipient';`.",
        ),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let token = call.params.text("TokenId")?.into();
    let token = call.ask(ledger::GetPaymentInstruction { caller: call.caller, token }).await?;
    let role = if token.purpose.receives() { "Recipient" } else { "Sender" };
    let made_up = format!("MyRole == '{role}';");
    Ok(Answer::result(|out| {
        write_token(out, &token);
        out.text("PaymentInstruction", token.instruction.as_ref().unwrap_or(&made_up));
        out.text("CallerReference", &token.caller_reference);
        out.maybe("TokenFriendlyName", Some(&token.friendly_name).filter(|name| !name.is_empty()));
    }))
}
