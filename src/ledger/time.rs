//! Instants and periods. The ledger gets the current time as an argument and never reads a clock.

use std::fmt;

use chrono::{DateTime, Datelike, Months, SecondsFormat, TimeDelta, Utc};
use strum::{EnumString, IntoStaticStr};

use crate::ledger::numbers::whole_number;

/// An instant on a world's clock, in milliseconds since 1970 (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The smallest instant.
    pub const MIN: Self = Self(i64::MIN);
    /// The largest instant.
    pub const MAX: Self = Self(i64::MAX);

    /// An instant given in milliseconds since 1970.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// This many milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// This many minutes later.
    #[must_use]
    pub const fn plus_minutes(self, minutes: i64) -> Self {
        self.plus_millis(minutes.saturating_mul(60_000))
    }

    /// The instant as a calendar date and time. An instant outside the range of the calendar becomes the nearest
    /// date.
    pub fn to_datetime(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(instant: DateTime<Utc>) -> Self {
        Self(instant.timestamp_millis())
    }
}

/// Writes the instant as in every answer: `2009-10-06T05:50:08.010Z` (our choice: UTC, milliseconds, `Z`).
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_datetime().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// The unit of a period.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, EnumString, IntoStaticStr,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Unit {
    /// Sixty minutes.
    Hour,
    /// Twenty-four hours.
    Day,
    /// Seven days.
    Week,
    /// A calendar month.
    Month,
    /// A calendar year.
    Year,
}

/// A length of time, such as `1 Day` or `6 Months`: of a window of a usage limit, or between payments of a
/// subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Period {
    /// The number of units, at least one.
    pub count: u32,
    /// The unit.
    pub unit: Unit,
}

impl Period {
    /// Reads a period such as `1 Day` or `6 months`: 1 to 1000 units, in singular or plural, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let (count, unit) = text.trim().split_once(' ')?;
        let unit = match unit.trim().to_ascii_lowercase().trim_end_matches('s') {
            "hour" => Unit::Hour,
            "day" => Unit::Day,
            "week" => Unit::Week,
            "month" => Unit::Month,
            "year" => Unit::Year,
            _ => return None,
        };
        whole_number(count).filter(|count| (1..=1000).contains(count)).map(|count| Self { count, unit })
    }

    /// The start of the window that holds `now`, when windows of this length follow each other from `anchor`
    /// (our choice: no source says how FPS anchored them).
    pub fn window_start(self, anchor: Timestamp, now: Timestamp) -> Timestamp {
        let hours = match self.unit {
            Unit::Hour => 1,
            Unit::Day => 24,
            Unit::Week => 24 * 7,
            Unit::Month => return self.month_window(anchor, now, 1),
            Unit::Year => return self.month_window(anchor, now, 12),
        };
        let length = TimeDelta::hours(hours * i64::from(self.count)).num_milliseconds();
        anchor.plus_millis((now.millis() - anchor.millis()).div_euclid(length) * length)
    }

    /// The same for windows of whole months. All starts are computed from the anchor: in windows from the 31st, a
    /// short month then does not shift the starts after it.
    fn month_window(self, anchor: Timestamp, now: Timestamp, months_per_unit: u32) -> Timestamp {
        let length = self.count * months_per_unit;
        let (from, to) = (anchor.to_datetime(), now.to_datetime());
        let start = |windows: u32| {
            from.checked_add_months(Months::new(windows * length)).map_or(anchor, Timestamp::from)
        };
        let months = (to.year() - from.year()) * 12 + i32::try_from(to.month0()).unwrap_or(0)
            - i32::try_from(from.month0()).unwrap_or(0);
        let windows = u32::try_from(months).unwrap_or(0) / length;
        if start(windows) <= now { start(windows) } else { start(windows.saturating_sub(1)) }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.count == 1 { "" } else { "s" };
        write!(f, "{} {:?}{plural}", self.count, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<DateTime<Utc>>().unwrap().into()
    }

    #[test]
    fn instants_print_in_utc_with_milliseconds() {
        assert_eq!(at("2009-10-05T22:50:08.010-07:00").to_string(), "2009-10-06T05:50:08.010Z");
    }

    #[test]
    fn periods_read_in_singular_and_plural() {
        assert_eq!(Period::parse("6 Months"), Some(Period { count: 6, unit: Unit::Month }));
        assert_eq!(Period::parse("1 day"), Some(Period { count: 1, unit: Unit::Day }));
        for wrong in ["", "Day", "0 Days", "x Days", "+1 Day", "-1 Day", "1_0 Days", "1 Fortnight"] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn windows_follow_each_other_from_the_anchor() {
        let day = Period::parse("1 Day").unwrap();
        let anchor = at("2012-01-01T02:00:00Z");
        assert_eq!(day.window_start(anchor, at("2012-01-03T01:59:59Z")), at("2012-01-02T02:00:00Z"));
        let month = Period::parse("1 Month").unwrap();
        assert_eq!(
            month.window_start(at("2012-01-31T00:00:00Z"), at("2012-02-28T00:00:00Z")),
            at("2012-01-31T00:00:00Z")
        );
        assert_eq!(
            month.window_start(at("2012-01-31T00:00:00Z"), at("2012-03-01T00:00:00Z")),
            at("2012-02-29T00:00:00Z")
        );
    }
}
