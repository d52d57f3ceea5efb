//! The seed file of the benchmark, and requests, which are signed and serialized before any measurement.

use std::fmt::Write;

use fps_sandbox::clock::Clock;
use fps_sandbox::ledger::Timestamp;
use fps_sandbox::random;
use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, percent_encode, sign};

/// The access key that signs all requests.
pub(crate) const KEY: &str = "AKIALOADBENCHMARK000";
const SECRET: &str = "load/benchmark+secret/of/the/usual/40/ch";
/// The number of buyers. Each has a credit instrument of the merchant.
const BUYERS: usize = 256;

/// The seed file: a merchant, and buyers whose credit no run can use up.
pub(crate) fn seed() -> String {
    let mut text = format!(
        "[[account]]\nname = \"merchant\"\nemail = \"merchant@example.com\"\n\
         [[account.access_key]]\nid = \"{KEY}\"\nsecret = \"{SECRET}\"\n"
    );
    for buyer in 0..BUYERS {
        let (instrument, token) = (instrument(buyer), credit_token(buyer));
        let _ = write!(
            text,
            "[[account]]\nname = \"buyer-{buyer}\"\nemail = \"buyer-{buyer}@example.com\"\nkind = \"personal\"\n\
             [[credit_instrument]]\nid = \"{instrument}\"\nsender = \"buyer-{buyer}\"\nrecipient = \"merchant\"\n\
             credit_limit = \"1000000000.00\"\n\
             [[token]]\nid = \"{token}\"\ncharges = \"{instrument}\"\n"
        );
    }
    text
}

fn instrument(buyer: usize) -> String {
    format!("LOADINSTRUMENT{buyer:0>50}")
}

/// The credit token of a buyer.
pub(crate) fn credit_token(buyer: usize) -> String {
    format!("LOADCREDIT{:0>54}", buyer % BUYERS)
}

/// A type of request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestType {
    /// Pay by credit token with random caller references, as most clients make them.
    Pay,
    /// Pay by credit token with ascending caller references.
    PaySequential,
    /// GetDebtBalance.
    DebtBalance,
    /// GetTransaction of one of these ids.
    Transaction(&'static [String]),
    /// GetTransactionStatus of one of these ids.
    TransactionStatus(&'static [String]),
    /// GetAccountActivity, the newest page.
    Activity,
    /// GetAccountActivity with a filter that matches nothing, so that the whole history is searched.
    Search,
    /// GetAccountBalance.
    AccountBalance,
    /// GetOutstandingDebtBalance.
    OutstandingDebt,
    /// GetTokenUsage.
    TokenUsage,
}

impl RequestType {
    const fn action(self) -> &'static str {
        match self {
            Self::Pay | Self::PaySequential => "Pay",
            Self::DebtBalance => "GetDebtBalance",
            Self::Transaction(_) => "GetTransaction",
            Self::TransactionStatus(_) => "GetTransactionStatus",
            Self::Activity | Self::Search => "GetAccountActivity",
            Self::AccountBalance => "GetAccountBalance",
            Self::OutstandingDebt => "GetOutstandingDebtBalance",
            Self::TokenUsage => "GetTokenUsage",
        }
    }
}

/// A GetAccountBalance of the demo merchant in this world.
pub(crate) fn demo_balance(world: &str) -> Requests {
    let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
    let key = format!("AKIAIOSFODNN7EXAMPLE.{world}");
    let mut requests = Requests { bytes: Vec::new(), ends: Vec::new() };
    requests.add(&signed_query(&secret, &key, RequestType::AccountBalance, 0, Clock::real_time().now()));
    requests
}

/// Serialized requests in one buffer.
pub(crate) struct Requests {
    bytes: Vec<u8>,
    /// The end of each request in `bytes`.
    ends: Vec<usize>,
}

impl Requests {
    /// `count` signed requests, all different, distributed over `worlds` worlds. One world is the default world.
    pub(crate) fn signed(request_type: RequestType, count: usize, worlds: usize) -> Self {
        let secret = SecretKey::new(SECRET);
        let now = Clock::real_time().now();
        let mut requests = Self { bytes: Vec::with_capacity(count * 768), ends: Vec::with_capacity(count) };
        for number in 0..count {
            let key = if worlds == 1 { KEY.to_owned() } else { format!("{KEY}.load-{}", number % worlds) };
            let query = signed_query(&secret, &key, request_type, number, now);
            requests.add(&query);
        }
        requests
    }

    fn add(&mut self, query: &str) {
        self.bytes.extend_from_slice(b"GET /?");
        self.bytes.extend_from_slice(query.as_bytes());
        let rest = " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: load\r\nAccept: */*\r\n\r\n";
        self.bytes.extend_from_slice(rest.as_bytes());
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&[u8]> {
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.bytes.get(start..*self.ends.get(index)?)
    }
}

fn signed_query(
    secret: &SecretKey,
    key: &str,
    request_type: RequestType,
    number: usize,
    now: Timestamp,
) -> String {
    // Look-ups differ in their timestamps only.
    let timestamp = now.plus_millis(-i64::try_from(number % 60_000).unwrap_or(0)).to_string();
    let mut pairs = vec![
        ("Action", request_type.action().to_owned()),
        ("AWSAccessKeyId", key.to_owned()),
        ("Version", "2008-09-17".to_owned()),
        ("Timestamp", timestamp),
        ("SignatureVersion", "2".to_owned()),
        ("SignatureMethod", "HmacSHA256".to_owned()),
    ];
    match request_type {
        RequestType::DebtBalance => pairs.push(("CreditInstrumentId", instrument(number % BUYERS))),
        RequestType::Transaction(ids) | RequestType::TransactionStatus(ids) => {
            pairs.push(("TransactionId", ids[number % ids.len()].clone()));
        }
        RequestType::Activity => {
            pairs.push(("StartDate", "2011-01-01".to_owned()));
            pairs.push(("MaxBatchSize", "10".to_owned()));
            pairs.push(("SortOrderByDate", "Descending".to_owned()));
        }
        RequestType::Search => {
            pairs.push(("StartDate", "2011-01-01".to_owned()));
            pairs.push(("FPSOperation", "Refund".to_owned()));
        }
        RequestType::AccountBalance | RequestType::OutstandingDebt => {}
        RequestType::TokenUsage => pairs.push(("TokenId", credit_token(number))),
        RequestType::Pay | RequestType::PaySequential => {
            let reference = if request_type == RequestType::Pay {
                random::random_uuid().to_string()
            } else {
                format!("order-{number:0>12}")
            };
            pairs.push(("SenderTokenId", credit_token(number)));
            pairs.push(("TransactionAmount.Value", format!("{}.{:0>2}", number % 90 + 1, number % 100)));
            pairs.push(("TransactionAmount.CurrencyCode", "USD".to_owned()));
            pairs.push(("CallerReference", reference));
        }
    }
    let mut pairs: Vec<(String, String)> =
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let signable = Signable { verb: "GET", path: "/", pairs: &pairs, signature_name: "Signature" };
    let signature = sign(secret, Scheme::V2(Hash::Sha256), &signable, "localhost");
    pairs.push(("Signature".to_owned(), signature));
    let mut query = String::with_capacity(640);
    for (name, value) in &pairs {
        if !query.is_empty() {
            query.push('&');
        }
        percent_encode(name, &mut query);
        query.push('=');
        percent_encode(value, &mut query);
    }
    query
}
