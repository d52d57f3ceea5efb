//! The string to sign, signing, verification and explanations.

use super::*;

mod encoding_rules;
mod explanations;
mod vectors;
mod verification;

const GUIDE: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const V2_SHA1: Scheme = Scheme::V2(Hash::Sha1);
const V2_SHA256: Scheme = Scheme::V2(Hash::Sha256);
const SANDBOX: &str = "fps.sandbox.amazonaws.com";
const CBUI: &str = "authorize.payments-sandbox.amazon.com";
const CBUI_PATH: &str = "/cobranded-ui/actions/start";

/// Decodes `a=b&c=d`.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (decode(name), decode(value))).unwrap();
    query.split('&').map(pair).collect()
}

fn request<'a>(verb: &'a str, path: &'a str, pairs: &'a [(String, String)]) -> Signable<'a> {
    Signable { verb, path, pairs, signature_name: "Signature" }
}

/// The parameters of a string to sign, in an order that no rule requires and with a signature among them.
fn shuffled(line: &str) -> Vec<(String, String)> {
    let mut pairs = pairs(line);
    pairs.reverse();
    pairs.insert(1, ("Signature".to_owned(), "left out".to_owned()));
    pairs
}

/// Asserts one version 2 vector: the text itself, the signature, and that the check accepts it.
fn assert_version_2(secret: &str, hash: Hash, text: &str, signature: &str) {
    let [verb, host, path, line] = text.split('\n').collect::<Vec<_>>()[..] else {
        panic!("four lines: {text}")
    };
    let pairs = shuffled(line);
    let request = request(verb, path, &pairs);
    let secret = SecretKey::new(secret);
    assert_eq!(string_to_sign(Scheme::V2(hash), &request, host), text);
    assert_eq!(sign(&secret, Scheme::V2(hash), &request, host), signature);
    let result = verify(&secret, Scheme::V2(hash), &request, &["other.example", host], signature, "");
    assert_eq!(result, VerificationResult::Valid { host: host.to_owned() });
}

/// Asserts one version 1 vector.
fn assert_version_1(secret: &str, signature_name: &str, query: &str, text: &str, signature: &str) {
    let mut pairs = pairs(query);
    pairs.push((signature_name.to_owned(), signature.to_owned()));
    let request = Signable { signature_name, ..request("GET", "/", &pairs) };
    let secret = SecretKey::new(secret);
    assert_eq!(string_to_sign(Scheme::V1, &request, "any"), text);
    assert_eq!(sign(&secret, Scheme::V1, &request, "any"), signature);
    assert_eq!(
        verify(&secret, Scheme::V1, &request, &["any"], signature, ""),
        VerificationResult::Valid { host: "any".to_owned() }
    );
}
