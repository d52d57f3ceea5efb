//! Parameters: what an action knows, and a cursor that reads them into typed values.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::error::{Code, FpsError};
use crate::ledger::{Amount, NotAnAmount, RequestDigest};

use super::query::Pair;

/// Parameters every request has; they are no part of what makes two requests the same.
pub const COMMON: &[&str] =
    &["Action", "AWSAccessKeyId", "Version", "Timestamp", "SignatureVersion", "SignatureMethod", "Signature"];

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
    /// One of these.
    OneOf(&'static [&'static str]),
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
            Self::OneOf(names) => names.join(", "),
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
            _ => self.name == name,
        }
    }
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
    asked: Vec<&'static str>,
    digest: Sha256,
}

impl<'a> Params<'a> {
    /// Checks names: the first that the action does not know is refused (captured text), tolerated legacy names
    /// are ignored and logged, and nothing may be given twice.
    pub fn new(
        action: &'static str,
        known: &'static [Parameter],
        legacy: &[&str],
        version: &str,
        pairs: &'a [Pair],
    ) -> Result<Self, FpsError> {
        let mut values = BTreeMap::new();
        let mut repeated = None;
        for (name, value) in pairs.iter().filter(|(name, _)| !COMMON.contains(&name.as_str())) {
            if known.iter().any(|parameter| parameter.takes(name)) {
                if values.insert(name.as_str(), value.as_str()).is_some() {
                    repeated = repeated.or(Some(name));
                }
            } else if legacy.contains(&name.as_str()) {
                tracing::info!(action, parameter = name, "ignored a parameter of an older API");
            } else {
                return Err(unknown_parameter(version, name));
            }
        }
        if let Some(name) = repeated {
            return Err(FpsError::invalid_params(format!("{} is given more than once", camel(name))));
        }
        let mut digest = Sha256::new();
        digest.update(action);
        Ok(Self { known, values, asked: Vec::new(), digest })
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &'static str) -> Result<String, FpsError> {
        let text = self.maybe_text(name)?;
        text.ok_or_else(|| FpsError::invalid_params(format!("{} can not be empty ", camel(name))))
    }

    /// A text that may be there.
    pub fn maybe_text(&mut self, name: &'static str) -> Result<Option<String>, FpsError> {
        let kind = self.parameter(name).map(|parameter| parameter.kind);
        let Some(value) = self.value(name) else { return Ok(None) };
        let problem = match kind {
            Some(Kind::Characters(most)) if value.chars().count() > most => {
                Some(format!("{most} characters"))
            }
            Some(Kind::Bytes(most)) if value.len() > most => Some(format!("{most} bytes")),
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
        let amount = self.maybe_amount(name)?;
        amount.ok_or_else(|| FpsError::invalid_params(format!("{} can not be empty ", camel(name))))
    }

    /// An amount that may be there. Without a currency it is in US dollars.
    pub fn maybe_amount(&mut self, name: &'static str) -> Result<Option<Amount>, FpsError> {
        self.parameter(name);
        let part = |suffix: &str| {
            self.values.get(format!("{name}.{suffix}").as_str()).copied().filter(|value| !value.is_empty())
        };
        let (value, currency) = (part("Value"), part("CurrencyCode"));
        let camel = camel(name);
        if let Some(currency) = currency.filter(|currency| *currency != "USD") {
            let text = format!("{camel}.currencyCode has to be USD. Specified value: {currency}");
            return Err(FpsError::invalid_params(text));
        }
        let Some(value) = value else {
            return match currency {
                Some(_) => Err(FpsError::invalid_params(format!("{camel}.value can not be empty "))),
                None => Ok(None),
            };
        };
        let amount = Amount::parse(value).map_err(|problem| {
            let rule = match problem {
                NotAnAmount::NotANumber => "has to be a positive number of dollars, such as 15.50",
                NotAnAmount::TooPrecise => "can not have more than two decimals",
            };
            FpsError::invalid_params(format!("{camel}.value {rule}. Specified value: {value}"))
        })?;
        self.note(name, &amount.to_string());
        Ok(Some(amount))
    }

    /// One of an enumeration, or its default.
    pub fn choice<T: WireName>(&mut self, name: &'static str, default: T) -> Result<T, FpsError> {
        let chosen = self.maybe_choice(name)?;
        if chosen.is_none() {
            self.note(name, default.write());
        }
        Ok(chosen.unwrap_or(default))
    }

    fn maybe_choice<T: WireName>(&mut self, name: &'static str) -> Result<Option<T>, FpsError> {
        let kind = self.parameter(name).map(|parameter| parameter.kind);
        let Some(value) = self.value(name) else { return Ok(None) };
        let chosen = T::read(value).ok_or_else(|| {
            let names = kind.map(Kind::describe).unwrap_or_default();
            FpsError::invalid_params(format!(
                "{} has to be one of {names}. Specified value: {value}",
                camel(name)
            ))
        })?;
        self.note(name, value);
        Ok(Some(chosen))
    }

    /// Whether a value is there at all.
    pub fn is_given(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(|value| !value.is_empty())
    }

    /// A number of minutes, or its default.
    pub fn minutes(&mut self, name: &'static str, default: i32) -> Result<i64, FpsError> {
        self.parameter(name);
        let minutes = match self.value(name) {
            None => default,
            Some(value) => value.parse::<i32>().ok().filter(|minutes| *minutes >= 1).ok_or_else(|| {
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

    /// A percentage that may be there; true when it is.
    pub fn percent(&mut self, name: &'static str) -> Result<bool, FpsError> {
        self.parameter(name);
        let Some(value) = self.value(name) else { return Ok(false) };
        let percent: rust_decimal::Decimal = value.parse().map_err(|_| {
            let text =
                format!("{} has to be a percentage, such as 2.5. Specified value: {value}", camel(name));
            FpsError::invalid_params(text)
        })?;
        self.note(name, &percent.normalize().to_string());
        Ok(true)
    }

    /// All is read: the digest of action and business parameters.
    pub fn finish(self) -> RequestDigest {
        debug_assert!(
            self.known.iter().all(|parameter| self.asked.contains(&parameter.name)),
            "the action lists a parameter that it does not read"
        );
        let mut short = RequestDigest::default();
        for (to, from) in short.iter_mut().zip(self.digest.finalize()) {
            *to = from;
        }
        short
    }

    fn parameter(&mut self, name: &'static str) -> Option<Parameter> {
        let parameter = self.known.iter().find(|parameter| parameter.name == name).copied();
        debug_assert!(parameter.is_some(), "{name} is read but not listed by the action");
        self.asked.push(name);
        parameter
    }

    fn value(&self, name: &str) -> Option<&'a str> {
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
