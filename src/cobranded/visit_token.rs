//! The visit token: the state of a visit, which the browser sends back from page to page, protected by an HMAC.
//!
//! The sandbox stores nothing about a visit until it ends. So abandoned visits leave nothing behind, and any sandbox on
//! the same database can continue any visit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::ledger::Timestamp;
use crate::random;

/// Maximum duration of a visit, in milliseconds: half an hour (our choice).
const MAX_VISIT_MILLIS: i64 = 30 * 60 * 1000;

/// The state of a visit between two pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct VisitState {
    /// The query of the start URL.
    pub(super) query: String,
    /// When the visit began, in milliseconds since 1970.
    #[serde(rename = "began")]
    pub(super) started_millis: i64,
    /// The visitor's e-mail address, after signing in.
    pub(super) email: Option<String>,
    /// EditToken: the payment method that the token had when the visitor was asked for another one.
    #[serde(rename = "previous_method")]
    pub(super) previous_method: Option<String>,
}

impl VisitState {
    /// Whether the visit has taken too long.
    pub(super) fn has_expired(&self, now: Timestamp) -> bool {
        now.millis() - self.started_millis > MAX_VISIT_MILLIS
    }
}

/// The key that signs visit tokens and verifies them. All sandboxes on a database share it.
#[derive(Clone)]
pub struct VisitTokenKey(Hmac<Sha256>);

/// Does not show the key.
impl std::fmt::Debug for VisitTokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VisitTokenKey(…)")
    }
}

impl VisitTokenKey {
    /// A random secret for a new key.
    pub(super) fn generate_secret() -> String {
        format!("{}{}", random::random_uuid().simple(), random::random_uuid().simple())
    }

    /// The key with this secret. `None` does not occur, because HMAC accepts keys of any length.
    pub(super) fn new(secret: &str) -> Option<Self> {
        Hmac::new_from_slice(secret.as_bytes()).ok().map(Self)
    }

    /// The token of a visit: the state as JSON in base64, a dot, and the HMAC over the base64 text, in base64 too.
    pub(super) fn sign(&self, visit: &VisitState) -> String {
        let payload = URL_SAFE_NO_PAD.encode(serde_json::to_string(visit).unwrap_or_default());
        let tag = self.0.clone().chain_update(&payload).finalize().into_bytes();
        format!("{payload}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The visit in a token, if this key has signed the token.
    pub(super) fn verify(&self, token: &str) -> Option<VisitState> {
        let (payload, tag) = token.split_once('.')?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        self.0.clone().chain_update(payload).verify_slice(&tag).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_visit_comes_back_as_it_was_or_not_at_all() {
        let key = VisitTokenKey::new("secret").unwrap();
        let visit = VisitState {
            query: "a=1".to_owned(),
            started_millis: 1_000,
            email: Some("a@b".to_owned()),
            previous_method: None,
        };
        let token = key.sign(&visit);
        let at = Timestamp::from_millis;
        assert!(!visit.has_expired(at(1_000 + MAX_VISIT_MILLIS)));
        assert!(visit.has_expired(at(1_001 + MAX_VISIT_MILLIS)));
        assert_eq!(key.verify(&token), Some(visit));
        assert_eq!(VisitTokenKey::new("other").unwrap().verify(&token), None);
        for wrong in ["", ".", "x", &token[1..], &format!("{token}x"), &format!("A{token}")] {
            assert_eq!(key.verify(wrong), None, "{wrong}");
        }
    }
}
