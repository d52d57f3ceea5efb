//! The Co-Branded pages as a browser without JavaScript, or a test suite without a browser, meets them.

use std::net::SocketAddr;

use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};
use url::Url;

use super::{Reply, Server, demo, encode, get, raw};

pub const START: &str = "/cobranded-ui/actions/start";
pub const SIGN_IN: &str = "/cobranded-ui/actions/sign-in";
pub const CONFIRM: &str = "/cobranded-ui/actions/confirm";
/// Where merchants of these tests get people back.
pub const RETURN: &str = "http://shop.example:3000/back?order=7";

/// The parameters of a start URL: these, and what every one of the demo merchant has.
pub fn asking<'a>(pipeline: &'a str, parameters: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let common = [
        ("callerKey", demo::KEY),
        ("pipelineName", pipeline),
        ("returnURL", RETURN),
        ("version", "2009-01-09"),
    ];
    let own = |name: &str| parameters.iter().any(|(given, _)| *given == name);
    common.into_iter().filter(|(name, _)| !own(name)).chain(parameters.iter().copied()).collect()
}

pub fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// A signature of version 2 over a start URL, as the merchant makes it for `localhost`.
pub fn signed(parameters: &[(&str, &str)], secret: &str) -> Vec<(String, String)> {
    let mut pairs = owned(parameters);
    pairs.extend(owned(&[("signatureVersion", "2"), ("signatureMethod", "HmacSHA256")]));
    let signable = Signable { verb: "GET", path: START, pairs: &pairs, signature_name: "signature" };
    let signature = sign(&SecretKey::new(secret), Scheme::V2(Hash::Sha256), &signable, "localhost");
    pairs.push(("signature".to_owned(), signature));
    pairs
}

/// The pages of one sandbox.
#[derive(Clone, Copy)]
pub struct Pages {
    pub addr: SocketAddr,
}

impl Server {
    pub fn pages(&self) -> Pages {
        Pages { addr: self.addr }
    }
}

impl Pages {
    /// Goes to the start URL.
    pub async fn visit(&self, parameters: &[(&str, &str)]) -> Reply {
        self.visit_encoded(&encode(&owned(parameters))).await
    }

    pub async fn visit_encoded(&self, query: &str) -> Reply {
        let request = get(query).replacen("GET /?", &format!("GET {START}?"), 1);
        raw(self.addr, request.as_bytes()).await
    }

    /// Goes to the start URL and expects to be sent back at once.
    pub async fn sent_back(&self, parameters: &[(&str, &str)]) -> Back {
        Back::of(&self.visit(parameters).await)
    }

    /// Sends a form, as a client on `localhost` does.
    pub async fn submit(&self, path: &str, headers: &str, fields: &[(&str, &str)]) -> Reply {
        let form = encode(&owned(fields));
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        raw(self.addr, request.as_bytes()).await
    }

    /// Visits, signs in as somebody, and gives the review page.
    pub async fn reviewed_by(&self, email: &str, parameters: &[(&str, &str)]) -> Reply {
        let page = self.visit(parameters).await;
        assert_eq!(page.status, 200, "{}", page.body);
        self.submit(SIGN_IN, "", &[("visit", &page.visit()), ("email", email), ("password", "any")]).await
    }

    /// The same, and agrees.
    pub async fn authorised_by(&self, email: &str, method: &str, parameters: &[(&str, &str)]) -> Back {
        let page = self.reviewed_by(email, parameters).await;
        assert_eq!(page.status, 200, "{}", page.body);
        Back::of(&self.submit(CONFIRM, "", &[("visit", &page.visit()), ("method", method)]).await)
    }

    /// What VerifySignature says of a return URL: `Success`, or the code of its refusal.
    pub async fn verifies(&self, back: &Back) -> String {
        let mut endpoint = back.url.clone();
        endpoint.set_query(None);
        let query = encode(&owned(&[
            ("Action", "VerifySignature"),
            ("Version", "2010-08-28"),
            ("UrlEndPoint", endpoint.as_str()),
            ("HttpParameters", back.url.query().unwrap_or_default()),
        ]));
        let reply = raw(self.addr, get(&query).as_bytes()).await;
        if reply.status == 200 { reply.text("VerificationStatus") } else { reply.code() }
    }
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The visit that a page goes on with.
    pub fn visit(&self) -> String {
        let (_, rest) =
            self.body.split_once("name=\"visit\" value=\"").expect("the page goes on with a visit");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

/// A return URL, as the merchant gets it.
#[derive(Clone, Debug)]
pub struct Back {
    pub url: Url,
    pub pairs: Vec<(String, String)>,
}

impl Back {
    pub fn of(reply: &Reply) -> Self {
        assert_eq!(reply.status, 302, "{}\n{}", reply.head, reply.body);
        let url = Url::parse(reply.header("location").expect("a redirect leads somewhere"))
            .expect("an absolute URL");
        let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { url, pairs }
    }

    /// The value of a parameter; `""` when there is none.
    pub fn value(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The names of what came back, without the merchant's own and the signature's.
    pub fn results(&self) -> Vec<&str> {
        let others = ["order", "signatureMethod", "signatureVersion", "certificateUrl", "signature"];
        self.pairs.iter().map(|(name, _)| name.as_str()).filter(|name| !others.contains(name)).collect()
    }

    /// Status and message.
    pub fn says(&self) -> (&str, &str) {
        (self.value("status"), self.value("errorMessage"))
    }
}
