//! VerifySignature: whether a return URL or notification really comes from FPS (guide: VerifySignature).

use crate::config::VerifySignatureRefusal;
use crate::error::{Code, FpsError};
use crate::message_signing::MessageVerification;
use crate::query::parse_web_url;
use crate::service::Answer;
use crate::service::call::OpenCall;
use crate::service::params::{Kind, Parameter};

use super::{Action, Run, documented, observed, our_choice};

pub(super) static ACTION: Action = Action {
    name: "VerifySignature",
    aliases: &[],
    summary: "Tells whether a return URL or notification is signed by FPS.",
    source: "API Reference, VerifySignature",
    parameters: &[
        Parameter::required(
            "UrlEndPoint",
            Kind::Bytes(8_192),
            "The merchant's URL that got the message; its query is not looked at.",
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
        documented("No signature of one's own is needed."),
        observed("One that is given is not looked at, nor is the access key."),
        observed("The refusal of a message without certificateUrl, and of a UrlEndPoint that is no URL."),
        our_choice(
            "A UrlEndPoint may be any absolute http or https URL; the service did not take localhost.",
        ),
        observed("A wrong signature is InvalidSignature."),
        our_choice(
            "The same where no key that is trusted made it. `--verify-signature-refusal failure` gives the guide's VerificationStatus `Failure` instead, which no recorded answer has.",
        ),
        our_choice(
            "Nothing is fetched: only keys of the sandbox and of `[[trusted_key]]` in the configuration file are trusted.",
        ),
    ],
    run: Run::Anybody(|call| Box::pin(run(call))),
};

async fn run(mut call: OpenCall<'_>) -> Result<Answer, FpsError> {
    let endpoint = call.params.text("UrlEndPoint")?;
    let parameters = call.params.text("HttpParameters")?;
    call.params.used_up()?;
    let endpoint = parse_web_url(&endpoint)
        .ok_or_else(|| FpsError::invalid_params(format!("{endpoint} is an invalid URL")))?;
    let status = match (call.message_signer.verify(&endpoint, &parameters).await?, call.refusal) {
        (MessageVerification::Valid, _) => "Success",
        (MessageVerification::Invalid, VerifySignatureRefusal::Failure) => "Failure",
        (MessageVerification::Invalid, VerifySignatureRefusal::Error) => {
            return Err(Code::InvalidSignature.into());
        }
        (MessageVerification::MissingCertificateUrl, _) => {
            return Err(FpsError::invalid_params("certificateUrl is missing in 'HttpParameters'."));
        }
    };
    Ok(Answer::result(|out| out.text("VerificationStatus", status)))
}
