//! Converts values of a seed file into types of the ledger.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use toml::Spanned;

use crate::error::FpsError;
use crate::ledger::Named as _;
use crate::ledger::{Account, Amount, Descriptions, PaymentMethod, Period, Validity};

use super::super::error::{EntryError, EntryResult};

/// An amount above zero.
pub(super) fn amount(dollars: &Spanned<Decimal>) -> EntryResult<Amount> {
    let is_whole_cents = dollars.get_ref().normalize().scale() <= 2;
    Amount::from_decimal(*dollars.get_ref())
        .filter(|amount| is_whole_cents && amount.is_positive() && *amount < Amount::HUGE)
        .ok_or_else(|| {
            EntryError::at(dollars, "an amount must be dollars above zero with at most two decimals")
        })
}

pub(super) fn validity(from: Option<DateTime<Utc>>, until: Option<DateTime<Utc>>) -> Validity {
    Validity { from: from.map(Into::into), until: until.map(Into::into) }
}

/// A period, such as `1 Day`.
pub(super) fn period(text: &Spanned<String>) -> EntryResult<Period> {
    Period::parse(text.get_ref()).ok_or_else(|| {
        let problem = format!("`{}` is no period; write for example `1 Day` or `6 Months`", text.get_ref());
        EntryError::at(text, problem)
    })
}

/// A payment method that moves real money: not debt, and not a prepaid balance.
pub(super) fn real_method(name: &Spanned<String>) -> EntryResult<PaymentMethod> {
    let method = Account::METHODS.into_iter().find(|method| method.name() == name.get_ref());
    method.ok_or_else(|| {
        let problem = format!("`{}` is no payment method; use ABT, CC or ACH", name.get_ref());
        EntryError::at(name, problem)
    })
}

/// The descriptions of a seeded transaction. Without a caller reference of its own it gets one made of `what` and `name`.
pub(super) fn descriptions(
    what: &str,
    name: Option<&String>,
    caller_reference: Option<&String>,
) -> Descriptions {
    let default_reference = || format!("{what} {}", name.map_or("", String::as_str));
    let caller_reference = caller_reference.cloned().unwrap_or_else(default_reference);
    Descriptions { caller_reference, ..Descriptions::default() }
}

/// The error for an entry that the ledger refuses.
pub(super) fn refusal_error<T>(at: &Spanned<T>, what: &str, refusal: &FpsError) -> EntryError {
    EntryError::at(at, format!("the {what} is refused: {refusal}"))
}
