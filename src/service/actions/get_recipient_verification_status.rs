//! GetRecipientVerificationStatus: whether a recipient may receive without limits (guide: API Reference 2010).

use crate::error::{Code, FpsError};
use crate::ledger;
use crate::service::Answer;
use crate::service::call::Call;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, our_choice};

pub(super) static ACTION: Action = Action {
    name: "GetRecipientVerificationStatus",
    aliases: &[],
    summary: "Tells whether the owner of a recipient token is verified.",
    source: "API Reference (2010-08-28), GetRecipientVerificationStatus",
    parameters: &[Parameter::required("RecipientTokenId", Kind::Characters(64), "The recipient token.")],
    legacy: &[],
    errors: &[
        Code::InvalidParams,
        Code::InvalidTokenId_Recipient,
        Code::IncompatibleTokens,
        Code::InvalidAccountState_Recipient,
    ],
    fidelity: &[
        documented(
            "The values of the schema: VerificationComplete, VerificationPending, VerificationCompleteNoLimits.",
        ),
        our_choice("VerificationComplete for an account in good order, VerificationPending for any other."),
        our_choice("The element names of the schema; the guide's sample has others."),
    ],
    run: Run::Signed(|call| Box::pin(run(call))),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let token = call.params.text("RecipientTokenId")?.into();
    let verified = call.ask(ledger::GetRecipientVerificationStatus { caller: call.caller, token }).await?;
    let status = if verified { "VerificationComplete" } else { "VerificationPending" };
    Ok(Answer::result(|out| out.text("RecipientVerificationStatus", status)))
}
