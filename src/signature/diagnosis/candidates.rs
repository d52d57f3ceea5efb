//! Candidates for the string to sign, by signature version.

use crate::signature::{Hash, Scheme, Signable};

use super::UnverifiedRequest;
use super::parameter_sets::ParameterSet;
use super::parameter_strings::{PATH_AND_QUERY, VERSION_1, VERSION_2, parameter_strings};
use super::prefixes::{paths, prefixes};

/// A text that may have been signed, and the mistakes that lead to it.
pub(super) struct Candidate {
    pub(super) text: String,
    pub(super) mistakes: Vec<String>,
}

/// Candidates without repetition: of several explanations of a text the first stays.
#[derive(Default)]
pub(super) struct CandidateList(Vec<Candidate>);

impl CandidateList {
    pub(super) fn add(&mut self, text: String, mistakes: Vec<String>) {
        if self.0.iter().all(|known| known.text != text) {
            self.0.push(Candidate { text, mistakes });
        }
    }

    pub(super) fn as_slice(&self) -> &[Candidate] {
        &self.0
    }

    pub(super) fn into_vec(self) -> Vec<Candidate> {
        self.0
    }
}

/// All candidates by the rules of one signature version: each prefix can be combined with each parameter string.
pub(super) struct CandidateGroup {
    /// The mistakes of a client that follows these rules.
    pub(super) mistakes: Vec<String>,
    pub(super) prefixes: Vec<Candidate>,
    pub(super) parameter_strings: Vec<Candidate>,
}

impl CandidateGroup {
    /// The combinations of prefix and parameter string with exactly `count` mistakes, those of the group included.
    pub(super) fn combinations(&self, count: usize) -> impl Iterator<Item = (&Candidate, &Candidate)> {
        self.parameter_strings.iter().flat_map(move |parameters| {
            let mistakes = self.mistakes.len() + parameters.mistakes.len();
            let prefixes =
                self.prefixes.iter().filter(move |prefix| mistakes + prefix.mistakes.len() == count);
            prefixes.map(move |prefix| (prefix, parameters))
        })
    }
}

/// The candidates by the rules of version 2, version 1, version 0 and of 2007, in this order. `hash` is the hash that
/// the client used.
pub(super) fn candidate_groups(
    request: &UnverifiedRequest<'_>,
    hash: Hash,
    parameter_sets: &[ParameterSet<'_>],
) -> Vec<CandidateGroup> {
    let scheme = request.scheme;
    let declared_version = if scheme == Scheme::V1 { 1 } else { 2 };
    let other_version = |used: &str| {
        vec![format!(
            "the request was signed by the rules of {used}, but declares signature version {declared_version}"
        )]
    };
    let empty_prefix = || vec![Candidate { text: String::new(), mistakes: Vec::new() }];
    let path_prefixes = paths(request.content.path).into_iter();
    vec![
        CandidateGroup {
            mistakes: match scheme {
                Scheme::V1 => other_version("version 2"),
                Scheme::V2(_) => other_hash(scheme, hash),
            },
            prefixes: prefixes(request),
            parameter_strings: parameter_strings(&VERSION_2, parameter_sets, request),
        },
        CandidateGroup {
            mistakes: match scheme {
                Scheme::V1 => other_hash(scheme, hash),
                Scheme::V2(_) => other_version("version 1"),
            },
            prefixes: empty_prefix(),
            parameter_strings: parameter_strings(&VERSION_1, parameter_sets, request),
        },
        CandidateGroup {
            mistakes: other_version("version 0 (Action and Timestamp only)"),
            prefixes: empty_prefix(),
            parameter_strings: version_0(request.content),
        },
        CandidateGroup {
            mistakes: other_version("2007 (path, `?`, encoded parameters)"),
            prefixes: path_prefixes.map(|path| Candidate { text: path.text + "?", ..path }).collect(),
            parameter_strings: parameter_strings(&PATH_AND_QUERY, parameter_sets, request),
        },
    ]
}

/// The mistake of using another hash than the declared one, if the client did.
fn other_hash(scheme: Scheme, hash: Hash) -> Vec<String> {
    let declared = scheme.hash();
    if hash == declared {
        return Vec::new();
    }
    let contrast =
        if scheme == Scheme::V1 { "signature version 1 goes with" } else { "the declared method is" };
    vec![format!("{} was used, but {contrast} {}", hash.name(), declared.name())]
}

/// Version 0 signed two values (source: Amazon's PHP client has the code; no guide describes it).
fn version_0(request: &Signable<'_>) -> Vec<Candidate> {
    let value =
        |wanted| request.pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let (Some(action), Some(timestamp)) = (value("Action"), value("Timestamp")) else { return Vec::new() };
    vec![Candidate { text: [action, timestamp].concat(), mistakes: Vec::new() }]
}
