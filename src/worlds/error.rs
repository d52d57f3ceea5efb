//! Errors of opening a world.

use crate::seed::SeedError;
use crate::store::{OpenError, StoreError};

/// Why a world could not be opened or created.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The seed is not valid.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The task that opened the world panicked.
    #[error("opening it failed")]
    Panicked,
    /// The maximum number of worlds is reached, and none of them can be discarded.
    #[error("there are {0} worlds already, and none of them can give way (--max-worlds)")]
    TooMany(usize),
}

impl From<OpenError<SeedError>> for WorldError {
    fn from(error: OpenError<SeedError>) -> Self {
        match error {
            OpenError::Store(error) => Self::Store(error),
            OpenError::NewWorld(error) => Self::Seed(error),
        }
    }
}
