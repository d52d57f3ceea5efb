//! InstallPaymentInstruction: a token on the caller's own account (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "InstallPaymentInstruction",
    aliases: &[],
    summary: "Installs a token on the caller's own account.",
    source: "API Reference, InstallPaymentInstruction",
    parameters: &[
        Parameter::required(
            "PaymentInstruction",
            Kind::Bytes(16_384),
            "What the token allows, in GateKeeper's words.",
        ),
        Parameter::optional("TokenFriendlyName", Kind::Characters(128), "A name for people."),
        Parameter::required("CallerReference", Kind::Characters(128), "Your own name for the token."),
        Parameter::required("TokenType", shared::TOKEN_TYPES, "How often it may be used."),
        Parameter::optional("PaymentReason", Kind::Characters(64), "What it is for."),
    ],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::AccountClosed,
        Code::InvalidAccountState,
        Code::UnverifiedEmailAddress_Caller,
        Code::DuplicateRequest,
    ],
    fidelity: &[
        documented("Answers the id of the new token."),
        our_choice(
            "The text is kept and given back, and not interpreted: the token pays from the caller's balance and receives onto it.",
        ),
        our_choice(
            "The same request again gets the same token; references of tokens have a space of their own.",
        ),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let instruction = params.text("PaymentInstruction")?;
    let friendly_name = params.optional_text("TokenFriendlyName")?;
    let caller_reference = params.text("CallerReference")?;
    let token_type = params.required_choice("TokenType")?;
    let payment_reason = params.optional_text("PaymentReason")?;
    let caller = call.caller;
    let install = ledger::InstallPaymentInstruction {
        caller,
        instruction,
        friendly_name,
        caller_reference,
        token_type,
        payment_reason,
    };
    let token = call.run(install).await?;
    Ok(Answer::result(|out| out.text("TokenId", token)))
}
