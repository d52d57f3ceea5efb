//! Names of worlds, and how the ids of access keys contain them.

use std::fmt;

use crate::store::DEFAULT_WORLD;

/// The name of a world: 1 to 40 lowercase letters, digits and hyphens.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorldName(String);

impl WorldName {
    /// The maximum length of a name.
    pub const MAX_LENGTH: usize = 40;

    /// Parses a name. Returns `None` if the text is not a valid name.
    pub fn parse(text: &str) -> Option<Self> {
        let has_valid_length = (1..=Self::MAX_LENGTH).contains(&text.len());
        let has_valid_characters =
            text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        (has_valid_length && has_valid_characters).then(|| Self(text.to_owned()))
    }

    /// The name of the default world.
    pub fn default_world() -> Self {
        Self(DEFAULT_WORLD.to_owned())
    }

    /// Whether this is the name of the default world.
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

/// Splits the id `KEY.world` of an access key into the key and the name of the world, at the last dot.
pub(super) fn split_key_id(id: &str) -> Option<(&str, &str)> {
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
        assert_eq!(split_key_id("KEY.test-1"), Some(("KEY", "test-1")));
        assert_eq!(split_key_id("K.E.Y.test"), Some(("K.E.Y", "test")));
        assert_eq!(split_key_id("KEY."), Some(("KEY", "")));
        assert_eq!(split_key_id("KEY"), None);
    }
}
