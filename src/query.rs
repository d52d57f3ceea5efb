//! Query strings and forms: bytes to ordered, decoded parameters.
//!
//! A signature covers bytes, and authentication comes before any complaint about parameters. So decoding has two steps:
//! [`Decoded::read`] never fails, and [`Decoded::into_text`] refuses what is no parameter.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use url::Url;

use crate::error::FpsError;

/// One decoded parameter.
pub type Pair = (String, String);

/// Parameters as bytes, in the order they came; an empty name or value is kept.
#[derive(Debug, Default)]
pub struct Decoded {
    pairs: Vec<(Vec<u8>, Vec<u8>)>,
    /// The first that has broken percent-encoding.
    broken: Option<FpsError>,
}

impl Decoded {
    /// Decodes `application/x-www-form-urlencoded` parts, such as query and form, one after the other: `+` and `%20`
    /// are blanks. What is no percent-encoding stands for itself.
    pub fn read(parts: &[&[u8]]) -> Self {
        let mut decoded = Self::default();
        for part in parts {
            part.split(|&byte| byte == b'&')
                .filter(|pair| !pair.is_empty())
                .for_each(|pair| decoded.push(pair));
        }
        decoded
    }

    fn push(&mut self, pair: &[u8]) {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let mut next = || unescaped(halves.next().unwrap_or_default());
        let ((name, name_is_sound), (value, value_is_sound)) = (next(), next());
        if self.broken.is_none() && !name_is_sound {
            self.broken = Some(name_refused(&name, "is not valid percent-encoding"));
        } else if self.broken.is_none() && !value_is_sound {
            self.broken = Some(value_refused(&name, "is not valid percent-encoding"));
        }
        self.pairs.push((name, value));
    }

    /// All of them.
    pub fn pairs(&self) -> &[(Vec<u8>, Vec<u8>)] {
        &self.pairs
    }

    /// The first value under this name that is not empty. What is no UTF-8 in it is replaced by U+FFFD.
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        let given = self.pairs.iter().find(|(known, value)| known == name.as_bytes() && !value.is_empty());
        given.map(|(_, value)| String::from_utf8_lossy(value))
    }

    /// The parameters as text.
    ///
    /// Fails with `InvalidParams` on broken percent-encoding, bytes that are no UTF-8, and characters XML cannot carry.
    pub fn into_text(self) -> Result<Vec<Pair>, FpsError> {
        match self.broken {
            Some(refusal) => Err(refusal),
            None => self.pairs.into_iter().map(|(name, value)| pair_of_text(name, value)).collect(),
        }
    }
}

/// Decodes parameters that nobody has signed as they stand; fails as [`Decoded::into_text`] does.
pub fn decode(raw: &[u8]) -> Result<Vec<Pair>, FpsError> {
    Decoded::read(&[raw]).into_text()
}

/// The bytes that a name or value stands for, and whether its percent-encoding is sound.
fn unescaped(raw: &[u8]) -> (Vec<u8>, bool) {
    if raw.iter().all(|byte| !matches!(byte, b'%' | b'+')) {
        return (raw.to_vec(), true);
    }
    let complete =
        |at: usize| raw.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    let is_sound = raw.iter().enumerate().all(|(at, &byte)| byte != b'%' || complete(at));
    let blanks: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    (percent_decode(&blanks).collect(), is_sound)
}

fn pair_of_text(name: Vec<u8>, value: Vec<u8>) -> Result<Pair, FpsError> {
    let name = text(name).map_err(|(raw, problem)| name_refused(&raw, problem))?;
    let value = text(value).map_err(|(_, problem)| value_refused(name.as_bytes(), problem))?;
    Ok((name, value))
}

/// The bytes as text that XML can carry, or the bytes again and what is wrong with them.
fn text(raw: Vec<u8>) -> Result<String, (Vec<u8>, &'static str)> {
    let text = String::from_utf8(raw).map_err(|problem| (problem.into_bytes(), "is not valid UTF-8"))?;
    if text.chars().all(fits_xml) {
        Ok(text)
    } else {
        Err((text.into_bytes(), "contains a control character"))
    }
}

fn name_refused(name: &[u8], problem: &str) -> FpsError {
    FpsError::invalid_params(format!("A parameter name {problem}: {}", shortened(name)))
}

fn value_refused(name: &[u8], problem: &str) -> FpsError {
    FpsError::invalid_params(format!("The value of {} {problem}", shortened(name)))
}

/// Whether XML 1.0 can carry the character. What it cannot is no text here, because answers repeat what was sent.
pub(crate) fn fits_xml(c: char) -> bool {
    !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A piece of what was sent, short enough to put into a message.
fn shortened(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().filter(|c| fits_xml(*c)).take(64).collect()
}

/// An absolute URL of http or https as it is written. The parser mends what browsers mend: slashes that are missing or
/// turned round, blanks and control characters; such a text is none.
pub fn web_url(text: &str) -> Option<Url> {
    let (_, rest) = text.split_once("://")?;
    let is_mended =
        rest.starts_with(['/', '\\']) || text.contains(char::is_control) || text.trim().len() < text.len();
    let url = Url::parse(text).ok().filter(|_| !is_mended)?;
    ["http", "https"].contains(&url.scheme()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plus_and_percent_twenty_are_blanks_and_order_is_kept() {
        let pairs = decode(b"b=1+2%203&a=%C3%A9%2B&&flag").unwrap();
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
            assert_eq!(decode(raw).unwrap_err().message, message);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_for_the_signature() {
        let decoded = Decoded::read(&[b"a=%FF%zz+", b"%C3=%01"]);
        let expected: [(&[u8], &[u8]); 2] = [(b"a", b"\xff%zz "), (b"\xc3", b"\x01")];
        assert_eq!(decoded.pairs(), expected.map(|(name, value)| (name.to_vec(), value.to_vec())));
        assert_eq!(decoded.value("a").as_deref(), Some("\u{fffd}%zz "));
        assert!(decoded.into_text().is_err());
    }
}
