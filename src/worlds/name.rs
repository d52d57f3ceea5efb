//! Names of worlds, and how access keys carry them.

use std::fmt;

use crate::store::DEFAULT_WORLD;

/// The name of a world: 1 to 40 small letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorldName(String);

impl WorldName {
    /// The longest name.
    pub const LONGEST: usize = 40;

    /// The name, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=Self::LONGEST).contains(&text.len());
        let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (fits && plain).then(|| Self(text.to_owned()))
    }

    /// The world that requests without another one belong to.
    pub fn default_world() -> Self {
        Self(DEFAULT_WORLD.to_owned())
    }

    /// Whether it is the default world.
    pub fn is_default(&self) -> bool {
        self.0 == DEFAULT_WORLD
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An access key id with a world in it: `KEY.world`. The text after the last dot is the world.
pub(super) fn key_and_world(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_small_letters_digits_and_hyphens() {
        for name in ["a", "test-42", "0", "-", &"a".repeat(40)] {
            assert_eq!(WorldName::parse(name).map(|name| name.to_string()).as_deref(), Some(name));
        }
        for other in ["", "A", "a_b", "a.b", "a b", "é", &"a".repeat(41)] {
            assert_eq!(WorldName::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_text_after_the_last_dot_is_the_world() {
        assert_eq!(key_and_world("KEY.test-1"), Some(("KEY", "test-1")));
        assert_eq!(key_and_world("K.E.Y.test"), Some(("K.E.Y", "test")));
        assert_eq!(key_and_world("KEY."), Some(("KEY", "")));
        assert_eq!(key_and_world("KEY"), None);
    }
}
