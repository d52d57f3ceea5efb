//! Money: whole millionths of a US dollar, never floating point.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub, SubAssign};

use rust_decimal::{Decimal, RoundingStrategy};

use crate::ledger::numbers::around_point;

/// An amount of US dollars in whole millionths. The unit is that small because FPS answers print six decimals, and
/// one fee is $0.0025.
///
/// An amount from a client is read as [`Amount::HUGE`] at most. A transaction moves no more than the configured
/// maximum, which is at most one million dollars. So sums of amounts stay inside the range of the integer.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
pub struct Amount(i64);

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseAmountError {
    /// Something other than digits and one decimal point: letters, a sign, an exponent, nothing at all.
    NotANumber,
    /// More than two decimals.
    TooPrecise,
}

const MICROS_PER_DOLLAR: i64 = 1_000_000;

impl Amount {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// One cent.
    pub const CENT: Self = Self(10_000);
    /// An amount larger than any that the sandbox accepts. A number that does not fit is read as this amount.
    pub const HUGE: Self = Self(i64::MAX / 4);

    /// An amount of whole millionths of a dollar.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The amount in whole millionths of a dollar.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Reads an amount as FPS requests write it: `1`, `15.5`, `25.01`; at most two decimals
    /// (guide: Complex Data Types). A number too large to hold reads as [`Amount::HUGE`].
    pub fn parse(text: &str) -> Result<Self, ParseAmountError> {
        let (whole, cents) = around_point(text).ok_or(ParseAmountError::NotANumber)?;
        if cents.len() > 2 {
            return Err(ParseAmountError::TooPrecise);
        }
        let decimal = Decimal::from_str_exact(&format!("0{whole}.{cents:0<2}"));
        Ok(decimal.ok().and_then(Self::from_decimal).map_or(Self::HUGE, |amount| amount.min(Self::HUGE)))
    }

    /// An exact amount of dollars; `None` when it is finer than a millionth or too large to hold.
    pub fn from_decimal(dollars: Decimal) -> Option<Self> {
        let micros = dollars.checked_mul(MICROS_PER_DOLLAR.into())?;
        if micros.fract().is_zero() { i64::try_from(micros).ok().map(Self) } else { None }
    }

    /// The amount in dollars.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 6)
    }

    /// The amount times `numerator` / `denominator`, rounded half up to a whole multiple of `unit`.
    #[must_use]
    pub fn share(self, numerator: Self, denominator: Self, unit: Self) -> Self {
        let micros = Decimal::from(self.0) * Decimal::from(numerator.0) / Decimal::from(denominator.0);
        Self::rounded(micros, unit)
    }

    /// `percent` of the amount plus `fixed`, rounded half up to a whole multiple of `unit`.
    #[must_use]
    pub fn percent_plus(self, percent: Decimal, fixed: Self, unit: Self) -> Self {
        let micros = Decimal::from(self.0) * percent / Decimal::ONE_HUNDRED + Decimal::from(fixed.0);
        Self::rounded(micros, unit)
    }

    fn rounded(micros: Decimal, unit: Self) -> Self {
        let units = (micros / Decimal::from(unit.0))
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        Self(i64::try_from(units).unwrap_or(0) * unit.0)
    }

    /// The sum, or the largest amount that the type can hold if the sum is larger.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Whether the amount is above zero.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Whether the amount is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Writes dollars with six decimals, as in every FPS answer: `5.000000`, `-0.100000`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let micros = self.0.unsigned_abs();
        let dollar = MICROS_PER_DOLLAR.unsigned_abs();
        write!(f, "{sign}{}.{:06}", micros / dollar, micros % dollar)
    }
}

impl Add for Amount {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Amount {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl SubAssign for Amount {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl Neg for Amount {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_the_guide_writes_them() {
        for (text, micros) in
            [("1", 1_000_000), ("15.5", 15_500_000), ("25.01", 25_010_000), ("0.01", 10_000), (".5", 500_000)]
        {
            assert_eq!(Amount::parse(text), Ok(Amount::from_micros(micros)), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", ".", "-1", "+1", "1e3", "abc", "1,000", "1.2.3", " 1", "0x10", "١"] {
            assert_eq!(Amount::parse(text), Err(ParseAmountError::NotANumber), "{text}");
        }
        assert_eq!(Amount::parse("1.000"), Err(ParseAmountError::TooPrecise));
    }

    #[test]
    fn a_number_too_long_to_hold_reads_as_huge() {
        assert_eq!(Amount::parse(&format!("1{}", "0".repeat(30))), Ok(Amount::HUGE));
        assert_eq!(Amount::parse(&"9".repeat(500)), Ok(Amount::HUGE));
    }

    #[test]
    fn amounts_print_six_decimals() {
        assert_eq!(Amount::from_micros(5_000_000).to_string(), "5.000000");
        assert_eq!(Amount::from_micros(-100_000).to_string(), "-0.100000");
        assert_eq!(Amount::from_micros(2_500).to_string(), "0.002500");
    }

    #[test]
    fn rounding_is_half_up_to_the_unit() {
        let ten = Amount::from_micros(10_000_000);
        assert_eq!(
            ten.percent_plus(Decimal::new(275, 2), Amount::from_micros(25_000), Amount::CENT).micros(),
            300_000
        );
        assert_eq!(
            Amount::from_micros(100_000)
                .share(Amount::from_micros(1), Amount::from_micros(8), Amount::CENT)
                .micros(),
            10_000
        );
    }
}
