//! Secrets that all sandboxes of one database share. The first sandbox that needs one makes it.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// A secret text. Its `Debug` form does not show it.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The purpose of a secret.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum SecretName {
    /// Signs the visit tokens that a browser sends from one Co-Branded page to the next.
    #[strum(serialize = "seal")]
    VisitTokenKey,
    /// Signs messages to merchants. The secret holds the private key and its certificate.
    SigningKey,
}
