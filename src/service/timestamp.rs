//! Parsing of the timestamps and dates in requests.

use chrono::{FixedOffset, NaiveDate, NaiveTime, TimeZone};

use crate::ledger::{Timestamp, whole_number};

/// Parses `2012-01-01`, `2012-01-01T10:00:00`, `2012-01-01 10:00:00.250`, a time with or without `Z`, `+01:00` or,
/// after a space, `+0100`. Without an offset the time is UTC; without a time it is midnight. These are the forms that
/// clients send (observed). Leap seconds are refused, because the clocks of the sandbox never show one (our choice).
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = parse_date(day)?;
    if rest.is_empty() {
        return Some(day.and_time(NaiveTime::MIN).and_utc().into());
    }
    let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let [hour, minute, second] = parse_numbers(time, [2, 2, 2], ":")?;
    let (millis, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (fraction, zone) = rest.split_at_checked(digits).filter(|_| digits > 0)?;
            (whole_number(fraction.get(..3).unwrap_or(&format!("{fraction:0<3}")))?, zone)
        }
        None => (0, rest),
    };
    let time = NaiveTime::from_hms_milli_opt(hour, minute, second, millis).filter(|_| millis < 1000)?;
    let instant = parse_offset(zone)?.from_local_datetime(&day.and_time(time)).single()?;
    Some(instant.to_utc().into())
}

/// Parses `2012-01-01`.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let [year, month, day] = parse_numbers(text, [4, 2, 2], "-")?;
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn parse_offset(text: &str) -> Option<FixedOffset> {
    if ["", "Z", "z"].contains(&text) {
        return FixedOffset::east_opt(0);
    }
    let after_space = text.strip_prefix(' ');
    let (sign, digits) = after_space.unwrap_or(text).split_at_checked(1)?;
    let without_colon = || parse_numbers(digits, [2, 2], "").filter(|_| after_space.is_some());
    let [hours, minutes] = parse_numbers(digits, [2, 2], ":").or_else(without_colon)?;
    let seconds = i32::try_from((hours * 60 + minutes) * 60).ok().filter(|_| minutes < 60)?;
    match sign {
        "+" => FixedOffset::east_opt(seconds),
        "-" => FixedOffset::west_opt(seconds),
        _ => None,
    }
}

/// Parses N numbers with exactly these numbers of digits, separated by `separator`.
fn parse_numbers<const N: usize>(text: &str, lengths: [usize; N], separator: &str) -> Option<[u32; N]> {
    let mut numbers = [0; N];
    let mut rest = text;
    for (index, (number, length)) in numbers.iter_mut().zip(lengths).enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(separator)?;
        }
        let (digits, after) = rest.split_at_checked(length)?;
        *number = whole_number(digits)?;
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_the_forms_that_clients_send() {
        for (text, instant) in [
            ("2012-06-01", "2012-06-01T00:00:00.000Z"),
            ("2012-06-01T12:30:59", "2012-06-01T12:30:59.000Z"),
            ("2012-06-01T12:30:59Z", "2012-06-01T12:30:59.000Z"),
            ("2012-06-01t12:30:59.1z", "2012-06-01T12:30:59.100Z"),
            ("2012-06-01T12:30:59.123456789Z", "2012-06-01T12:30:59.123Z"),
            ("2012-06-01T12:30:59+01:30", "2012-06-01T11:00:59.000Z"),
            ("2012-06-01T12:30:59-07:00", "2012-06-01T19:30:59.000Z"),
            ("2012-06-01 12:30:59", "2012-06-01T12:30:59.000Z"),
            ("2012-06-01 12:30:59 +0000", "2012-06-01T12:30:59.000Z"),
            ("2012-06-01 12:30:59.5 -0130", "2012-06-01T14:00:59.500Z"),
        ] {
            assert_eq!(
                parse(text).map(|timestamp| timestamp.to_string()).as_deref(),
                Some(instant),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_instant_is_refused() {
        for text in [
            "",
            "+012-06-01",
            "2012-6-1",
            "2012-02-30",
            " 2012-06-01",
            "2012-06-01T",
            "2012-06-01T12:30",
            "2012-06-01T12:30:60Z",
            "2012-06-01T23:59:60Z",
            "2012-06-01T24:00:00Z",
            "2012-06-01T12:+3:00Z",
            "2012-06-01T12: 3:00Z",
            "2012-06-01 T12:30:59Z",
            "2012-06-01T12:30:59.Z",
            "2012-06-01T12:30:59,5Z",
            "2012-06-01T12:30:59+0130",
            "2012-06-01T12:30:59+1:30",
            "2012-06-01T12:30:59+24:00",
            "2012-06-01T12:30:59+01:60",
            "2012-06-01T12:30:59ZZ",
            "2012-06-01 12:30:59  +0000",
            "２012-06-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
