//! `Action=… Name=value …` and the options around them: what `sign` and `call` share.

use clap::{Args, ValueEnum};

use crate::clock::Clock;
use crate::fps::actions::{self, ACTIONS, Action};
use crate::fps::params::{COMMON, Kind, Parameter};
use crate::fps::signature::{Hash, Scheme, SecretKey};
use crate::ids;

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
  CreditInstrumentId  {}
  SenderTokenId       {}  (to Pay on credit)
                      {}  (to SettleDebt)",
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

    /// Timestamp, sent as it stands; needed when the sandbox was started with --clock. [default: now]
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

fn pair(text: &str) -> Result<Pair, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        None if actions::find(text).is_some() => Err(format!("write Action={text}")),
        _ => Err("expected NAME=VALUE, such as Action=GetDebtBalance".to_owned()),
    }
}

fn endpoint(text: &str) -> Result<Endpoint, &'static str> {
    text.parse()
}

impl RequestArgs {
    /// Completes and signs the request; says on standard error what it made up and what looks wrong.
    pub(super) fn signed(self) -> Result<Signed, Failure> {
        let endpoint = match self.endpoint {
            Some(endpoint) => endpoint,
            None => endpoint_of_environment()?,
        };
        let mut given = Given(self.parameters);
        let signer = Signer {
            scheme: scheme(&mut given, self.signature_version, self.method)?,
            key: given.setting("AWSAccessKeyId", self.key, "FPS_SANDBOX_KEY", world::KEY)?,
            secret: SecretKey::new(&given.setting("", self.secret, "FPS_SANDBOX_SECRET", world::SECRET)?),
            version: given.take("Version").or(self.api_version).unwrap_or_else(|| "2008-09-17".to_owned()),
        };
        let timestamp = given.take("Timestamp").or(self.timestamp);
        let timestamp = timestamp.unwrap_or_else(|| Clock::system().now().to_string());
        if given.take("Signature").is_some() {
            return Err(Failure::usage("leave out Signature: making it is what this command is for"));
        }
        if !self.verbatim {
            given.complete();
            given.warnings().iter().for_each(|warning| print::note(&format!("warning: {warning}")));
        }
        let method = if self.post { Method::Post } else { Method::Get };
        let request = signer.sign(method, &endpoint, given.0, &timestamp);
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

/// The parameters given.
struct Given(Vec<Pair>);

impl Given {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// Takes a parameter out.
    fn take(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// A parameter, else the option, else the environment variable, else the default.
    fn setting(
        &mut self,
        name: &str,
        option: Option<String>,
        env: &str,
        default: &str,
    ) -> Result<String, Failure> {
        Ok(match self.take(name).or(option) {
            Some(value) => value,
            None => variable(env)?.unwrap_or_else(|| default.to_owned()),
        })
    }

    fn action(&self) -> Option<&'static Action> {
        self.0.iter().find(|(name, _)| name == "Action").and_then(|(_, action)| actions::find(action))
    }

    /// Writes amounts out, and makes up a caller reference where one is needed.
    fn complete(&mut self) {
        self.0 = std::mem::take(&mut self.0).into_iter().flat_map(amount_written_out).collect();
        let needed = self.action().is_some_and(|action| {
            action.parameters.iter().any(|parameter| parameter.name == "CallerReference")
        });
        if needed && !self.has("CallerReference") {
            let reference = format!("cli-{}", ids::request_id());
            print::note(&format!(
                "note: made up CallerReference={reference}; give it to repeat this request"
            ));
            self.0.push(("CallerReference".to_owned(), reference));
        }
    }

    /// What the sandbox will not like.
    fn warnings(&self) -> Vec<String> {
        let Some((_, asked)) = self.0.iter().find(|(name, _)| name == "Action") else {
            return vec!["there is no Action among the parameters; write Action=NAME first".to_owned()];
        };
        let Some(action) = actions::find(asked) else {
            let names: Vec<_> = ACTIONS.iter().map(|action| action.name).collect();
            let advice = suggestion(asked, names.iter().copied())
                .unwrap_or_else(|| format!("there are {}", names.join(", ")));
            return vec![format!("the sandbox has no action `{asked}`; {advice}")];
        };
        let known: Vec<String> = action.parameters.iter().flat_map(Parameter::wire_names).collect();
        let common = COMMON.iter().chain(action.legacy).copied();
        let names: Vec<&str> = known.iter().map(String::as_str).chain(common).collect();
        let unknown = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(name, _)| {
            let advice = suggestion(name, names.iter().copied())
                .unwrap_or_else(|| format!("it has {}", known.join(", ")));
            format!("{asked} has no parameter `{name}`; {advice}")
        });
        let missing =
            action.parameters.iter().filter(|parameter| parameter.required).filter_map(|parameter| {
                let name = match parameter.kind {
                    Kind::Amount => format!("{}.Value", parameter.name),
                    _ => parameter.name.to_owned(),
                };
                (!self.has(&name)).then(|| format!("{asked} needs {}: {}", parameter.name, parameter.purpose))
            });
        unknown.chain(missing).collect()
    }
}

/// `TransactionAmount=10` as the two parameters it stands for.
fn amount_written_out((name, value): Pair) -> Vec<Pair> {
    if name.ends_with("Amount") {
        let currency = (format!("{name}.CurrencyCode"), "USD".to_owned());
        vec![(format!("{name}.Value"), value), currency]
    } else {
        vec![(name, value)]
    }
}

fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let word = word.to_lowercase();
    let likeness = |name: &str| strsim::jaro_winkler(&word, &name.to_lowercase());
    let nearest = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    (likeness(nearest) > 0.8).then(|| format!("did you mean `{nearest}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(words: &[&str]) -> Given {
        Given(words.iter().map(|word| pair(word).unwrap()).collect())
    }

    #[test]
    fn amounts_are_written_out_and_a_reference_is_made_up_once() {
        let mut request = given(&["Action=Pay", "TransactionAmount=10", "SenderTokenId=T"]);
        request.complete();
        let names: Vec<_> = request.0.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "Action",
            "TransactionAmount.Value",
            "TransactionAmount.CurrencyCode",
            "SenderTokenId",
            "CallerReference",
        ];
        assert_eq!(names, expected);
        request.complete();
        assert_eq!(request.0.len(), expected.len());
        assert_eq!(request.warnings(), [""; 0]);
    }

    #[test]
    fn a_request_that_needs_no_reference_gets_none() {
        let mut request = given(&["Action=GetDebtBalance", "CreditInstrumentId=I"]);
        request.complete();
        assert!(!request.has("CallerReference"));
    }

    #[test]
    fn mistakes_come_with_a_suggestion() {
        for (words, warning) in [
            (
                &["Action=getdebtbalance"][..],
                "the sandbox has no action `getdebtbalance`; did you mean `GetDebtBalance`?",
            ),
            (
                &["Action=GetDebtBalance", "CreditInstrumentID=I"],
                "GetDebtBalance has no parameter `CreditInstrumentID`; did you mean `CreditInstrumentId`?",
            ),
            (&["Action=GetTransaction"], "GetTransaction needs TransactionId: The transaction."),
            (&["CreditInstrumentId=I"], "there is no Action among the parameters; write Action=NAME first"),
        ] {
            assert_eq!(given(words).warnings()[0], warning);
        }
    }
}
