//! What a browser keeps between two pages: sealed, so that it comes back as it was given.
//!
//! Nothing of a visit is kept in the sandbox until it ends. So visits that are given up leave nothing behind, and any
//! sandbox on the same database can go on with any visit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ledger::Timestamp;
use crate::random;

/// How long a visit may take, in milliseconds: half an hour (our choice).
const LIFE_MILLIS: i64 = 30 * 60 * 1000;

/// A visit to the pages, so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Visit {
    /// The query of the start URL.
    pub(super) query: String,
    /// When it began, in milliseconds since 1970.
    pub(super) began: i64,
    /// The visitor's e-mail address, after signing in.
    pub(super) email: Option<String>,
    /// How the token to be edited paid when the visitor was asked.
    pub(super) paid_by: Option<String>,
}

impl Visit {
    /// Whether it has taken too long.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        now.millis() - self.began > LIFE_MILLIS
    }
}

/// Makes seals, and checks them. All sandboxes on a database share one.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

/// Never shows the key.
impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// A new secret to make seals with.
    pub(super) fn new_secret() -> String {
        format!("{}{}", random::random_uuid().simple(), random::random_uuid().simple())
    }

    /// Makes seals with this secret; `None` is no case that occurs, because HMAC takes keys of any length.
    pub(super) fn new(secret: &str) -> Option<Self> {
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// A visit as text.
    pub(super) fn close(&self, visit: &Visit) -> String {
        let text = URL_SAFE_NO_PAD.encode(serde_json::to_string(visit).unwrap_or_default());
        let tag = self.0.clone().chain_update(&text).finalize().into_bytes();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The visit in a text, if it is as the sandbox gave it.
    pub(super) fn open(&self, sealed: &str) -> Option<Visit> {
        let (text, tag) = sealed.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.0.clone().chain_update(text).verify_slice(&tag).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_comes_back_as_it_was_or_not_at_all() {
        let seal = Seal::new("secret").unwrap();
        let visit =
            Visit { query: "a=1".to_owned(), began: 1_000, email: Some("a@b".to_owned()), paid_by: None };
        let sealed = seal.close(&visit);
        let at = Timestamp::from_millis;
        assert!(!visit.has_expired(at(1_000 + LIFE_MILLIS)) && visit.has_expired(at(1_001 + LIFE_MILLIS)));
        assert_eq!(seal.open(&sealed), Some(visit));
        assert_eq!(Seal::new("other").unwrap().open(&sealed), None);
        for wrong in ["", ".", "x", &sealed[1..], &format!("{sealed}x"), &format!("A{sealed}")] {
            assert_eq!(seal.open(wrong), None, "{wrong}");
        }
    }
}
