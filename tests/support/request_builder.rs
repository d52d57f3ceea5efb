//! Requests to FPS that tests can alter before they are signed, and after.

use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};

use super::encode_query;

/// A request that is not signed yet.
#[derive(Clone, Debug)]
pub struct RequestBuilder {
    pub verb: &'static str,
    /// The host for the signature.
    pub host: String,
    pub scheme: Scheme,
    pub secret: String,
    /// All parameters except the signature.
    pub pairs: Vec<(String, String)>,
}

impl RequestBuilder {
    /// A GET by signature version 2 with `HmacSHA256`, signed for `localhost`.
    pub fn new(key: &str, secret: &str, timestamp: &str, action: &str, parameters: &[(&str, &str)]) -> Self {
        let common = [
            ("Action", action),
            ("AWSAccessKeyId", key),
            ("Version", "2008-09-17"),
            ("Timestamp", timestamp),
            ("SignatureVersion", "2"),
            ("SignatureMethod", "HmacSHA256"),
        ];
        let pairs = common.iter().chain(parameters);
        Self {
            verb: "GET",
            host: "localhost".to_owned(),
            scheme: Scheme::V2(Hash::Sha256),
            secret: secret.to_owned(),
            pairs: pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    pub fn with_verb(self, verb: &'static str) -> Self {
        Self { verb, ..self }
    }

    pub fn with_host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    /// Sets or replaces a parameter.
    pub fn with_parameter(mut self, name: &str, value: &str) -> Self {
        self = self.without_parameter(name);
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without_parameter(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self
    }

    /// Sets the signature scheme, and the parameters that declare it.
    pub fn with_scheme(self, scheme: Scheme) -> Self {
        let declared = match scheme {
            Scheme::V1 => self.with_parameter("SignatureVersion", "1").without_parameter("SignatureMethod"),
            Scheme::V2(hash) => {
                self.with_parameter("SignatureVersion", "2").with_parameter("SignatureMethod", hash.name())
            }
        };
        Self { scheme, ..declared }
    }

    pub fn signature(&self) -> String {
        let signable =
            Signable { verb: self.verb, path: "/", pairs: &self.pairs, signature_name: "Signature" };
        sign(&SecretKey::new(&self.secret), self.scheme, &signable, &self.host)
    }

    /// The query string with all parameters and the signature.
    pub fn query(&self) -> String {
        encode_query(&self.clone().with_parameter("Signature", &self.signature()).pairs)
    }

    /// The query string with this signature instead of the correct one.
    pub fn query_with_signature(&self, signature: &str) -> String {
        encode_query(&self.clone().with_parameter("Signature", signature).pairs)
    }

    /// The HTTP request: a GET with a query string, or a POST with a form.
    pub fn bytes(&self) -> Vec<u8> {
        request_bytes(self.verb, &self.host, &self.query())
    }
}

/// An HTTP request with this query string in its target, or for a POST as its form.
pub fn request_bytes(verb: &str, host: &str, query: &str) -> Vec<u8> {
    match verb {
        "POST" => post_form(host, "/", query),
        verb => {
            format!("{verb} /?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into_bytes()
        }
    }
}

/// A POST of a form to a target.
pub fn post_form(host: &str, target: &str, form: &str) -> Vec<u8> {
    let length = form.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{form}"
    )
    .into_bytes()
}
