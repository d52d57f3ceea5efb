//! Storing a secret that the sandboxes of one database share.

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Command, Context};
use crate::ledger::secret::{Secret, SecretName};

/// Stores a secret unless there is one already. Gives the one that is stored.
#[derive(Clone, Debug)]
pub struct StoreSecret {
    /// The name of the secret.
    pub name: SecretName,
    /// The secret to store.
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
