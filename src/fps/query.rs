//! The query front's first step: bytes to ordered, decoded parameters.

use percent_encoding::percent_decode;

use crate::error::FpsError;

/// One decoded parameter.
pub type Pair = (String, String);

/// Decodes `application/x-www-form-urlencoded` text, keeping the order: `+` and `%20` are blanks.
///
/// Fails with `InvalidParams` on broken percent-encoding, bytes that are no UTF-8, and characters XML cannot carry.
pub fn decode(raw: &[u8]) -> Result<Vec<Pair>, FpsError> {
    raw.split(|&byte| byte == b'&').filter(|part| !part.is_empty()).map(decode_pair).collect()
}

fn decode_pair(part: &[u8]) -> Result<Pair, FpsError> {
    let mut halves = part.splitn(2, |&byte| byte == b'=');
    let raw_name = halves.next().unwrap_or_default();
    let name = decode_text(raw_name).map_err(|problem| {
        FpsError::invalid_params(format!("A parameter name {problem}: {}", shortened(raw_name)))
    })?;
    let value = decode_text(halves.next().unwrap_or_default()).map_err(|problem| {
        FpsError::invalid_params(format!("The value of {} {problem}", shortened(name.as_bytes())))
    })?;
    Ok((name, value))
}

fn decode_text(raw: &[u8]) -> Result<String, &'static str> {
    let plain = raw.iter().all(|byte| !matches!(byte, b'%' | b'+'));
    let bytes = if plain { raw.to_vec() } else { decode_escapes(raw)? };
    let text = String::from_utf8(bytes).map_err(|_| "is not valid UTF-8")?;
    if text.chars().all(fits_xml) { Ok(text) } else { Err("contains a control character") }
}

fn decode_escapes(raw: &[u8]) -> Result<Vec<u8>, &'static str> {
    let complete =
        |at: usize| raw.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
    if raw.iter().enumerate().any(|(at, &byte)| byte == b'%' && !complete(at)) {
        return Err("is not valid percent-encoding");
    }
    let blanks: Vec<u8> = raw.iter().map(|&byte| if byte == b'+' { b' ' } else { byte }).collect();
    Ok(percent_decode(&blanks).collect())
}

/// Whether XML 1.0 can carry the character.
fn fits_xml(c: char) -> bool {
    !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A piece of what was sent, short enough to put into a message.
fn shortened(raw: &[u8]) -> String {
    String::from_utf8_lossy(raw).chars().filter(|c| fits_xml(*c)).take(64).collect()
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
            (b"%C3=1", "A parameter name is not valid UTF-8: %C3"),
        ] {
            assert_eq!(decode(raw).unwrap_err().message, message);
        }
    }
}
