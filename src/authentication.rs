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
use crate::store::{AccessKey, DeveloperStatus};
use crate::worlds::{FoundKey, World, Worlds};

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
    /// The world of the request.
    pub world: Arc<World>,
    /// The owner of the access key.
    pub caller: AccountNumber,
    /// In lenient mode: `ok`, or the error that strict mode would have given.
    pub report: Option<String>,
}

/// What a look at access key, signature and timestamp has brought.
#[derive(Debug)]
pub struct Checked {
    /// Who asks, or why that is not known.
    pub outcome: Result<Authenticated, FpsError>,
    /// The world of the access key, as far as it is known and has been made.
    pub world: Option<Arc<World>>,
    /// A signature that does not match.
    pub mismatch: Option<Mismatch>,
}

/// A signature that does not match, for the log.
#[derive(Debug)]
pub struct Mismatch {
    string_to_sign: String,
    reason: String,
}

impl Mismatch {
    /// Writes it to the log.
    pub fn log(&self) {
        // As text values both stay on one line of the log, whatever the client has put into them.
        tracing::info!(
            string_to_sign = excerpt(&self.string_to_sign).as_ref(),
            reason = excerpt(&self.reason).as_ref(),
            "the signature does not match; this is the string to sign expected"
        );
    }
}

/// Why a request is not authentic.
struct Refused {
    error: FpsError,
    /// The world of its key.
    world: Option<Arc<World>>,
    mismatch: Option<Mismatch>,
}

impl From<FpsError> for Refused {
    fn from(error: FpsError) -> Self {
        Self { error, world: None, mismatch: None }
    }
}

/// Checks requests.
#[derive(Debug)]
pub struct Authenticator {
    /// How strictly.
    pub mode: AuthMode,
    /// The signature versions that are taken: 1, 2 or both.
    pub versions: Vec<u8>,
    /// How far a timestamp may lie from the clock of the world or from real time; as far as it likes, if there is no window.
    pub window: Option<Duration>,
    /// Where access keys are.
    pub worlds: Worlds,
}

impl Authenticator {
    /// Checks a request, and makes the world that it asks for. In lenient and off mode it only fails when there is no account
    /// that may call.
    pub async fn authenticate(&self, incoming: &Incoming<'_>) -> Checked {
        let checked = match self.mode {
            AuthMode::Off => None,
            AuthMode::Strict | AuthMode::Lenient => Some(self.check(incoming).await),
        };
        let (entered, report, mismatch) = match checked {
            Some(Ok(found)) => {
                let report = (self.mode == AuthMode::Lenient).then(|| "ok".to_owned());
                (self.worlds.enter(found).await, report, None)
            }
            Some(Err(Refused { error, world, mismatch })) if self.mode == AuthMode::Strict => {
                return Checked { outcome: Err(error), world, mismatch };
            }
            Some(Err(refused)) => {
                (self.stand_in(incoming).await, Some(refused.error.to_string()), refused.mismatch)
            }
            None => (self.stand_in(incoming).await, None, None),
        };
        match entered {
            Ok((world, key)) => {
                let caller = may_call(key.developer_status).map(|()| key.owner);
                let outcome =
                    caller.map(|caller| Authenticated { world: Arc::clone(&world), caller, report });
                Checked { outcome, world: Some(world), mismatch }
            }
            Err(error) => Checked { outcome: Err(error), world: None, mismatch },
        }
    }

    /// The key named, or the first one of the default world. Whoever is not known makes no world.
    async fn stand_in(&self, incoming: &Incoming<'_>) -> Result<(Arc<World>, Arc<AccessKey>), FpsError> {
        if let Some(id) = incoming.parameters.value("AWSAccessKeyId")
            && let Ok(found) = self.worlds.find_key(&id).await
        {
            return self.worlds.enter(found).await;
        }
        let world = self.worlds.default_world();
        let first = world.keys().first().cloned();
        let key = first.ok_or_else(|| {
            FpsError::new(
                Code::InvalidClientTokenId,
                "There is no access key in this sandbox; load a seed file with one.",
            )
        })?;
        Ok((Arc::clone(world), key))
    }

    async fn check(&self, incoming: &Incoming<'_>) -> Result<FoundKey, Refused> {
        let id = present(incoming, "AWSAccessKeyId")?;
        let given = present(incoming, "Signature")?;
        let found = self.worlds.find_key(&id).await?;
        match self.check_key(incoming, &given, &found) {
            Ok(()) => Ok(found),
            Err(refused) => Err(Refused { world: found.world().cloned(), ..refused }),
        }
    }

    /// Whether the owner of the key has signed the request, and now.
    fn check_key(&self, incoming: &Incoming<'_>, given: &str, found: &FoundKey) -> Result<(), Refused> {
        let scheme = self.scheme(incoming)?;
        let signable = Signable {
            verb: incoming.verb,
            path: incoming.path,
            pairs: incoming.parameters.pairs(),
            signature_name: "Signature",
        };
        let verdict = verify(&found.key.secret, scheme, &signable, incoming.hosts, given, incoming.raw);
        if let Verdict::Differs { string_to_sign, reason } = verdict {
            let reason = reason.unwrap_or_else(|| unexplained(scheme, incoming.hosts));
            let text = format!("{} {reason}", Code::SignatureDoesNotMatch.facts().message);
            return Err(Refused {
                error: FpsError::new(Code::SignatureDoesNotMatch, text),
                world: None,
                mismatch: Some(Mismatch { string_to_sign, reason }),
            });
        }
        let (timestamp, sent) = timestamp(incoming)?;
        Ok(self.in_window(timestamp, &sent, self.worlds.now_in(found))?)
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

    /// Whether a timestamp is near the time of the world or real time. Unmodified clients go on signing with real time when
    /// a test has moved the clock (our choice).
    fn in_window(&self, timestamp: Timestamp, sent: &str, world_time: Timestamp) -> Result<(), FpsError> {
        let Some(window) = self.window else { return Ok(()) };
        let real_time = Clock::real_time().now();
        let is_near =
            |time: Timestamp| u128::from(time.millis().abs_diff(timestamp.millis())) <= window.as_millis();
        if is_near(world_time) || is_near(real_time) {
            return Ok(());
        }
        // The text as captured, then what it was compared with.
        let times = if world_time.millis().abs_diff(real_time.millis()) < 1_000 {
            format!("The time is {real_time}")
        } else {
            format!("The clock of the world shows {world_time}, the real time is {real_time}")
        };
        let text = format!(
            "Request has expired. Timestamp date is {sent}. {times}; a timestamp is good for {} (--timestamp-window).",
            humantime::format_duration(window)
        );
        Err(FpsError::new(Code::RequestExpired, text))
    }
}

/// Whether the account behind a key may call at all: a property of the account, whatever the signature.
fn may_call(status: DeveloperStatus) -> Result<(), FpsError> {
    match status {
        DeveloperStatus::Developer => Ok(()),
        // The text was recorded.
        DeveloperStatus::NotDeveloper => {
            Err(FpsError::new(Code::AccessFailure, "Developer account is needed to make API calls."))
        }
        DeveloperStatus::NotSignedUp => Err(Code::AuthFailure.into()),
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
