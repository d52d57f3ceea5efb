//! Query strings and forms: bytes to decoded parameters, in the order received.
//!
//! A signature covers bytes, and a request is authenticated before its parameters are validated. So decoding has two
//! steps: [`DecodedParameters::decode`] never fails, and [`DecodedParameters::into_text_pairs`] refuses invalid parameters.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use url::Url;

use crate::error::FpsError;

/// Name and value of a decoded parameter.
pub type Pair = (String, String);

/// Decoded parameters as bytes, in the order received. Empty names and values are kept.
#[derive(Debug, Default)]
pub struct DecodedParameters {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The error for the first parameter with invalid percent-encoding.
    encoding_error: Option<FpsError>,
}

impl DecodedParameters {
    /// Decodes `application/x-www-form-urlencoded` parts, such as query and form, one after the other: `+` and `%20`
    /// are blanks. Invalid percent-encoding is kept as it is.
    pub fn decode(parts: &[&[u8]]) -> Self {
        let mut decoded = Self::default();
        for part in parts {
            part.split(|&byte| byte == b'&')
                .filter(|pair| !pair.is_empty())
                .for_each(|pair| decoded.push_pair(pair));
        }
        decoded
    }

    fn push_pair(&mut self, pair: &[u8]) {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let mut next = || percent_decode_form(halves.next().unwrap_or_default());
        let ((name, name_is_valid), (value, value_is_valid)) = (next(), next());
        if self.encoding_error.is_none() && !name_is_valid {
            self.encoding_error = Some(invalid_name(&name, "is not valid percent-encoding"));
        } else if self.encoding_error.is_none() && !value_is_valid {
            self.encoding_error = Some(invalid_value(&name, "is not valid percent-encoding"));
        }
        self.pairs.push((name, value));
    }

    /// All names and values.
    pub fn pairs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.pairs
    }

    /// The first value with this name that is not empty. Invalid UTF-8 in it is replaced by U+FFFD.
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.pairs.iter().find(|(known, value)| known == name.as_bytes() && !value.is_empty());
        found.map(|(_, value)| String::from_utf8_lossy(value))
    }

    /// The parameters as text.
    ///
    /// Fails with `InvalidParams` for invalid percent-encoding, invalid UTF-8, and characters that XML cannot contain.
    pub fn into_text_pairs(self) -> Result<Vec<Pair>, FpsError> {
        match self.encoding_error {
            Some(error) => Err(error),
            None => self.pairs.into_iter().map(|(name, value)| pair_into_text(name, value)).collect(),
        }
    }
}

/// Decodes parameters to text in one step, where no signature over the bytes has to be verified first. Fails as
/// [`DecodedParameters::into_text_pairs`] does.
pub fn parse_parameters(raw: &[u8]) -> Result<Vec<Pair>, FpsError> {
    DecodedParameters::decode(&[raw]).into_text_pairs()
}

/// Decodes a name or value, and tells whether its percent-encoding is valid.
fn percent_decode_form(raw: &[u8]) -> (Vec<u8>, bool) {
    if raw.iter().all(|byte| !matches!(byte, b'%' | b'+')) {
        return (raw.to_vec(), true);
    }
    let complete =
        |at: usize| raw.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    let is_valid = raw.iter().enumerate().all(|(at, &byte)| byte != b'%' || complete(at));
    let blanks: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    (percent_decode(&blanks).collect(), is_valid)
}

fn pair_into_text(name: Vec<u8>, value: Vec<u8>) -> Result<Pair, FpsError> {
    let name = bytes_into_text(name).map_err(|(raw, problem)| invalid_name(&raw, problem))?;
    let value = bytes_into_text(value).map_err(|(_, problem)| invalid_value(name.as_bytes(), problem))?;
    Ok((name, value))
}

/// Converts bytes to text that XML can contain. The error is the bytes and what is wrong with them.
fn bytes_into_text(raw: Vec<u8>) -> Result<String, (Vec<u8>, &'static str)> {
    let text = String::from_utf8(raw).map_err(|problem| (problem.into_bytes(), "is not valid UTF-8"))?;
    if text.chars().all(is_xml_char) {
        Ok(text)
    } else {
        Err((text.into_bytes(), "contains a control character"))
    }
}

fn invalid_name(name: &[u8], problem: &str) -> FpsError {
    FpsError::invalid_params(format!("A parameter name {problem}: {}", excerpt_for_message(name)))
}

fn invalid_value(name: &[u8], problem: &str) -> FpsError {
    FpsError::invalid_params(format!("The value of {} {problem}", excerpt_for_message(name)))
}

/// Whether XML 1.0 can contain the character. Requests must not contain others, because responses repeat parts of them.
pub(crate) fn is_xml_char(c: char) -> bool {
    !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// The start of received bytes, short enough for an error message.
fn excerpt_for_message(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().filter(|c| is_xml_char(*c)).take(64).collect()
}

/// Parses an absolute http or https URL. `None` also for text that the parser would repair, as browsers do: missing or
/// reversed slashes, surrounding blanks, control characters.
pub fn parse_web_url(text: &str) -> Option<Url> {
    let (_, rest) = text.split_once("://")?;
    let needs_repair =
        rest.starts_with(['/', '\\']) || text.contains(char::is_control) || text.trim().len() < text.len();
    let url = Url::parse(text).ok().filter(|_| !needs_repair)?;
    ["http", "https"].contains(&url.scheme()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_and_percent_twenty_are_blanks_and_order_is_kept() {
        let pairs = parse_parameters(b"b=1+2%203&a=%C3%A9%2B&&flag").unwrap();
        let expected = [("b", "1 2 3"), ("a", "é+"), ("flag", "")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn broken_input_names_the_parameter() {
        for (raw, message) in [
            (&b"CallerReference=%zz"[..], "The value of CallerReference is not valid percent-encoding"),
            (b"CallerReference=%", "The value of CallerReference is not valid percent-encoding"),
            (b"CallerReference=%FF", "The value of CallerReference is not valid UTF-8"),
            (b"CallerReference=%01", "The value of CallerReference contains a control character"),
            (b"%C3=1", "A parameter name is not valid UTF-8: \u{fffd}"),
            (b"%C3%=1", "A parameter name is not valid percent-encoding: \u{fffd}%"),
        ] {
            assert_eq!(parse_parameters(raw).unwrap_err().message, message);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_for_the_signature() {
        let decoded = DecodedParameters::decode(&[b"a=%FF%zz+", b"%C3=%01"]);
        let expected: [(&[u8], &[u8]); 2] = [(b"a", b"\xff%zz "), (b"\xc3", b"\x01")];
        assert_eq!(decoded.pairs(), expected.map(|(name, value)| (name.to_vec(), value.to_vec())));
        assert_eq!(decoded.value("a").as_deref(), Some("\u{fffd}%zz "));
        assert!(decoded.into_text_pairs().is_err());
    }
}
