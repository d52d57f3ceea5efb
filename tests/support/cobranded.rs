//! A client of the Co-Branded pages that behaves as a browser without JavaScript.

use std::net::SocketAddr;

use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};
use url::Url;

use super::{Response, Server, demo, encode_query, get_request, send_raw};

pub const START: &str = "/cobranded-ui/actions/start";
pub const SIGN_IN: &str = "/cobranded-ui/actions/sign-in";
pub const CONFIRM: &str = "/cobranded-ui/actions/confirm";
/// The returnURL of the merchants in these tests.
pub const RETURN_URL: &str = "http://shop.example:3000/back?order=7";

/// The parameters of a start URL: these, and those that all start URLs of the demo merchant have.
pub fn start_parameters<'a>(pipeline: &'a str, parameters: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let common = [
        ("callerKey", demo::KEY),
        ("pipelineName", pipeline),
        ("returnURL", RETURN_URL),
        ("version", "2009-01-09"),
    ];
    let is_replaced = |name: &str| parameters.iter().any(|(given, _)| *given == name);
    common.into_iter().filter(|(name, _)| !is_replaced(name)).chain(parameters.iter().copied()).collect()
}

pub fn to_owned_pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The parameters of a start URL with a signature of version 2 for `localhost`.
pub fn sign_start_parameters(parameters: &[(&str, &str)], secret: &str) -> Vec<(String, String)> {
    let mut pairs = to_owned_pairs(parameters);
    pairs.extend(to_owned_pairs(&[("signatureVersion", "2"), ("signatureMethod", "HmacSHA256")]));
    let signable = Signable { verb: "GET", path: START, pairs: &pairs, signature_name: "signature" };
    let signature = sign(&SecretKey::new(secret), Scheme::V2(Hash::Sha256), &signable, "localhost");
    pairs.push(("signature".to_owned(), signature));
    pairs
}

/// The Co-Branded pages of a sandbox.
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
    /// Opens a start URL.
    pub async fn visit(&self, parameters: &[(&str, &str)]) -> Response {
        self.visit_encoded(&encode_query(&to_owned_pairs(parameters))).await
    }

    pub async fn visit_encoded(&self, query: &str) -> Response {
        let request = get_request(query).replacen("GET /?", &format!("GET {START}?"), 1);
        send_raw(self.addr, request.as_bytes()).await
    }

    /// Opens a start URL that must redirect to the merchant at once.
    pub async fn visit_and_return(&self, parameters: &[(&str, &str)]) -> ReturnUrl {
        ReturnUrl::from_redirect(&self.visit(parameters).await)
    }

    /// Submits a form, as a browser on `localhost` does. `headers` are further header lines.
    pub async fn submit(&self, path: &str, headers: &str, fields: &[(&str, &str)]) -> Response {
        let form = encode_query(&to_owned_pairs(fields));
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        );
        send_raw(self.addr, request.as_bytes()).await
    }

    /// Opens a start URL, signs in with this e-mail address, and returns the review page.
    pub async fn open_review_page(&self, email: &str, parameters: &[(&str, &str)]) -> Response {
        let page = self.visit(parameters).await;
        assert_eq!(page.status, 200, "{}", page.body);
        self.submit(SIGN_IN, "", &[("visit", &page.visit_token()), ("email", email), ("password", "any")])
            .await
    }

    /// Does the same, and confirms with this payment method.
    pub async fn authorise_as(&self, email: &str, method: &str, parameters: &[(&str, &str)]) -> ReturnUrl {
        let page = self.open_review_page(email, parameters).await;
        assert_eq!(page.status, 200, "{}", page.body);
        ReturnUrl::from_redirect(
            &self.submit(CONFIRM, "", &[("visit", &page.visit_token()), ("method", method)]).await,
        )
    }

    /// Calls VerifySignature for a return URL. Returns the status, or the code of the error.
    pub async fn verify_signature(&self, return_url: &ReturnUrl) -> String {
        let mut endpoint = return_url.url.clone();
        endpoint.set_query(None);
        let query = encode_query(&to_owned_pairs(&[
            ("Action", "VerifySignature"),
            ("Version", "2010-08-28"),
            ("UrlEndPoint", endpoint.as_str()),
            ("HttpParameters", return_url.url.query().unwrap_or_default()),
        ]));
        let response = send_raw(self.addr, get_request(&query).as_bytes()).await;
        if response.status == 200 { response.text("VerificationStatus") } else { response.code() }
    }
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The visit token in the form of a page.
    pub fn visit_token(&self) -> String {
        let (_, rest) =
            self.body.split_once("name=\"visit\" value=\"").expect("the page has a form with a visit token");
        rest.split('"').next().unwrap_or_default().to_owned()
    }
}

/// The URL of the merchant to which the pages redirect, with its decoded query.
#[derive(Clone, Debug)]
pub struct ReturnUrl {
    pub url: Url,
    pub pairs: Vec<(String, String)>,
}

impl ReturnUrl {
    pub fn from_redirect(response: &Response) -> Self {
        assert_eq!(response.status, 302, "{}\n{}", response.head, response.body);
        let url = Url::parse(response.header("location").expect("a redirect has a location"))
            .expect("an absolute URL");
        let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        Self { url, pairs }
    }

    /// The value of a parameter; `""` when there is none.
    pub fn value(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The names of the results: all parameters except the merchant's own and those of the signature.
    pub fn result_names(&self) -> Vec<&str> {
        let others = ["order", "signatureMethod", "signatureVersion", "certificateUrl", "signature"];
        self.pairs.iter().map(|(name, _)| name.as_str()).filter(|name| !others.contains(name)).collect()
    }

    /// The parameters `status` and `errorMessage`.
    pub fn status_and_message(&self) -> (&str, &str) {
        (self.value("status"), self.value("errorMessage"))
    }
}
