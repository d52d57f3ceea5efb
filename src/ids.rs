//! The one place that asks for randomness.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::{Builder, Uuid};

use crate::ledger::mix;

/// Where the ids of requests come from.
#[derive(Debug)]
pub enum RequestIds {
    /// From chance.
    Random,
    /// From a seed and a counter, so that they repeat.
    Counted {
        /// The seed.
        seed: u64,
        /// How many there were.
        count: AtomicU64,
    },
}

impl RequestIds {
    /// Ids from this seed, if there is one.
    pub fn new(seed: Option<u64>) -> Self {
        seed.map_or(Self::Random, |seed| Self::Counted { seed, count: AtomicU64::new(0) })
    }

    /// The id of the next request, without the `:0` that successes carry.
    pub fn next(&self) -> Uuid {
        match self {
            Self::Random => request_id(),
            Self::Counted { seed, count } => {
                let count = count.fetch_add(1, Ordering::Relaxed);
                let high = mix(seed ^ mix(count));
                Builder::from_random_bytes((u128::from(high) << 64 | u128::from(mix(high))).to_be_bytes())
                    .into_uuid()
            }
        }
    }

    /// The requestId of a certificateUrl: some fifty small letters and digits, as observed.
    pub fn certificate_request(&self) -> String {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let digit = |byte: u8| DIGITS.get(usize::from(byte) % DIGITS.len()).copied().map_or('0', char::from);
        std::iter::repeat_with(|| self.next()).flat_map(Uuid::into_bytes).take(51).map(digit).collect()
    }
}

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

/// What tells schemas of a shared database apart: eight hexadecimal digits.
pub fn schema_suffix() -> String {
    let text = request_id().simple().to_string();
    text.chars().take(8).collect()
}

/// A seed for ids when none is configured.
pub fn random_seed() -> u64 {
    request_id().as_u64_pair().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_request_ids_and_each_is_another() {
        let of = |seed| {
            let ids = RequestIds::new(seed);
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
