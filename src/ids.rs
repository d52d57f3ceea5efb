//! The one place that asks for randomness.

use uuid::Uuid;

/// A fresh request id, without the `:0` that successes carry.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn request_id() -> Uuid {
    Uuid::new_v4()
}

/// A seed for ids when none is configured.
pub fn random_seed() -> u64 {
    request_id().as_u64_pair().0
}
