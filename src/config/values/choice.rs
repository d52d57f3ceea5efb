//! Values from a fixed set.

use std::marker::PhantomData;

use clap::ValueEnum;

use super::ValueFormat;

/// One of the names of an enumeration, in any case.
pub(in crate::config) struct Choice<T>(PhantomData<T>);

impl<T: ValueEnum> ValueFormat for Choice<T> {
    type Value = T;
    const PLACEHOLDER: &'static str = "WORD";

    fn description() -> String {
        format!("one of {}", T::value_variants().iter().map(name).collect::<Vec<_>>().join(", "))
    }

    fn parse(text: &str) -> Result<T, String> {
        T::from_str(text, true).map_err(Self::format_error)
    }

    fn to_toml(value: &T) -> toml::Value {
        name(value).into()
    }
}

fn name<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|possible| possible.get_name().to_owned()).unwrap_or_default()
}

/// What happens to a request whose signature does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// It is refused.
    Strict,
    /// It is accepted; the log says why the signature does not match.
    Lenient,
    /// Signatures are not checked.
    Off,
}

/// Whether start URLs of the Co-Branded pages must be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CoBrandedAuth {
    /// A URL without a signature is accepted.
    Optional,
    /// A URL without a signature is refused.
    Strict,
}

/// How VerifySignature answers when a signature is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifySignatureRefusal {
    /// With the error `InvalidSignature`.
    Error,
    /// With the `VerificationStatus` `Failure`.
    Failure,
}

/// The format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// A JSON object in each line.
    Json,
}

/// An item of a list: a version of request signatures, 1 or 2.
pub(in crate::config) struct SignatureVersion;

impl ValueFormat for SignatureVersion {
    type Value = u8;
    const PLACEHOLDER: &'static str = "VERSION";
    const ITEM_SEPARATOR: Option<char> = Some(',');
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        "1 or 2".to_owned()
    }

    fn parse(text: &str) -> Result<u8, String> {
        match text.trim() {
            "1" => Ok(1),
            "2" => Ok(2),
            other => Err(Self::format_error(other)),
        }
    }

    fn to_toml(value: &u8) -> toml::Value {
        toml::Value::Integer((*value).into())
    }
}
