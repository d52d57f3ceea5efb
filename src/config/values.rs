//! The formats of values: how the value of a setting is parsed, checked and printed. One file for each subject.

mod boolean;
mod choice;
mod database;
mod dollars;
mod duration;
mod instant;
mod integer;
mod log_filter;
mod network;
mod path;
mod postgres_url;

use std::ops::RangeInclusive;

pub(super) use self::boolean::Boolean;
pub use self::choice::{AuthMode, CoBrandedAuth, LogFormat, VerifySignatureRefusal};
pub(super) use self::choice::{Choice, SignatureVersion};
pub use self::database::Database;
pub(super) use self::dollars::Dollars;
pub use self::duration::TimestampWindow;
pub(super) use self::duration::{AnyDuration, DurationOrOff, PositiveDuration};
pub(super) use self::instant::UtcInstant;
pub(super) use self::integer::{IntegerInRange, UnsignedInteger};
pub(super) use self::log_filter::LogFilter;
pub(super) use self::network::{HostName, HostPort, HttpOrigin};
pub(super) use self::path::FilePath;
pub use self::postgres_url::PostgresUrl;

/// The format of a setting's value in flags, environment variables, the configuration file and printed output.
///
/// Errors are fragments of a sentence, "expected …". The caller adds what was given, and where.
pub(super) trait ValueFormat {
    /// The type of the value in [`Config`](super::Config).
    type Value;

    /// What the help shows in place of the value, such as `HOST:PORT`.
    const PLACEHOLDER: &'static str;

    /// How many values follow one occurrence of the flag.
    const VALUES_PER_FLAG: RangeInclusive<usize> = 1..=1;

    /// In formats of list items: what separates the items in one flag.
    const ITEM_SEPARATOR: Option<char> = None;

    /// Whether the file may have a TOML number or date in place of a string: `cc_delay = 1` for `cc_delay = "1"`.
    const ACCEPTS_UNQUOTED_TOML: bool = false;

    /// What is accepted, as the rest of "expected …".
    fn description() -> String;

    /// Parses the text of a flag or of an environment variable.
    fn parse(text: &str) -> Result<Self::Value, String>;

    /// The value as the file holds it. [`from_toml`](Self::from_toml) reads it back.
    fn to_toml(value: &Self::Value) -> toml::Value;

    /// Reads the value in the file.
    fn from_toml(value: &toml::Value) -> Result<Self::Value, String> {
        match value {
            toml::Value::String(text) => Self::parse(text),
            _ if !Self::ACCEPTS_UNQUOTED_TOML => Err(format!("expected {}, in quotes", Self::description())),
            toml::Value::Integer(number) => Self::parse(&number.to_string()),
            toml::Value::Float(number) => Self::parse(&number.to_string()),
            toml::Value::Datetime(instant) => Self::parse(&instant.to_string()),
            toml::Value::Boolean(_) | toml::Value::Array(_) | toml::Value::Table(_) => {
                Err(Self::format_error(()))
            }
        }
    }

    /// The error for a value in another format. It takes the cause, so that it fits `map_err`, and drops it.
    fn format_error<E>(_: E) -> String {
        format!("expected {}", Self::description())
    }
}
