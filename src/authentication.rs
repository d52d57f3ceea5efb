//! Who asks: access key, signature and timestamp (guide: Request Authentication).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::AuthMode;
use crate::error::{Code, FpsError};
use crate::ledger::{AccountNumber, Timestamp};
use crate::logging::excerpt;
use crate::query::Decoded;
use crate::service::instant;
use crate::signature::{Hash, Scheme, Signable, Verdict, unexplained, verify};
use crate::store::{AccessKey, Standing, Store};

/// A request as far as authentication is concerned.
#[derive(Debug)]
pub struct Incoming<'a> {
    /// `GET` or `POST`.
    pub verb: &'a str,
    /// The path asked for.
    pub path: &'a str,
    /// The hosts it may have been signed for, in the order to try them, as sent.
    pub hosts: &'a [&'a str],
    /// The decoded parameters. Nobody has looked yet whether they are text.
    pub parameters: &'a Decoded,
    /// The parameters as they came, for the diagnosis of a wrong signature.
    pub raw: &'a str,
}

/// Who asks, and what a check that lets everything through would have said.
#[derive(Debug)]
pub struct Authenticated {
    /// The owner of the access key.
    pub caller: AccountNumber,
    /// In lenient mode: `ok`, or the error that strict mode would have given.
    pub report: Option<String>,
}

/// Checks requests.
#[derive(Debug)]
pub struct Authenticator {
    /// How strictly.
    pub mode: AuthMode,
    /// The signature versions that are taken: 1, 2 or both.
    pub versions: Vec<u8>,
    /// How far a timestamp may lie from the sandbox clock.
    pub window: Duration,
    /// The clock.
    pub clock: Clock,
    /// Where access keys are.
    pub store: Store,
}

impl Authenticator {
    /// Checks a request. In lenient and off mode it only fails when there is no account that may call.
    pub fn authenticate(&self, incoming: &Incoming<'_>) -> Result<Authenticated, FpsError> {
        let (key, report) = match self.mode {
            AuthMode::Strict => (self.check(incoming)?, None),
            AuthMode::Lenient => {
                let report = match self.check(incoming) {
                    Ok(_) => "ok".to_owned(),
                    Err(refusal) => refusal.to_string(),
                };
                (self.stand_in(incoming)?, Some(report))
            }
            AuthMode::Off => (self.stand_in(incoming)?, None),
        };
        may_call(key.standing)?;
        Ok(Authenticated { caller: key.owner, report })
    }

    /// The key named, or the first one there is.
    fn stand_in(&self, incoming: &Incoming<'_>) -> Result<Arc<AccessKey>, FpsError> {
        let named = incoming.parameters.value("AWSAccessKeyId").and_then(|id| self.store.access_key(&id));
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
        let key = self.store.access_key(&id).ok_or(Code::InvalidClientTokenId)?;
        let scheme = self.scheme(incoming)?;
        let signable = Signable {
            verb: incoming.verb,
            path: incoming.path,
            pairs: incoming.parameters.pairs(),
            signature_name: "Signature",
        };
        let verdict = verify(&key.secret, scheme, &signable, incoming.hosts, &given, incoming.raw);
        if let Verdict::Differs { string_to_sign, reason } = verdict {
            let reason = reason.unwrap_or_else(|| unexplained(scheme, incoming.hosts));
            return Err(mismatch(&string_to_sign, &reason));
        }
        let (timestamp, sent) = timestamp(incoming)?;
        self.in_window(timestamp, &sent)?;
        Ok(key)
    }

    /// The signature version and method asked for. Version 2 names its hash; version 1 is always HMAC-SHA1.
    fn scheme(&self, incoming: &Incoming<'_>) -> Result<Scheme, FpsError> {
        let version = incoming.parameters.value("SignatureVersion").unwrap_or_default();
        let number = match version.as_ref() {
            "1" => 1,
            "2" => 2,
            other => return Err(FpsError::invalid_value("SignatureVersion", other, "Must be 2 or 1.")),
        };
        if !self.versions.contains(&number) {
            let rule = format!(
                "Requests signed by version {number} are not accepted any more; sign by another version \
                 (--signature-versions)."
            );
            return Err(FpsError::invalid_value("SignatureVersion", &version, &rule));
        }
        if number == 1 {
            return Ok(Scheme::V1);
        }
        let method = incoming.parameters.value("SignatureMethod").unwrap_or_default();
        let hash = Hash::from_name(&method);
        hash.map(Scheme::V2).ok_or_else(|| {
            FpsError::invalid_value("SignatureMethod", &method, "Must be HmacSHA256 or HmacSHA1.")
        })
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

/// Whether the account behind a key may call at all: a property of the account, whatever the signature.
fn may_call(standing: Standing) -> Result<(), FpsError> {
    match standing {
        Standing::Developer => Ok(()),
        // The text was recorded.
        Standing::NotDeveloper => {
            Err(FpsError::new(Code::AccessFailure, "Developer account is needed to make API calls."))
        }
        Standing::NotSignedUp => Err(Code::AuthFailure.into()),
    }
}

fn present<'a>(incoming: &Incoming<'a>, name: &str) -> Result<Cow<'a, str>, FpsError> {
    incoming.parameters.value(name).ok_or_else(|| {
        FpsError::new(
            Code::MissingAuthenticationToken,
            format!("The request must be signed; {name} is missing."),
        )
    })
}

/// The timestamp, and its text as sent. One without an offset is taken for UTC (our choice).
fn timestamp<'a>(incoming: &Incoming<'a>) -> Result<(Timestamp, Cow<'a, str>), FpsError> {
    let text = incoming.parameters.value("Timestamp").unwrap_or_default();
    let instant = instant::read(&text).filter(|_| text.contains('T') && !text.contains(' '));
    let instant =
        instant.ok_or_else(|| FpsError::invalid_value("Timestamp", &text, "Must be in ISO8601 format."))?;
    Ok((instant, text))
}

/// The refusal of a wrong signature, and why it is wrong; the log has the string to sign.
fn mismatch(string_to_sign: &str, reason: &str) -> FpsError {
    let facts = Code::SignatureDoesNotMatch.facts();
    // As text values both stay on one line of the log, whatever the client has put into them.
    tracing::info!(
        string_to_sign = excerpt(string_to_sign).as_ref(),
        reason = excerpt(reason).as_ref(),
        "the signature does not match; this is the string to sign expected"
    );
    FpsError::new(Code::SignatureDoesNotMatch, format!("{} {reason}", facts.message))
}
