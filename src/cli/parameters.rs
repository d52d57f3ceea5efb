//! Parameters as a person gives them: shorthands written out, mistakes noticed.

use crate::fps::COMMON;
use crate::random;
use crate::service::actions::{self, ACTIONS, Action};
use crate::service::params::{Kind, Parameter};

use super::print;
use super::request::Pair;

/// Reads `Name=value`.
pub(super) fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        None if actions::find(text).is_some() => Err(format!("write Action={text}")),
        _ => Err("expected NAME=VALUE, such as Action=GetDebtBalance".to_owned()),
    }
}

/// The parameters given.
pub(super) struct Given(Vec<Pair>);

impl From<Vec<Pair>> for Given {
    fn from(pairs: Vec<Pair>) -> Self {
        Self(pairs)
    }
}

impl Given {
    /// What is to be signed.
    pub(super) fn into_pairs(self) -> Vec<Pair> {
        self.0
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Takes a parameter out.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    fn action(&self) -> Option<&'static Action> {
        self.0.iter().find(|(name, _)| name == "Action").and_then(|(_, action)| actions::find(action))
    }

    /// Writes amounts out, and makes up a caller reference where one is needed.
    pub(super) fn complete(&mut self) {
        self.0 = std::mem::take(&mut self.0).into_iter().flat_map(amount_written_out).collect();
        let needed = self.action().is_some_and(|action| {
            action
                .parameters
                .iter()
                .any(|parameter| parameter.name == "CallerReference" && parameter.required)
        });
        if needed && !self.has("CallerReference") {
            let reference = format!("cli-{}", random::random_uuid());
            print::note(&format!(
                "note: made up CallerReference={reference}; give it to repeat this request"
            ));
            self.0.push(("CallerReference".to_owned(), reference));
        }
    }

    /// What the sandbox will not like.
    pub(super) fn warnings(&self) -> Vec<String> {
        let Some((_, asked)) = self.0.iter().find(|(name, _)| name == "Action") else {
            return vec!["there is no Action among the parameters; write Action=NAME first".to_owned()];
        };
        let Some(action) = actions::find(asked) else {
            let names: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
            let advice = suggestion(asked, names.iter().copied())
                .unwrap_or_else(|| format!("there are {}", names.join(", ")));
            return vec![format!("the sandbox has no action `{asked}`; {advice}")];
        };
        let known: Vec<String> = action.parameters.iter().flat_map(Parameter::wire_names).collect();
        let common = COMMON.iter().chain(action.legacy).copied();
        let names: Vec<&str> = known.iter().map(String::as_str).chain(common).collect();
        let unknown = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(name, _)| {
            let advice = suggestion(name, names.iter().copied())
                .unwrap_or_else(|| format!("it has {}", known.join(", ")));
            format!("{asked} has no parameter `{name}`; {advice}")
        });
        let missing =
            action.parameters.iter().filter(|parameter| parameter.required).filter_map(|parameter| {
                let name = match parameter.kind {
                    Kind::Amount => format!("{}.Value", parameter.name),
                    _ => parameter.name.to_owned(),
                };
                (!self.has(&name)).then(|| format!("{asked} needs {}: {}", parameter.name, parameter.purpose))
            });
        unknown.chain(missing).collect()
    }
}

/// `TransactionAmount=10` as the two parameters it stands for.
fn amount_written_out((name, value): Pair) -> Vec<Pair> {
    if name.ends_with("Amount") {
        let currency = (format!("{name}.CurrencyCode"), "USD".to_owned());
        vec![(format!("{name}.Value"), value), currency]
    } else {
        vec![(name, value)]
    }
}

fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&word, &name.to_lowercase());
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(nearest) > 0.8).then(|| format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(words: &[&str]) -> Given {
        Given(words.iter().map(|word| pair(word).unwrap()).collect())
    }

    #[test]
    fn amounts_are_written_out_and_a_reference_is_made_up_once() {
        let mut request = given(&["Action=Pay", "TransactionAmount=10", "SenderTokenId=T"]);
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
        let mut request = given(&["Action=GetDebtBalance", "CreditInstrumentId=I"]);
        request.complete();
        assert!(!request.has("CallerReference"));
    }

    #[test]
    fn mistakes_come_with_a_suggestion() {
        for (words, warning) in [
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
            assert_eq!(given(words).warnings()[0], warning);
        }
    }
}
