//! VerifySignature: checks that a return URL or notification comes from FPS (guide: VerifySignature).

use crate::config::VerifySignatureRefusal;
use crate::error::{Code, FpsError};
use crate::message_signing::MessageVerificationResult;
use crate::query::parse_web_url;
use crate::service::ActionResult;
use crate::service::action::{Action, Handler, documented, observed, our_choice};
use crate::service::context::PublicContext;
use crate::service::parameters::{Parameter, ParameterKind};

pub(super) static ACTION: Action = Action {
    name: "VerifySignature",
    aliases: &[],
    summary: "Reports whether a return URL or notification is signed by FPS.",
    source: "API Reference, VerifySignature",
    parameters: &[
        Parameter::required(
            "UrlEndPoint",
            ParameterKind::Bytes(8_192),
            "The merchant's URL that got the message; its query is ignored.",
        ),
        Parameter::required(
            "HttpParameters",
            ParameterKind::Bytes(32_768),
            "The query or form of the message as it came, still URL-encoded.",
        ),
    ],
    legacy: &[],
    errors: &[Code::InvalidParams, Code::InvalidSignature],
    behaviours: &[
        documented("The request itself need not be signed."),
        observed("A signature and an access key in the request are ignored."),
        observed("The refusal of a message without certificateUrl, and of a UrlEndPoint that is no URL."),
        our_choice(
            "A UrlEndPoint may be any absolute http or https URL; the service did not take localhost.",
        ),
        observed("A wrong signature is InvalidSignature."),
        our_choice(
            "The same if no trusted key made it. `--verify-signature-refusal failure` gives the guide's VerificationStatus `Failure` instead, which no recorded answer has.",
        ),
        our_choice(
            "Nothing is fetched: only keys of the sandbox and of `[[trusted_key]]` in the configuration file are trusted.",
        ),
    ],
    handler: Handler::Public(|context| Box::pin(handle(context))),
};

async fn handle(mut context: PublicContext<'_>) -> Result<ActionResult, FpsError> {
    let endpoint: String = context.parameters.read("UrlEndPoint")?;
    let message: String = context.parameters.read("HttpParameters")?;
    context.parameters.check_all_read()?;
    let endpoint = parse_web_url(&endpoint)
        .ok_or_else(|| FpsError::invalid_params(format!("{endpoint} is an invalid URL")))?;
    let status = match (context.message_signer.verify(&endpoint, &message).await?, context.refusal) {
        (MessageVerificationResult::Valid, _) => "Success",
        (MessageVerificationResult::Invalid, VerifySignatureRefusal::Failure) => "Failure",
        (MessageVerificationResult::Invalid, VerifySignatureRefusal::Error) => {
            return Err(Code::InvalidSignature.into());
        }
        (MessageVerificationResult::MissingCertificateUrl, _) => {
            return Err(FpsError::invalid_params("certificateUrl is missing in 'HttpParameters'."));
        }
    };
    Ok(ActionResult::with_result(|out| out.text("VerificationStatus", status)))
}
