//! Durations.

use std::time::Duration;

use super::ValueFormat;

/// The longest duration: 100 years. Longer ones are mistakes, and could leave the range of dates.
const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A duration, zero included. A number without a unit is in seconds.
pub(in crate::config) struct AnyDuration;

impl ValueFormat for AnyDuration {
    type Value = Duration;
    const PLACEHOLDER: &'static str = "DURATION";
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        "a duration up to 36500d, such as 0, 30 (seconds), 500ms, 15m, 4d or 1h 30m".to_owned()
    }

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().map(Duration::from_secs).map_err(Self::format_error)?
        } else {
            humantime::parse_duration(text).map_err(Self::format_error)?
        };
        if duration <= MAX_DURATION { Ok(duration) } else { Err(Self::format_error(())) }
    }

    fn to_toml(value: &Duration) -> toml::Value {
        print_duration(*value).into()
    }
}

/// A duration above zero.
pub(in crate::config) struct PositiveDuration;

impl ValueFormat for PositiveDuration {
    type Value = Duration;
    const PLACEHOLDER: &'static str = AnyDuration::PLACEHOLDER;
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        "a duration above 0 and up to 36500d, such as 30 (seconds), 500ms, 15m, 4d or 1h 30m".to_owned()
    }

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = AnyDuration::parse(text).map_err(Self::format_error)?;
        if duration.is_zero() { Err(Self::format_error(())) } else { Ok(duration) }
    }

    fn to_toml(value: &Duration) -> toml::Value {
        AnyDuration::to_toml(value)
    }
}

/// The largest difference between a timestamp and the current time; `None` accepts any difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampWindow(pub Option<Duration>);

/// A duration above zero, or `off`.
pub(in crate::config) struct DurationOrOff;

impl ValueFormat for DurationOrOff {
    type Value = TimestampWindow;
    const PLACEHOLDER: &'static str = AnyDuration::PLACEHOLDER;
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        format!("{}, or off", PositiveDuration::description())
    }

    fn parse(text: &str) -> Result<TimestampWindow, String> {
        if text == "off" {
            return Ok(TimestampWindow(None));
        }
        let window = PositiveDuration::parse(text).map_err(Self::format_error)?;
        Ok(TimestampWindow(Some(window)))
    }

    fn to_toml(value: &TimestampWindow) -> toml::Value {
        value.0.as_ref().map_or_else(|| "off".into(), PositiveDuration::to_toml)
    }
}

/// A duration as people write it, such as `4d` or `1h 30m`. The output of humantime has months, and says `4days`.
fn print_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = duration.as_nanos();
    let mut parts = Vec::new();
    for (nanos_of_unit, unit) in UNITS {
        if rest >= nanos_of_unit {
            parts.push(format!("{}{unit}", rest / nanos_of_unit));
            rest %= nanos_of_unit;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}
