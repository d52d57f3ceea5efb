//! Whole numbers.

use super::ValueFormat;

/// A whole number from `MIN` to `MAX`.
pub(in crate::config) struct IntegerInRange<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> ValueFormat for IntegerInRange<MIN, MAX> {
    type Value = usize;
    const PLACEHOLDER: &'static str = "N";

    fn description() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Result<usize, String> {
        let number = text.parse().map_err(Self::format_error)?;
        if (MIN..=MAX).contains(&number) { Ok(number) } else { Err(Self::format_error(())) }
    }

    fn to_toml(value: &usize) -> toml::Value {
        i64::try_from(*value).map_or_else(|_| value.to_string().into(), toml::Value::Integer)
    }

    fn from_toml(value: &toml::Value) -> Result<usize, String> {
        let number =
            value.as_integer().ok_or_else(|| format!("expected {}, without quotes", Self::description()))?;
        Self::parse(&number.to_string())
    }
}

/// Any unsigned whole number of 64 bits. Integers of TOML are signed: from 2^63 on they must be in quotes.
pub(in crate::config) struct UnsignedInteger;

impl ValueFormat for UnsignedInteger {
    type Value = u64;
    const PLACEHOLDER: &'static str = "N";
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        format!("a whole number from 0 to {}", u64::MAX)
    }

    fn parse(text: &str) -> Result<u64, String> {
        text.parse().map_err(Self::format_error)
    }

    fn to_toml(value: &u64) -> toml::Value {
        i64::try_from(*value).map_or_else(|_| value.to_string().into(), toml::Value::Integer)
    }
}
