//! Candidates for the start of the string to sign: verb, host and path.

use percent_encoding::percent_decode_str;

use crate::host_names::{AMAZON_HOSTS, split_port};
use crate::signature::{push_path, to_lower_case};

use super::candidates::{Candidate, CandidateList};
use super::{MAX_HOSTS, UnverifiedRequest, quoted_list};

/// The names of the local machine.
const LOOPBACK_HOSTS: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "::1"];

/// Everything before the parameters of version 2, with at most two mistakes.
pub(super) fn prefixes(request: &UnverifiedRequest<'_>) -> Vec<Candidate> {
    let (verbs, paths) = (verbs(request.content.verb), paths(request.content.path));
    let mut prefixes = Vec::new();
    for host in hosts(request.hosts) {
        for verb in &verbs {
            for path in &paths {
                let mistakes = [&host.mistakes[..], &verb.mistakes, &path.mistakes].concat();
                if mistakes.len() <= 2 {
                    let text = format!("{}\n{}\n{}\n", verb.text, host.text, path.text);
                    prefixes.push(Candidate { text, mistakes });
                }
            }
        }
    }
    prefixes
}

fn verbs(received: &str) -> Vec<Candidate> {
    let mut verbs = CandidateList::default();
    verbs.add(received.to_owned(), Vec::new());
    for verb in ["GET", "POST", &received.to_ascii_lowercase()] {
        let mistake = format!("the verb was signed as `{verb}`, but the request came by {received}");
        verbs.add(verb.to_owned(), vec![mistake]);
    }
    verbs.into_vec()
}

/// The path as it is signed, then as clients sign it by mistake.
pub(super) fn paths(received: &str) -> Vec<Candidate> {
    let mut correct = String::new();
    push_path(received, &mut correct);
    let mut encoded_twice = String::new();
    push_path(&received.replace('%', "%25"), &mut encoded_twice);
    let others = [
        "/".to_owned(),
        format!("{}/", correct.trim_end_matches('/')),
        correct.trim_end_matches('/').to_owned(),
        String::new(),
        received.to_owned(),
        percent_decode_str(received).decode_utf8_lossy().into_owned(),
        encoded_twice,
    ];
    let mut paths = CandidateList::default();
    paths.add(correct.clone(), Vec::new());
    for other in others {
        let mistake = if other.is_empty() {
            format!("the path was signed as nothing, where `{correct}` is expected")
        } else {
            format!("the path was signed as `{other}`, where `{correct}` is expected")
        };
        paths.add(other, vec![mistake]);
    }
    paths.into_vec()
}

/// The accepted hosts, then those that clients sign by mistake: other ports, names of this machine, and Amazon's hosts,
/// which a client still signs when only its connections are redirected to the sandbox.
fn hosts(accepted: &[&str]) -> Vec<Candidate> {
    let mut hosts = CandidateList::default();
    for host in accepted.iter().copied().chain(accepted.is_empty().then_some("")) {
        hosts.add(to_lower_case(host).into_owned(), Vec::new());
    }
    let expected: Vec<&str> = hosts.as_slice().iter().map(|host| host.text.as_str()).collect();
    let expected = quoted_list(&expected, " or ");
    for host in accepted {
        let mistake = format!("the host was signed as `{host}`, but has to be in lower case");
        hosts.add((*host).to_owned(), vec![mistake]);
    }
    let known: Vec<String> = hosts.as_slice().iter().take(MAX_HOSTS).map(|host| host.text.clone()).collect();
    let (names, ports): (Vec<_>, Vec<_>) = known.iter().map(|host| split_port(host)).unzip();
    for name in names.into_iter().chain(AMAZON_HOSTS).chain(LOOPBACK_HOSTS) {
        for port in [None].into_iter().chain(ports.iter().copied()).chain([Some("80"), Some("443")]) {
            // --host-alias takes names without a port only.
            let (host, remedy) = match port {
                None => (name.to_owned(), " (--host-alias takes another)"),
                Some(port) => (format!("{name}:{port}"), ""),
            };
            let mistake = format!("the host was signed as `{host}`, where {expected} is expected{remedy}");
            hosts.add(host, vec![mistake]);
        }
    }
    hosts.add(String::new(), vec![format!("the host was signed as nothing, where {expected} is expected")]);
    hosts.into_vec()
}
