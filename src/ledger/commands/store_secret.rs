//! Storing a secret that all sandboxes of one database share.

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::secret::{Secret, SecretName};

/// Stores a secret unless one with this name is stored already. The result is the stored secret.
#[derive(Clone, Debug)]
pub struct StoreSecret {
    /// The name of the secret.
    pub name: SecretName,
    /// The secret to store if there is none.
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
