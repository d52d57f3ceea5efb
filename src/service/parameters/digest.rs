//! The digest of a request. It distinguishes a repeated request from a different one with the same caller reference.

use sha2::{Digest, Sha256};

use crate::ledger::RequestDigest;

/// Hashes the action and the values that a handler reads, in the order in which it reads them.
///
/// Digests are stored with caller references. A handler that reads in another order makes other digests, so requests
/// that were made before an update could not be repeated after it.
pub(super) struct DigestBuilder(Sha256);

impl DigestBuilder {
    pub(super) fn new(action: &str) -> Self {
        Self(Sha256::new_with_prefix(action))
    }

    /// Adds a parameter. Equal values must have equal texts.
    pub(super) fn add(&mut self, name: &str, text: &str) {
        // Without the lengths, different pairs such as ("ab", "c") and ("a", "bc") would have the same digest.
        for part in [name, text] {
            self.0.update(part.len().to_be_bytes());
            self.0.update(part);
        }
    }

    /// The digest of everything added so far, shortened to the length that the ledger stores.
    pub(super) fn digest(&self) -> RequestDigest {
        let mut digest = RequestDigest::default();
        for (to, from) in digest.iter_mut().zip(self.0.clone().finalize()) {
            *to = from;
        }
        digest
    }
}
