//! The command line of `sign` and `call`: `Action=… Name=value …` and options.

use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::query::Pair;
use crate::signature::{Hash, Scheme, SecretKey};
use crate::worlds::WorldName;

use super::endpoint::Endpoint;
use super::request_parameters::{RequestParameters, parse_parameter};
use super::signer::{HttpMethod, SignedRequest, Signer};
use super::{CliError, demo_ids, print};

/// The endpoint of a sandbox with default settings.
pub(super) const DEFAULT_ENDPOINT: &str = "http://127.0.0.1:8008";

const PARAMETERS_HELP: &str = "\
The action and its parameters, such as Action=GetDebtBalance CreditInstrumentId=…

TransactionAmount=10 stands for TransactionAmount.Value=10 and TransactionAmount.CurrencyCode=USD; so with every \
name that ends in Amount. A CallerReference is made up when the action needs one and none is given.";

/// The ids of the demo world, for the end of the help.
pub(super) fn demo_ids_help() -> String {
    format!(
        "\
Ids of the demo world:
  CreditInstrumentId, on which Alice owes
    {}
  SenderTokenId, to Pay on credit
    {}
  SenderTokenId, to SettleDebt
    {}",
        demo_ids::CREDIT_INSTRUMENT,
        demo_ids::CREDIT_TOKEN,
        demo_ids::SETTLEMENT_TOKEN
    )
}

/// The parameters of a request, and options for sending and signing it.
#[derive(Debug, Args)]
pub(super) struct RequestArgs {
    #[arg(
        required = true,
        value_name = "NAME=VALUE",
        value_parser = parse_parameter,
        help = "The action and its parameters, such as Action=GetDebtBalance CreditInstrumentId=…",
        long_help = PARAMETERS_HELP
    )]
    parameters: Vec<Pair>,

    #[arg(
        long,
        value_name = "URL",
        value_parser = parse_endpoint,
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
        value_parser = parse_world_name,
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

fn parse_world_name(text: &str) -> Result<WorldName, String> {
    WorldName::parse(text).ok_or_else(|| {
        format!("a world has 1 to {} small letters, digits and hyphens", WorldName::MAX_LENGTH)
    })
}

fn parse_endpoint(text: &str) -> Result<Endpoint, &'static str> {
    text.parse()
}

impl RequestArgs {
    /// Whether the request is a start URL of the Co-Branded pages, not a request of the web service.
    pub(super) fn is_cobranded(&self) -> bool {
        self.parameters.iter().any(|(name, _)| name == "pipelineName")
    }

    /// Completes and signs the request. What it adds and what looks wrong is printed to standard error.
    pub(super) fn sign(self) -> Result<SignedRequest, CliError> {
        let is_cobranded = self.is_cobranded();
        let endpoint = match self.endpoint {
            Some(endpoint) => endpoint,
            None => endpoint_from_environment()?,
        };
        let world = match self.world {
            Some(world) => Some(world),
            None => world_from_environment()?,
        };
        let mut parameters = RequestParameters::from(self.parameters);
        let key = value_or_environment(
            parameters.take("AWSAccessKeyId").or(self.key),
            "FPS_SANDBOX_KEY",
            demo_ids::ACCESS_KEY,
        )?;
        let signer = Signer {
            scheme: read_scheme(&mut parameters, self.signature_version, self.method)?,
            access_key: world.map_or(key.clone(), |world| format!("{key}.{world}")),
            secret_key: SecretKey::new(&value_or_environment(
                self.secret,
                "FPS_SANDBOX_SECRET",
                demo_ids::SECRET_KEY,
            )?),
            api_version: parameters
                .take("Version")
                .or(self.api_version)
                .unwrap_or_else(|| demo_ids::API_VERSION.to_owned()),
        };
        let timestamp = parameters.take("Timestamp").or(self.timestamp);
        let timestamp = timestamp.unwrap_or_else(|| Clock::real_time().now().to_string());
        if parameters.take("Signature").is_some() {
            return Err(CliError::usage("leave out Signature: making it is what this command is for"));
        }
        let request = if is_cobranded {
            signer.sign_start_url(&endpoint, parameters.into_pairs())
        } else {
            if !self.verbatim {
                parameters.complete();
                parameters
                    .warnings()
                    .iter()
                    .for_each(|warning| print::to_stderr(&format!("warning: {warning}")));
            }
            let method = if self.post { HttpMethod::Post } else { HttpMethod::Get };
            signer.sign(method, &endpoint, parameters.into_pairs(), &timestamp)
        };
        if self.show_string_to_sign {
            print::to_stderr(&request.string_to_sign);
        }
        Ok(request)
    }
}

fn endpoint_from_environment() -> Result<Endpoint, CliError> {
    const VARIABLE: &str = "FPS_SANDBOX_ENDPOINT";
    let text = environment_variable(VARIABLE)?.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    text.parse().map_err(|expected| {
        CliError::usage(format!("wrong value `{text}` of the environment variable {VARIABLE}: {expected}"))
    })
}

fn world_from_environment() -> Result<Option<WorldName>, CliError> {
    const VARIABLE: &str = "FPS_SANDBOX_WORLD";
    let Some(text) = environment_variable(VARIABLE)? else { return Ok(None) };
    parse_world_name(&text).map(Some).map_err(|expected| {
        CliError::usage(format!("wrong value `{text}` of the environment variable {VARIABLE}: {expected}"))
    })
}

/// The value on the command line, else that of the environment variable, else the default.
fn value_or_environment(value: Option<String>, name: &str, default: &str) -> Result<String, CliError> {
    match value {
        Some(value) => Ok(value),
        None => Ok(environment_variable(name)?.unwrap_or_else(|| default.to_owned())),
    }
}

/// Reads an environment variable; an empty one counts as unset.
fn environment_variable(name: &str) -> Result<Option<String>, CliError> {
    match std::env::var_os(name).filter(|value| !value.is_empty()).map(std::ffi::OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(CliError::usage(format!("the environment variable {name} is not UTF-8"))),
    }
}

/// The signature version and method. The parameters SignatureVersion and SignatureMethod win over the options.
fn read_scheme(
    parameters: &mut RequestParameters,
    version: Option<SignatureVersion>,
    method: Option<SignatureMethod>,
) -> Result<Scheme, CliError> {
    fn parameter_or_option<T: ValueEnum>(
        parameters: &mut RequestParameters,
        name: &str,
        option: Option<T>,
    ) -> Result<Option<T>, CliError> {
        let Some(text) = parameters.take(name) else { return Ok(option) };
        let value = T::from_str(&text, false).map_err(|_| {
            let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let values: Vec<_> = values.map(|value| value.get_name().to_owned()).collect();
            CliError::usage(format!("cannot sign with {name}={text}; it can be {}", values.join(" or ")))
        })?;
        Ok(Some(value))
    }
    let version = parameter_or_option(parameters, "SignatureVersion", version)?;
    match (version, parameter_or_option(parameters, "SignatureMethod", method)?) {
        (Some(SignatureVersion::V1), Some(SignatureMethod::Sha256)) => {
            Err(CliError::usage("signature version 1 always signs with HmacSHA1; leave the method out"))
        }
        (Some(SignatureVersion::V1), _) => Ok(Scheme::V1),
        (_, Some(SignatureMethod::Sha1)) => Ok(Scheme::V2(Hash::Sha1)),
        _ => Ok(Scheme::V2(Hash::Sha256)),
    }
}
