//! Explains why a signature does not match: signs the request again with the mistakes that clients make, and finds
//! the mistakes that give the received signature.
//!
//! A candidate for the string to sign consists of a prefix (verb, host, path) and a parameter string, each with the
//! mistakes that lead to it. Candidates with fewer mistakes are tried first, none has more than two, and the work is
//! bounded. The mistakes come from the clients and encoders of those years (source: observed, and the documentation
//! of the encoders); which of them to look for is our choice.
//!
//! * `received_signature`: the bytes of the signature, decoded tolerantly
//! * `candidates`, `prefixes`, `parameter_sets`, `parameter_strings`, `encoding`, `order`: the texts that a client
//!   may have signed
//! * `search`: compares candidates with the received signature
//! * `sentence`: the explanation as a sentence

mod candidates;
mod encoding;
mod order;
mod parameter_sets;
mod parameter_strings;
mod prefixes;
mod received_signature;
mod search;
mod sentence;

use super::{Scheme, SecretKey, Signable};

use received_signature::{ReceivedSignature, describe_malformed, describe_wrong_size};
use search::{find_added_parameters, find_mistakes};
use sentence::to_sentence;

pub(super) use sentence::quoted_list;

/// Maximum size of a request (parameters, path and hosts) that is diagnosed, in bytes.
const MAX_REQUEST_BYTES: usize = 8 << 10;
/// Maximum number of parameters of a request that is diagnosed. FPS's largest action has about thirty.
const MAX_PARAMETERS: usize = 60;
/// Maximum number of accepted hosts whose names and ports are combined, and of names in a list. The number of
/// configured aliases is not limited.
const MAX_HOSTS: usize = 8;

/// A request whose signature does not match.
struct UnverifiedRequest<'a> {
    secret: &'a SecretKey,
    /// The signature version and hash that the request declares.
    scheme: Scheme,
    content: &'a Signable<'a>,
    /// The accepted hosts.
    hosts: &'a [&'a str],
    /// The query, the form, or both joined by `&`, as received.
    raw_parameters: &'a str,
}

/// Explains in one sentence why `signature` is not the signature of `request`; `None` if no known mistake explains
/// it. The arguments are those of [`super::verify`].
pub(super) fn explain(
    secret: &SecretKey,
    scheme: Scheme,
    request: &Signable<'_>,
    hosts: &[&str],
    signature: &str,
    raw_parameters: &str,
) -> Option<String> {
    let declared_hash = scheme.hash();
    let name = request.signature_name;
    let Some(received) = ReceivedSignature::decode(signature, name) else {
        return Some(to_sentence(&[describe_malformed(signature, name, declared_hash)]));
    };
    let request = UnverifiedRequest { secret, scheme, content: request, hosts, raw_parameters };
    let mistakes = if request.is_too_large() { None } else { request.diagnose(&received) };
    match mistakes {
        Some(mistakes) => {
            Some(to_sentence(&received.mistake.into_iter().chain(mistakes).collect::<Vec<_>>()))
        }
        None if received.mistake.is_some() => Some(to_sentence(&Vec::from_iter(received.mistake))),
        None if received.hash != declared_hash => {
            Some(to_sentence(&[describe_wrong_size(received.hash.size(), name, declared_hash)]))
        }
        None => None,
    }
}

impl UnverifiedRequest<'_> {
    /// Whether a search would take too long.
    fn is_too_large(&self) -> bool {
        let pairs = self.content.pairs;
        let decoded: usize = pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
        let hosts: usize = self.hosts.iter().map(|host| host.len()).sum();
        let size = decoded.max(self.raw_parameters.len()) + self.content.path.len() + hosts;
        pairs.len() > MAX_PARAMETERS || size > MAX_REQUEST_BYTES
    }

    /// Finds the mistakes that lead to the received signature.
    fn diagnose(&self, received: &ReceivedSignature) -> Option<Vec<String>> {
        let parameter_sets = parameter_sets::parameter_sets(self, received.hash);
        let groups = candidates::candidate_groups(self, received.hash, &parameter_sets);
        find_mistakes(self.secret, received, &groups)
            .or_else(|| find_added_parameters(self.secret, received, &groups, parameter_sets.first()?))
    }
}
