//! `Action=… Name=value …` and the options around them: what `sign` and `call` share.

use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::signature::{Hash, Scheme, SecretKey};
use crate::worlds::WorldName;

use super::parameters::{Given, pair};
use super::request::{Endpoint, Method, Pair, Signed, Signer};
use super::{Failure, print, world};

/// Where a sandbox answers when nobody says otherwise.
pub(super) const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8008";

const PARAMETERS: &str = "\
The action and its parameters, such as Action=GetDebtBalance CreditInstrumentId=…

TransactionAmount=10 stands for TransactionAmount.Value=10 and TransactionAmount.CurrencyCode=USD; so with every \
name that ends in Amount. A CallerReference is made up when the action needs one and none is given.";

/// The ids a newcomer needs, for the end of the help.
pub(super) fn demo_ids() -> String {
    format!(
        "\
Ids of the demo world:
  CreditInstrumentId, on which Alice owes
    {}
  SenderTokenId, to Pay on credit
    {}
  SenderTokenId, to SettleDebt
    {}",
        world::INSTRUMENT,
        world::CREDIT,
        world::SETTLEMENT
    )
}

/// A request and how to sign it.
#[derive(Debug, Args)]
pub(super) struct RequestArgs {
    #[arg(
        required = true,
        value_name = "NAME=VALUE",
        value_parser = pair,
        help = "The action and its parameters, such as Action=GetDebtBalance CreditInstrumentId=…",
        long_help = PARAMETERS
    )]
    parameters: Vec<Pair>,

    #[arg(
        long,
        value_name = "URL",
        value_parser = endpoint,
        help_heading = "Sending",
        help = "Where the sandbox answers. [default: http://127.0.0.1:8008] [env: FPS_SANDBOX_ENDPOINT]"
    )]
    endpoint: Option<Endpoint>,

    /// Send a form by POST, where otherwise everything stands in the query of a GET.
    #[arg(long, help_heading = "Sending")]
    post: bool,

    /// Send exactly these parameters: no amounts written out, no reference made up, no warnings.
    #[arg(long, help_heading = "Sending")]
    verbatim: bool,

    #[arg(
        long,
        value_name = "ID",
        help_heading = "Signing",
        help = "Access key. [default: the documentation's, AKIAIOSFODNN7EXAMPLE] [env: FPS_SANDBOX_KEY]"
    )]
    key: Option<String>,

    #[arg(
        long,
        value_name = "NAME",
        value_parser = world_name,
        help_heading = "Signing",
        help = "World of the request: the access key is sent as KEY.NAME. [default: the default world] [env: FPS_SANDBOX_WORLD]"
    )]
    world: Option<WorldName>,

    #[arg(
        long,
        value_name = "SECRET",
        help_heading = "Signing",
        help = "Its secret. Others on this machine can read a command line, so prefer the variable. \
                [default: the documentation's] [env: FPS_SANDBOX_SECRET]"
    )]
    secret: Option<String>,

    /// Signature version. [default: 2]
    #[arg(long, value_name = "VERSION", help_heading = "Signing")]
    signature_version: Option<SignatureVersion>,

    #[arg(
        long,
        value_name = "METHOD",
        help_heading = "Signing",
        help = "Hash of signature version 2; version 1 always has HmacSHA1. [default: HmacSHA256]"
    )]
    method: Option<SignatureMethod>,

    /// Version of the API, sent as it stands. [default: 2008-09-17]
    #[arg(long, value_name = "DATE", help_heading = "Signing")]
    api_version: Option<String>,

    /// Timestamp, sent as it stands. [default: now]
    #[arg(long, value_name = "INSTANT", help_heading = "Signing")]
    timestamp: Option<String>,

    /// Print the string to sign on standard error.
    #[arg(long, help_heading = "Signing")]
    show_string_to_sign: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SignatureVersion {
    #[value(name = "1")]
    V1,
    #[value(name = "2")]
    V2,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SignatureMethod {
    #[value(name = "HmacSHA256")]
    Sha256,
    #[value(name = "HmacSHA1")]
    Sha1,
}

fn world_name(text: &str) -> Result<WorldName, String> {
    WorldName::parse(text).ok_or_else(|| {
        format!("a world has 1 to {} small letters, digits and hyphens", WorldName::MAX_LENGTH)
    })
}

fn endpoint(text: &str) -> Result<Endpoint, &'static str> {
    text.parse()
}

impl RequestArgs {
    /// Whether it is a URL for the Co-Branded pages, not a call of the service.
    pub(super) fn is_visit(&self) -> bool {
        self.parameters.iter().any(|(name, _)| name == "pipelineName")
    }

    /// Completes and signs the request; says on standard error what it made up and what looks wrong.
    pub(super) fn signed(self) -> Result<Signed, Failure> {
        let is_visit = self.is_visit();
        let endpoint = match self.endpoint {
            Some(endpoint) => endpoint,
            None => endpoint_of_environment()?,
        };
        let world = match self.world {
            Some(world) => Some(world),
            None => world_of_environment()?,
        };
        let mut given = Given::from(self.parameters);
        let key = or_variable(given.take("AWSAccessKeyId").or(self.key), "FPS_SANDBOX_KEY", world::KEY)?;
        let signer = Signer {
            scheme: scheme(&mut given, self.signature_version, self.method)?,
            key: world.map_or(key.clone(), |world| format!("{key}.{world}")),
            secret: SecretKey::new(&or_variable(self.secret, "FPS_SANDBOX_SECRET", world::SECRET)?),
            version: given.take("Version").or(self.api_version).unwrap_or_else(|| world::VERSION.to_owned()),
        };
        let timestamp = given.take("Timestamp").or(self.timestamp);
        let timestamp = timestamp.unwrap_or_else(|| Clock::real_time().now().to_string());
        if given.take("Signature").is_some() {
            return Err(Failure::usage("leave out Signature: making it is what this command is for"));
        }
        if is_visit {
            let request = signer.sign_visit(&endpoint, given.into_pairs());
            if self.show_string_to_sign {
                print::note(&request.string_to_sign);
            }
            return Ok(request);
        }
        if !self.verbatim {
            given.complete();
            given.warnings().iter().for_each(|warning| print::note(&format!("warning: {warning}")));
        }
        let method = if self.post { Method::Post } else { Method::Get };
        let request = signer.sign(method, &endpoint, given.into_pairs(), &timestamp);
        if self.show_string_to_sign {
            print::note(&request.string_to_sign);
        }
        Ok(request)
    }
}

fn endpoint_of_environment() -> Result<Endpoint, Failure> {
    const VARIABLE: &str = "FPS_SANDBOX_ENDPOINT";
    let text = variable(VARIABLE)?.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    text.parse().map_err(|expected| {
        Failure::usage(format!("wrong value `{text}` of the environment variable {VARIABLE}: {expected}"))
    })
}

fn world_of_environment() -> Result<Option<WorldName>, Failure> {
    const VARIABLE: &str = "FPS_SANDBOX_WORLD";
    let Some(text) = variable(VARIABLE)? else { return Ok(None) };
    world_name(&text).map(Some).map_err(|expected| {
        Failure::usage(format!("wrong value `{text}` of the environment variable {VARIABLE}: {expected}"))
    })
}

/// What is given, else the environment variable, else the default.
fn or_variable(given: Option<String>, name: &str, default: &str) -> Result<String, Failure> {
    match given {
        Some(value) => Ok(value),
        None => Ok(variable(name)?.unwrap_or_else(|| default.to_owned())),
    }
}

/// An environment variable; an empty one counts as unset.
fn variable(name: &str) -> Result<Option<String>, Failure> {
    match std::env::var_os(name).filter(|value| !value.is_empty()).map(std::ffi::OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(Failure::usage(format!("the environment variable {name} is not UTF-8"))),
    }
}

/// The rules to sign by, given as options or as the parameters that will say so.
fn scheme(
    given: &mut Given,
    version: Option<SignatureVersion>,
    method: Option<SignatureMethod>,
) -> Result<Scheme, Failure> {
    fn named<T: ValueEnum>(given: &mut Given, name: &str, option: Option<T>) -> Result<Option<T>, Failure> {
        let Some(text) = given.take(name) else { return Ok(option) };
        let value = T::from_str(&text, false).map_err(|_| {
            let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let values: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
            Failure::usage(format!("cannot sign with {name}={text}; it can be {}", values.join(" or ")))
        })?;
        Ok(Some(value))
    }
    let version = named(given, "SignatureVersion", version)?;
    match (version, named(given, "SignatureMethod", method)?) {
        (Some(SignatureVersion::V1), Some(SignatureMethod::Sha256)) => {
            Err(Failure::usage("signature version 1 always signs with HmacSHA1; leave the method out"))
        }
        (Some(SignatureVersion::V1), _) => Ok(Scheme::V1),
        (_, Some(SignatureMethod::Sha1)) => Ok(Scheme::V2(Hash::Sha1)),
        _ => Ok(Scheme::V2(Hash::Sha256)),
    }
}
