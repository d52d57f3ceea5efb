//! The search for the candidate that gives the received signature.

use crate::signature::SecretKey;

use super::candidates::CandidateGroup;
use super::parameter_sets::{Pair, ParameterSet};
use super::parameter_strings::{VERSION_1, VERSION_2};
use super::quoted_list;
use super::received_signature::ReceivedSignature;

/// Maximum number of mistakes in one candidate.
const MAX_MISTAKES: usize = 2;
/// Maximum number of candidates in a search.
const MAX_CANDIDATES: usize = 4_000;
/// Maximum size of all candidates of a search together, in bytes.
const MAX_CANDIDATE_BYTES: usize = 8 << 20;
/// Maximum number of sets of parameters that are tried as added after signing.
const MAX_ADDED_SETS: usize = 500;

/// The parameters of the request protocol, in API calls and on the Co-Branded pages. Clients add several of them at
/// once.
const PROTOCOL_PARAMETERS: [&str; 8] = [
    "AWSAccessKeyId",
    "Action",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
    "Version",
    "callerKey",
    "pipelineName",
];

/// The work that a search may still do.
struct Budget {
    candidates: usize,
    bytes: usize,
}

impl Budget {
    const fn new(candidates: usize) -> Self {
        Self { candidates, bytes: MAX_CANDIDATE_BYTES }
    }

    /// Takes one candidate of this size from the budget; `None` if the budget is exhausted.
    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.candidates = self.candidates.checked_sub(1)?;
        self.bytes = self.bytes.checked_sub(bytes)?;
        Some(())
    }
}

/// Tries the candidates, those with fewer mistakes first, and returns the mistakes of the one that was signed.
pub(super) fn find_mistakes(
    secret: &SecretKey,
    received: &ReceivedSignature,
    groups: &[CandidateGroup],
) -> Option<Vec<String>> {
    let mut budget = Budget::new(MAX_CANDIDATES);
    for count in 0..=MAX_MISTAKES {
        for group in groups {
            for (prefix, parameters) in group.combinations(count) {
                budget.spend(prefix.text.len() + parameters.text.len())?;
                let parts = [prefix.text.as_bytes(), parameters.text.as_bytes()];
                if secret.verify(received.hash, &parts, &received.bytes) {
                    return Some([&group.mistakes[..], &prefix.mistakes, &parameters.mistakes].concat());
                }
            }
        }
    }
    None
}

/// Tries sets of parameters that may have been added after signing, with everything else correct. Single parameters
/// are among the candidates of [`find_mistakes`]; there are too many larger sets to try them all.
pub(super) fn find_added_parameters(
    secret: &SecretKey,
    received: &ReceivedSignature,
    groups: &[CandidateGroup],
    parameters: &ParameterSet<'_>,
) -> Option<Vec<String>> {
    // The sets are few, so only the bytes are limited.
    let mut budget = Budget::new(usize::MAX);
    for set in likely_added_sets(&parameters.pairs) {
        let (added, signed): (Vec<_>, Vec<_>) =
            parameters.pairs.iter().enumerate().partition(|(index, _)| set.contains(index));
        let signed: Vec<Pair<'_>> = signed.into_iter().map(|(_, pair)| pair.clone()).collect();
        // The first two groups are those of version 2 and version 1.
        for (group, format) in groups.iter().zip([&VERSION_2, &VERSION_1]) {
            let text = format.write(&signed);
            for prefix in group.prefixes.iter().filter(|prefix| prefix.mistakes.is_empty()) {
                budget.spend(prefix.text.len() + text.len())?;
                let parts = [prefix.text.as_bytes(), text.as_bytes()];
                if secret.verify(received.hash, &parts, &received.bytes) {
                    let names: Vec<&str> = added.iter().map(|(_, (name, _))| name.as_ref()).collect();
                    let mistake = format!(
                        "{} were not among the parameters that were signed",
                        quoted_list(&names, " and ")
                    );
                    return Some([&group.mistakes[..], &[mistake]].concat());
                }
            }
        }
    }
    None
}

/// The sets of parameters, by index, that are likely to be added together: any of the protocol's own, the last or
/// first ones sent, and any two.
fn likely_added_sets(pairs: &[Pair<'_>]) -> Vec<Vec<usize>> {
    let count = pairs.len();
    let is_protocol = |name: &str| PROTOCOL_PARAMETERS.iter().any(|known| known.eq_ignore_ascii_case(name));
    let protocol = pairs.iter().enumerate().filter(|(_, (name, _))| is_protocol(name));
    let protocol: Vec<usize> = protocol.map(|(index, _)| index).take(PROTOCOL_PARAMETERS.len()).collect();
    let protocol_subsets = (0_u32..1 << protocol.len()).map(|chosen| {
        let is_chosen = |&(bit, _): &(usize, &usize)| chosen >> bit & 1 == 1;
        protocol.iter().enumerate().filter(is_chosen).map(|(_, index)| *index).collect::<Vec<_>>()
    });
    let last = (2..count).map(|taken| (count - taken..count).collect());
    let first = (2..count).map(|taken| (0..taken).collect());
    let two = (0..count).flat_map(|one| (one + 1..count).map(move |other| vec![one, other]));
    let all = protocol_subsets.chain(last).chain(first).chain(two);
    all.filter(|set| set.len() > 1).take(MAX_ADDED_SETS).collect()
}
