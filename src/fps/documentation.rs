//! The reference documentation as Markdown: the tables of actions, errors and magic values, with the provenance of each
//! behaviour.
//!
//! `docs/actions.md`, `docs/errors.md` and `docs/magic.md` hold these texts, and a running sandbox serves them under
//! `/_sandbox/`.

use std::fmt::Write;
use strum::VariantArray as _;

use crate::error::Code;
use crate::ledger::magic;
use crate::service::action::{Action, Behaviour};
use crate::service::actions::ACTIONS;
use crate::service::parameters::Parameter;

use super::status::status;

/// Explains the provenance column of the tables.
pub(crate) const PROVENANCE_LEGEND: &str = "Fidelity: *documented* = a guide page or the schema says so; *observed* = seen in recorded \
traffic or in client fixtures; *our choice* = no source speaks, this is what the sandbox does.\n";

/// All actions: parameters, errors and behaviours.
pub fn actions_markdown() -> String {
    let mut text = String::from("# Actions\n\nGenerated from the action table; do not edit by hand.\n\n");
    text.push_str(PROVENANCE_LEGEND);
    text.push_str(
        "\nParameters of every request: `Action`, `AWSAccessKeyId`, `Version`, `Timestamp`, \
        `SignatureVersion`, `SignatureMethod` (version 2 only), `Signature`.\n",
    );
    for action in ACTIONS {
        write_action(&mut text, action);
    }
    text
}

// Writing to a string cannot fail, so the results below are dropped.
fn write_action(text: &mut String, action: &Action) {
    let _ = write!(text, "\n## {}\n\n{}\n\nSource: {}.\n\n", action.name, action.summary, action.source);
    text.push_str("| parameter | required | value | purpose |\n|---|---|---|---|\n");
    for parameter in action.parameters {
        let required = if parameter.required { "yes" } else { "no" };
        let value = parameter.kind.describe();
        let purpose = purpose_and_default(parameter);
        let _ = writeln!(text, "| `{}` | {required} | {value} | {purpose} |", parameter.name);
    }
    if !action.legacy.is_empty() {
        let _ =
            write!(text, "\nNames of older APIs, ignored: {}.\n", code_list(action.legacy.iter().copied()));
    }
    let mut errors = action.errors.to_vec();
    errors.sort_unstable_by_key(|code| code.name());
    let _ = write!(text, "\nErrors: {}.\n", code_list(errors.iter().map(|code| code.name())));
    write_behaviours(text, action.behaviours);
}

/// Writes the table of behaviours with their provenance.
pub(crate) fn write_behaviours(text: &mut String, behaviours: &[Behaviour]) {
    text.push_str("\n| behaviour | fidelity |\n|---|---|\n");
    for behaviour in behaviours {
        let _ = writeln!(text, "| {} | {} |", behaviour.description, behaviour.provenance);
    }
}

fn purpose_and_default(parameter: &Parameter) -> String {
    match parameter.default {
        Some(default) => format!("{} Default {default}.", parameter.purpose),
        None => parameter.purpose.to_owned(),
    }
}

/// The names as a comma-separated list of code.
fn code_list(names: impl Iterator<Item = &'static str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// All error codes: status, retriable, message, and the actions that return them.
pub fn errors_markdown() -> String {
    let mut text = String::from("# Errors\n\nGenerated from the error table; do not edit by hand.\n\n");
    text.push_str(PROVENANCE_LEGEND);
    text.push_str(
        "\nThe message is the usual one; many refusals say more. *Retriable* is the guide's flag. The remark says what in a \
         seed file brings an error about, or why no request gets it. Which error such an account gives is our choice.\n\n\
         | code | HTTP | retriable | usual message | given by | fidelity | remark |\n|---|---|---|---|---|---|---|\n",
    );
    for code in Code::VARIANTS {
        let definition = code.definition();
        let retriable = if definition.retriable { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | {} | {retriable} | {} | {} | {} | {} |",
            code.name(),
            status(*code).as_u16(),
            definition.message,
            returned_by(*code),
            definition.provenance,
            definition.remark
        );
    }
    text
}

/// The magic values, which force errors.
pub fn magic_markdown() -> String {
    let mut text = String::from(
        "# Magic values\n\nGenerated from the table of magic values; do not edit by hand.\n\n\
         They force errors, as the real sandbox's did. `--no-magic` switches them off; the log says when one strikes.\n\n\
         | parameter | token id | stands for | forces |\n|---|---|---|---|\n",
    );
    for token in magic::TOKENS {
        let _ = writeln!(
            text,
            "| `{}` | `{}` | {} | `{}` |",
            token.parameter, token.id, token.stands_for, token.forces
        );
    }
    text.push_str(
        "\nThe ids are documented; which error each gives under the API of 2008 and later is our choice.\n\n\
         Amounts work in Pay, Reserve, FundPrepaid and SettleDebt, where a card or a bank is charged.\n\n\
         | amount | forces | fidelity |\n|---|---|---|\n",
    );
    for amount in magic::AMOUNTS {
        let decimal = amount.first_decimal;
        let _ = writeln!(
            text,
            "| N.{decimal}0 to N.{decimal}9 | {} | documented; the status is our choice |",
            amount.forces
        );
    }
    text.push_str("| N.80 to N.99 | nothing | our choice |\n");
    text
}

/// The errors that a request can get before its action runs.
pub const ERRORS_OF_EVERY_REQUEST: &[Code] = &[
    Code::MissingAuthenticationToken,
    Code::InvalidClientTokenId,
    Code::SignatureDoesNotMatch,
    Code::InvalidParameterValue,
    Code::RequestExpired,
    Code::AccessFailure,
    Code::AuthFailure,
    Code::MissingAction,
    Code::InvalidAction,
    Code::InvalidParams,
    Code::InvalidRequest,
    Code::MethodNotAllowed,
    Code::RequestTooLarge,
    Code::RequestTimeout,
    Code::InternalError,
    Code::ServiceUnavailable,
];

/// Who returns the error, for the table.
fn returned_by(code: Code) -> String {
    if ERRORS_OF_EVERY_REQUEST.contains(&code) {
        return "any request".to_owned();
    }
    let actions: Vec<_> =
        ACTIONS.iter().filter(|action| action.errors.contains(&code)).map(|action| action.name).collect();
    if actions.is_empty() { "no request".to_owned() } else { actions.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_no_request_gets_says_why() {
        for code in Code::VARIANTS {
            let never = code.definition().remark.starts_with("Never given: ");
            assert_eq!(returned_by(*code) == "no request", never, "{code}");
        }
    }
}
