//! Amounts of money.

use rust_decimal::Decimal;

use super::ValueFormat;

/// An amount in US dollars: above zero, in whole cents.
pub(in crate::config) struct Dollars;

impl ValueFormat for Dollars {
    type Value = Decimal;
    const PLACEHOLDER: &'static str = "DOLLARS";
    const ACCEPTS_UNQUOTED_TOML: bool = true;

    fn description() -> String {
        "US dollars from 0.01 to 1000000, such as 10000 or 99.95".to_owned()
    }

    fn parse(text: &str) -> Result<Decimal, String> {
        let dollars = Decimal::from_str_exact(text).map_err(Self::format_error)?.normalize();
        let is_in_range = (Decimal::new(1, 2)..=Decimal::from(1_000_000)).contains(&dollars);
        if is_in_range && dollars.scale() <= 2 { Ok(dollars) } else { Err(Self::format_error(())) }
    }

    fn to_toml(value: &Decimal) -> toml::Value {
        value.to_string().into()
    }
}
