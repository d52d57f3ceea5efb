//! Parameters: what an action knows, and a cursor that reads them into typed values.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use rust_decimal::Decimal;
use sha2::{Digest, Sha256};

use crate::error::{Code, FpsError};
use crate::ledger::{Amount, ParseAmountError, RequestDigest, Timestamp, decimal_number, whole_number};

use super::actions::Action;
use super::{Request, instant};

/// A parameter of an action, as data: what is checked, and what the documentation says.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name on the wire; case matters.
    pub name: &'static str,
    /// Whether it must be there and not be empty.
    pub required: bool,
    /// What its value has to be.
    pub kind: Kind,
    /// What it is for.
    pub purpose: &'static str,
}

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of at most so many characters.
    Characters(usize),
    /// Text of at most so many bytes.
    Bytes(usize),
    /// Two parameters, `Name.Value` and `Name.CurrencyCode`.
    Amount,
    /// Per cent, with decimals.
    Percent,
    /// A whole number from 1 to 2³¹−1.
    Minutes,
    /// A whole number between these.
    Number(u32, u32),
    /// An instant: a date with or without time and offset.
    Instant,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Several of these: `Name`, `Name.1`, `Name.2`, …, each of which may hold a list with commas.
    ListOf(&'static [&'static str]),
}

impl Kind {
    /// In words, for the documentation.
    pub fn describe(self) -> String {
        match self {
            Self::Characters(most) => format!("text, at most {most} characters"),
            Self::Bytes(most) => format!("text, at most {most} bytes"),
            Self::Amount => "amount: `.Value` in dollars, `.CurrencyCode` = USD".to_owned(),
            Self::Percent => "per cent".to_owned(),
            Self::Minutes => "whole number from 1 to 2147483647".to_owned(),
            Self::Number(least, most) => format!("whole number from {least} to {most}"),
            Self::Instant => "date, with or without time".to_owned(),
            Self::OneOf(names) => names.join(", "),
            Self::ListOf(names) => format!("list of {}", names.join(", ")),
        }
    }
}

impl Parameter {
    /// A parameter that must be there.
    pub const fn required(name: &'static str, kind: Kind, purpose: &'static str) -> Self {
        Self { name, required: true, kind, purpose }
    }

    /// A parameter that may be there.
    pub const fn optional(name: &'static str, kind: Kind, purpose: &'static str) -> Self {
        Self { name, required: false, kind, purpose }
    }

    /// The names it takes on the wire.
    pub fn wire_names(&self) -> Vec<String> {
        match self.kind {
            Kind::Amount => vec![format!("{}.Value", self.name), format!("{}.CurrencyCode", self.name)],
            _ => vec![self.name.to_owned()],
        }
    }

    fn takes(&self, name: &str) -> bool {
        match self.kind {
            Kind::Amount => {
                let rest = name.strip_prefix(self.name);
                matches!(rest, Some(".Value" | ".CurrencyCode"))
            }
            Kind::ListOf(_) => name == self.name || is_item(self.name, name),
            _ => self.name == name,
        }
    }
}

/// Whether `name` is `List.1`, `List.2`, …: items are counted from one. Gaps do no harm, because each item is read.
fn is_item(list: &str, name: &str) -> bool {
    let place = name.strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
    place.is_some_and(|place| !place.starts_with('0') && whole_number::<u16>(place).is_some())
}

/// A type with wire names, such as an enumeration of the schema.
pub trait WireName: Copy {
    /// Reads a wire name.
    fn read(name: &str) -> Option<Self>;
    /// The wire name.
    fn write(self) -> &'static str;
}

/// Reads the parameters of one request. Each value read goes into the digest that tells requests apart.
pub struct Params<'a> {
    known: &'static [Parameter],
    values: BTreeMap<&'a str, &'a str>,
    /// The names of `values` that nobody has read yet.
    unread: BTreeSet<&'a str>,
    digest: Sha256,
}

impl<'a> Params<'a> {
    /// Checks names: the first that the action does not know is refused (captured text), tolerated legacy names
    /// are ignored and logged, and nothing may be given twice.
    pub fn new(request: Request<'a>) -> Result<Self, FpsError> {
        let Action { name: action, parameters: known, legacy, .. } = *request.action;
        let is_common = |name: &str| request.common.contains(&name);
        let mut values = BTreeMap::new();
        let mut repeated = None;
        for (name, value) in request.parameters {
            if is_common(name) || known.iter().any(|parameter| parameter.takes(name)) {
                if values.insert(name.as_str(), value.as_str()).is_some() {
                    repeated = repeated.or(Some(name));
                }
            } else if legacy.contains(&name.as_str()) {
                tracing::info!(action, parameter = name, "ignored a parameter of an older API");
            } else {
                return Err(unknown_parameter(request.version, name));
            }
        }
        if let Some(name) = repeated {
            let name = if is_common(name) { name.clone() } else { camel(name) };
            return Err(FpsError::invalid_params(format!("{name} is given more than once")));
        }
        let mut digest = Sha256::new();
        digest.update(action);
        // The front's own names are no part of what makes two requests the same.
        values.retain(|name, _| !is_common(name));
        let unread = values.keys().copied().collect();
        Ok(Self { known, values, unread, digest })
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &'static str) -> Result<String, FpsError> {
        let text = self.optional_text(name)?;
        text.ok_or_else(|| not_listed_as_required(name))
    }

    /// A text that may be there.
    pub fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, FpsError> {
        let (kind, Some(value)) = self.read(name)? else { return Ok(None) };
        let problem = match kind {
            Kind::Characters(most) if value.chars().count() > most => Some(format!("{most} characters")),
            Kind::Bytes(most) if value.len() > most => Some(format!("{most} bytes")),
            _ => None,
        };
        if let Some(most) = problem {
            return Err(FpsError::invalid_params(format!("{} can not be longer than {most}", camel(name))));
        }
        self.note(name, value);
        Ok(Some(value.to_owned()))
    }

    /// An amount that must be there.
    pub fn amount(&mut self, name: &'static str) -> Result<Amount, FpsError> {
        let amount = self.optional_amount(name)?;
        amount.ok_or_else(|| not_listed_as_required(name))
    }

    /// An amount that may be there. Without a currency it is in US dollars.
    pub fn optional_amount(&mut self, name: &'static str) -> Result<Option<Amount>, FpsError> {
        let required = self.parameter(name)?.required;
        let mut part = |suffix: &str| self.value(&format!("{name}.{suffix}"));
        let (value, currency) = (part("Value"), part("CurrencyCode"));
        let camel = camel(name);
        if let Some(currency) = currency.filter(|currency| *currency != "USD") {
            let text = format!("{camel}.currencyCode has to be USD. Specified value: {currency}");
            return Err(FpsError::invalid_params(text));
        }
        let Some(value) = value else {
            return match currency {
                Some(_) => Err(missing(&format!("{name}.Value"))),
                None if required => Err(missing(name)),
                None => Ok(None),
            };
        };
        let amount = Amount::parse(value).map_err(|problem| {
            let rule = match problem {
                ParseAmountError::NotANumber => "has to be a positive number of dollars, such as 15.50",
                ParseAmountError::TooPrecise => "can not have more than two decimals",
            };
            FpsError::invalid_params(format!("{camel}.value {rule}. Specified value: {value}"))
        })?;
        self.note(name, &amount.to_string());
        Ok(Some(amount))
    }

    /// One of an enumeration, or its default.
    pub fn choice<T: WireName>(&mut self, name: &'static str, default: T) -> Result<T, FpsError> {
        let chosen = self.optional_choice(name)?;
        if chosen.is_none() {
            self.note(name, default.write());
        }
        Ok(chosen.unwrap_or(default))
    }

    /// One of an enumeration, if given.
    pub fn optional_choice<T: WireName>(&mut self, name: &'static str) -> Result<Option<T>, FpsError> {
        let (kind, Some(value)) = self.read(name)? else { return Ok(None) };
        let chosen = T::read(value).ok_or_else(|| {
            let names = kind.describe();
            FpsError::invalid_params(format!(
                "{} has to be one of {names}. Specified value: {value}",
                camel(name)
            ))
        })?;
        self.note(name, value);
        Ok(Some(chosen))
    }

    /// Several of an enumeration, in the order of their names; none when none is given.
    pub fn choices<T: WireName>(&mut self, name: &'static str) -> Result<Vec<T>, FpsError> {
        let kind = self.parameter(name)?.kind;
        let items = self.values.keys().copied().filter(|key| *key == name || is_item(name, key));
        let items: Vec<&str> = items.collect();
        let given: Vec<&str> = items
            .into_iter()
            .filter_map(|item| self.value(item))
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .collect();
        given
            .into_iter()
            .map(|value| {
                self.note(name, value);
                T::read(value).ok_or_else(|| {
                    let names = kind.describe();
                    let text = format!("{} has to be a {names}. Specified value: {value}", camel(name));
                    FpsError::invalid_params(text)
                })
            })
            .collect()
    }

    /// A number, or its default.
    pub fn number(&mut self, name: &'static str, default: u32) -> Result<u32, FpsError> {
        let (kind, Some(value)) = self.read(name)? else { return Ok(default) };
        let number = whole_number::<u32>(value).filter(|number| match kind {
            Kind::Number(least, most) => (least..=most).contains(number),
            _ => true,
        });
        self.note(name, value);
        number.ok_or_else(|| {
            let rule = kind.describe();
            FpsError::invalid_params(format!("{} has to be a {rule}. Specified value: {value}", camel(name)))
        })
    }

    /// An instant that must be there.
    pub fn instant(&mut self, name: &'static str) -> Result<Timestamp, FpsError> {
        let instant = self.optional_instant(name)?;
        instant.ok_or_else(|| not_listed_as_required(name))
    }

    /// An instant that may be there: a date, with or without a time and an offset; UTC without one.
    pub fn optional_instant(&mut self, name: &'static str) -> Result<Option<Timestamp>, FpsError> {
        let (_, Some(value)) = self.read(name)? else { return Ok(None) };
        self.note(name, value);
        let instant = instant::read(value).ok_or_else(|| {
            let text = format!(
                "{} has to be a date, such as 2012-01-01T00:00:00Z. Specified value: {value}",
                camel(name)
            );
            FpsError::invalid_params(text)
        })?;
        Ok(Some(instant))
    }

    /// Whether a value is there at all.
    pub fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_empty())
    }

    /// One of an enumeration that must be given.
    pub fn required_choice<T: WireName>(&mut self, name: &'static str) -> Result<T, FpsError> {
        let chosen = self.optional_choice(name)?;
        chosen.ok_or_else(|| not_listed_as_required(name))
    }

    /// One of the names that the parameter takes, or its default.
    pub fn one_of(&mut self, name: &'static str, default: &'static str) -> Result<&'static str, FpsError> {
        let (kind, value) = self.read(name)?;
        let names = match kind {
            Kind::OneOf(names) => names,
            _ => &[],
        };
        let value = value.unwrap_or(default);
        let chosen = names.iter().copied().find(|known| *known == value).ok_or_else(|| {
            let names = names.join(", ");
            FpsError::invalid_params(format!(
                "{} has to be one of {names}. Specified value: {value}",
                camel(name)
            ))
        })?;
        self.note(name, chosen);
        Ok(chosen)
    }

    /// A number of minutes, or its default.
    pub fn minutes(&mut self, name: &'static str, default: i32) -> Result<i64, FpsError> {
        let minutes = match self.read(name)?.1 {
            None => default,
            Some(value) => whole_number::<i32>(value).filter(|minutes| *minutes >= 1).ok_or_else(|| {
                let text = format!(
                    "{} has to be a whole number from 1 to 2147483647. Specified value: {value}",
                    camel(name)
                );
                FpsError::invalid_params(text)
            })?,
        };
        self.note(name, &minutes.to_string());
        Ok(minutes.into())
    }

    /// A percentage that may be there.
    pub fn optional_percent(&mut self, name: &'static str) -> Result<Option<Decimal>, FpsError> {
        let (_, Some(value)) = self.read(name)? else { return Ok(None) };
        let percent = decimal_number(value);
        let percent = percent.filter(|percent| (Decimal::ZERO..=Decimal::ONE_HUNDRED).contains(percent));
        let percent = percent.ok_or_else(|| {
            let text =
                format!("{} has to be a percentage, such as 2.5. Specified value: {value}", camel(name));
            FpsError::invalid_params(text)
        })?;
        self.note(name, &percent.normalize().to_string());
        Ok(Some(percent))
    }

    /// Fails with `InternalError` when a parameter was accepted and not read: the action lists it and ignores it.
    pub fn used_up(&self) -> Result<(), FpsError> {
        match self.unread.first() {
            None => Ok(()),
            Some(name) => {
                tracing::error!(parameter = name, "the action lists a parameter that it does not read");
                Err(Code::InternalError.into())
            }
        }
    }

    /// The digest of action and business parameters, as far as they are read.
    pub fn digest(&self) -> RequestDigest {
        let mut short = RequestDigest::default();
        for (to, from) in short.iter_mut().zip(self.digest.clone().finalize()) {
            *to = from;
        }
        short
    }

    /// The parameter of this name. An action that reads what it does not list is at fault, not the client.
    fn parameter(&self, name: &'static str) -> Result<Parameter, FpsError> {
        self.known.iter().find(|parameter| parameter.name == name).copied().ok_or_else(|| {
            tracing::error!(parameter = name, "the action reads a parameter that it does not list");
            Code::InternalError.into()
        })
    }

    /// The kind of the parameter of this name, and its value. The table says whether it has to have one.
    fn read(&mut self, name: &'static str) -> Result<(Kind, Option<&'a str>), FpsError> {
        let parameter = self.parameter(name)?;
        let value = self.value(name);
        if parameter.required && value.is_none() {
            return Err(missing(name));
        }
        Ok((parameter.kind, value))
    }

    fn value(&mut self, name: &str) -> Option<&'a str> {
        self.unread.remove(name);
        self.values.get(name).copied().filter(|value| !value.is_empty())
    }

    /// Lengths keep one value from reading like two.
    fn note(&mut self, name: &str, value: &str) {
        for text in [name, value] {
            self.digest.update(text.len().to_be_bytes());
            self.digest.update(text);
        }
    }
}

/// The refusal of a parameter that the schema does not know, as captured.
fn unknown_parameter(version: &str, name: &str) -> FpsError {
    let text = format!(
        "The request doesn't conform to the interface specification in the WSDL. Element/Parameter \
         \"http://fps.amazonaws.com/doc/{version}/:{name}\" in request is either invalid or is found at unexpected \
         location"
    );
    FpsError::new(Code::InvalidRequest, text)
}

/// The refusal of a request that lacks this parameter, or has it empty.
pub(super) fn missing(name: &str) -> FpsError {
    FpsError::invalid_params(format!("{} can not be empty ", camel(name)))
}

/// An action that cannot do without a parameter has to list it as required: it is at fault, not the client.
fn not_listed_as_required(name: &str) -> FpsError {
    tracing::error!(parameter = name, "the action needs a parameter that it lists as optional");
    Code::InternalError.into()
}

/// Messages name parameters in lower camel case: `senderTokenId`.
fn camel(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for part in name.split('.') {
        let separator = if text.is_empty() { "" } else { "." };
        let mut letters = part.chars();
        let first = letters.next().map(|c| c.to_ascii_lowercase());
        let _ =
            write!(text, "{separator}{}{}", first.map(String::from).unwrap_or_default(), letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Pair;
    use crate::service::actions::Run;

    static TEST: Action = Action {
        name: "Test",
        aliases: &[],
        summary: "",
        source: "",
        parameters: &[
            Parameter::optional("Note", Kind::Characters(10), ""),
            Parameter::optional("Sum", Kind::Amount, ""),
            Parameter::optional("Role", Kind::ListOf(&["Sender", "Caller", "Recipient"]), ""),
        ],
        legacy: &[],
        errors: &[],
        fidelity: &[],
        run: Run::Signed(|_| Box::pin(async { Err(Code::InternalError.into()) })),
    };

    fn params(pairs: &[Pair]) -> Result<Params<'_>, FpsError> {
        Params::new(Request { action: &TEST, version: "2008-09-17", parameters: pairs, common: &[] })
    }

    fn read_all(pairs: &[Pair]) -> Result<(), FpsError> {
        let mut params = params(pairs)?;
        params.optional_text("Note")?;
        params.optional_amount("Sum")?;
        params.choices::<crate::ledger::Role>("Role")?;
        params.used_up()
    }

    #[test]
    fn a_parameter_is_read_or_refused() {
        let names = [
            "Note",
            "Note.1",
            "Note1",
            "Sum",
            "Sum.Value",
            "Sum.CurrencyCode",
            "Sum.Foo",
            "Sum.Value.1",
            "Role",
            "Role1",
            "Role.1",
            "Role.0",
            "Role.1.x",
            "Role.9",
            "Role.+1",
        ];
        for name in names {
            for value in ["", "Sender", "1", "USD"] {
                let pair = (name.to_owned(), value.to_owned());
                match read_all(&[pair]) {
                    Ok(()) => {}
                    Err(refusal) => assert_ne!(refusal.code, Code::InternalError, "{name}={value}"),
                }
            }
        }
    }

    #[test]
    fn an_action_that_ignores_a_parameter_or_reads_another_fails() {
        let pairs = [("Note".to_owned(), "x".to_owned())];
        let mut params = params(&pairs).unwrap();
        assert_eq!(params.used_up().unwrap_err().code, Code::InternalError);
        assert_eq!(params.optional_text("Other").unwrap_err().code, Code::InternalError);
        params.optional_text("Note").unwrap();
        assert_eq!(params.used_up(), Ok(()));
    }

    #[test]
    fn an_action_that_needs_what_it_lists_as_optional_fails() {
        assert_eq!(params(&[]).unwrap().text("Note").unwrap_err().code, Code::InternalError);
        assert_eq!(params(&[]).unwrap().amount("Sum").unwrap_err().code, Code::InternalError);
    }
}
