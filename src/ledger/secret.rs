//! What the sandboxes on a database share and show nobody: made once, by whichever comes first.

use crate::error::FpsError;

use super::book::Book;
use super::read_set::ReadSet;
use super::{Command, Context, Query, QueryContext};

/// The text of a secret. It never shows itself.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A text that is to be kept secret.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for whoever needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretName {
    /// Seals what the Co-Branded pages give a browser to bring back.
    Seal,
    /// Signs messages to merchants: the private key and its certificate.
    SigningKey,
}

impl SecretName {
    /// Every secret.
    pub const ALL: [Self; 2] = [Self::Seal, Self::SigningKey];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::SigningKey => "signing-key",
        }
    }
}

/// Asks for a secret, which may not have been made yet.
#[derive(Clone, Copy, Debug)]
pub struct GetSecret {
    /// Which.
    pub name: SecretName,
}

impl Query for GetSecret {
    type Output = Option<Secret>;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.secret(self.name);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        Ok(book.secret(self.name).cloned())
    }
}

/// Offers a new secret. What was there first is kept, and given back.
#[derive(Clone, Debug)]
pub struct StoreSecret {
    /// Which.
    pub name: SecretName,
    /// The new one.
    pub offered: Secret,
}

impl Command for StoreSecret {
    type Output = Secret;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.secret(self.name);
    }

    fn decide(&self, book: &mut Book, _: &mut Context<'_>) -> Result<Self::Output, FpsError> {
        if let Some(kept) = book.secret(self.name) {
            return Ok(kept.clone());
        }
        book.store_secret(self.name, self.offered.clone());
        Ok(self.offered.clone())
    }
}
