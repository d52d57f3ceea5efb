//! The parameters of an action as data: the reader checks requests against them, and the documentation lists them.

use crate::ledger::whole_number;

/// A parameter of an action.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The name in requests. Case matters.
    pub name: &'static str,
    /// Whether a request without it, or with an empty value, is refused.
    pub required: bool,
    /// The values that are accepted.
    pub kind: ParameterKind,
    /// The value that holds if the request does not set the parameter.
    pub default: Option<&'static str>,
    /// One or two sentences that say what the parameter is for.
    pub purpose: &'static str,
}

/// The values that a parameter accepts.
#[derive(Clone, Copy, Debug)]
pub enum ParameterKind {
    /// Text with at most this many characters.
    Characters(usize),
    /// Text with at most this many bytes in UTF-8.
    Bytes(usize),
    /// Two parameters, `Name.Value` and `Name.CurrencyCode`.
    Amount,
    /// A percentage, with decimals.
    Percent,
    /// A whole number in this range, both ends included.
    Number(u32, u32),
    /// A date with or without time and offset.
    Timestamp,
    /// One of these names.
    OneOf(&'static [&'static str]),
    /// Several of these names: `Name`, `Name.1`, `Name.2`, …, each of which may hold a comma-separated list.
    ListOf(&'static [&'static str]),
}

impl ParameterKind {
    /// The accepted values in words, for the documentation.
    pub fn describe(self) -> String {
        match self {
            Self::Characters(max) => format!("text, at most {max} characters"),
            Self::Bytes(max) => format!("text, at most {max} bytes"),
            Self::Amount => "amount: `.Value` in dollars, `.CurrencyCode` = USD".to_owned(),
            Self::Percent => "per cent".to_owned(),
            Self::Number(min, max) => format!("whole number from {min} to {max}"),
            Self::Timestamp => "date, with or without time".to_owned(),
            Self::OneOf(names) => names.join(", "),
            Self::ListOf(names) => format!("list of {}", names.join(", ")),
        }
    }

    /// The rule that an ill-formed value breaks, as the refusal states it after the parameter's name.
    pub(super) fn rule(self) -> String {
        match self {
            Self::Characters(max) => format!("can not be longer than {max} characters"),
            Self::Bytes(max) => format!("can not be longer than {max} bytes"),
            Self::Amount => "has to be a positive number of dollars, such as 15.50".to_owned(),
            Self::Percent => "has to be a percentage, such as 2.5".to_owned(),
            Self::Timestamp => "has to be a date, such as 2012-01-01T00:00:00Z".to_owned(),
            Self::OneOf(_) => format!("has to be one of {}", self.describe()),
            Self::Number(..) | Self::ListOf(_) => format!("has to be a {}", self.describe()),
        }
    }

    /// Whether the text is too long for this kind.
    pub(super) fn is_exceeded_by(self, text: &str) -> bool {
        match self {
            Self::Characters(max) => text.chars().count() > max,
            Self::Bytes(max) => text.len() > max,
            _ => false,
        }
    }
}

impl Parameter {
    /// A parameter that every request must set.
    pub const fn required(name: &'static str, kind: ParameterKind, purpose: &'static str) -> Self {
        Self { name, required: true, kind, default: None, purpose }
    }

    /// A parameter that a request may leave out.
    pub const fn optional(name: &'static str, kind: ParameterKind, purpose: &'static str) -> Self {
        Self { name, required: false, kind, default: None, purpose }
    }

    /// The parameter with this default value, in the form in which a client would send it.
    #[must_use]
    pub const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// The names of the parameter in requests, without the numbered names of a list.
    pub fn wire_names(&self) -> Vec<String> {
        match self.kind {
            ParameterKind::Amount => {
                vec![format!("{}.Value", self.name), format!("{}.CurrencyCode", self.name)]
            }
            _ => vec![self.name.to_owned()],
        }
    }

    /// Whether a request parameter with this name sets this parameter, or a part of it.
    pub(super) fn matches(&self, name: &str) -> bool {
        match self.kind {
            ParameterKind::Amount => {
                let suffix = name.strip_prefix(self.name);
                matches!(suffix, Some(".Value" | ".CurrencyCode"))
            }
            ParameterKind::ListOf(_) => name == self.name || is_list_item(self.name, name),
            _ => self.name == name,
        }
    }
}

/// Whether `name` is `List.1`, `List.2`, …: items are counted from one. Gaps are allowed, because each item is read.
pub(super) fn is_list_item(list: &str, name: &str) -> bool {
    let index = name.strip_prefix(list).and_then(|suffix| suffix.strip_prefix('.'));
    index.is_some_and(|index| !index.starts_with('0') && whole_number::<u16>(index).is_some())
}
