//! Addresses: where the visitor wants things sent, or the merchant.

use crate::query::Pair;

use super::Form;
use super::pages::AddressField;
use super::start::Start;

/// The lines of an address: parameter, label, sample, what browsers fill in.
const ADDRESS: [(&str, &str, &str, &str); 8] = [
    ("addressName", "Full name", "", "name"),
    ("addressLine1", "Address line 1", "1 Example Street", "address-line1"),
    ("addressLine2", "Address line 2", "", "address-line2"),
    ("city", "City", "Seattle", "address-level2"),
    ("state", "State", "WA", "address-level1"),
    ("zip", "ZIP code", "98101", "postal-code"),
    ("country", "Country", "US", "country"),
    ("phoneNumber", "Phone number", "206-555-0100", "tel"),
];
/// Longest line of an address, in characters.
const ADDRESS_LINE: usize = 100;

/// The lines to fill in, with a sample.
pub(super) fn address_fields(name: &str) -> Vec<AddressField> {
    let field =
        |(parameter, label, sample, autocomplete): (&'static str, &'static str, &str, &'static str)| {
            let value = if parameter == "addressName" { name } else { sample };
            AddressField { name: parameter, label, value: value.to_owned(), autocomplete }
        };
    ADDRESS.into_iter().map(field).collect()
}

/// The address that the visitor gave; a sample, if there was nobody to ask.
pub(super) fn given_address(form: &Form) -> Vec<Pair> {
    let is_asked = form.value("addressLine1").is_some();
    let given = |(parameter, _, sample, _): (&str, &str, &str, &str)| {
        let sample = if parameter == "addressName" { "Sandbox Buyer" } else { sample };
        let value = if is_asked { form.value(parameter).unwrap_or_default() } else { sample };
        let value: String = value.chars().take(ADDRESS_LINE).collect();
        (parameter.to_owned(), value)
    };
    ADDRESS.into_iter().map(given).filter(|(_, value)| !value.is_empty()).collect()
}

/// The address that the merchant gave.
pub(super) fn shown_address(start: &Start) -> Vec<String> {
    // The country is asked for, and no parameter of a start URL.
    let lines = ADDRESS.into_iter().filter(|(parameter, ..)| *parameter != "country");
    lines.filter_map(|(parameter, ..)| start.value(parameter)).map(str::to_owned).collect()
}
