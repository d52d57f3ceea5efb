//! Random numbers: the only module that asks the machine for randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use crate::ledger::split_mix64;

/// Generates the ids of requests.
#[derive(Debug)]
pub enum RequestIdGenerator {
    /// Every id is random.
    Random,
    /// Ids are derived from a seed and a counter, so that they repeat.
    Seeded {
        /// The seed.
        seed: u64,
        /// The number of ids generated so far.
        count: AtomicU64,
    },
}

impl RequestIdGenerator {
    /// A generator of ids that are derived from this seed; of random ids without one.
    pub fn new(seed: Option<u64>) -> Self {
        seed.map_or(Self::Random, |seed| Self::Seeded { seed, count: AtomicU64::new(0) })
    }

    /// The id of the next request, without the suffix `:0` of successful responses.
    pub fn next(&self) -> Uuid {
        match self {
            Self::Random => random_uuid(),
            Self::Seeded { seed, count } => {
                let count = count.fetch_add(1, Ordering::Relaxed);
                let high = split_mix64(seed ^ split_mix64(count));
                Builder::from_random_bytes(
                    (u128::from(high) << 64 | u128::from(split_mix64(high))).to_be_bytes(),
                )
                .into_uuid()
            }
        }
    }

    /// A value for the parameter requestId of a certificateUrl: some fifty lowercase letters and digits, as observed.
    pub fn next_certificate_request_id(&self) -> String {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let digit = |byte: u8| DIGITS.get(usize::from(byte) % DIGITS.len()).copied().map_or('0', char::from);
        std::iter::repeat_with(|| self.next()).flat_map(Uuid::into_bytes).take(51).map(digit).collect()
    }
}

/// A random UUID of version 4.
#[expect(clippy::disallowed_methods, reason = "this module is the only source of randomness")]
pub fn random_uuid() -> Uuid {
    Uuid::new_v4()
}

/// A cryptographically secure random number generator, for keys.
#[expect(clippy::disallowed_methods, reason = "this module is the only source of randomness")]
pub fn secure_rng() -> impl rand::CryptoRng {
    rand::rng()
}

/// A suffix that makes the names of PostgreSQL schemas unique: eight hexadecimal digits.
pub fn random_schema_suffix() -> String {
    let text = random_uuid().simple().to_string();
    text.chars().take(8).collect()
}

/// A seed for the ids of a world, for when none is configured.
pub fn random_seed() -> u64 {
    random_uuid().as_u64_pair().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_request_ids_and_each_is_another() {
        let of = |seed| {
            let ids = RequestIdGenerator::new(seed);
            (0..100).map(|_| ids.next()).collect::<Vec<_>>()
        };
        let ids = of(Some(7));
        assert_eq!(ids, of(Some(7)));
        assert!(
            ids.iter()
                .all(|id| id.get_version_num() == 4 && ids.iter().filter(|other| *other == id).count() == 1)
        );
        assert_ne!(ids, of(Some(8)));
        assert_ne!(of(None), of(None));
    }
}
