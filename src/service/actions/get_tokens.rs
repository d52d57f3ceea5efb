//! GetTokens: the tokens on the caller's own account (guide: API Reference, GetTokens).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::token::write_token;
use super::{Action, Run, documented, observed, shared};

pub(super) static ACTION: Action = Action {
    name: "GetTokens",
    aliases: &[],
    summary: "Lists the tokens on the caller's own account.",
    source: "API Reference, GetTokens",
    parameters: &[
        Parameter::optional(
            "TokenStatus",
            Kind::OneOf(&["Active", "Inactive"]),
            "Only these. Default Active.",
        ),
        Parameter::optional("TokenType", shared::TOKEN_TYPES, "Only these."),
        Parameter::optional("CallerReference", Kind::Characters(128), "Only those made under it."),
        Parameter::optional("TokenFriendlyName", Kind::Characters(128), "Only those of this name."),
    ],
    legacy: &[],
    errors: &[Code::InvalidParams],
    fidelity: &[
        documented("TokenStatus is Active by default."),
        observed("Only tokens on the caller's own account: what a buyer authorised stands on the buyer's."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let params = &mut call.params;
    let active = params.one_of("TokenStatus", "Active")? == "Active";
    let token_type = params.optional_choice("TokenType")?;
    let caller_reference = params.optional_text("CallerReference")?;
    let friendly_name = params.optional_text("TokenFriendlyName")?;
    let wanted =
        ledger::GetTokens { caller: call.caller, active, token_type, caller_reference, friendly_name };
    let tokens = call.ask(wanted).await?;
    Ok(Answer::result(|out| {
        for token in &tokens {
            write_token(out, token);
        }
    }))
}
