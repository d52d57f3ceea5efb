//! The documentation of the pages, as Markdown: the table of pipelines, with the source of each behaviour.
//!
//! `docs/cobranded.md` is a copy, and a running sandbox serves it under `/_sandbox/cobranded`.

use std::fmt::Write;

use crate::fps::documentation::{PROVENANCE_LEGEND, write_behaviours};
use crate::ledger::CbuiStatus;
use crate::ledger::Named as _;
use crate::service::action::{Behaviour, documented, observed, our_choice};

use super::pipeline::{Pipeline, PipelineParameter};
use super::pipelines::{COMMON, PIPELINES, RECIPIENT_TOKENS};

/// The meanings of the status codes.
const STATUS_MEANINGS: [(CbuiStatus, &str); 13] = [
    (CbuiStatus::SA, "success, paid from the Amazon Payments balance"),
    (CbuiStatus::SB, "success, paid from a bank account"),
    (CbuiStatus::SC, "success, paid by credit card"),
    (CbuiStatus::SR, "success: a recipient has agreed"),
    (CbuiStatus::SU, "EditToken: the token pays as before"),
    (CbuiStatus::A, "the visitor has cancelled"),
    (CbuiStatus::CE, "the merchant's request is wrong; errorMessage names the parameters"),
    (CbuiStatus::PE, "the visitor has none of the payment methods asked for"),
    (CbuiStatus::NP, "the visitor cannot take part"),
    (CbuiStatus::NM, "the merchant is not registered for it"),
    (CbuiStatus::SE, "system error"),
    (CbuiStatus::ExpiredCard, "SC with an expiry in the past; a value of sandbox_outcome, not a status"),
    (
        CbuiStatus::TamperedSignature,
        "success with a wrong signature; a value of sandbox_outcome, not a status",
    ),
];

/// The behaviour of every pipeline.
const COMMON_FIDELITY: &[Behaviour] = &[
    documented("Status codes, names of parameters and results."),
    observed(
        "RSA-SHA1 over verb, host, path and parameters, in wrapped base64; the certificate's requestId; version 1 by the merchant's secret.",
    ),
    observed(
        "errorMessage of CE, with one more space and callerReference in version 1; errorMessage of NP after a restart.",
    ),
    our_choice("errorMessage of PE, NM, SE and the other cases of NP."),
    our_choice("Names of parameters match in any case; unknown parameters are ignored."),
    documented("An unsigned URL is accepted, unless --cobranded-auth is strict."),
    our_choice("A callerReference that has been used is CE. A form that is submitted twice has one effect."),
    our_choice(
        "A visit may take half an hour. The layout of its pages is our choice; the ids ap_email, ap_password and signInSubmit are Amazon's, and so is an image button of class submit on both pages.",
    ),
    our_choice("Cards expire in five years."),
    our_choice(
        "With sandbox_outcome and without sandbox_buyer, the buyer is the first of the first eight accounts of its kind that can pay in this way. E-mail addresses are compared without regard to case, in any alphabet; letters composed in different ways are different.",
    ),
    our_choice(
        "A buyer who has cancelled can still go back and agree, and the other way round; the merchant is told each time.",
    ),
    our_choice("A returnURL that has parameters of the signature, in any case, is refused on a page."),
    our_choice(
        "In a start URL without a valid signature, the query of returnURL must not name a result of the pages or of a notification, in any case; for an account with return_signature 1, returnURL must have no query. Otherwise it is refused on a page. A signed one is accepted, with a warning in the log.",
    ),
    our_choice(
        "An unknown callerKey is refused on a page. A wrong signature is CE, without callerReference.",
    ),
];

/// The whole document.
pub fn markdown() -> String {
    let mut text =
        String::from("# Co-Branded pages\n\nGenerated from the table of pipelines; do not edit by hand.\n\n");
    text.push_str(PROVENANCE_LEGEND);
    // Writing into a string cannot fail, so the results below are ignored.
    let _ = write!(
        text,
        "\nA merchant sends a buyer to `{}` with the parameters below. The buyer comes back to returnURL, \
         with `status` and what was made.\n\n\
         `sandbox_outcome=STATUS` on that URL answers at once with the redirect, without pages; `sandbox_buyer=ADDRESS` \
         says who the buyer is (by default the first seeded account that can pay). `cobranded_ending = \"STATUS\"` of an \
         account in the seed file does the same for all its visits, and `sandbox_outcome=ask` shows the pages again. The \
         signature does not cover these parameters.\n\n| status | meaning |\n|---|---|\n",
        super::START_PATH
    );
    for (status, meaning) in STATUS_MEANINGS {
        let _ = writeln!(text, "| `{}` | {meaning} |", status.name());
    }
    write_behaviours(&mut text, COMMON_FIDELITY);
    text.push_str(
        "\nAs values of sandbox_outcome, SA, SB and SC choose the payment method; if the merchant or the buyer does not have \
         it, the visit ends with PE. SR and SU are plain successes where they do not apply. Recipient always answers SR, \
         and EditToken answers SU when the token pays as before.\n\n## Every pipeline\n\n",
    );
    write_parameters(&mut text, COMMON.iter());
    for pipeline in PIPELINES {
        write_pipeline(&mut text, pipeline);
    }
    text
}

fn write_pipeline(text: &mut String, pipeline: &Pipeline) {
    let _ = write!(text, "\n## {}\n\n{}\n\n", pipeline.name, pipeline.summary);
    let is_common = |name: &str| COMMON.iter().any(|parameter| parameter.name == name);
    write_parameters(text, pipeline.parameters().filter(|parameter| !is_common(parameter.name)));
    let results =
        pipeline.instrument_result.iter().chain(pipeline.token_results).map(|name| format!("`{name}`"));
    let _ = write!(text, "\nReturns {}, `status`", results.collect::<Vec<_>>().join(", "));
    if pipeline.token_results != RECIPIENT_TOKENS {
        text.push_str(", `expiry` of a card");
    }
    text.push_str(if pipeline.returns_caller_reference() { ", `callerReference`.\n" } else { ".\n" });
    write_behaviours(text, pipeline.behaviours);
}

fn write_parameters(text: &mut String, parameters: impl Iterator<Item = &'static PipelineParameter>) {
    text.push_str("| parameter | required | value | purpose |\n|---|---|---|---|\n");
    for parameter in parameters {
        let required = if parameter.is_required { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | {required} | {} | {} |",
            parameter.name, parameter.format, parameter.purpose
        );
    }
}
