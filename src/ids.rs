//! The one place that asks for randomness.

use uuid::Uuid;

/// A fresh request id, without the `:0` that successes carry.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn request_id() -> Uuid {
    Uuid::new_v4()
}

/// A source of random numbers that nobody can foresee, for keys.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn random() -> impl rand::CryptoRng {
    rand::rng()
}

/// The requestId of a certificateUrl: some fifty small letters and digits, as observed.
pub fn certificate_request() -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let digit = |byte: u8| DIGITS.get(usize::from(byte) % DIGITS.len()).copied().map_or('0', char::from);
    std::iter::repeat_with(request_id).flat_map(Uuid::into_bytes).take(51).map(digit).collect()
}

/// A seed for ids when none is configured.
pub fn random_seed() -> u64 {
    request_id().as_u64_pair().0
}
