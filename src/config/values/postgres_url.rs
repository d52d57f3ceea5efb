//! URLs of PostgreSQL databases.

use std::fmt;

use url::Url;

/// The URL of a PostgreSQL database. `Display` and `Debug` hide the password, in an invalid URL too.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// What is shown in place of a password.
const PASSWORD_MASK: &str = "***";

impl PostgresUrl {
    /// The parameters that the URL may have, named as in libpq.
    const PARAMETERS: [&str; 11] = [
        "application_name",
        "dbname",
        "host",
        "options",
        "password",
        "port",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslrootcert",
        "user",
    ];

    const SSL_MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    /// Takes a text that need not be valid; [`check`](Self::check) tells. Parsing a setting must not fail for an
    /// invalid URL, because the error message would show the text with its password.
    pub(super) fn new_unchecked(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The URL with its password, to connect with.
    pub fn with_password(&self) -> &str {
        &self.0
    }

    /// Checks that the URL is valid. The error says what to do, and does not show the URL.
    pub(in crate::config) fn check(&self) -> Result<(), &'static str> {
        let url = self.parse().ok_or(
            "the database is no URL of PostgreSQL: write postgres://USER:PASSWORD@HOST/DATABASE, with %XX for special \
             characters of the password",
        )?;
        let has_host = url.host_str().is_some_and(|host| !host.is_empty());
        if !has_host && !url.query_pairs().any(|(name, _)| name == "host") {
            return Err(
                "the URL of the database names no host: write postgres://USER:PASSWORD@HOST/DATABASE",
            );
        }
        if has_misplaced_characters(&url) {
            return Err(
                "the name of the database in its URL has characters that need %XX; parameters begin with `?`",
            );
        }
        if url.query_pairs().any(|(name, value)| name == "sslmode" && !Self::SSL_MODES.contains(&&*value)) {
            return Err(
                "sslmode of the database is disable, allow, prefer, require, verify-ca or verify-full",
            );
        }
        if url.query_pairs().any(|(name, _)| !Self::PARAMETERS.contains(&&*name)) {
            return Err(
                "the URL of the database has an unknown parameter: it may have application_name, dbname, host, \
                        options, password, port, sslcert, sslkey, sslmode, sslrootcert and user",
            );
        }
        // A URL that was copied from the output of the program.
        let is_masked = url.query_pairs().any(|(name, value)| name == "password" && value == PASSWORD_MASK);
        if is_masked || url.password() == Some(PASSWORD_MASK) {
            return Err("the password of the database is hidden by ***: put the real one there");
        }
        Ok(())
    }

    fn parse(&self) -> Option<Url> {
        let url = Url::parse(&self.0).ok()?;
        // `Url` accepts schemes without the two slashes, whose user and password would be part of the path.
        let text = self.0.to_ascii_lowercase();
        let has_scheme = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        (has_scheme && !url.cannot_be_a_base()).then_some(url)
    }
}

/// Whether the path has characters that belong to a password or to parameters, so that the URL was misread.
fn has_misplaced_characters(url: &Url) -> bool {
    url.path().contains(['@', ':', '&', ';', '='])
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Where it is unclear which part is the password, nothing is shown.
        let Some(url) = self.parse().filter(|url| !has_misplaced_characters(url)) else {
            return write!(f, "postgres://{PASSWORD_MASK}");
        };
        let mut shown = url.clone();
        if shown.password().is_some() {
            // Fails only for a URL without a host, which has no password.
            let _ = shown.set_password(Some(PASSWORD_MASK));
        }
        if shown.query().is_some() {
            let is_safe = |name: &str| name != "password" && Self::PARAMETERS.contains(&name);
            let pairs = url.query_pairs();
            let pairs = pairs.map(
                |(name, value)| if is_safe(&name) { (name, value) } else { (name, PASSWORD_MASK.into()) },
            );
            shown.query_pairs_mut().clear().extend_pairs(pairs);
        }
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
