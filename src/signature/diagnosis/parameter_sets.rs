//! Candidates for the parameters that were signed.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::signature::{Hash, Scheme, sign};

use super::UnverifiedRequest;

/// A name and a value.
pub(super) type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The parameters that a client may have signed.
pub(super) struct ParameterSet<'a> {
    pub(super) pairs: Vec<Pair<'a>>,
    /// The mistakes by which they differ from the received ones.
    pub(super) mistake: Option<String>,
}

/// The parameters as received, without the signature; then the parameters as the client may have signed them. `hash`
/// is the hash that the client used.
pub(super) fn parameter_sets<'a>(request: &UnverifiedRequest<'a>, hash: Hash) -> Vec<ParameterSet<'a>> {
    let name = request.content.signature_name;
    let (signatures, pairs): (Vec<Pair<'_>>, Vec<Pair<'_>>) = request
        .content
        .pairs
        .iter()
        .map(|(name, value)| (Cow::from(name.as_str()), Cow::from(value.as_str())))
        .partition(|pair| pair.0 == name);
    let mut sets = vec![ParameterSet { pairs: pairs.clone(), mistake: None }];
    sets.extend(with_plus_signs(request));
    sets.extend(decoded_again(&pairs));

    // The client may have signed the signature parameter as well: empty, as received, or the correct one, which it
    // added before it signed once more.
    let scheme = match request.scheme {
        Scheme::V1 => Scheme::V1,
        Scheme::V2(_) => Scheme::V2(hash),
    };
    let correct =
        request.hosts.iter().map(|host| Cow::from(sign(request.secret, scheme, request.content, host)));
    let received = signatures.into_iter().map(|(_, value)| value);
    for value in [Cow::from("")].into_iter().chain(received).chain(correct) {
        let mut pairs = pairs.clone();
        pairs.push((Cow::from(name), value));
        let mistake = format!("the {name} parameter itself was part of what was signed");
        sets.push(ParameterSet { pairs, mistake: Some(mistake) });
    }

    for (index, (name, _)) in pairs.iter().enumerate() {
        let mistake = format!("`{name}` was not among the parameters that were signed");
        let mut pairs = pairs.clone();
        pairs.remove(index);
        sets.push(ParameterSet { pairs, mistake: Some(mistake) });
    }
    sets
}

/// The parameters with each `+` kept, if they contain one. A `+` that was sent unencoded was decoded to a blank.
fn with_plus_signs<'a>(request: &UnverifiedRequest<'a>) -> Option<ParameterSet<'a>> {
    let name = request.content.signature_name;
    let (plus, _) = split_raw(request.raw_parameters, name).find(|(_, value)| value.contains('+'))?;
    let mistake = format!("a `+` in `{plus}` was sent unencoded and arrived as a blank: encode it as %2B");
    let pairs = split_raw(request.raw_parameters, name);
    let pairs = pairs.map(|(name, value)| (decode(name), decode(value))).collect();
    Some(ParameterSet { pairs, mistake: Some(mistake) })
}

/// The parameters decoded a second time, if that changes any of them.
fn decoded_again<'a>(pairs: &[Pair<'a>]) -> Option<ParameterSet<'a>> {
    let again: Vec<Pair<'a>> =
        pairs.iter().map(|(name, value)| (decode_again(name), decode_again(value))).collect();
    let ((first, _), _) = pairs.iter().zip(&again).find(|(once, twice)| once != twice)?;
    let mistake = format!("the values were percent-encoded twice when they were sent (first `{first}`)");
    Some(ParameterSet { pairs: again, mistake: Some(mistake) })
}

/// Splits raw parameters into names and values, not decoded, without the signature.
pub(super) fn split_raw<'a>(
    raw_parameters: &'a str,
    signature_name: &str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    raw_parameters
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .filter(move |(name, _)| *name != signature_name)
}

/// Percent-decodes, and keeps each `+`.
fn decode(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

fn decode_again<'a>(text: &Cow<'a, str>) -> Cow<'a, str> {
    match decode(text) {
        Cow::Borrowed(_) => text.clone(),
        Cow::Owned(changed) => Cow::Owned(changed),
    }
}
