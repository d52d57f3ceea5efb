//! Where a behaviour comes from: the words of the fidelity tables.

use std::fmt;

/// The ground on which a behaviour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A guide page or the schema says so.
    Documented,
    /// Seen in recorded traffic or in client fixtures.
    Observed,
    /// No source says it; it follows from one that does.
    Inferred,
    /// No source speaks; this is what we decided.
    OurChoice,
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
            Self::OurChoice => "our choice",
        })
    }
}
