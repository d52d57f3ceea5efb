//! The sample requests of the guide, with new signatures, and as published with signatures computed for the example key.

use crate::support::request_builder::{RequestBuilder, request_bytes};
use crate::support::{NOW, Response, Server, config, demo, instant};
use fps_sandbox::signature::{Hash, Scheme};

const SHA256: Scheme = Scheme::V2(Hash::Sha256);
const SHA1: Scheme = Scheme::V2(Hash::Sha1);
const SANDBOX_HOST: &str = "fps.sandbox.amazonaws.com";

/// A sample request with its timestamp, its published signature, and the expected response.
struct Sample {
    name: &'static str,
    verb: &'static str,
    scheme: Scheme,
    key: &'static str,
    timestamp: &'static str,
    action: &'static str,
    asks: &'static [(&'static str, &'static str)],
    signature: &'static str,
    /// The expected response without ids.
    answer: &'static str,
}

const SETTLE: &[(&str, &str)] = &[
    ("CallerDescription", "MyWish"),
    ("CallerReference", "CallerReference13"),
    ("CreditInstrumentId", demo::INSTRUMENT),
    ("SenderTokenId", demo::SETTLEMENT),
    ("SettlementAmount.CurrencyCode", "USD"),
    ("SettlementAmount.Value", "1"),
];
const WRITE_OFF: &[(&str, &str)] = &[
    ("AdjustmentAmount.CurrencyCode", "USD"),
    ("AdjustmentAmount.Value", "1"),
    ("CallerDescription", "MyWish"),
    ("CallerReference", "CallerReference14"),
    ("CreditInstrumentId", demo::INSTRUMENT),
];
const BALANCE: &[(&str, &str)] = &[("CreditInstrumentId", demo::INSTRUMENT)];
const SECOND_SETTLE: &[(&str, &str)] = &[
    ("CallerReference", "2987656Example657677"),
    ("CreditInstrumentId", "2984656Example93577987"),
    ("SenderTokenId", "98796Example865787"),
];

const SETTLED: &str = "<SettleDebtResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\"><SettleDebtResult>\
<TransactionId>[transaction]</TransactionId><TransactionStatus>Pending</TransactionStatus></SettleDebtResult>\
<ResponseMetadata><RequestId>[uuid]:0</RequestId></ResponseMetadata></SettleDebtResponse>";
const WRITTEN_OFF: &str = "<WriteOffDebtResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\">\
<WriteOffDebtResult><TransactionId>[transaction]</TransactionId><TransactionStatus>Success</TransactionStatus>\
</WriteOffDebtResult><ResponseMetadata><RequestId>[uuid]:0</RequestId></ResponseMetadata></WriteOffDebtResponse>";
const OWED: &str = "<GetDebtBalanceResponse xmlns=\"http://fps.amazonaws.com/doc/2008-09-17/\">\
<GetDebtBalanceResult><DebtBalance><AvailableBalance><CurrencyCode>USD</CurrencyCode><Value>100.000000</Value>\
</AvailableBalance><PendingOutBalance><CurrencyCode>USD</CurrencyCode><Value>0.000000</Value></PendingOutBalance>\
</DebtBalance></GetDebtBalanceResult><ResponseMetadata><RequestId>[uuid]:0</RequestId></ResponseMetadata>\
</GetDebtBalanceResponse>";

const SAMPLES: &[Sample] = &[
    Sample {
        name: "SettleDebt by GET",
        verb: "GET",
        scheme: SHA256,
        key: demo::KEY,
        timestamp: "2009-10-07T11:44:48.203Z",
        action: "SettleDebt",
        asks: SETTLE,
        signature: "ty6/knrukyT3O+EpIUxghe2ccZAgXEqjOPevGfaYnvU=",
        answer: SETTLED,
    },
    Sample {
        name: "GetDebtBalance by GET",
        verb: "GET",
        scheme: SHA256,
        key: demo::KEY,
        timestamp: "2009-10-07T11:20:33.609Z",
        action: "GetDebtBalance",
        asks: BALANCE,
        signature: "Y12bRjTFCahTRKHlz9shYgw/HvWdsD/iN6HRFPYBuOM=",
        answer: OWED,
    },
    Sample {
        name: "WriteOffDebt by GET",
        verb: "GET",
        scheme: SHA256,
        key: demo::KEY,
        timestamp: "2009-10-07T11:47:30.296Z",
        action: "WriteOffDebt",
        asks: WRITE_OFF,
        signature: "FCeolKFXdcyzz026fAQ/2FLaowQh/5oN7sg5GHS+g0g=",
        answer: WRITTEN_OFF,
    },
    Sample {
        name: "WriteOffDebt by POST",
        verb: "POST",
        scheme: SHA256,
        key: demo::KEY,
        timestamp: "2009-10-07T11:47:30.296Z",
        action: "WriteOffDebt",
        asks: WRITE_OFF,
        signature: "qF+Jxwele3hhx+jUJf7jWjYUxKOybyb37AZik7YsBmc=",
        answer: WRITTEN_OFF,
    },
    Sample {
        name: "SettleDebt by HmacSHA1",
        verb: "GET",
        scheme: SHA1,
        key: demo::KEY,
        timestamp: "2009-10-07T11:44:48.203Z",
        action: "SettleDebt",
        asks: SETTLE,
        signature: "QUsHnArvdp3l41JWVVrs84TyaDo=",
        answer: SETTLED,
    },
    Sample {
        name: "GetDebtBalance by signature version 1",
        verb: "GET",
        scheme: Scheme::V1,
        key: demo::KEY,
        timestamp: "2009-10-07T11:20:33.609Z",
        action: "GetDebtBalance",
        asks: BALANCE,
        signature: "zlUbsgB6jXwts3OI59RKzZv8S6Q=",
        answer: OWED,
    },
    Sample {
        name: "the second SettleDebt, by signature version 1 and without an amount",
        verb: "GET",
        scheme: Scheme::V1,
        key: demo::SECOND_KEY,
        timestamp: "2008-08-06T13:00:01Z",
        action: "SettleDebt",
        asks: SECOND_SETTLE,
        signature: "82txMqGXWpX9FMbQbTQFiM8Gucg=",
        answer: SETTLED,
    },
];

impl Sample {
    fn request(&self, timestamp: &str) -> RequestBuilder {
        RequestBuilder::new(self.key, demo::SECRET, timestamp, self.action, self.asks)
            .with_verb(self.verb)
            .with_scheme(self.scheme)
    }

    fn assert_answered(&self, response: &Response) {
        let expected = format!("<?xml version=\"1.0\"?>\n{}", self.answer);
        assert_eq!((response.status, response.redacted()), (200, expected), "{}", self.name);
    }
}

#[tokio::test]
async fn every_newly_signed_sample_gets_the_response_of_the_guide() {
    for sample in SAMPLES {
        let server = Server::start().await;
        let response = server.send_raw(&sample.request(NOW).bytes()).await;
        sample.assert_answered(&response);
        server.stop().await;
    }
}

#[tokio::test]
async fn every_sample_is_accepted_as_published_when_the_clock_shows_its_time() {
    for sample in SAMPLES {
        let server = Server::start_at(config(), instant(sample.timestamp)).await.expect("it starts");
        let query = sample.request(sample.timestamp).query_with_signature(sample.signature);
        let response = server.send_raw(&request_bytes(sample.verb, SANDBOX_HOST, &query)).await;
        sample.assert_answered(&response);
        server.stop().await;
    }
}

#[tokio::test]
async fn a_sample_as_published_has_expired_today() {
    let server = Server::start().await;
    for sample in SAMPLES {
        let query = sample.request(sample.timestamp).query_with_signature(sample.signature);
        let response = server.send_raw(&request_bytes(sample.verb, SANDBOX_HOST, &query)).await;
        assert_eq!((response.status, response.code().as_str()), (400, "RequestExpired"), "{}", sample.name);
    }
}

#[tokio::test]
async fn the_second_sample_settles_the_whole_debt() {
    let server = Server::start().await;
    let second = SAMPLES.last().expect("there are samples");
    server.send_raw(&second.request(NOW).bytes()).await;
    let debt = server.other_merchant().debt("2984656Example93577987").await;
    assert_eq!(debt, ("0.000000".to_owned(), "50.000000".to_owned()));
}

#[tokio::test]
async fn the_soap_samples_ids_settle_a_debt_of_50() {
    let server = Server::start().await;
    let asks = [
        ("CreditInstrumentId", "J3D6VEG3KHILB3PR58R65ZMKIRQVJHMB3I996FT84P1PP4QE4BBX5RTQCNMGSUVA"),
        ("SenderTokenId", "J4D62EZ3K8IMB3MR18R15RMKNR7VJVMA3I49EFTQ4Q1PN4XE4BBZ5RRQ7NMKSFV6"),
        ("SettlementAmount.Value", "50.00"),
        ("SettlementAmount.CurrencyCode", "USD"),
        ("CallerReference", "soap"),
    ];
    let settled = server.merchant().ok("SettleDebt", &asks).await;
    assert_eq!(settled.text("TransactionStatus"), "Pending");
}

/// A Pay with characters that clients and servers encode differently.
fn pay_with_special_characters(token: &str, timestamp: &str) -> RequestBuilder {
    let asks = [
        ("CallerDescription", "Café – 10% off"),
        ("CallerReference", "ref ~*+()!'/=&%"),
        ("SenderTokenId", token),
        ("TransactionAmount.CurrencyCode", "USD"),
        ("TransactionAmount.Value", "15.50"),
    ];
    RequestBuilder::new(demo::KEY, demo::SECRET, timestamp, "Pay", &asks).with_verb("POST")
}

#[tokio::test]
async fn special_characters_are_signed_and_kept() {
    let server = Server::start().await;
    let paid = server.send_raw(&pay_with_special_characters(demo::ABT, NOW).bytes()).await;
    assert_eq!((paid.status, paid.text("TransactionStatus").as_str()), (200, "Success"));
    let id = paid.text("TransactionId");
    let detail = server.merchant().ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("CallerDescription"), "Café – 10% off");
    assert_eq!(detail.text("CallerReference"), "ref ~*+()!'/=&amp;%");
    assert_eq!(detail.text("TransactionAmount/Value"), "15.500000");
}

#[tokio::test]
async fn special_characters_as_published_pass_the_signature_check() {
    let timestamp = "2012-01-02T03:04:05Z";
    let server = Server::start_at(config(), instant(timestamp)).await.expect("it starts");
    let query = pay_with_special_characters(demo::SETTLEMENT, timestamp)
        .query_with_signature("7O69a5AUnmGle/RDkdsCmyxhCpBIA/a6hPtLnM/K8uc=");
    let response = server.send_raw(&request_bytes("POST", SANDBOX_HOST, &query)).await;
    // The published request names the settlement token as sender token, which cannot pay.
    assert_eq!((response.status, response.code().as_str()), (400, "IncompatibleTokens"));
}
