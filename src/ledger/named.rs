//! Names of enumerations.

use std::str::FromStr;

/// An enumeration whose values have names. A value has the same name in requests and answers, in seed files and in
/// the database. The `strum` derives of the enumeration define the names.
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
