//! GetTokenByCaller: a token by id or by the reference it was made under (guide: API Reference).

use crate::error::{Code, FpsError};
use crate::ledger::{self, TokenSelector};
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::token::write_token;
use super::{Action, Run, documented, observed, our_choice};

pub(super) static ACTION: Action = Action {
    name: "GetTokenByCaller",
    aliases: &["GetTokensByCaller"],
    summary: "Finds a token by its id, or by the reference under which it was made.",
    source: "API Reference, GetTokenByCaller",
    parameters: &[
        Parameter::optional("TokenId", Kind::Characters(64), "The token; or else CallerReference."),
        Parameter::optional(
            "CallerReference",
            Kind::Characters(128),
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
    fidelity: &[
        documented("For a postpaid set-up, callerReferenceSender finds the credit sender token."),
        observed("One client library writes the action GetTokensByCaller; that is taken too."),
        our_choice("Exactly one of TokenId and CallerReference must be given."),
        our_choice("The caller of a token and its owner may see it; others get TokenAccessDenied."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let id = call.params.optional_text("TokenId")?;
    let reference = call.params.optional_text("CallerReference")?;
    let name = match (id, reference) {
        (Some(id), None) => TokenSelector::Id(id.into()),
        (None, Some(reference)) => TokenSelector::Reference(reference),
        _ => {
            return Err(FpsError::invalid_params(
                "Either tokenId or callerReference must be given, and not both",
            ));
        }
    };
    let token = call.ask(ledger::GetTokenByCaller { caller: call.caller, name }).await?;
    Ok(Answer::result(|out| write_token(out, &token)))
}
