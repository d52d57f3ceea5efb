//! A request to sign in any of the ways FPS knows, and to send in any of the shapes HTTP has.

use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};

use super::encode;

/// A request before it is signed. Change what you like, then sign.
#[derive(Clone, Debug)]
pub struct Request {
    pub verb: &'static str,
    /// The host that is signed.
    pub host: String,
    pub scheme: Scheme,
    pub secret: String,
    /// All parameters but the signature.
    pub pairs: Vec<(String, String)>,
}

impl Request {
    /// A GET by signature version 2 with `HmacSHA256`, signed for `localhost`.
    pub fn new(key: &str, secret: &str, timestamp: &str, action: &str, asks: &[(&str, &str)]) -> Self {
        let common = [
            ("Action", action),
            ("AWSAccessKeyId", key),
            ("Version", "2008-09-17"),
            ("Timestamp", timestamp),
            ("SignatureVersion", "2"),
            ("SignatureMethod", "HmacSHA256"),
        ];
        let pairs = common.iter().chain(asks);
        Self {
            verb: "GET",
            host: "localhost".to_owned(),
            scheme: Scheme::V2(Hash::Sha256),
            secret: secret.to_owned(),
            pairs: pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    pub fn verb(self, verb: &'static str) -> Self {
        Self { verb, ..self }
    }

    pub fn host(self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self }
    }

    /// Sets or replaces a parameter.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.pairs.retain(|(known, _)| known != name);
        self
    }

    /// Signed by these rules, and saying so.
    pub fn by(self, scheme: Scheme) -> Self {
        let said = match scheme {
            Scheme::V1 => self.with("SignatureVersion", "1").without("SignatureMethod"),
            Scheme::V2(hash) => self.with("SignatureVersion", "2").with("SignatureMethod", hash.name()),
        };
        Self { scheme, ..said }
    }

    pub fn signature(&self) -> String {
        let signable =
            Signable { verb: self.verb, path: "/", pairs: &self.pairs, signature_name: "Signature" };
        sign(&SecretKey::new(&self.secret), self.scheme, &signable, &self.host)
    }

    /// All parameters with the signature, ready for a URL.
    pub fn query(&self) -> String {
        encode(&self.clone().with("Signature", &self.signature()).pairs)
    }

    /// The parameters with this signature instead of the right one.
    pub fn query_signed_as(&self, signature: &str) -> String {
        encode(&self.clone().with("Signature", signature).pairs)
    }

    /// The bytes: a GET with the query, or a POST with a form.
    pub fn bytes(&self) -> Vec<u8> {
        message(self.verb, &self.host, &self.query())
    }
}

/// A GET with these parameters in the query, or a POST with them as a form.
pub fn message(verb: &str, host: &str, query: &str) -> Vec<u8> {
    match verb {
        "POST" => post(host, "/", query),
        verb => {
            format!("{verb} /?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").into_bytes()
        }
    }
}

/// A POST of a form to a target.
pub fn post(host: &str, target: &str, form: &str) -> Vec<u8> {
    let length = form.len();
    format!(
        "POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{form}"
    )
    .into_bytes()
}
