//! Shipping addresses: the one that the visitor enters (`collectShippingAddress`), or the one that the merchant sends.

use crate::query::Pair;

use super::form::Form;
use super::pages::AddressField;
use super::start_url::StartUrl;

/// One line of an address.
struct AddressLine {
    /// Name in the form, in the start URL and in the return URL.
    parameter: &'static str,
    label: &'static str,
    /// The value that is filled in beforehand. Empty in `addressName`, which depends on the visitor.
    sample: &'static str,
    /// The `autocomplete` token of HTML.
    autocomplete: &'static str,
}

const fn line(
    parameter: &'static str,
    label: &'static str,
    sample: &'static str,
    autocomplete: &'static str,
) -> AddressLine {
    AddressLine { parameter, label, sample, autocomplete }
}

const ADDRESS_LINES: [AddressLine; 8] = [
    line(NAME, "Full name", "", "name"),
    line("addressLine1", "Address line 1", "1 Example Street", "address-line1"),
    line("addressLine2", "Address line 2", "", "address-line2"),
    line("city", "City", "Seattle", "address-level2"),
    line("state", "State", "WA", "address-level1"),
    line("zip", "ZIP code", "98101", "postal-code"),
    line("country", "Country", "US", "country"),
    line("phoneNumber", "Phone number", "206-555-0100", "tel"),
];
const NAME: &str = "addressName";
/// Maximum length of a line, in characters. Longer lines are cut.
const MAX_LINE_CHARS: usize = 100;

/// The input fields of an address, filled with a sample for a visitor of this name.
pub(super) fn input_fields(visitor_name: &str) -> Vec<AddressField> {
    let field = |line: AddressLine| {
        let value = if line.parameter == NAME { visitor_name } else { line.sample };
        AddressField {
            name: line.parameter,
            label: line.label,
            value: value.to_owned(),
            autocomplete: line.autocomplete,
        }
    };
    ADDRESS_LINES.into_iter().map(field).collect()
}

/// The address that the visitor has entered, as parameters of the return URL. A visit without pages has the sample
/// address.
pub(super) fn entered_address(form: &Form) -> Vec<Pair> {
    let is_entered = form.value("addressLine1").is_some();
    let pair = |line: AddressLine| {
        let sample = if line.parameter == NAME { "Sandbox Buyer" } else { line.sample };
        let value = if is_entered { form.value(line.parameter).unwrap_or_default() } else { sample };
        let value: String = value.chars().take(MAX_LINE_CHARS).collect();
        (line.parameter.to_owned(), value)
    };
    ADDRESS_LINES.into_iter().map(pair).filter(|(_, value)| !value.is_empty()).collect()
}

/// The lines of the address that the merchant has put into the start URL.
pub(super) fn address_from_merchant(start: &StartUrl) -> Vec<String> {
    // A visitor enters a country, but a start URL has no parameter for it.
    let lines = ADDRESS_LINES.into_iter().filter(|line| line.parameter != "country");
    lines.filter_map(|line| start.value(line.parameter)).map(str::to_owned).collect()
}
