//! Why a signature differs: sign the request again in the ways clients get wrong, and see which one gives the
//! signature that came.
//!
//! A guess is a head (verb, host, path) and a line (the parameters), each with the faults it takes to get
//! there. Guesses with fewer faults go first, none has more than two, and the work is bounded. The mistakes
//! themselves come from the clients and encoders of those years (source: observed, and the documentation of
//! the encoders); which of them to look for is our choice.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use percent_encoding::percent_decode_str;

use super::{Hash, Scheme, SecretKey, Signable, ignoring_case, lower_case, push_path, sign};

/// At most so many HMACs for one explanation,
const MAX_GUESSES: usize = 4_000;
/// over at most so many bytes together;
const MAX_BYTES: usize = 8 << 20;
/// and a request with longer parameters, path and hosts is not looked into at all,
const MAX_REQUEST_BYTES: usize = 8 << 10;
/// nor one with more parameters (FPS's largest action takes about thirty).
const MAX_PARAMETERS: usize = 60;
/// Names and ports are mixed from so many of the accepted hosts; there is no end to configured aliases.
const MAX_HOSTS: usize = 8;
/// An explanation shows so many characters of a name.
const MAX_NAME_CHARS: usize = 100;
/// So many sets of parameters are tried that may have been added after signing.
const MAX_SETS: usize = 500;

/// The names of the parameters that requests have for signing and its sake, in API calls and on the pages.
const PROTOCOL: [&str; 8] = [
    "AWSAccessKeyId",
    "Action",
    "SignatureMethod",
    "SignatureVersion",
    "Timestamp",
    "Version",
    "callerKey",
    "pipelineName",
];

/// Amazon's own hosts, which a client keeps signing when it is only redirected to the sandbox.
const AMAZON: [&str; 4] = [
    "fps.sandbox.amazonaws.com",
    "fps.amazonaws.com",
    "authorize.payments-sandbox.amazon.com",
    "authorize.payments.amazon.com",
];
/// This machine's names for itself.
const LOOPBACK: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "::1"];

/// One sentence on why `given` is not the signature of `request`, or `None` when no known mistake explains it.
/// The arguments are those of [`super::verify`].
pub(super) fn explain(
    secret: &SecretKey,
    scheme: Scheme,
    request: &Signable<'_>,
    hosts: &[&str],
    given: &str,
    raw: &str,
) -> Option<String> {
    let declared = scheme.hash();
    let Some(given) = Given::read(given, request.signature_name) else {
        return Some(sentence(&[malformed(given, request.signature_name, declared)]));
    };
    let found = if too_large(request, hosts, raw) {
        None
    } else {
        let readings = readings(secret, scheme, given.hash, request, hosts, raw);
        let families = families(scheme, given.hash, request, hosts, raw, &readings);
        search(secret, &given, &families)
            .or_else(|| added_after_signing(secret, &given, &families, readings.first()?))
    };
    let faults: Vec<String> = match found {
        Some(faults) => given.fault.into_iter().chain(faults).collect(),
        None if given.fault.is_some() => given.fault.into_iter().collect(),
        None if given.hash != declared => {
            vec![wrong_size(given.hash.size(), request.signature_name, declared)]
        }
        None => return None,
    };
    Some(sentence(&faults))
}

/// Whether guessing would take too long.
fn too_large(request: &Signable<'_>, hosts: &[&str], raw: &str) -> bool {
    let decoded: usize = request.pairs.iter().map(|(name, value)| name.len() + value.len()).sum();
    let hosts: usize = hosts.iter().map(|host| host.len()).sum();
    request.pairs.len() > MAX_PARAMETERS
        || decoded.max(raw.len()) + request.path.len() + hosts > MAX_REQUEST_BYTES
}

/// Goes through the guesses, those with fewer faults first.
fn search(secret: &SecretKey, given: &Given, families: &[Family]) -> Option<Vec<String>> {
    let (mut guesses, mut bytes) = (0, 0);
    for faults in 0..=2_usize {
        for family in families {
            let Some(left) = faults.checked_sub(family.faults.len()) else { continue };
            for line in &family.lines {
                let Some(left) = left.checked_sub(line.faults.len()) else { continue };
                for head in family.heads.iter().filter(|head| head.faults.len() == left) {
                    guesses += 1;
                    bytes += head.text.len() + line.text.len();
                    if guesses > MAX_GUESSES || bytes > MAX_BYTES {
                        return None;
                    }
                    if secret.matches(given.hash, &[head.text.as_bytes(), line.text.as_bytes()], &given.tag) {
                        return Some([&family.faults[..], &head.faults, &line.faults].concat());
                    }
                }
            }
        }
    }
    None
}

/// Looks for a set of parameters that were added after signing, everything else being right. Single ones are readings
/// of their own; of larger sets there are too many to try them all.
fn added_after_signing(
    secret: &SecretKey,
    given: &Given,
    families: &[Family],
    arrived: &Reading<'_>,
) -> Option<Vec<String>> {
    let mut bytes = 0;
    for set in sets(&arrived.pairs) {
        let (added, signed): (Vec<_>, Vec<_>) =
            arrived.pairs.iter().enumerate().partition(|(place, _)| set.contains(place));
        let signed: Vec<Pair<'_>> = signed.into_iter().map(|(_, pair)| pair.clone()).collect();
        // The first two families are those of version 2 and version 1.
        for (family, rules) in families.iter().zip([&VERSION_2, &VERSION_1]) {
            let line = spelled(rules, &signed, rules.order, rules.encoding);
            for head in family.heads.iter().filter(|head| head.faults.is_empty()) {
                bytes += head.text.len() + line.len();
                if bytes > MAX_BYTES {
                    return None;
                }
                if secret.matches(given.hash, &[head.text.as_bytes(), line.as_bytes()], &given.tag) {
                    let names: Vec<&str> = added.iter().map(|(_, (name, _))| name.as_ref()).collect();
                    let fault =
                        format!("{} were not among the parameters that were signed", listed(&names, " and "));
                    return Some([&family.faults[..], &[fault]].concat());
                }
            }
        }
    }
    None
}

/// The places of parameters that are likely to be added together: any of the protocol's own, the first or last ones
/// sent, and any two.
fn sets(pairs: &[Pair<'_>]) -> Vec<Vec<usize>> {
    let count = pairs.len();
    let is_protocol = |name: &str| PROTOCOL.iter().any(|known| known.eq_ignore_ascii_case(name));
    let own = pairs.iter().enumerate().filter(|(_, (name, _))| is_protocol(name)).map(|(place, _)| place);
    let own: Vec<usize> = own.take(PROTOCOL.len()).collect();
    let of_protocol = (0_u32..1 << own.len()).map(|chosen| {
        let is_chosen = |&(bit, _): &(usize, &usize)| chosen >> bit & 1 == 1;
        own.iter().enumerate().filter(is_chosen).map(|(_, place)| *place).collect::<Vec<_>>()
    });
    let last = (2..count).map(|taken| (count - taken..count).collect());
    let first = (2..count).map(|taken| (0..taken).collect());
    let two = (0..count).flat_map(|one| (one + 1..count).map(move |other| vec![one, other]));
    let all = of_protocol.chain(last).chain(first).chain(two);
    all.filter(|set| set.len() > 1).take(MAX_SETS).collect()
}

/// Makes one sentence of the faults.
fn sentence(faults: &[String]) -> String {
    let mut text = faults.join(", and ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text.push('.');
    text
}

/// The bytes of the signature that came, read as generously as can be.
struct Given {
    tag: Vec<u8>,
    /// The hash that gives so many bytes.
    hash: Hash,
    /// What is wrong with the way the bytes were written.
    fault: Option<String>,
}

impl Given {
    /// The first reading that gives as many bytes as one of the hashes.
    fn read(text: &str, name: &str) -> Option<Self> {
        let base64 = |text: &str| STANDARD.decode(text).ok();
        let of_hex = "where the base64 of the raw bytes is expected";
        let readings = [
            (base64(text), None),
            (
                base64(&text.replace(' ', "+")),
                Some(format!(
                    "a `+` in the {name} arrived as a blank: encode + as %2B in the {name} parameter"
                )),
            ),
            (
                base64(&percent_decode_str(text).decode_utf8_lossy()),
                Some(format!("the {name} was percent-encoded twice when it was sent")),
            ),
            (
                base64(&text.split_ascii_whitespace().collect::<String>()),
                Some(format!("the {name} has white space in it that is not part of its base64")),
            ),
            (hex(text.as_bytes()), Some(format!("the {name} was written in hexadecimal, {of_hex}"))),
            (
                base64(text).and_then(|digits| hex(&digits)),
                Some(format!("the {name} is the base64 of hexadecimal digits, {of_hex}")),
            ),
            (
                STANDARD_NO_PAD.decode(text.trim_end_matches('=').replace('-', "+").replace('_', "/")).ok(),
                Some(format!("the {name} is not in standard base64, which has `+` and `/`, and ends in `=`")),
            ),
        ];
        readings.into_iter().find_map(|(tag, fault)| {
            let tag = tag?;
            let hash = [Hash::Sha1, Hash::Sha256].into_iter().find(|hash| hash.size() == tag.len())?;
            Some(Self { tag, hash, fault })
        })
    }
}

/// The bytes that hexadecimal digits stand for.
fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(value(*high)? << 4 | value(*low)?),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

/// What is wrong with a signature that has no reading.
fn malformed(text: &str, name: &str, declared: Hash) -> String {
    if text.is_empty() {
        return format!("the {name} is empty");
    }
    match STANDARD.decode(text) {
        Ok(tag) => wrong_size(tag.len(), name, declared),
        Err(_) => format!(
            "the {name} is not base64: {} gives {} characters of `A-Z a-z 0-9 + /` that end in `=`",
            declared.name(),
            declared.size().div_ceil(3) * 4,
        ),
    }
}

fn wrong_size(size: usize, name: &str, declared: Hash) -> String {
    format!(
        "the {name} is the base64 of {size} bytes, but {} gives {} bytes",
        declared.name(),
        declared.size()
    )
}

/// A piece of text that may have been signed, and the faults that lead to it.
struct Variant {
    text: String,
    faults: Vec<String>,
}

/// Variants of one thing, without repetition: the first explanation of a text stays.
#[derive(Default)]
struct Variants(Vec<Variant>);

impl Variants {
    fn offer(&mut self, text: String, faults: Vec<String>) {
        if self.0.iter().all(|known| known.text != text) {
            self.0.push(Variant { text, faults });
        }
    }
}

/// All guesses by the rules of one signature version: any head before any line.
struct Family {
    /// What it means that just these rules were followed.
    faults: Vec<String>,
    heads: Vec<Variant>,
    lines: Vec<Variant>,
}

fn families(
    scheme: Scheme,
    hash: Hash,
    request: &Signable<'_>,
    hosts: &[&str],
    raw: &str,
    readings: &[Reading<'_>],
) -> Vec<Family> {
    let declared = scheme.hash();
    let other_rules = |used: &str| {
        let declared = if scheme == Scheme::V1 { 1 } else { 2 };
        vec![format!(
            "the request was signed by the rules of {used}, but declares signature version {declared}"
        )]
    };
    let other_hash = || {
        if hash == declared {
            return Vec::new();
        }
        let why =
            if scheme == Scheme::V1 { "signature version 1 goes with" } else { "the declared method is" };
        vec![format!("{} was used, but {why} {}", hash.name(), declared.name())]
    };
    let bare = || vec![Variant { text: String::new(), faults: Vec::new() }];
    vec![
        Family {
            faults: match scheme {
                Scheme::V1 => other_rules("version 2"),
                Scheme::V2(_) => other_hash(),
            },
            heads: heads(request, hosts),
            lines: lines(&VERSION_2, readings, raw, request),
        },
        Family {
            faults: match scheme {
                Scheme::V1 => other_hash(),
                Scheme::V2(_) => other_rules("version 1"),
            },
            heads: bare(),
            lines: lines(&VERSION_1, readings, raw, request),
        },
        Family {
            faults: other_rules("version 0 (Action and Timestamp only)"),
            heads: bare(),
            lines: version_0(request),
        },
        Family {
            faults: other_rules("2007 (path, `?`, encoded parameters)"),
            heads: paths(request.path)
                .into_iter()
                .map(|path| Variant { text: path.text + "?", ..path })
                .collect(),
            lines: lines(&PATH_AND_QUERY, readings, raw, request),
        },
    ]
}

/// Version 0 signed two values (source: Amazon's PHP client has the code; no guide describes it).
fn version_0(request: &Signable<'_>) -> Vec<Variant> {
    let value =
        |wanted| request.pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let (Some(action), Some(timestamp)) = (value("Action"), value("Timestamp")) else { return Vec::new() };
    vec![Variant { text: [action, timestamp].concat(), faults: Vec::new() }]
}

// --- the head: verb, host, path ---------------------------------------------------------------------------

/// Everything before the parameters of version 2, with at most two faults.
fn heads(request: &Signable<'_>, hosts: &[&str]) -> Vec<Variant> {
    let mut heads = Vec::new();
    let (verbs, paths) = (verbs(request.verb), paths(request.path));
    for host in self::hosts(hosts) {
        for verb in &verbs {
            for path in &paths {
                let faults = [&host.faults[..], &verb.faults, &path.faults].concat();
                if faults.len() <= 2 {
                    let text = format!("{}\n{}\n{}\n", verb.text, host.text, path.text);
                    heads.push(Variant { text, faults });
                }
            }
        }
    }
    heads
}

fn verbs(sent: &str) -> Vec<Variant> {
    let mut verbs = Variants::default();
    verbs.offer(sent.to_owned(), Vec::new());
    for verb in ["GET", "POST", &sent.to_ascii_lowercase()] {
        let fault = format!("the verb was signed as `{verb}`, but the request came by {sent}");
        verbs.offer(verb.to_owned(), vec![fault]);
    }
    verbs.0
}

fn paths(sent: &str) -> Vec<Variant> {
    let mut right = String::new();
    push_path(sent, &mut right);
    let mut twice = String::new();
    push_path(&sent.replace('%', "%25"), &mut twice);
    let others = [
        "/".to_owned(),
        format!("{}/", right.trim_end_matches('/')),
        right.trim_end_matches('/').to_owned(),
        String::new(),
        sent.to_owned(),
        percent_decode_str(sent).decode_utf8_lossy().into_owned(),
        twice,
    ];
    let mut paths = Variants::default();
    paths.offer(right.clone(), Vec::new());
    for other in others {
        let fault = if other.is_empty() {
            format!("the path was signed as nothing, where `{right}` is expected")
        } else {
            format!("the path was signed as `{other}`, where `{right}` is expected")
        };
        paths.offer(other, vec![fault]);
    }
    paths.0
}

/// The accepted hosts, and those a client may have signed instead.
fn hosts(accepted: &[&str]) -> Vec<Variant> {
    let mut hosts = Variants::default();
    for host in accepted.iter().copied().chain(accepted.is_empty().then_some("")) {
        hosts.offer(lower_case(host).into_owned(), Vec::new());
    }
    let expected = listed(&hosts.0.iter().map(|host| host.text.as_str()).collect::<Vec<_>>(), " or ");
    for host in accepted {
        let fault = format!("the host was signed as `{host}`, but has to be in lower case");
        hosts.offer((*host).to_owned(), vec![fault]);
    }
    let known: Vec<String> = hosts.0.iter().take(MAX_HOSTS).map(|host| host.text.clone()).collect();
    let (names, ports): (Vec<_>, Vec<_>) = known.iter().map(|host| split_port(host)).unzip();
    for name in names.into_iter().chain(AMAZON).chain(LOOPBACK) {
        for port in [None].into_iter().chain(ports.iter().copied()).chain([Some("80"), Some("443")]) {
            // An alias has no port.
            let (host, remedy) = match port {
                None => (name.to_owned(), " (--host-alias takes another)"),
                Some(port) => (format!("{name}:{port}"), ""),
            };
            let fault = format!("the host was signed as `{host}`, where {expected} is expected{remedy}");
            hosts.offer(host, vec![fault]);
        }
    }
    hosts.offer(String::new(), vec![format!("the host was signed as nothing, where {expected} is expected")]);
    hosts.0
}

/// Names in words: `a`, `b` and `c`. Long lists and long names are cut off.
pub(super) fn listed(names: &[&str], last: &str) -> String {
    let shown = names.iter().take(MAX_HOSTS).map(|name| match name.char_indices().nth(MAX_NAME_CHARS) {
        Some((end, _)) => format!("`{}…`", name.get(..end).unwrap_or_default()),
        None => format!("`{name}`"),
    });
    let mut shown: Vec<String> = shown.collect();
    if names.len() > MAX_HOSTS {
        shown.push(format!("{} more", names.len() - MAX_HOSTS));
    }
    match shown.split_last() {
        Some((end, start)) if !start.is_empty() => format!("{}{last}{end}", start.join(", ")),
        _ => shown.concat(),
    }
}

/// Parts a host from its port. A bare IPv6 address has colons, but no port.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

// --- the parameters: which, in what order, how encoded ----------------------------------------------------

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters a client may have meant.
struct Reading<'a> {
    pairs: Vec<Pair<'a>>,
    fault: Option<String>,
}

/// The parameters as they arrived first, then with what may have happened to them on the way.
fn readings<'a>(
    secret: &SecretKey,
    scheme: Scheme,
    hash: Hash,
    request: &Signable<'a>,
    hosts: &[&str],
    raw: &'a str,
) -> Vec<Reading<'a>> {
    let name = request.signature_name;
    let (signatures, pairs): (Vec<Pair<'_>>, Vec<Pair<'_>>) = request
        .pairs
        .iter()
        .map(|(name, value)| (Cow::from(name.as_str()), Cow::from(value.as_str())))
        .partition(|pair| pair.0 == name);
    let mut readings = vec![Reading { pairs: pairs.clone(), fault: None }];

    if let Some((plus, _)) = split_raw(raw, name).find(|(_, value)| value.contains('+')) {
        let pairs = split_raw(raw, name).map(|(name, value)| (decoded(name), decoded(value))).collect();
        let fault = format!("a `+` in `{plus}` was sent unencoded and arrived as a blank: encode it as %2B");
        readings.push(Reading { pairs, fault: Some(fault) });
    }

    let again: Vec<Pair<'_>> =
        pairs.iter().map(|(name, value)| (decoded_again(name), decoded_again(value))).collect();
    if let Some(((name, _), _)) = pairs.iter().zip(&again).find(|(once, twice)| once != twice) {
        let fault = format!("the values were percent-encoded twice when they were sent (first `{name}`)");
        readings.push(Reading { pairs: again, fault: Some(fault) });
    }

    // An empty one, a second one, and the right one that an earlier attempt had added.
    let right = match scheme {
        Scheme::V1 => Scheme::V1,
        Scheme::V2(_) => Scheme::V2(hash),
    };
    let earlier = hosts.iter().map(|host| Cow::from(sign(secret, right, request, host)));
    let signatures = signatures.into_iter().map(|(_, value)| value);
    for value in [Cow::from("")].into_iter().chain(signatures).chain(earlier) {
        let mut pairs = pairs.clone();
        pairs.push((Cow::from(name), value));
        let fault = format!("the {name} parameter itself was part of what was signed");
        readings.push(Reading { pairs, fault: Some(fault) });
    }

    for (index, (name, _)) in pairs.iter().enumerate() {
        let fault = format!("`{name}` was not among the parameters that were signed");
        let mut pairs = pairs.clone();
        pairs.remove(index);
        readings.push(Reading { pairs, fault: Some(fault) });
    }
    readings
}

/// The undecoded parameters but for the signature.
fn split_raw<'a>(raw: &'a str, signature_name: &str) -> impl Iterator<Item = (&'a str, &'a str)> {
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(move |(name, _)| *name != signature_name)
}

/// Percent-decoded, with each `+` kept.
fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn decoded_again<'a>(text: &Cow<'a, str>) -> Cow<'a, str> {
    match decoded(text) {
        Cow::Borrowed(_) => text.clone(),
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}

/// How a signature version spells the parameters.
struct Rules {
    /// What stands after a name and between two pairs.
    joints: (&'static str, &'static str),
    order: Order,
    encoding: Encoding,
}

const VERSION_2: Rules = Rules { joints: ("=", "&"), order: Order::Bytes, encoding: STRICT };
const VERSION_1: Rules = Rules { joints: ("", ""), order: Order::IgnoringCase, encoding: PLAIN };
/// The oldest Co-Branded form (source: clients of 2007): `path?query`.
const PATH_AND_QUERY: Rules = Rules { joints: ("=", "&"), order: Order::IgnoringCase, encoding: STRICT };

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Bytes,
    IgnoringCase,
    Arrival,
}

impl Order {
    const ALL: [Self; 3] = [Self::Bytes, Self::IgnoringCase, Self::Arrival];

    fn name(self) -> &'static str {
        match self {
            Self::Bytes => "sorted by the bytes of their names",
            Self::IgnoringCase => "sorted ignoring case",
            Self::Arrival => "in the order they were sent",
        }
    }

    fn sorted<'a, 'b>(self, pairs: &'b [Pair<'a>]) -> Vec<&'b Pair<'a>> {
        let mut pairs: Vec<_> = pairs.iter().collect();
        match self {
            Self::Bytes => pairs.sort(),
            Self::IgnoringCase => {
                pairs.sort_by(|left, right| ignoring_case(&left.0).cmp(ignoring_case(&right.0)));
            }
            Self::Arrival => {}
        }
        pairs
    }

    /// What is wrong with this order where `right` is asked for.
    fn fault(self, right: Self, pairs: &[Pair<'_>]) -> Option<String> {
        let (before, after) = right
            .sorted(pairs)
            .into_iter()
            .zip(self.sorted(pairs))
            .map(|(right, wrong)| (&right.0, &wrong.0))
            .find(|(right, wrong)| right != wrong)?;
        Some(format!(
            "the parameters were signed {}, not {} (`{before}` has to come before `{after}`)",
            self.name(),
            right.name(),
        ))
    }
}

/// One way to encode a name or a value.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Encoding {
    /// How often it is encoded: once, or not at all, or twice.
    rounds: u8,
    /// A blank becomes `+`.
    plus: bool,
    /// `~` becomes `%7E`.
    tilde: bool,
    /// Hexadecimal digits are in lower case.
    lower: bool,
    /// Reserved characters that stay as they are.
    left: &'static str,
}

/// The encoding that version 2 asks for.
const STRICT: Encoding = Encoding { rounds: 1, plus: false, tilde: false, lower: false, left: "" };
/// None at all, as in version 1.
const PLAIN: Encoding = Encoding { rounds: 0, ..STRICT };
/// The encodings that libraries offer in place of the strict one.
const ENCODINGS: [Encoding; 20] = [
    STRICT,
    PLAIN,
    Encoding { rounds: 2, ..STRICT },
    Encoding { plus: true, ..STRICT },
    Encoding { lower: true, ..STRICT },
    Encoding { tilde: true, ..STRICT },
    Encoding { left: "*", ..STRICT },
    Encoding { left: ":", ..STRICT },
    Encoding { left: ",", ..STRICT },
    Encoding { left: "@", ..STRICT },
    // Python's quote, before and after 3.7.
    Encoding { left: "/", tilde: true, ..STRICT },
    Encoding { left: "/", ..STRICT },
    // JavaScript's encodeURIComponent and encodeURI.
    Encoding { left: "!'()*", ..STRICT },
    Encoding { left: "!#$&'()*+,/:;=?@", ..STRICT },
    // PHP's urlencode, Python's quote_plus; Java's URLEncoder and HTML forms.
    Encoding { plus: true, tilde: true, ..STRICT },
    Encoding { plus: true, tilde: true, left: "*", ..STRICT },
    // .NET's UrlEncode.
    Encoding { plus: true, lower: true, ..STRICT },
    Encoding { plus: true, lower: true, tilde: true, left: "!()*", ..STRICT },
    Encoding { plus: true, lower: true, tilde: true, left: "!'()*", ..STRICT },
    Encoding { lower: true, left: "!'()*", ..STRICT },
];

impl Encoding {
    fn push(self, text: &str, out: &mut String) {
        match self.rounds {
            0 => out.push_str(text),
            1 => text.bytes().for_each(|byte| self.push_byte(byte, out)),
            _ => {
                let once = Self { rounds: 1, ..self };
                let mut inner = String::new();
                once.push(text, &mut inner);
                once.push(&inner, out);
            }
        }
    }

    fn push_byte(self, byte: u8, out: &mut String) {
        let kept = match byte {
            b'~' => !self.tilde,
            b'-' | b'_' | b'.' => true,
            _ => byte.is_ascii_alphanumeric() || self.left.as_bytes().contains(&byte),
        };
        if byte == b' ' && self.plus {
            out.push('+');
        } else if kept {
            out.push(char::from(byte));
        } else {
            let digits = if self.lower { b"0123456789abcdef" } else { b"0123456789ABCDEF" };
            out.push('%');
            out.extend([byte >> 4, byte & 15].map(|digit| char::from(digits[usize::from(digit)])));
        }
    }

    fn encode(self, text: &str) -> String {
        let mut out = String::new();
        self.push(text, &mut out);
        out
    }

    /// What is wrong with this encoding where `right` is asked for, if it makes a difference to `pairs`.
    fn fault(self, right: Self, pairs: &[Pair<'_>]) -> Option<String> {
        let differs = |text: &Cow<'_, str>| self.encode(text) != right.encode(text);
        let (first, _) = pairs.iter().find(|(name, value)| differs(name) || differs(value))?;
        Some(match (self.rounds, right.rounds) {
            (_, 0) => {
                format!("the values were percent-encoded, but are signed as they are (first `{first}`)")
            }
            (0, _) => format!("the values were signed without percent-encoding (first `{first}`)"),
            (1, _) => {
                format!(
                    "the values were encoded with {} (first `{first}`)",
                    self.oddities(pairs).join(" and ")
                )
            }
            _ => format!("the values were percent-encoded twice before signing (first `{first}`)"),
        })
    }

    /// The differences from the strict encoding that show in `pairs`.
    fn oddities(self, pairs: &[Pair<'_>]) -> Vec<String> {
        let occurs =
            |wanted: char| pairs.iter().any(|(name, value)| name.contains(wanted) || value.contains(wanted));
        let blank = (self.plus && occurs(' ')).then(|| "blanks as `+` instead of `%20`".to_owned());
        let tilde = (self.tilde && occurs('~')).then(|| "`~` as `%7E` instead of left as it is".to_owned());
        let left = self.left.chars().filter(|left| occurs(*left));
        let left = left.map(|left| format!("`{left}` left as it is instead of `%{:02X}`", u32::from(left)));
        let lower = self.lower.then(|| "hexadecimal digits in lower case".to_owned());
        blank.into_iter().chain(tilde).chain(left).chain(lower).collect()
    }
}

/// The parameters as these rules spell them, and as a client that gets them wrong does.
fn lines(rules: &Rules, readings: &[Reading<'_>], raw: &str, request: &Signable<'_>) -> Vec<Variant> {
    let mut lines = Variants::default();
    let Some((arrived, others)) = readings.split_first() else { return lines.0 };
    let pairs = &arrived.pairs;
    let right = spelled(rules, pairs, rules.order, rules.encoding);
    lines.offer(right.clone(), Vec::new());
    for encoding in [rules.encoding].into_iter().chain(ENCODINGS) {
        let misspelled = encoding.fault(rules.encoding, pairs);
        if encoding != rules.encoding && misspelled.is_none() {
            continue;
        }
        for order in [rules.order].into_iter().chain(Order::ALL) {
            let faults = order.fault(rules.order, pairs).into_iter().chain(misspelled.clone()).collect();
            lines.offer(spelled(rules, pairs, order, encoding), faults);
        }
    }
    for other in others {
        let text = spelled(rules, &other.pairs, rules.order, rules.encoding);
        lines.offer(text, other.fault.iter().cloned().collect());
    }
    let sent: Vec<Pair<'_>> =
        split_raw(raw, request.signature_name).map(|(name, value)| (name.into(), value.into())).collect();
    for order in [rules.order].into_iter().chain(Order::ALL) {
        let fault = format!(
            "the parameters were signed as they were sent, neither decoded nor encoded anew, and {}",
            order.name()
        );
        lines.offer(spelled(rules, &sent, order, PLAIN), vec![fault]);
    }
    lines.offer(right + "\n", vec!["a line break was signed at the end".to_owned()]);
    lines.0
}

fn spelled(rules: &Rules, pairs: &[Pair<'_>], order: Order, encoding: Encoding) -> String {
    let mut line = String::new();
    for (index, (name, value)) in order.sorted(pairs).into_iter().enumerate() {
        if index > 0 {
            line.push_str(rules.joints.1);
        }
        encoding.push(name, &mut line);
        line.push_str(rules.joints.0);
        encoding.push(value, &mut line);
    }
    line
}
