//! CancelToken: takes a token out of use (guide: API Reference, CancelToken).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice, shared};

pub(super) static ACTION: Action = Action {
    name: "CancelToken",
    aliases: &[],
    summary: "Takes a token out of use, for good.",
    source: "API Reference, CancelToken",
    parameters: &[
        shared::TOKEN_ID,
        Parameter::optional("ReasonText", Kind::Characters(256), "Why."),
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
    fidelity: &[
        documented("The answer has no result element."),
        documented("Only the application that had the token installed may cancel it."),
        our_choice("Cancelling it again is TokenNotActive."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let token = call.params.text("TokenId")?.into();
    call.params.optional_text("ReasonText")?;
    call.params.optional_text("OverrideIPNURL")?;
    call.run(ledger::CancelToken { caller: call.caller, token }).await?;
    Ok(Answer::empty())
}
