//! Numbers in the texts of clients. All of them are read here. Only digits are accepted: no sign, no blank, no
//! underscore, no exponent.

use std::str::FromStr;

use rust_decimal::Decimal;

/// Reads a whole number: ASCII digits and nothing else. Returns `None` for other texts, and for a number too large
/// for its type.
pub fn whole_number<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| are_digits(text))
}

/// Reads a decimal number: ASCII digits and at most one point. Returns `None` for other texts, and for a number too
/// long to hold.
pub fn decimal_number(text: &str) -> Option<Decimal> {
    let (whole, fraction) = around_point(text)?;
    Decimal::from_str_exact(&format!("0{whole}.{fraction}0")).ok()
}

/// The digits before the point and those after it. One of the two may be empty.
pub(super) fn around_point(text: &str) -> Option<(&str, &str)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let has_digits = !(whole.is_empty() && fraction.is_empty());
    (has_digits && are_digits(whole) && are_digits(fraction)).then_some((whole, fraction))
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits_and_nothing_else() {
        assert_eq!(whole_number::<u32>("5"), Some(5));
        assert_eq!(whole_number::<i64>("007"), Some(7));
        assert_eq!(decimal_number("2.50"), Some(Decimal::new(25, 1)));
        assert_eq!(decimal_number(".5"), Some(Decimal::new(5, 1)));
        assert_eq!(decimal_number("5."), Some(Decimal::new(5, 0)));
        for text in ["", "+5", "-5", "-0", " 5", "5 ", "1_0", "1e1", "0x1", "٣", "five", "5,0"] {
            assert_eq!(whole_number::<i64>(text), None, "{text}");
            assert_eq!(decimal_number(text), None, "{text}");
        }
        assert_eq!(whole_number::<u8>("256"), None);
        for text in [".", "1.2.3", "1._5", "1.+5", "+2.5"] {
            assert_eq!(decimal_number(text), None, "{text}");
        }
        assert_eq!(decimal_number(&"9".repeat(40)), None);
    }
}
