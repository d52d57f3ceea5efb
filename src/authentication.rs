//! Authentication of requests: access key, signature and timestamp (guide: Request Authentication).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::AuthMode;
use crate::error::{Code, FpsError};
use crate::ledger::{AccountNumber, Timestamp};
use crate::logging::excerpt;
use crate::query::DecodedParameters;
use crate::service::timestamp;
use crate::signature::{Hash, Scheme, Signable, VerificationResult, unexplained_mismatch, verify};
use crate::store::{AccessKey, DeveloperStatus};
use crate::worlds::{FoundAccessKey, World, Worlds};

/// The parts of a request that authentication needs.
#[derive(Debug)]
pub struct RequestToAuthenticate<'a> {
    /// `GET` or `POST`.
    pub verb: &'a str,
    /// The path of the request target.
    pub path: &'a str,
    /// The hosts that are accepted in the signature, as the client wrote them, the most likely first.
    pub hosts: &'a [&'a str],
    /// The decoded parameters, not checked yet to be text.
    pub parameters: &'a DecodedParameters,
    /// The parameters as received, for the explanation of a mismatch.
    pub raw_parameters: &'a str,
}

/// The authenticated caller of a request.
#[derive(Debug)]
pub struct AuthenticatedCaller {
    /// The world of the request.
    pub world: Arc<World>,
    /// The owner of the access key.
    pub account: AccountNumber,
    /// In lenient mode: `ok`, or the error that strict mode would have given.
    pub signature_report: Option<String>,
}

/// The result of [`Authenticator::authenticate`].
#[derive(Debug)]
pub struct AuthenticationResult {
    /// The caller, or why the request is refused.
    pub caller: Result<AuthenticatedCaller, FpsError>,
    /// The world of the access key, if the key is known and the world exists. Also set for refused requests.
    pub world: Option<Arc<World>>,
    /// A signature that does not match. In lenient mode the request is accepted all the same.
    pub mismatch: Option<SignatureMismatch>,
}

/// A signature that does not match, for the log.
#[derive(Debug)]
pub struct SignatureMismatch {
    string_to_sign: String,
    explanation: String,
}

impl SignatureMismatch {
    /// Writes it to the log.
    pub fn log(&self) {
        // As field values both are escaped, so they stay on one line of the log, whatever the client put into them.
        tracing::info!(
            string_to_sign = excerpt(&self.string_to_sign).as_ref(),
            reason = excerpt(&self.explanation).as_ref(),
            "the signature does not match; this is the string to sign expected"
        );
    }
}

/// Why a request is not authentic.
struct AuthenticationError {
    error: FpsError,
    /// The world of the access key.
    world: Option<Arc<World>>,
    mismatch: Option<SignatureMismatch>,
}

impl From<FpsError> for AuthenticationError {
    fn from(error: FpsError) -> Self {
        Self { error, world: None, mismatch: None }
    }
}

/// Authenticates requests.
#[derive(Debug)]
pub struct Authenticator {
    /// How strictly.
    pub mode: AuthMode,
    /// The accepted signature versions: 1, 2 or both.
    pub signature_versions: Vec<u8>,
    /// The maximum difference between a timestamp and the time of the world or real time; not limited if `None`.
    pub timestamp_window: Option<Duration>,
    /// The worlds, which hold the access keys.
    pub worlds: Worlds,
}

impl Authenticator {
    /// Authenticates a request, and creates its world if it does not exist. In the lenient and off modes this fails only
    /// if no account may make the call.
    pub async fn authenticate(&self, request: &RequestToAuthenticate<'_>) -> AuthenticationResult {
        let checked = match self.mode {
            AuthMode::Off => None,
            AuthMode::Strict | AuthMode::Lenient => Some(self.check(request).await),
        };
        // Only now, with the signature checked, is a world created: a refused request must not create one.
        let (entered, signature_report, mismatch) = match checked {
            Some(Ok(found)) => {
                let report = (self.mode == AuthMode::Lenient).then(|| "ok".to_owned());
                (self.worlds.get_or_create_for(found).await, report, None)
            }
            Some(Err(AuthenticationError { error, world, mismatch })) if self.mode == AuthMode::Strict => {
                return AuthenticationResult { caller: Err(error), world, mismatch };
            }
            Some(Err(refused)) => {
                (self.enter_unverified(request).await, Some(refused.error.to_string()), refused.mismatch)
            }
            None => (self.enter_unverified(request).await, None, None),
        };
        match entered {
            Ok((world, key)) => {
                let caller = check_may_call(key.developer_status).map(|()| AuthenticatedCaller {
                    world: Arc::clone(&world),
                    account: key.owner,
                    signature_report,
                });
                AuthenticationResult { caller, world: Some(world), mismatch }
            }
            Err(error) => AuthenticationResult { caller: Err(error), world: None, mismatch },
        }
    }

    /// The access key of a request that is not verified and its world: the key that it names, or else the first key of
    /// the default world. An unknown key creates no world.
    async fn enter_unverified(
        &self,
        request: &RequestToAuthenticate<'_>,
    ) -> Result<(Arc<World>, Arc<AccessKey>), FpsError> {
        if let Some(id) = request.parameters.value("AWSAccessKeyId")
            && let Ok(found) = self.worlds.find_access_key(&id).await
        {
            return self.worlds.get_or_create_for(found).await;
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

    /// Finds the access key, and checks signature and timestamp.
    async fn check(
        &self,
        request: &RequestToAuthenticate<'_>,
    ) -> Result<FoundAccessKey, AuthenticationError> {
        let id = required_parameter(request, "AWSAccessKeyId")?;
        let signature = required_parameter(request, "Signature")?;
        let found = self.worlds.find_access_key(&id).await?;
        match self.check_signature_and_timestamp(request, &signature, &found) {
            Ok(()) => Ok(found),
            Err(refused) => Err(AuthenticationError { world: found.world().cloned(), ..refused }),
        }
    }

    fn check_signature_and_timestamp(
        &self,
        request: &RequestToAuthenticate<'_>,
        signature: &str,
        found: &FoundAccessKey,
    ) -> Result<(), AuthenticationError> {
        let scheme = self.parse_scheme(request)?;
        let signable = Signable {
            verb: request.verb,
            path: request.path,
            pairs: request.parameters.pairs(),
            signature_name: "Signature",
        };
        let (secret, raw_parameters) = (&found.key.secret, request.raw_parameters);
        let result = verify(secret, scheme, &signable, request.hosts, signature, raw_parameters);
        if let VerificationResult::Invalid { string_to_sign, explanation } = result {
            let explanation = explanation.unwrap_or_else(|| unexplained_mismatch(scheme, request.hosts));
            let text = format!("{} {explanation}", Code::SignatureDoesNotMatch.definition().message);
            return Err(AuthenticationError {
                error: FpsError::new(Code::SignatureDoesNotMatch, text),
                world: None,
                mismatch: Some(SignatureMismatch { string_to_sign, explanation }),
            });
        }
        let (timestamp, text) = parse_timestamp(request)?;
        Ok(self.check_timestamp(timestamp, &text, self.worlds.clock_time_for(found))?)
    }

    /// The signature version and hash that the request declares. Version 2 names its hash; version 1 is always HMAC-SHA1.
    fn parse_scheme(&self, request: &RequestToAuthenticate<'_>) -> Result<Scheme, FpsError> {
        let version = request.parameters.value("SignatureVersion").unwrap_or_default();
        let number = match version.as_ref() {
            "1" => 1,
            "2" => 2,
            other => return Err(FpsError::invalid_value("SignatureVersion", other, "Must be 2 or 1.")),
        };
        if !self.signature_versions.contains(&number) {
            let rule = format!(
                "Requests signed by version {number} are not accepted any more; sign by another version \
                 (--signature-versions)."
            );
            return Err(FpsError::invalid_value("SignatureVersion", &version, &rule));
        }
        if number == 1 {
            return Ok(Scheme::V1);
        }
        let method = request.parameters.value("SignatureMethod").unwrap_or_default();
        let hash = Hash::from_name(&method);
        hash.map(Scheme::V2).ok_or_else(|| {
            FpsError::invalid_value("SignatureMethod", &method, "Must be HmacSHA256 or HmacSHA1.")
        })
    }

    /// Checks that a timestamp is near the time of the world or real time. Unmodified clients sign with real time even
    /// when a test has moved the world's clock (our choice). `text` is the timestamp as sent.
    fn check_timestamp(
        &self,
        timestamp: Timestamp,
        text: &str,
        world_time: Timestamp,
    ) -> Result<(), FpsError> {
        let Some(window) = self.timestamp_window else { return Ok(()) };
        let real_time = Clock::real_time().now();
        let is_near =
            |time: Timestamp| u128::from(time.millis().abs_diff(timestamp.millis())) <= window.as_millis();
        if is_near(world_time) || is_near(real_time) {
            return Ok(());
        }
        // The first two sentences as recorded, then our own: what the timestamp was compared with.
        let times = if world_time.millis().abs_diff(real_time.millis()) < 1_000 {
            format!("The time is {real_time}")
        } else {
            format!("The clock of the world shows {world_time}, the real time is {real_time}")
        };
        let message = format!(
            "Request has expired. Timestamp date is {text}. {times}; a timestamp is good for {} (--timestamp-window).",
            humantime::format_duration(window)
        );
        Err(FpsError::new(Code::RequestExpired, message))
    }
}

/// Checks that the account of an access key may make calls. This does not depend on the signature.
fn check_may_call(status: DeveloperStatus) -> Result<(), FpsError> {
    match status {
        DeveloperStatus::Developer => Ok(()),
        // The text is recorded.
        DeveloperStatus::NotDeveloper => {
            Err(FpsError::new(Code::AccessFailure, "Developer account is needed to make API calls."))
        }
        DeveloperStatus::NotSignedUp => Err(Code::AuthFailure.into()),
    }
}

fn required_parameter<'a>(request: &RequestToAuthenticate<'a>, name: &str) -> Result<Cow<'a, str>, FpsError> {
    request.parameters.value(name).ok_or_else(|| {
        FpsError::new(
            Code::MissingAuthenticationToken,
            format!("The request must be signed; {name} is missing."),
        )
    })
}

/// The timestamp, and its text as sent. Without an offset it is taken for UTC (our choice).
fn parse_timestamp<'a>(request: &RequestToAuthenticate<'a>) -> Result<(Timestamp, Cow<'a, str>), FpsError> {
    let text = request.parameters.value("Timestamp").unwrap_or_default();
    let instant = timestamp::parse(&text).filter(|_| text.contains('T') && !text.contains(' '));
    let instant =
        instant.ok_or_else(|| FpsError::invalid_value("Timestamp", &text, "Must be in ISO8601 format."))?;
    Ok((instant, text))
}
