//! VerifySignature: whether a return URL or notification really comes from FPS (guide: VerifySignature).

use crate::error::{Code, FpsError};
use crate::fps::call::Call;
use crate::fps::outbound::Finding;
use crate::fps::params::{Kind, Parameter};
use crate::fps::xml::Answer;

use super::{Action, documented, observed, our_choice};

pub(super) static ACTION: Action = Action {
    name: "VerifySignature",
    aliases: &[],
    summary: "Tells whether a return URL or notification is signed by FPS.",
    source: "API Reference, VerifySignature",
    parameters: &[
        Parameter::required(
            "UrlEndPoint",
            Kind::Bytes(8_192),
            "The merchant's URL that got the message, without query.",
        ),
        Parameter::required(
            "HttpParameters",
            Kind::Bytes(32_768),
            "The query or form of the message as it came, still URL-encoded.",
        ),
    ],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidSignature],
    fidelity: &[
        documented("No signature of one's own is needed; one that is given is checked."),
        observed("The refusal of a message without certificateUrl."),
        our_choice(
            "Nothing is fetched: only keys of the sandbox and of `[[trusted_key]]` in the configuration file are trusted, any other is Failure.",
        ),
        our_choice("A signature that is no base64 is InvalidSignature, any other wrong one is Failure."),
    ],
    needs_signature: false,
    run: |call| Box::pin(run(call)),
};

async fn run(mut call: Call<'_>) -> Result<Answer, FpsError> {
    let endpoint = call.params.text("UrlEndPoint")?;
    let parameters = call.params.text("HttpParameters")?;
    let status = match call.outbound.check(&endpoint, &parameters).await? {
        Finding::Success => "Success",
        Finding::Failure => "Failure",
        Finding::Undecodable => return Err(Code::InvalidSignature.into()),
        Finding::NoCertificateUrl => {
            return Err(FpsError::invalid_params("certificateUrl is missing in 'HttpParameters'."));
        }
    };
    Ok(Answer::result(ACTION.name, |xml| xml.text("VerificationStatus", status)))
}
