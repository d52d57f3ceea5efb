//! Instants.

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};

use super::ValueFormat;

/// An instant in RFC 3339, or a date, which means its midnight in UTC.
pub(in crate::config) struct UtcInstant;

impl ValueFormat for UtcInstant {
    type Value = DateTime<Utc>;
    const PLACEHOLDER: &'static str = "INSTANT";
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        "an instant with its offset or a date, such as 2010-08-28T12:00:00Z or 2010-08-28".to_owned()
    }

    fn parse(text: &str) -> Result<DateTime<Utc>, String> {
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Ok(date.and_time(NaiveTime::MIN).and_utc());
        }
        DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc()).map_err(Self::format_error)
    }

    fn to_toml(value: &DateTime<Utc>) -> toml::Value {
        value.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }
}
