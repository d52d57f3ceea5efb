//! Who asks: access key, signature and timestamp (guide: Request Authentication).

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::clock::Clock;
use crate::config::AuthMode;
use crate::error::{Code, FpsError};
use crate::ledger::{AccountNumber, Caller, Timestamp, World};
use crate::store::{AccessKey, Store};

use super::query::Pair;
use super::signature::{Hash, Scheme, Signable, Verdict, verify};

/// A request as far as authentication is concerned.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// `GET` or `POST`.
    pub verb: &'a str,
    /// The path asked for.
    pub path: &'a str,
    /// The hosts it may have been signed for, in the order to try them, as sent.
    pub hosts: &'a [&'a str],
    /// The decoded parameters in the order they came.
    pub pairs: &'a [Pair],
    /// The parameters as they came, for the diagnosis of a wrong signature.
    pub raw: &'a str,
}

impl<'a> Incoming<'a> {
    /// Whether it carries a signature at all.
    pub fn is_signed(&self) -> bool {
        self.value("Signature").is_some()
    }

    /// The value of a parameter; an empty one counts as absent.
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.pairs
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// Who asks, and what a check that lets everything through would have said.
#[derive(Debug)]
pub struct Authenticated {
    /// The owner of the access key.
    pub caller: Caller,
    /// In lenient mode: `ok`, or the error that strict mode would have given.
    pub report: Option<String>,
}

impl Authenticated {
    /// An action that needs no signature, and a request without one: nobody's account is touched.
    pub(super) const fn nobody() -> Self {
        Self { caller: Caller { world: World(0), account: AccountNumber(0) }, report: None }
    }
}

/// Checks requests.
#[derive(Debug)]
pub struct Authenticator {
    /// How strictly.
    pub mode: AuthMode,
    /// How far a timestamp may lie from the sandbox clock.
    pub window: Duration,
    /// The clock.
    pub clock: Clock,
    /// Where access keys are.
    pub store: Store,
}

impl Authenticator {
    /// Checks a request. In lenient and off mode it only fails when there is no account to act for.
    pub fn authenticate(&self, incoming: &Incoming<'_>) -> Result<Authenticated, FpsError> {
        match self.mode {
            AuthMode::Strict => {
                let key = self.check(incoming)?;
                Ok(Authenticated { caller: key.owner, report: None })
            }
            AuthMode::Lenient => {
                let checked = self.check(incoming);
                let report = match &checked {
                    Ok(_) => "ok".to_owned(),
                    Err(refusal) => refusal.to_string(),
                };
                Ok(Authenticated { caller: self.stand_in(incoming)?.owner, report: Some(report) })
            }
            AuthMode::Off => Ok(Authenticated { caller: self.stand_in(incoming)?.owner, report: None }),
        }
    }

    /// The key named, or the first one there is.
    fn stand_in(&self, incoming: &Incoming<'_>) -> Result<Arc<AccessKey>, FpsError> {
        let named = incoming.value("AWSAccessKeyId").and_then(|id| self.store.access_key(id));
        named.or_else(|| self.store.first_access_key()).ok_or_else(|| {
            FpsError::new(
                Code::InvalidClientTokenId,
                "There is no access key in this sandbox; load a seed file with one.",
            )
        })
    }

    fn check(&self, incoming: &Incoming<'_>) -> Result<Arc<AccessKey>, FpsError> {
        let id = present(incoming, "AWSAccessKeyId")?;
        let given = present(incoming, "Signature")?;
        let key = self.store.access_key(id).ok_or(Code::InvalidClientTokenId)?;
        let scheme = scheme(incoming)?;
        let (timestamp, sent) = timestamp(incoming)?;
        let signable = Signable {
            verb: incoming.verb,
            path: incoming.path,
            pairs: incoming.pairs,
            signature_name: "Signature",
        };
        let verdict = verify(&key.secret, scheme, &signable, incoming.hosts, given, incoming.raw);
        if let Verdict::Differs { string_to_sign, reason } = verdict {
            return Err(mismatch(&string_to_sign, reason));
        }
        self.in_window(timestamp, sent)?;
        Ok(key)
    }

    fn in_window(&self, timestamp: Timestamp, sent: &str) -> Result<(), FpsError> {
        let distance = self.clock.now().millis().abs_diff(timestamp.millis());
        if u128::from(distance) <= self.window.as_millis() {
            return Ok(());
        }
        // The text as captured; the sandbox's own time goes to the log.
        tracing::info!(sandbox_time = %self.clock.now(), "the timestamp is outside the window");
        Err(FpsError::new(Code::RequestExpired, format!("Request has expired. Timestamp date is {sent}")))
    }
}

fn present<'a>(incoming: &Incoming<'a>, name: &str) -> Result<&'a str, FpsError> {
    incoming.value(name).ok_or_else(|| {
        FpsError::new(
            Code::MissingAuthenticationToken,
            format!("The request must be signed; {name} is missing."),
        )
    })
}

/// The signature version and method asked for. Version 2 names its hash; version 1 is always HMAC-SHA1.
fn scheme(incoming: &Incoming<'_>) -> Result<Scheme, FpsError> {
    match incoming.value("SignatureVersion") {
        Some("1") => Ok(Scheme::V1),
        Some("2") => {
            let method = incoming.value("SignatureMethod").unwrap_or_default();
            let hash = Hash::from_name(method);
            hash.map(Scheme::V2)
                .ok_or_else(|| invalid("SignatureMethod", method, "Must be HmacSHA256 or HmacSHA1."))
        }
        other => Err(invalid("SignatureVersion", other.unwrap_or_default(), "Must be 2 or 1.")),
    }
}

/// The refusal of a common parameter's value, in the words of the captured message.
pub(super) fn invalid(name: &str, value: &str, rule: &str) -> FpsError {
    FpsError::new(
        Code::InvalidParameterValue,
        format!("Value ({value}) for parameter {name} is invalid. {rule}"),
    )
}

/// The timestamp, and its text as sent. One without an offset is taken for UTC (our choice).
fn timestamp<'a>(incoming: &Incoming<'a>) -> Result<(Timestamp, &'a str), FpsError> {
    let text = incoming.value("Timestamp").unwrap_or_default();
    let with_offset = DateTime::parse_from_rfc3339(text).map(|instant| instant.with_timezone(&Utc));
    let instant = with_offset.or_else(|_| {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|instant| instant.and_utc())
    });
    let well_formed = instant.ok().filter(|_| text.contains('T') && !text.contains(' '));
    let instant = well_formed.ok_or_else(|| invalid("Timestamp", text, "Must be in ISO8601 format."))?;
    Ok((instant.into(), text))
}

/// The refusal of a wrong signature: why, where a reason was found; the log has the string to sign.
fn mismatch(string_to_sign: &str, reason: Option<String>) -> FpsError {
    let facts = Code::SignatureDoesNotMatch.facts();
    let reason = reason.unwrap_or_else(|| {
        "No usual mistake explains it: check the secret key, and that nothing was changed after signing."
            .to_owned()
    });
    // As text values both stay on one line of the log, whatever the client has put into them.
    let reason_text = reason.as_str();
    tracing::info!(
        string_to_sign,
        reason = reason_text,
        "the signature does not match; this is the string to sign expected"
    );
    FpsError::new(Code::SignatureDoesNotMatch, format!("{} {reason}", facts.message))
}
