//! The ways in which clients percent-encode names and values.

use std::borrow::Cow;

use super::parameter_sets::Pair;

/// One way to encode a name or a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Encoding {
    /// How many times the text is encoded: 0, 1 or 2.
    rounds: u8,
    /// Whether a blank becomes `+`.
    blank_as_plus: bool,
    /// Whether `~` becomes `%7E`.
    encode_tilde: bool,
    /// Whether hexadecimal digits are in lower case.
    lower_case_hex: bool,
    /// Reserved characters that are not encoded.
    unencoded: &'static str,
}

/// The encoding that version 2 requires.
pub(super) const STRICT: Encoding =
    Encoding { rounds: 1, blank_as_plus: false, encode_tilde: false, lower_case_hex: false, unencoded: "" };
/// No encoding, as in version 1.
pub(super) const NONE: Encoding = Encoding { rounds: 0, ..STRICT };

/// The encoding of version 2, but with a blank as `+`.
const PLUS: Encoding = Encoding { blank_as_plus: true, ..STRICT };
/// The encoding of version 2, but with hexadecimal digits in lower case.
const LOWER: Encoding = Encoding { lower_case_hex: true, ..STRICT };
/// The encoding of version 2, but with `~` encoded.
const TILDE: Encoding = Encoding { encode_tilde: true, ..STRICT };
/// The encoding of version 2, but with `~` encoded and a blank as `+`.
const TILDE_PLUS: Encoding = Encoding { blank_as_plus: true, ..TILDE };

/// The encodings of common libraries.
pub(super) const ENCODINGS: [Encoding; 20] = [
    STRICT,
    NONE,
    Encoding { rounds: 2, ..STRICT },
    PLUS,
    LOWER,
    TILDE,
    Encoding { unencoded: "*", ..STRICT },
    Encoding { unencoded: ":", ..STRICT },
    Encoding { unencoded: ",", ..STRICT },
    Encoding { unencoded: "@", ..STRICT },
    // Python's quote, before and after 3.7.
    Encoding { unencoded: "/", ..TILDE },
    Encoding { unencoded: "/", ..STRICT },
    // JavaScript's encodeURIComponent and encodeURI.
    Encoding { unencoded: "!'()*", ..STRICT },
    Encoding { unencoded: "!#$&'()*+,/:;=?@", ..STRICT },
    // PHP's urlencode, Python's quote_plus; Java's URLEncoder and HTML forms.
    TILDE_PLUS,
    Encoding { unencoded: "*", ..TILDE_PLUS },
    // .NET's UrlEncode.
    Encoding { blank_as_plus: true, ..LOWER },
    Encoding { lower_case_hex: true, unencoded: "!()*", ..TILDE_PLUS },
    Encoding { lower_case_hex: true, unencoded: "!'()*", ..TILDE_PLUS },
    Encoding { unencoded: "!'()*", ..LOWER },
];

impl Encoding {
    /// Appends `text`, encoded.
    pub(super) fn push(self, text: &str, out: &mut String) {
        match self.rounds {
            0 => out.push_str(text),
            1 => text.bytes().for_each(|byte| self.push_byte(byte, out)),
            _ => {
                let once = Self { rounds: 1, ..self };
                let mut inner = String::new();
                once.push(text, &mut inner);
                once.push(&inner, out);
            }
        }
    }

    fn push_byte(self, byte: u8, out: &mut String) {
        let is_unencoded = match byte {
            b'~' => !self.encode_tilde,
            b'-' | b'_' | b'.' => true,
            _ => byte.is_ascii_alphanumeric() || self.unencoded.as_bytes().contains(&byte),
        };
        if byte == b' ' && self.blank_as_plus {
            out.push('+');
        } else if is_unencoded {
            out.push(char::from(byte));
        } else {
            let digits = if self.lower_case_hex { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)])));
        }
    }

    fn encode(self, text: &str) -> String {
        let mut out = String::new();
        self.push(text, &mut out);
        out
    }

    /// Describes the mistake of using this encoding in place of `correct`; `None` if it makes no difference to
    /// `pairs`.
    pub(super) fn mistake(self, correct: Self, pairs: &[Pair<'_>]) -> Option<String> {
        let differs = |text: &Cow<'_, str>| self.encode(text) != correct.encode(text);
        let (first, _) = pairs.iter().find(|(name, value)| differs(name) || differs(value))?;
        Some(match (self.rounds, correct.rounds) {
            (_, 0) => {
                format!("the values were percent-encoded, but are signed as they are (first `{first}`)")
            }
            (0, _) => format!("the values were signed without percent-encoding (first `{first}`)"),
            (1, _) => {
                let differences = self.differences_from_strict(pairs).join(" and ");
                format!("the values were encoded with {differences} (first `{first}`)")
            }
            _ => format!("the values were percent-encoded twice before signing (first `{first}`)"),
        })
    }

    /// Describes the differences from the strict encoding that occur in `pairs`.
    fn differences_from_strict(self, pairs: &[Pair<'_>]) -> Vec<String> {
        let occurs =
            |wanted: char| pairs.iter().any(|(name, value)| name.contains(wanted) || value.contains(wanted));
        let blank = (self.blank_as_plus && occurs(' ')).then(|| "blanks as `+` instead of `%20`".to_owned());
        let tilde =
            (self.encode_tilde && occurs('~')).then(|| "`~` as `%7E` instead of left as it is".to_owned());
        let unencoded = self.unencoded.chars().filter(|unencoded| occurs(*unencoded));
        let unencoded = unencoded.map(|c| format!("`{c}` left as it is instead of `%{:02X}`", u32::from(c)));
        let lower = self.lower_case_hex.then(|| "hexadecimal digits in lower case".to_owned());
        blank.into_iter().chain(tilde).chain(unencoded).chain(lower).collect()
    }
}
