//! The URL that sends somebody to the pages, as far as it can be read without knowing the pipeline.

use url::Url;

use crate::error::FpsError;
use crate::fps::query::{self, Pair};
use crate::ledger::Ending;

/// Parameters that are the sandbox's own: no part of what is signed.
const OWN: &str = "sandbox_";
/// The value of `sandbox_outcome` that wants pages although the merchant's account says otherwise.
const ASK: &str = "ask";

/// A start URL's parameters, decoded.
#[derive(Debug)]
pub(super) struct Start {
    pairs: Vec<Pair>,
}

/// What the sandbox itself is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// How it ends, at once and without pages.
    pub(super) ending: Option<Ending>,
    /// Whether pages are wanted, whatever the account says.
    pub(super) asks: bool,
    /// Who visits.
    pub(super) visitor: Option<String>,
}

impl Start {
    pub(super) fn read(query: &str) -> Result<Self, FpsError> {
        Ok(Self { pairs: query::decode(query.as_bytes())? })
    }

    /// The value of a parameter, an empty one being absent. Names are matched without regard to case, because clients
    /// differ; the exact one goes first.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pair(name)?;
        Some(value)
    }

    /// A parameter as it was sent.
    pub(super) fn pair(&self, name: &str) -> Option<(&str, &str)> {
        let given = self.pairs.iter().filter(|(_, value)| !value.is_empty());
        let mut given = given.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        let exact = given.clone().find(|(known, _)| known == name);
        exact.or_else(|| given.next()).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a parameter is given twice, spelled the same, with different values.
    pub(super) fn is_ambiguous(&self, name: &str) -> bool {
        let Some((spelled, value)) = self.pair(name) else { return false };
        self.pairs.iter().any(|(known, other)| known == spelled && other != value)
    }

    /// What was signed: everything that is not the sandbox's own.
    pub(super) fn signed(&self) -> Vec<Pair> {
        self.pairs.iter().filter(|(name, _)| !name.starts_with(OWN)).cloned().collect()
    }

    /// Where the visitor is sent when all is done: an absolute URL of http or https.
    pub(super) fn return_url(&self) -> Result<Url, &'static str> {
        let given = self.value("returnURL").ok_or("it has no returnURL")?;
        let url = Url::parse(given).map_err(|_| "its returnURL is no absolute URL")?;
        if !["http", "https"].contains(&url.scheme()) {
            return Err("its returnURL is neither http nor https");
        }
        if has_plain_host(&url) { Ok(url) } else { Err("its returnURL has no sound host") }
    }

    /// What the sandbox itself is asked for.
    pub(super) fn wishes(&self) -> Result<Wishes, String> {
        let mut wishes = Wishes::default();
        for (name, value) in self.pairs.iter().filter(|(name, _)| name.starts_with(OWN)) {
            match name.as_str() {
                "sandbox_outcome" if value.eq_ignore_ascii_case(ASK) => wishes.asks = true,
                "sandbox_outcome" => {
                    let named = Ending::ALL.iter().find(|known| known.name().eq_ignore_ascii_case(value));
                    let known: Vec<_> = Ending::ALL.iter().map(|known| known.name()).collect();
                    let unknown = || format!("sandbox_outcome is one of {}, or {ASK}", known.join(", "));
                    wishes.ending = Some(*named.ok_or_else(unknown)?);
                }
                "sandbox_buyer" if is_address(value) => wishes.visitor = Some(value.trim().to_owned()),
                "sandbox_buyer" => return Err("sandbox_buyer is an e-mail address".to_owned()),
                _ => {
                    return Err(format!(
                        "there is no parameter {name}, only sandbox_outcome and sandbox_buyer"
                    ));
                }
            }
        }
        Ok(wishes)
    }
}

/// Whether the host is made of what hosts are made of, so that it can stand in a header.
pub(super) fn has_plain_host(url: &Url) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    url.host_str().is_some_and(|host| !host.is_empty() && host.bytes().all(plain))
}

/// Whether a text can be the e-mail address of an account.
pub(super) fn is_address(text: &str) -> bool {
    let text = text.trim();
    let (name, host) = text.split_once('@').unwrap_or_default();
    !name.is_empty() && !host.is_empty() && text.len() <= 254 && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_without_regard_to_case_and_exact_ones_go_first() {
        let start = Start::read("CallerReference=stray&callerReference=meant&returnUrl=x&empty=").unwrap();
        assert_eq!(start.value("callerReference"), Some("meant"));
        assert_eq!(start.value("returnURL"), Some("x"));
        assert_eq!(start.value("empty"), None);
        assert!(!start.is_ambiguous("callerReference"));
        assert!(Start::read("a=1&a=2").unwrap().is_ambiguous("a"));
    }

    #[test]
    fn only_absolute_urls_of_the_web_are_returned_to() {
        for wrong in [
            "",
            "/relative",
            "javascript:alert(1)",
            "ftp://example.com/",
            "//example.com/",
            "http://",
            "http://a;style-src/",
        ] {
            let start = Start { pairs: vec![("returnURL".to_owned(), wrong.to_owned())] };
            assert!(start.return_url().is_err(), "{wrong}");
        }
        let start = Start::read("returnURL=http%3A%2F%2Flocalhost%3A9%2Fret%3Fx%3D1").unwrap();
        assert_eq!(start.return_url().unwrap().as_str(), "http://localhost:9/ret?x=1");
    }

    #[test]
    fn what_is_the_sandboxs_own_is_read_and_not_signed() {
        let start = Start::read("a=1&sandbox_outcome=sc&sandbox_buyer=new%40example.com").unwrap();
        let wishes = start.wishes().unwrap();
        assert_eq!((wishes.ending, wishes.visitor.as_deref()), (Some(Ending::SC), Some("new@example.com")));
        assert_eq!(start.signed(), [("a".to_owned(), "1".to_owned())]);
        for wrong in ["sandbox_outcome=XX", "sandbox_buyer=nobody", "sandbox_other=1"] {
            assert!(Start::read(wrong).unwrap().wishes().is_err(), "{wrong}");
        }
    }
}
