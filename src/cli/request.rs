//! A signed request and how it is shown. The one place of the command line that signs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;

use crate::cobranded;
use crate::signature::{Scheme, SecretKey, Signable, push_query, sign, string_to_sign};

/// A parameter: name and value, decoded.
pub(super) type Pair = (String, String);

/// Where a sandbox answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    secure: bool,
    authority: String,
    path: String,
}

impl Endpoint {
    /// Where a listener is reached from this machine; one on every interface is reached at the loopback address.
    pub(super) fn of(listener: SocketAddr, secure: bool) -> Self {
        let ip = match listener.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        let authority = SocketAddr::new(ip, listener.port()).to_string();
        Self { secure, authority, path: "/".to_owned() }
    }

    /// Whether it speaks TLS.
    pub(super) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The Host header as HTTP clients send it: without the port that the scheme implies. This is what is signed.
    fn host(&self) -> &str {
        let implied = if self.secure { ":443" } else { ":80" };
        self.authority.strip_suffix(implied).unwrap_or(&self.authority)
    }

    /// The whole URL, without a query.
    fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        f.write_str(url.strip_suffix('/').unwrap_or(&url))
    }
}

impl FromStr for Endpoint {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str =
            "expected http://HOST:PORT or https://HOST:PORT, such as http://127.0.0.1:8008";
        let url: Uri = text.parse().map_err(|_| EXPECTED)?;
        let secure = match url.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(EXPECTED),
        };
        let authority = url.authority().filter(|authority| !authority.as_str().contains('@'));
        match authority {
            Some(authority) if !authority.host().is_empty() && url.query().is_none() => {
                Ok(Self { secure, authority: authority.to_string(), path: url.path().to_owned() })
            }
            _ => Err(EXPECTED),
        }
    }
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// Everything in the query.
    Get,
    /// Everything in a form.
    Post,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Who signs, and by which rules.
#[derive(Debug)]
pub(super) struct Signer {
    /// The access key.
    pub(super) key: String,
    /// Its secret.
    pub(super) secret: SecretKey,
    /// Signature version and hash.
    pub(super) scheme: Scheme,
    /// The version of the API asked for.
    pub(super) version: String,
}

impl Signer {
    /// Adds the common parameters and the signature.
    pub(super) fn sign(
        &self,
        method: Method,
        endpoint: &Endpoint,
        parameters: impl IntoIterator<Item = Pair>,
        timestamp: &str,
    ) -> Signed {
        let mut pairs: Vec<Pair> = parameters.into_iter().collect();
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        add("AWSAccessKeyId", &self.key);
        match self.scheme {
            Scheme::V1 => add("SignatureVersion", "1"),
            Scheme::V2(hash) => {
                add("SignatureVersion", "2");
                add("SignatureMethod", hash.name());
            }
        }
        add("Timestamp", timestamp);
        add("Version", &self.version);
        self.finish(method, endpoint, pairs, "Signature")
    }

    /// The same for a URL that sends a buyer to the Co-Branded pages.
    pub(super) fn sign_visit(
        &self,
        endpoint: &Endpoint,
        parameters: impl IntoIterator<Item = Pair>,
    ) -> Signed {
        // What is the sandbox's own is no part of what is signed.
        let (own, mut pairs): (Vec<Pair>, Vec<Pair>) =
            parameters.into_iter().partition(|(name, _)| cobranded::is_sandbox_parameter(name));
        let has_version = pairs.iter().any(|(name, _)| name == "version");
        let mut add = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
        add("callerKey", &self.key);
        if !has_version {
            add("version", "2009-01-09");
        }
        if let Scheme::V2(hash) = self.scheme {
            add("signatureVersion", "2");
            add("signatureMethod", hash.name());
        }
        let mut endpoint = endpoint.clone();
        if endpoint.path == "/" {
            cobranded::START_PATH.clone_into(&mut endpoint.path);
        }
        let mut signed = self.finish(Method::Get, &endpoint, pairs, "signature");
        signed.pairs.extend(own);
        signed
    }

    /// Adds the signature over everything.
    fn finish(&self, method: Method, endpoint: &Endpoint, mut pairs: Vec<Pair>, name: &str) -> Signed {
        let (verb, path) = (method.name(), endpoint.path.as_str());
        let signable = Signable { verb, path, pairs: &pairs, signature_name: name };
        let host = endpoint.host();
        let string_to_sign = string_to_sign(self.scheme, &signable, host);
        let signature = sign(&self.secret, self.scheme, &signable, host);
        pairs.push((name.to_owned(), signature));
        Signed { method, endpoint: endpoint.clone(), pairs, string_to_sign }
    }
}

/// A request that is ready to be sent.
#[derive(Debug)]
pub(super) struct Signed {
    method: Method,
    pub(super) endpoint: Endpoint,
    pairs: Vec<Pair>,
    pub(super) string_to_sign: String,
}

impl Signed {
    /// The URL to send it to; of a GET, with everything.
    pub(super) fn url(&self) -> String {
        match self.method {
            Method::Get => format!("{}?{}", self.endpoint.url(), self.encoded()),
            Method::Post => self.endpoint.url(),
        }
    }

    /// Of a POST, the form.
    pub(super) fn form(&self) -> Option<String> {
        (self.method == Method::Post).then(|| self.encoded())
    }

    /// A line for a POSIX shell that sends it.
    pub(super) fn curl(&self) -> String {
        let form = self.form().map(|form| format!("--data {} ", quoted(&form)));
        format!("curl -sS {}{}", form.unwrap_or_default(), quoted(&self.url()))
    }

    fn encoded(&self) -> String {
        let mut text = String::new();
        push_query(&self.pairs, &mut text);
        text
    }
}

/// A word as a POSIX shell reads it back, whatever is in it.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use crate::signature::Hash;

    use super::*;

    fn signed(method: Method, endpoint: &str) -> Signed {
        let signer = Signer {
            key: "K".to_owned(),
            secret: SecretKey::new("S"),
            scheme: Scheme::V2(Hash::Sha256),
            version: "2008-09-17".to_owned(),
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
            assert_eq!(signed(Method::Get, endpoint).string_to_sign.lines().nth(1), Some(host), "{endpoint}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused() {
        for text in ["", "localhost:8008", "ftp://localhost", "http://", "http://u:p@h", "http://h/?a=b", "/"]
        {
            assert!(text.parse::<Endpoint>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_listener_on_every_interface_is_reached_at_the_loopback_address() {
        for (listener, endpoint) in [
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:8008", "http://[::1]:8008"),
            ("10.0.0.1:1", "http://10.0.0.1:1"),
        ] {
            assert_eq!(Endpoint::of(listener.parse().unwrap(), false).to_string(), endpoint);
        }
    }

    #[test]
    fn a_post_has_its_parameters_in_the_form_and_a_get_in_the_url() {
        let post = signed(Method::Post, "http://h:1");
        assert_eq!(post.url(), "http://h:1/");
        assert!(post.form().unwrap().starts_with("Action=Pay%27%26&AWSAccessKeyId=K&"));
        let get = signed(Method::Get, "http://h:1");
        assert!(get.url().starts_with("http://h:1/?Action=Pay%27%26&AWSAccessKeyId=K&"));
        assert_eq!(get.form(), None);
    }

    #[test]
    fn a_shell_reads_back_what_was_quoted() {
        for word in ["", "a b", "it's", "$HOME `x` \\ \"", "'''", "*?[a]", "é\n!"] {
            let script = format!("printf %s {}", quoted(word));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), word);
        }
    }
}
