//! Names of enumerations.

use std::str::FromStr;

/// An enumeration whose values have names: one for the wire, seed files and the database. Its `strum` derives define them.
pub trait Named: Copy + Into<&'static str> + FromStr {
    /// The name of this value.
    fn name(self) -> &'static str {
        self.into()
    }

    /// The value with this name. Case matters.
    fn named(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

impl<T: Copy + Into<&'static str> + FromStr> Named for T {}
