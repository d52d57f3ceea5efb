//! The reference: the tables of actions, errors and magic values as Markdown, with what is known of each behaviour and from where.
//!
//! `docs/actions.md`, `docs/errors.md` and `docs/magic.md` are these texts, and a running sandbox shows them under `/_sandbox/`.

use std::fmt::Write;

use crate::error::Code;
use crate::ledger::magic;
use crate::service::actions::{ACTIONS, Action};

use super::status::status;

/// What the words of fidelity mean.
pub(crate) const LEGEND: &str = "Fidelity: *documented* = a guide page or the schema says so; *observed* = seen in recorded \
traffic or in client fixtures; *our choice* = no source speaks, this is what the sandbox does.\n";

/// Every action: parameters, errors, behaviour.
pub fn actions_markdown() -> String {
    let mut text = String::from("# Actions\n\nGenerated from the action table; do not edit by hand.\n\n");
    text.push_str(LEGEND);
    text.push_str(
        "\nParameters of every request: `Action`, `AWSAccessKeyId`, `Version`, `Timestamp`, \
        `SignatureVersion`, `SignatureMethod` (version 2 only), `Signature`.\n",
    );
    for action in ACTIONS {
        write_action(&mut text, action);
    }
    text
}

// Writing into a string does not fail, so the results below are dropped.
fn write_action(text: &mut String, action: &Action) {
    let _ = write!(text, "\n## {}\n\n{}\n\nSource: {}.\n\n", action.name, action.summary, action.source);
    text.push_str("| parameter | required | value | purpose |\n|---|---|---|---|\n");
    for parameter in action.parameters {
        let required = if parameter.required { "yes" } else { "no" };
        let value = parameter.kind.describe();
        let _ = writeln!(text, "| `{}` | {required} | {value} | {} |", parameter.name, parameter.purpose);
    }
    if !action.legacy.is_empty() {
        let _ =
            write!(text, "\nNames of older APIs, ignored: {}.\n", code_list(action.legacy.iter().copied()));
    }
    let _ = write!(text, "\nErrors: {}.\n", code_list(action.errors.iter().map(|code| code.name())));
    text.push_str("\n| behaviour | fidelity |\n|---|---|\n");
    for behaviour in action.fidelity {
        let _ = writeln!(text, "| {} | {} |", behaviour.what, behaviour.basis);
    }
}

fn code_list(names: impl Iterator<Item = &'static str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Every error code: status, retriable, message, and which actions give it.
pub fn errors_markdown() -> String {
    let mut text = String::from("# Errors\n\nGenerated from the error table; do not edit by hand.\n\n");
    text.push_str(LEGEND);
    text.push_str(
        "\nThe message is the usual one; many refusals say more. *Retriable* is the guide's flag. The remark says what in a \
         seed file brings an error about, or why no request gets it. Which error such an account gives is our choice.\n\n\
         | code | HTTP | retriable | usual message | given by | fidelity | remark |\n|---|---|---|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let facts = code.facts();
        let retriable = if facts.retriable { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | {} | {retriable} | {} | {} | {} | {} |",
            facts.name,
            status(*code).as_u16(),
            facts.message,
            given_by(*code),
            facts.basis,
            facts.remark
        );
    }
    text
}

/// Magic values: what forces errors on purpose.
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

/// Codes that a request can meet before it reaches its action.
pub const OF_EVERY_REQUEST: &[Code] = &[
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

fn given_by(code: Code) -> String {
    if OF_EVERY_REQUEST.contains(&code) {
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
        for code in Code::ALL {
            let never = code.facts().remark.starts_with("Never given: ");
            assert_eq!(given_by(*code) == "no request", never, "{code}");
        }
    }
}
