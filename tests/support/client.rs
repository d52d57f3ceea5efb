//! A client that signs requests and sends them to a sandbox.

use std::net::SocketAddr;

use fps_sandbox::clock::Clock;
use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};

use super::{Response, demo, encode_query, get_request, send_raw};

/// A client with an access key.
#[derive(Clone)]
pub struct Client {
    pub addr: SocketAddr,
    pub clock: Clock,
    pub key: String,
    pub secret: SecretKey,
}

pub type Parameters<'a> = &'a [(&'a str, &'a str)];

impl Client {
    /// The query string of a GET request, signed by signature version 2.
    pub fn signed_query(&self, action: &str, parameters: Parameters<'_>) -> String {
        let timestamp = self.clock.now().to_string();
        let common = [
            ("Action", action),
            ("AWSAccessKeyId", self.key.as_str()),
            ("Version", "2008-09-17"),
            ("Timestamp", timestamp.as_str()),
            ("SignatureVersion", "2"),
            ("SignatureMethod", "HmacSHA256"),
        ];
        // Parameters of the caller replace common parameters of the same name.
        let is_replaced = |name: &str| parameters.iter().any(|(given, _)| *given == name);
        let mut pairs: Vec<(String, String)> = common
            .into_iter()
            .filter(|(name, _)| !is_replaced(name))
            .chain(parameters.iter().copied())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let signable = Signable { verb: "GET", path: "/", pairs: &pairs, signature_name: "Signature" };
        let signature = sign(&self.secret, Scheme::V2(Hash::Sha256), &signable, "localhost");
        pairs.push(("Signature".to_owned(), signature));
        encode_query(&pairs)
    }

    /// Signs and sends a request, and reads the response.
    pub async fn call(&self, action: &str, parameters: Parameters<'_>) -> Response {
        let query = self.signed_query(action, parameters);
        send_raw(self.addr, get_request(&query).as_bytes()).await
    }

    /// Calls an action that must succeed.
    pub async fn ok(&self, action: &str, parameters: Parameters<'_>) -> Response {
        let response = self.call(action, parameters).await;
        assert_eq!(response.status, 200, "{action} {parameters:?}: {}", response.body);
        response
    }

    /// Calls an action that must be refused with HTTP 400 and this error code.
    pub async fn refused(&self, action: &str, parameters: Parameters<'_>, code: &str) -> Response {
        let response = self.call(action, parameters).await;
        assert_eq!(
            (response.status, response.code().as_str()),
            (400, code),
            "{action} {parameters:?}: {}",
            response.body
        );
        response
    }

    /// Calls Pay with an amount in US dollars.
    pub async fn pay(&self, token: &str, dollars: &str, reference: &str) -> Response {
        self.call("Pay", &pay(token, dollars, reference)).await
    }

    /// The balances of a credit instrument: available and pending debt.
    pub async fn debt(&self, instrument: &str) -> (String, String) {
        let response = self.ok("GetDebtBalance", &[("CreditInstrumentId", instrument)]).await;
        (response.text("AvailableBalance/Value"), response.text("PendingOutBalance/Value"))
    }

    /// The status of a transaction and its status code.
    pub async fn status(&self, transaction: &str) -> (String, String) {
        let response = self.ok("GetTransactionStatus", &[("TransactionId", transaction)]).await;
        (response.text("TransactionStatus"), response.text("StatusCode"))
    }
}

/// The parameters of a Pay.
pub fn pay<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("SenderTokenId", token),
        ("TransactionAmount.Value", dollars),
        ("TransactionAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}

/// The parameters of a SettleDebt on the demo instrument.
pub fn settle<'a>(dollars: &'a str, reference: &'a str) -> [(&'a str, &'a str); 5] {
    [
        ("SenderTokenId", demo::SETTLEMENT),
        ("CreditInstrumentId", demo::INSTRUMENT),
        ("SettlementAmount.Value", dollars),
        ("SettlementAmount.CurrencyCode", "USD"),
        ("CallerReference", reference),
    ]
}
