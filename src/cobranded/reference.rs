//! The reference of the pages: the table of pipelines as Markdown, with what is known of each behaviour and from where.
//!
//! `docs/cobranded.md` is this text, and a running sandbox shows it under `/_sandbox/cobranded`.

use std::fmt::Write;

use crate::fps::reference::LEGEND;
use crate::ledger::CbuiStatus;
use crate::service::actions::{Behaviour, documented, observed, our_choice};

use super::pipelines::{COMMON, PIPELINES, Parameter, Pipeline};

/// What the status codes mean.
const STATUSES: [(CbuiStatus, &str); 13] = [
    (CbuiStatus::SA, "success, paid from the Amazon Payments balance"),
    (CbuiStatus::SB, "success, paid from a bank account"),
    (CbuiStatus::SC, "success, paid by credit card"),
    (CbuiStatus::SR, "success: a recipient has agreed"),
    (CbuiStatus::SU, "EditToken: the token pays as before"),
    (CbuiStatus::A, "the visitor has given up"),
    (CbuiStatus::CE, "the merchant's request is wrong; errorMessage names the parameters"),
    (CbuiStatus::PE, "the visitor has none of the payment methods asked for"),
    (CbuiStatus::NP, "the visitor cannot take part"),
    (CbuiStatus::NM, "the merchant is not registered for it"),
    (CbuiStatus::SE, "system error"),
    (CbuiStatus::ExpiredCard, "SC with an expiry that has passed; a wish, not a status"),
    (CbuiStatus::TamperedSignature, "success with a signature that is wrong; a wish, not a status"),
];

/// What holds for every pipeline.
const FIDELITY: &[Behaviour] = &[
    documented("Status codes, names of parameters and results."),
    observed(
        "RSA-SHA1 over verb, host, path and parameters, in wrapped base64; the certificate's requestId; version 1 by the merchant's secret.",
    ),
    observed(
        "errorMessage of CE, also that version 1 has another blank and callerReference; that of NP after a restart.",
    ),
    our_choice("errorMessage of PE, NM, SE and the other cases of NP."),
    our_choice("Parameter names in any case; unknown ones are ignored."),
    documented("An unsigned URL is taken, unless --cobranded-auth is strict."),
    our_choice("A used callerReference is CE. The same form sent twice has one effect."),
    our_choice(
        "A visit lives half an hour. The layout of its pages is our choice; the ids ap_email, ap_password and signInSubmit are Amazon's, and so is an image button of class submit on both pages.",
    ),
    our_choice("Cards expire five years on."),
    our_choice(
        "With sandbox_outcome and without sandbox_buyer, the buyer is the first of the first eight accounts of its kind that can pay so. E-mail addresses are compared without regard to case, in any alphabet; letters composed in different ways are different.",
    ),
    our_choice(
        "A buyer who has given up can still go back and agree, and the other way round; the merchant is told each time.",
    ),
    our_choice(
        "A returnURL whose own parameters are named like those of the signature is refused on a page, in any case of letters.",
    ),
    our_choice(
        "In a start URL without a valid signature, the query of returnURL must not name a result of the pages or of a notification, in any case of letters; of an account with return_signature 1, returnURL must have no query. Else it is refused on a page. A signed one is taken, with a warning in the log.",
    ),
    our_choice(
        "An unknown callerKey is refused on a page. A wrong signature is CE, without callerReference.",
    ),
];

/// Every pipeline: parameters, results, behaviour.
pub fn markdown() -> String {
    let mut text =
        String::from("# Co-Branded pages\n\nGenerated from the table of pipelines; do not edit by hand.\n\n");
    text.push_str(LEGEND);
    // Writing into a string does not fail, so the results below are dropped.
    let _ = write!(
        text,
        "\nA merchant sends a buyer to `{}` with the parameters below. The buyer comes back to returnURL, \
         with `status` and what was made.\n\n\
         `sandbox_outcome=STATUS` on that URL answers at once with the redirect, without pages; `sandbox_buyer=ADDRESS` \
         says who the buyer is (else the first seeded one that can). `cobranded_ending = \"STATUS\"` of an account in the \
         seed file does the same for all its visits, and `sandbox_outcome=ask` brings the pages back. These parameters \
         are not part of what is signed.\n\n| status | meaning |\n|---|---|\n",
        super::START
    );
    for (status, meaning) in STATUSES {
        let _ = writeln!(text, "| `{}` | {meaning} |", status.name());
    }
    write_behaviours(&mut text, FIDELITY);
    text.push_str(
        "\nSA, SB and SC as wishes name the payment method; where merchant or buyer leaves it out, the visit ends with PE. \
         SR and SU are plain successes where they do not apply. Recipient always answers SR, and EditToken SU when the \
         token pays as before.\n\n## Every pipeline\n\n",
    );
    write_parameters(&mut text, COMMON.iter());
    for pipeline in PIPELINES {
        write_pipeline(&mut text, pipeline);
    }
    text
}

fn write_pipeline(text: &mut String, pipeline: &Pipeline) {
    let _ = write!(text, "\n## {}\n\n{}\n\n", pipeline.name, pipeline.summary);
    let common = |name: &str| COMMON.iter().any(|parameter| parameter.name == name);
    write_parameters(text, pipeline.parameters().filter(|parameter| !common(parameter.name)));
    let results = pipeline.instrument.iter().chain(pipeline.tokens).map(|name| format!("`{name}`"));
    let _ = write!(text, "\nReturns {}, `status`", results.collect::<Vec<_>>().join(", "));
    if pipeline.tokens != ["tokenID", "refundTokenID"] {
        text.push_str(", `expiry` of a card");
    }
    text.push_str(if pipeline.returns_reference() { ", `callerReference`.\n" } else { ".\n" });
    write_behaviours(text, pipeline.fidelity);
}

fn write_behaviours(text: &mut String, behaviours: &[Behaviour]) {
    text.push_str("\n| behaviour | fidelity |\n|---|---|\n");
    for behaviour in behaviours {
        let _ = writeln!(text, "| {} | {} |", behaviour.what, behaviour.basis);
    }
}

fn write_parameters(text: &mut String, parameters: impl Iterator<Item = &'static Parameter>) {
    text.push_str("| parameter | required | value | purpose |\n|---|---|---|---|\n");
    for parameter in parameters {
        let required = if parameter.required { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | {required} | {} | {} |",
            parameter.name, parameter.value, parameter.purpose
        );
    }
}
