//! The parameters of `sign` and `call`: expands abbreviations and warns of mistakes.

use crate::fps::COMMON_PARAMETERS;
use crate::query::Pair;
use crate::random;
use crate::service::action::Action;
use crate::service::actions::{self, ACTIONS};
use crate::service::parameters::{Parameter, ParameterKind};

use super::print;

/// Parses `Name=value`.
pub(super) fn parse_parameter(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        None if actions::find(text).is_some() => Err(format!("write Action={text}")),
        _ => Err("expected NAME=VALUE, such as Action=GetDebtBalance".to_owned()),
    }
}

/// The parameters on the command line, in order.
pub(super) struct RequestParameters(Vec<Pair>);

impl From<Vec<Pair>> for RequestParameters {
    fn from(pairs: Vec<Pair>) -> Self {
        Self(pairs)
    }
}

impl RequestParameters {
    /// The parameters to sign.
    pub(super) fn into_pairs(self) -> Vec<Pair> {
        self.0
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Removes the first parameter of this name and returns its value.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1)
    }

    fn action(&self) -> Option<&'static Action> {
        self.0.iter().find(|(name, _)| name == "Action").and_then(|(_, action)| actions::find(action))
    }

    /// Expands amounts, and adds a caller reference if the action requires one and there is none.
    pub(super) fn complete(&mut self) {
        self.0 = std::mem::take(&mut self.0).into_iter().flat_map(expand_amount).collect();
        let needs_reference = self.action().is_some_and(|action| {
            action
                .parameters
                .iter()
                .any(|parameter| parameter.name == "CallerReference" && parameter.required)
        });
        if needs_reference && !self.has("CallerReference") {
            let reference = format!("cli-{}", random::random_uuid());
            print::to_stderr(&format!(
                "note: made up CallerReference={reference}; give it to repeat this request"
            ));
            self.0.push(("CallerReference".to_owned(), reference));
        }
    }

    /// A warning for each mistake for which the sandbox will refuse the request.
    pub(super) fn warnings(&self) -> Vec<String> {
        let Some((_, action_name)) = self.0.iter().find(|(name, _)| name == "Action") else {
            return vec!["there is no Action among the parameters; write Action=NAME first".to_owned()];
        };
        let Some(action) = actions::find(action_name) else {
            let names: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
            let advice = suggestion(action_name, names.iter().copied())
                .unwrap_or_else(|| format!("there are {}", names.join(", ")));
            return vec![format!("the sandbox has no action `{action_name}`; {advice}")];
        };
        let known: Vec<String> = action.parameters.iter().flat_map(Parameter::wire_names).collect();
        let common = COMMON_PARAMETERS.iter().chain(action.legacy).copied();
        let names: Vec<&str> = known.iter().map(String::as_str).chain(common).collect();
        let unknown = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(name, _)| {
            let advice = suggestion(name, names.iter().copied())
                .unwrap_or_else(|| format!("it has {}", known.join(", ")));
            format!("{action_name} has no parameter `{name}`; {advice}")
        });
        let missing =
            action.parameters.iter().filter(|parameter| parameter.required).filter_map(|parameter| {
                let name = match parameter.kind {
                    ParameterKind::Amount => format!("{}.Value", parameter.name),
                    _ => parameter.name.to_owned(),
                };
                (!self.has(&name))
                    .then(|| format!("{action_name} needs {}: {}", parameter.name, parameter.purpose))
            });
        unknown.chain(missing).collect()
    }
}

/// Expands `TransactionAmount=10` to `TransactionAmount.Value=10` and `TransactionAmount.CurrencyCode=USD`.
fn expand_amount((name, value): Pair) -> Vec<Pair> {
    if name.ends_with("Amount") {
        let currency = (format!("{name}.CurrencyCode"), "USD".to_owned());
        vec![(format!("{name}.Value"), value), currency]
    } else {
        vec![(name, value)]
    }
}

/// Suggests the most similar name, if one is similar enough.
fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    let similarity = |name: &str| strsim::jaro_winkler(&word, &name.to_lowercase());
    let nearest = known.max_by(|a, b| similarity(a).total_cmp(&similarity(b)))?;
    (similarity(nearest) > 0.8).then(|| format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(arguments: &[&str]) -> RequestParameters {
        RequestParameters(arguments.iter().map(|argument| parse_parameter(argument).unwrap()).collect())
    }

    #[test]
    fn amounts_are_written_out_and_a_reference_is_made_up_once() {
        let mut request = parameters(&["Action=Pay", "TransactionAmount=10", "SenderTokenId=T"]);
        request.complete();
        let names: Vec<_> = request.0.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "Action",
            "TransactionAmount.Value",
            "TransactionAmount.CurrencyCode",
            "SenderTokenId",
            "CallerReference",
        ];
        assert_eq!(names, expected);
        request.complete();
        assert_eq!(request.0.len(), expected.len());
        assert_eq!(request.warnings(), [""; 0]);
    }

    #[test]
    fn a_request_that_needs_no_reference_gets_none() {
        let mut request = parameters(&["Action=GetDebtBalance", "CreditInstrumentId=I"]);
        request.complete();
        assert!(!request.has("CallerReference"));
    }

    #[test]
    fn mistakes_come_with_a_suggestion() {
        for (arguments, warning) in [
            (
                &["Action=getdebtbalance"][..],
                "the sandbox has no action `getdebtbalance`; did you mean `GetDebtBalance`?",
            ),
            (
                &["Action=GetDebtBalance", "CreditInstrumentID=I"],
                "GetDebtBalance has no parameter `CreditInstrumentID`; did you mean `CreditInstrumentId`?",
            ),
            (&["Action=GetTransaction"], "GetTransaction needs TransactionId: The transaction."),
            (&["CreditInstrumentId=I"], "there is no Action among the parameters; write Action=NAME first"),
        ] {
            assert_eq!(parameters(arguments).warnings()[0], warning);
        }
    }
}
