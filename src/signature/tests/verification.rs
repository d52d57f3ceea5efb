//! Verification of signatures.

use super::*;

const HOST: &str = "localhost:8080";

fn signed(scheme: Scheme) -> (SecretKey, Vec<(String, String)>, String) {
    let secret = SecretKey::new(GUIDE);
    let pairs = pairs(super::explanations::SENT);
    let signature = sign(&secret, scheme, &request("GET", "/", &pairs), HOST);
    (secret, pairs, signature)
}

/// Whether the signature is valid. The raw parameters are too long for a diagnosis, which saves time.
fn accepts(secret: &SecretKey, scheme: Scheme, request: &Signable<'_>, given: &str) -> bool {
    let raw = "&".repeat(20_000);
    matches!(verify(secret, scheme, request, &[HOST], given, &raw), VerificationResult::Valid { .. })
}

#[test]
fn the_host_that_was_signed_is_reported_in_lower_case() {
    let (secret, pairs, signature) = signed(V2_SHA256);
    let result = verify(
        &secret,
        V2_SHA256,
        &request("GET", "/", &pairs),
        &["localhost", "LocalHost:8080"],
        &signature,
        "",
    );
    assert_eq!(result, VerificationResult::Valid { host: HOST.to_owned() });
}

#[test]
fn version_1_needs_no_host() {
    let (secret, pairs, signature) = signed(Scheme::V1);
    let result = verify(&secret, Scheme::V1, &request("GET", "/", &pairs), &[], &signature, "");
    assert_eq!(result, VerificationResult::Valid { host: String::new() });
}

#[test]
fn line_breaks_after_the_signature_do_not_matter() {
    let (secret, pairs, signature) = signed(V2_SHA256);
    assert!(accepts(&secret, V2_SHA256, &request("GET", "/", &pairs), &format!("{signature}\r\n")));
}

#[test]
fn mutated_signatures_never_verify() {
    for scheme in [Scheme::V1, V2_SHA1, V2_SHA256] {
        let (secret, pairs, signature) = signed(scheme);
        let request = request("GET", "/", &pairs);
        assert!(accepts(&secret, scheme, &request, &signature));
        for index in 0..signature.len() {
            for replacement in "A9+/= %-_\n".chars() {
                let mut mutated: Vec<char> = signature.chars().collect();
                if mutated[index] == replacement {
                    continue;
                }
                mutated[index] = replacement;
                let mutated: String = mutated.into_iter().collect();
                assert!(!accepts(&secret, scheme, &request, &mutated), "{mutated}");
            }
            assert!(!accepts(&secret, scheme, &request, &signature[..index]));
        }
        for wrong in [format!("{signature}="), format!(" {signature}"), format!("A{signature}")] {
            assert!(!accepts(&secret, scheme, &request, &wrong), "{wrong}");
        }
    }
}

#[test]
fn mutated_requests_never_verify() {
    let (secret, pairs, signature) = signed(V2_SHA256);
    for index in 0..pairs.len() {
        let mut changed = pairs.clone();
        changed[index].1.push('x');
        assert!(!accepts(&secret, V2_SHA256, &request("GET", "/", &changed), &signature));
        changed.remove(index);
        assert!(!accepts(&secret, V2_SHA256, &request("GET", "/", &changed), &signature));
    }
    assert!(!accepts(&secret, V2_SHA256, &request("POST", "/", &pairs), &signature));
    assert!(!accepts(&secret, V2_SHA256, &request("GET", "/x", &pairs), &signature));
    assert!(!accepts(&secret, V2_SHA1, &request("GET", "/", &pairs), &signature));
    assert!(!accepts(&secret, Scheme::V1, &request("GET", "/", &pairs), &signature));
}
