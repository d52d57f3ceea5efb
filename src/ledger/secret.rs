//! Secrets that all sandboxes of one database share. The first sandbox that needs one makes it.

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretName {
    /// Seals what the Co-Branded pages give a browser to bring back.
    VisitTokenKey,
    /// Signs messages to merchants: the private key and its certificate.
    SigningKey,
}

impl SecretName {
    /// Every secret.
    pub const ALL: [Self; 2] = [Self::VisitTokenKey, Self::SigningKey];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::VisitTokenKey => "seal",
            Self::SigningKey => "signing-key",
        }
    }
}
