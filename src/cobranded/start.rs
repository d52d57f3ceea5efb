//! The URL that sends somebody to the pages, as far as it can be read without knowing the pipeline.

use url::{Url, form_urlencoded};

use crate::ledger::CbuiStatus;
use crate::query::{self, Pair, web_url};

/// Parameters that are the sandbox's own: no part of what is signed.
const OWN: &str = "sandbox_";
/// What the signature of a return URL adds.
const SIGNATURE: [&str; 4] = ["signature", "signatureVersion", "signatureMethod", "certificateUrl"];
/// What a return URL says of a visit, apart from an address, and what only a notification says. Whoever chooses these
/// can have any result signed, and a notification is signed by the same key.
const RESULTS: [&str; 14] = [
    "status",
    "tokenID",
    "refundTokenID",
    "creditInstrumentID",
    "creditSenderTokenID",
    "settlementTokenID",
    "prepaidInstrumentID",
    "prepaidSenderTokenID",
    "fundingTokenID",
    "errorMessage",
    "callerReference",
    "expiry",
    "notificationType",
    "transactionStatus",
];
/// The value of `sandbox_outcome` that wants pages although the merchant's account says otherwise.
const ASK: &str = "ask";

/// A start URL's parameters, decoded.
#[derive(Debug)]
pub(super) struct Start {
    pairs: Vec<Pair>,
    /// The names of those that cannot be decoded.
    broken: Vec<String>,
}

/// What the sandbox itself is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// How it ends, at once and without pages.
    pub(super) ending: Option<CbuiStatus>,
    /// Whether pages are wanted, whatever the account says.
    pub(super) asks: bool,
    /// Who visits.
    pub(super) visitor: Option<String>,
}

impl Start {
    pub(super) fn read(query: &str) -> Self {
        let mut start = Self { pairs: Vec::new(), broken: Vec::new() };
        for part in query.split('&') {
            match query::decode(part.as_bytes()) {
                Ok(pairs) => start.pairs.extend(pairs),
                Err(_) => start.broken.push(part.split('=').next().unwrap_or_default().to_owned()),
            }
        }
        start
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

    /// Whether a parameter cannot be decoded, or is given twice, spelled the same, with different values.
    pub(super) fn is_unclear(&self, name: &str) -> bool {
        if self.broken.iter().any(|broken| broken.eq_ignore_ascii_case(name)) {
            return true;
        }
        let Some((spelled, value)) = self.pair(name) else { return false };
        self.pairs.iter().any(|(known, other)| known == spelled && other != value)
    }

    /// What was signed: everything that is not the sandbox's own.
    pub(super) fn signed(&self) -> Vec<Pair> {
        self.pairs.iter().filter(|(name, _)| !is_own(name)).cloned().collect()
    }

    /// The merchant's access key; `accessKey` is its name in older guides.
    pub(super) fn caller_key(&self) -> Option<&str> {
        self.value("callerKey").or_else(|| self.value("accessKey"))
    }

    /// Where the visitor is sent when all is done: an absolute URL of http or https, such that what is added to it can
    /// be told from what it has, and its signature verified.
    pub(super) fn return_url(&self) -> Result<Url, &'static str> {
        let given = self.value("returnURL").ok_or("it has no returnURL")?;
        let url = web_url(given).ok_or("its returnURL is no absolute URL of http or https")?;
        if !has_plain_host(&url) {
            return Err("the host of its returnURL has characters that no host has");
        }
        if query::decode(url.query().unwrap_or_default().as_bytes()).is_err() {
            return Err("the query of its returnURL cannot be decoded");
        }
        if own_parameter(&url, &SIGNATURE).is_some() {
            return Err("its returnURL has a parameter that is named like one of the signature");
        }
        Ok(url)
    }

    /// What the sandbox itself is asked for.
    pub(super) fn wishes(&self) -> Result<Wishes, String> {
        let mut wishes = Wishes::default();
        for (name, value) in self.pairs.iter().filter(|(name, _)| is_own(name)) {
            if self.is_unclear(name) {
                return Err(format!("{name} is given more than once"));
            }
            match name.to_ascii_lowercase().as_str() {
                "sandbox_outcome" if value.eq_ignore_ascii_case(ASK) => wishes.asks = true,
                "sandbox_outcome" => {
                    let known: Vec<_> = CbuiStatus::ALL.iter().map(|known| known.name()).collect();
                    let unknown = || format!("sandbox_outcome is one of {}, or {ASK}", known.join(", "));
                    wishes.ending = Some(ending(value).ok_or_else(unknown)?);
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

/// The result of the pages that a parameter of a return URL's own query is named like, if there is one.
pub(super) fn own_result(return_url: &Url) -> Option<&'static str> {
    own_parameter(return_url, &RESULTS)
}

/// The first of these names that a parameter of a URL's query has, as the frameworks of merchants read it: in any case,
/// of any alphabet, after blanks and marks, as a list (`status[]`), and after a `;` as after a `&`.
fn own_parameter(url: &Url, names: &[&'static str]) -> Option<&'static str> {
    let parts = url.query().unwrap_or_default().split(['&', ';']);
    let given = parts.flat_map(|part| form_urlencoded::parse(part.as_bytes()));
    let mut found = given.filter_map(|(name, _)| {
        let name = letters(name.split('[').next().unwrap_or_default());
        names.iter().copied().find(|known| letters(known) == name)
    });
    found.next()
}

/// The letters and digits of a name, in upper case by the rules of all alphabets.
fn letters(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// How a visit is to end, in any case.
pub(super) fn ending(name: &str) -> Option<CbuiStatus> {
    CbuiStatus::ALL.iter().copied().find(|known| known.name().eq_ignore_ascii_case(name))
}

/// Whether a parameter is the sandbox's own: no part of what is signed.
pub fn is_own(name: &str) -> bool {
    name.get(..OWN.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN))
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
        let start = Start::read("CallerReference=stray&callerReference=meant&returnUrl=x&empty=");
        assert_eq!(start.value("callerReference"), Some("meant"));
        assert_eq!(start.value("returnURL"), Some("x"));
        assert_eq!(start.value("empty"), None);
        assert!(!start.is_unclear("callerReference"));
        assert!(Start::read("a=1&a=2").is_unclear("a"));
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
            "http:///path",
            "http:shop.test/",
            "http:\\\\shop.test",
            "http://sh\top.test/",
            "http://a/?x=%zz",
            "http://a/?signature=x",
            "http://a/?CertificateURL=x",
        ] {
            let pairs = vec![("returnURL".to_owned(), wrong.to_owned())];
            assert!(Start { pairs, broken: Vec::new() }.return_url().is_err(), "{wrong}");
        }
        for (given, url) in [
            ("http%3A%2F%2Flocalhost%3A9%2Fret%3Fx%3D1", "http://localhost:9/ret?x=1"),
            ("http://[::1]:9/", "http://[::1]:9/"),
            ("HTTPS://Shop_1.Test", "https://shop_1.test/"),
        ] {
            assert_eq!(Start::read(&format!("returnURL={given}")).return_url().unwrap().as_str(), url);
        }
    }

    #[test]
    fn a_parameter_of_the_return_url_that_reads_as_a_result_is_found_however_it_is_written() {
        let named = |query: &str| own_result(&Url::parse(&format!("http://shop.test/back?{query}")).unwrap());
        for name in RESULTS {
            assert_eq!(named(&format!("order=7&{name}=x")), Some(name));
            assert_eq!(named(&name.to_uppercase()), Some(name));
        }
        for status in [
            "Status=SC",
            "s%74atus=SC",
            "x=1;status=SC",
            "%20status=SC",
            "+status",
            "status[]=SC",
            "%C5%BFtatus=SC",
            "%EF%BB%BFstatus=SC",
        ] {
            assert_eq!(named(status), Some("status"), "{status}");
        }
        for other in ["", "order=7", "statuses=SC", "x=status", "s=1#status=SC", "state=WA", "%2574atus=1"] {
            assert_eq!(named(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_the_sandboxs_own_is_read_and_not_signed() {
        let start = Start::read("a=1&sandbox_outcome=sc&sandbox_buyer=new%40example.com");
        let wishes = start.wishes().unwrap();
        assert_eq!(
            (wishes.ending, wishes.visitor.as_deref()),
            (Some(CbuiStatus::SC), Some("new@example.com"))
        );
        assert_eq!(start.signed(), [("a".to_owned(), "1".to_owned())]);
        for wrong in [
            "sandbox_outcome=XX",
            "Sandbox_Buyer=nobody",
            "sandbox_other=1",
            "sandbox_outcome=A&sandbox_outcome=SC",
        ] {
            assert!(Start::read(wrong).wishes().is_err(), "{wrong}");
        }
    }
}
