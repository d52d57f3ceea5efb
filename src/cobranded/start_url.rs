//! The parameters of a start URL, as far as they can be read without knowing the pipeline.

use url::Url;

use crate::query::{self, Pair, parse_web_url};

use super::return_url::{SIGNATURE_PARAMETERS, find_query_parameter, has_valid_host};
use super::sandbox_overrides::is_sandbox_parameter;

/// The decoded parameters of a start URL.
#[derive(Debug)]
pub(super) struct StartUrl {
    pairs: Vec<Pair>,
    /// The names of the parameters that cannot be decoded.
    undecodable: Vec<String>,
}

impl StartUrl {
    /// Decodes the query of a start URL. Parameters that cannot be decoded are set aside: they matter only if the
    /// pipeline has a parameter of that name.
    pub(super) fn parse(query: &str) -> Self {
        let mut start = Self { pairs: Vec::new(), undecodable: Vec::new() };
        for part in query.split('&') {
            match query::parse_parameters(part.as_bytes()) {
                Ok(pairs) => start.pairs.extend(pairs),
                Err(_) => start.undecodable.push(part.split('=').next().unwrap_or_default().to_owned()),
            }
        }
        start
    }

    /// The value of a parameter. An empty value counts as absent. The case of names does not matter, because clients
    /// differ; a name in the exact case takes precedence.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.pair(name)?;
        Some(value)
    }

    /// A parameter with its name as the client spells it.
    pub(super) fn pair(&self, name: &str) -> Option<(&str, &str)> {
        let not_empty = self.pairs.iter().filter(|(_, value)| !value.is_empty());
        let mut matching = not_empty.filter(|(given, _)| given.eq_ignore_ascii_case(name));
        let exact = matching.clone().find(|(given, _)| given == name);
        exact.or_else(|| matching.next()).map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a parameter cannot be decoded, or occurs twice in the same spelling with different values.
    pub(super) fn is_ambiguous(&self, name: &str) -> bool {
        if self.undecodable.iter().any(|undecodable| undecodable.eq_ignore_ascii_case(name)) {
            return true;
        }
        let Some((spelling, value)) = self.pair(name) else { return false };
        self.pairs.iter().any(|(given, other)| given == spelling && other != value)
    }

    /// The parameters that the signature covers: all except those for the sandbox.
    pub(super) fn merchant_parameters(&self) -> Vec<Pair> {
        self.pairs.iter().filter(|(name, _)| !is_sandbox_parameter(name)).cloned().collect()
    }

    /// The parameters for the sandbox.
    pub(super) fn sandbox_parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = self.pairs.iter().filter(|(name, _)| is_sandbox_parameter(name));
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The merchant's access key; older guides call the parameter `accessKey`.
    pub(super) fn caller_key(&self) -> Option<&str> {
        self.value("callerKey").or_else(|| self.value("accessKey"))
    }

    /// Where the visitor is redirected at the end: an absolute URL of http or https.
    ///
    /// The sandbox adds parameters to its query and signs the whole. So the query must be decodable and must not have
    /// parameters of the signature already. The error says what is wrong.
    pub(super) fn return_url(&self) -> Result<Url, &'static str> {
        let text = self.value("returnURL").ok_or("it has no returnURL")?;
        let url = parse_web_url(text).ok_or("its returnURL is no absolute URL of http or https")?;
        if !has_valid_host(&url) {
            return Err("the host of its returnURL has characters that no host has");
        }
        if query::parse_parameters(url.query().unwrap_or_default().as_bytes()).is_err() {
            return Err("the query of its returnURL cannot be decoded");
        }
        if find_query_parameter(&url, &SIGNATURE_PARAMETERS).is_some() {
            return Err("its returnURL has a parameter that is named like one of the signature");
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_matched_without_regard_to_case_and_exact_ones_go_first() {
        let start = StartUrl::parse("CallerReference=stray&callerReference=meant&returnUrl=x&empty=");
        assert_eq!(start.value("callerReference"), Some("meant"));
        assert_eq!(start.value("returnURL"), Some("x"));
        assert_eq!(start.value("empty"), None);
        assert!(!start.is_ambiguous("callerReference"));
        assert!(StartUrl::parse("a=1&a=2").is_ambiguous("a"));
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
            assert!(StartUrl { pairs, undecodable: Vec::new() }.return_url().is_err(), "{wrong}");
        }
        for (given, url) in [
            ("http%3A%2F%2Flocalhost%3A9%2Fret%3Fx%3D1", "http://localhost:9/ret?x=1"),
            ("http://[::1]:9/", "http://[::1]:9/"),
            ("HTTPS://Shop_1.Test", "https://shop_1.test/"),
        ] {
            assert_eq!(StartUrl::parse(&format!("returnURL={given}")).return_url().unwrap().as_str(), url);
        }
    }
}
