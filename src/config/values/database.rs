//! The location of the database.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::{PostgresUrl, ValueFormat};

/// Where the ledger is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory: empty at each start, gone at the end.
    Memory,
    /// In this SQLite file.
    File(PathBuf),
    /// On a PostgreSQL server, shared by all sandboxes that have the same URL.
    Postgres(PostgresUrl),
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str(":memory:"),
            // With the prefix, a path that looks like a URL can be read back.
            Self::File(path) if path.to_string_lossy().contains(':') => {
                write!(f, "sqlite://{}", path.display())
            }
            Self::File(path) => path.display().fmt(f),
            Self::Postgres(url) => url.fmt(f),
        }
    }
}

impl FromStr for Database {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        <Self as ValueFormat>::parse(text)
    }
}

impl ValueFormat for Database {
    type Value = Self;
    const PLACEHOLDER: &'static str = "DATABASE";

    fn description() -> String {
        "`:memory:`, a file path, sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let path = match text.strip_prefix("sqlite:").filter(|path| !path.starts_with("postgres")) {
            Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
            None if may_contain_password(text) => {
                return Ok(Self::Postgres(PostgresUrl::new_unchecked(text)));
            }
            None if text.contains("://") => return Err(Self::format_error(())),
            None => text,
        };
        match path {
            "" => Err(Self::format_error(())),
            ":memory:" => Ok(Self::Memory),
            path => Ok(Self::File(PathBuf::from(path))),
        }
    }

    fn to_toml(value: &Self) -> toml::Value {
        value.to_string().into()
    }
}

/// Whether a text is meant as the URL of a server, however mistyped. Such a text may contain a password, so it must
/// become a [`PostgresUrl`], which hides it, and not a path, which an error message would show.
fn may_contain_password(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let has_scheme = ["postgres:", "postgresql:"].iter().any(|scheme| lower.starts_with(scheme));
    let resembles_url = text.contains("://") || lower.starts_with("postgres");
    has_scheme || (resembles_url && text.contains('@')) || lower.contains("password=")
}
