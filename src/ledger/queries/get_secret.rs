//! The look-up of a secret.

use crate::error::FpsError;
use crate::ledger::book::Book;
use crate::ledger::book::read_set::ReadSet;
use crate::ledger::command::{Query, QueryContext};
use crate::ledger::secret::{Secret, SecretName};

/// Asks for a secret. The result is `None` if it has not been made yet.
#[derive(Clone, Copy, Debug)]
pub struct GetSecret {
    /// The name of the secret.
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
