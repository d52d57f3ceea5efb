//! Where a behaviour is known from, as the reference documentation states it.

use std::fmt;

/// The kind of source for a behaviour of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// A guide page or the schema describes it.
    Documented,
    /// Recorded traffic or client fixtures show it.
    Observed,
    /// No source states it, but it follows from one.
    Inferred,
    /// There is no source; the sandbox's authors decided.
    OurChoice,
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
            Self::OurChoice => "our choice",
        })
    }
}
