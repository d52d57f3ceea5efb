//! Signs requests, and shows them as URL, form or `curl` line.

use crate::cobranded;
use crate::query::Pair;
use crate::signature::{Scheme, SecretKey, Signable, push_query, sign, string_to_sign};

use super::endpoint::Endpoint;

/// The HTTP method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpMethod {
    /// The parameters are in the query.
    Get,
    /// The parameters are in a form.
    Post,
}

impl HttpMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Signs requests with one key, by one version of the signature.
#[derive(Debug)]
pub(super) struct Signer {
    /// The id of the access key.
    pub(super) access_key: String,
    /// The secret key.
    pub(super) secret_key: SecretKey,
    /// Signature version and hash.
    pub(super) scheme: Scheme,
    /// The value of the parameter `Version`.
    pub(super) api_version: String,
}

impl Signer {
    /// Signs a request of the web service: adds the common parameters and the signature.
    pub(super) fn sign(
        &self,
        method: HttpMethod,
        endpoint: &Endpoint,
        parameters: impl IntoIterator<Item = Pair>,
        timestamp: &str,
    ) -> SignedRequest {
        let mut pairs: Vec<Pair> = parameters.into_iter().collect();
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        add("AWSAccessKeyId", &self.access_key);
        match self.scheme {
            Scheme::V1 => add("SignatureVersion", "1"),
            Scheme::V2(hash) => {
                add("SignatureVersion", "2");
                add("SignatureMethod", hash.name());
            }
        }
        add("Timestamp", timestamp);
        add("Version", &self.api_version);
        self.add_signature(method, endpoint, pairs, "Signature")
    }

    /// Signs a start URL of the Co-Branded pages.
    pub(super) fn sign_start_url(
        &self,
        endpoint: &Endpoint,
        parameters: impl IntoIterator<Item = Pair>,
    ) -> SignedRequest {
        // The signature does not cover the parameters that only the sandbox knows.
        let (unsigned, mut pairs): (Vec<Pair>, Vec<Pair>) =
            parameters.into_iter().partition(|(name, _)| cobranded::is_sandbox_parameter(name));
        let has_version = pairs.iter().any(|(name, _)| name == "version");
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        add("callerKey", &self.access_key);
        if !has_version {
            add("version", "2009-01-09");
        }
        if let Scheme::V2(hash) = self.scheme {
            add("signatureVersion", "2");
            add("signatureMethod", hash.name());
        }
        let endpoint = endpoint.clone().with_default_path(cobranded::START_PATH);
        let mut signed = self.add_signature(HttpMethod::Get, &endpoint, pairs, "signature");
        signed.pairs.extend(unsigned);
        signed
    }

    /// Adds the signature of all parameters under this name.
    fn add_signature(
        &self,
        method: HttpMethod,
        endpoint: &Endpoint,
        mut pairs: Vec<Pair>,
        name: &str,
    ) -> SignedRequest {
        let (verb, path) = (method.name(), endpoint.path());
        let signable = Signable { verb, path, pairs: &pairs, signature_name: name };
        let host = endpoint.host();
        let string_to_sign = string_to_sign(self.scheme, &signable, host);
        let signature = sign(&self.secret_key, self.scheme, &signable, host);
        pairs.push((name.to_owned(), signature));
        SignedRequest { method, endpoint: endpoint.clone(), pairs, string_to_sign }
    }
}

/// A signed request.
#[derive(Debug)]
pub(super) struct SignedRequest {
    method: HttpMethod,
    /// Where to send it.
    pub(super) endpoint: Endpoint,
    pairs: Vec<Pair>,
    /// The text that was signed, for comparison with another implementation.
    pub(super) string_to_sign: String,
}

impl SignedRequest {
    /// The URL to send it to; for a GET with the parameters.
    pub(super) fn url(&self) -> String {
        match self.method {
            HttpMethod::Get => format!("{}?{}", self.endpoint.url(), self.encoded_parameters()),
            HttpMethod::Post => self.endpoint.url(),
        }
    }

    /// The form of a POST; `None` for a GET.
    pub(super) fn form(&self) -> Option<String> {
        (self.method == HttpMethod::Post).then(|| self.encoded_parameters())
    }

    /// A `curl` command line for a POSIX shell.
    pub(super) fn curl(&self) -> String {
        let form = self.form().map(|form| format!("--data {} ", shell_quoted(&form)));
        format!("curl -sS {}{}", form.unwrap_or_default(), shell_quoted(&self.url()))
    }

    fn encoded_parameters(&self) -> String {
        let mut text = String::new();
        push_query(&self.pairs, &mut text);
        text
    }
}

/// Quotes a word for a POSIX shell.
fn shell_quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use crate::signature::Hash;

    use super::*;

    fn signed(method: HttpMethod, endpoint: &str) -> SignedRequest {
        let signer = Signer {
            access_key: "K".to_owned(),
            secret_key: SecretKey::new("S"),
            scheme: Scheme::V2(Hash::Sha256),
            api_version: "2008-09-17".to_owned(),
        };
        let parameters = [("Action".to_owned(), "Pay'&".to_owned())];
        signer.sign(method, &endpoint.parse().unwrap(), parameters, "2012-06-01T12:00:00Z")
    }

    #[test]
    fn the_host_is_signed_as_clients_send_it() {
        for (endpoint, host) in [
            ("http://127.0.0.1:8008", "127.0.0.1:8008"),
            ("http://localhost:80", "localhost"),
            ("http://localhost:443", "localhost:443"),
            ("https://FPS.sandbox.amazonaws.com:443/", "fps.sandbox.amazonaws.com"),
            ("http://[::1]:8008", "[::1]:8008"),
        ] {
            assert_eq!(
                signed(HttpMethod::Get, endpoint).string_to_sign.lines().nth(1),
                Some(host),
                "{endpoint}"
            );
        }
    }

    #[test]
    fn a_post_has_its_parameters_in_the_form_and_a_get_in_the_url() {
        let post = signed(HttpMethod::Post, "http://h:1");
        assert_eq!(post.url(), "http://h:1/");
        assert!(post.form().unwrap().starts_with("Action=Pay%27%26&AWSAccessKeyId=K&"));
        let get = signed(HttpMethod::Get, "http://h:1");
        assert!(get.url().starts_with("http://h:1/?Action=Pay%27%26&AWSAccessKeyId=K&"));
        assert_eq!(get.form(), None);
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["", "a b", "it's", "$HOME `x` \\ \"", "'''", "*?[a]", "é\n!"] {
            let script = format!("printf %s {}", shell_quoted(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
