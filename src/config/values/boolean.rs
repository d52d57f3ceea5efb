//! Booleans.

use std::ops::RangeInclusive;

use super::ValueFormat;

/// True or false. The flag needs no value: `--no-demo` is `--no-demo=true`.
pub(in crate::config) struct Boolean;

impl ValueFormat for Boolean {
    type Value = bool;
    const PLACEHOLDER: &'static str = "BOOL";
    const VALUES_PER_FLAG: RangeInclusive<usize> = 0..=1;

    fn description() -> String {
        "true or false".to_owned()
    }

    fn parse(text: &str) -> Result<bool, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(Self::format_error(())),
        }
    }

    fn to_toml(value: &bool) -> toml::Value {
        (*value).into()
    }

    fn from_toml(value: &toml::Value) -> Result<bool, String> {
        value.as_bool().ok_or_else(|| format!("expected {}, without quotes", Self::description()))
    }
}
