//! The kinds of value a setting can have: what is accepted, and how it is written.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use clap::ValueEnum;
use rust_decimal::Decimal;
use tracing_subscriber::EnvFilter;
use url::Url;

/// How a value is read from text (flag, variable) and from TOML, and how it is printed.
///
/// Faults are half sentences, "expected …"; the caller knows what was given and where.
pub(super) trait Kind {
    /// What the setting holds.
    type Value;

    /// The shape shown in the help.
    const PLACEHOLDER: &'static str;

    /// How many values a flag takes at a time.
    const VALUES: RangeInclusive<usize> = 1..=1;

    /// What separates the items of a list in one flag.
    const DELIMITER: Option<char> = None;

    /// What is accepted.
    fn expects() -> String;

    fn parse(text: &str) -> Result<Self::Value, String>;

    fn to_toml(value: &Self::Value) -> toml::Value;

    fn from_toml(value: &toml::Value) -> Result<Self::Value, String> {
        match value.as_str() {
            Some(text) => Self::parse(text),
            None => Err(format!("expected {}, in quotes", Self::expects())),
        }
    }

    /// The fault of a value that is not what this kind accepts.
    fn unexpected<E>(_: E) -> String {
        format!("expected {}", Self::expects())
    }
}

/// Text as a number, a date or a boolean of TOML too: `cc_delay = 1` is as good as `cc_delay = "1"`.
fn text_of(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Datetime(instant) => Some(instant.to_string()),
        toml::Value::Boolean(_) | toml::Value::Array(_) | toml::Value::Table(_) => None,
    }
}

fn parse_any<K: Kind>(value: &toml::Value) -> Result<K::Value, String> {
    text_of(value).map_or_else(|| Err(K::unexpected(())), |text| K::parse(&text))
}

/// An address to listen on, `host:port`. Names are resolved when the server binds, not here.
pub(super) struct HostPort;

impl Kind for HostPort {
    type Value = String;
    const PLACEHOLDER: &'static str = "HOST:PORT";

    fn expects() -> String {
        "HOST:PORT, such as 127.0.0.1:8008, localhost:8008 or [::1]:8008".to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        let (host, port) = text.rsplit_once(':').ok_or_else(|| Self::unexpected(()))?;
        let port_is_sound = port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
        if !port_is_sound || !(is_bracketed_ipv6(host) || is_host_name(host)) {
            return Err(Self::unexpected(()));
        }
        Ok(text.to_owned())
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

fn is_bracketed_ipv6(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    address.is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok())
}

/// A host name or an IPv4 address.
fn is_host_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// A host name without a port, in lower case; in lists.
pub(super) struct HostName;

impl Kind for HostName {
    type Value = String;
    const PLACEHOLDER: &'static str = "HOST";
    const DELIMITER: Option<char> = Some(',');

    fn expects() -> String {
        "a host name without scheme or port, such as fps.amazonaws.com".to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        let host = text.trim();
        if is_host_name(host) { Ok(host.to_ascii_lowercase()) } else { Err(Self::unexpected(())) }
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

/// An address of http or https, without a path.
pub(super) struct Origin;

impl Kind for Origin {
    type Value = String;
    const PLACEHOLDER: &'static str = "URL";

    fn expects() -> String {
        "an address without a path, such as https://fps.sandbox.amazonaws.com or http://localhost:8008"
            .to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        let url = Url::parse(text).map_err(Self::unexpected)?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let known = ["http", "https"].contains(&url.scheme()) && url.username().is_empty();
        if bare && known { Ok(url.origin().ascii_serialization()) } else { Err(Self::unexpected(())) }
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

/// A path, relative to the working directory wherever it was given.
pub(super) struct FilePath;

impl Kind for FilePath {
    type Value = PathBuf;
    const PLACEHOLDER: &'static str = "PATH";

    fn expects() -> String {
        "a path".to_owned()
    }

    fn parse(text: &str) -> Result<PathBuf, String> {
        if text.is_empty() { Err(Self::unexpected(())) } else { Ok(PathBuf::from(text)) }
    }

    fn to_toml(value: &PathBuf) -> toml::Value {
        value.to_string_lossy().as_ref().into()
    }
}

/// Yes or no. As a flag it needs no value: `--no-demo` is `--no-demo=true`.
pub(super) struct Flag;

impl Kind for Flag {
    type Value = bool;
    const PLACEHOLDER: &'static str = "BOOL";
    const VALUES: RangeInclusive<usize> = 0..=1;

    fn expects() -> String {
        "true or false".to_owned()
    }

    fn parse(text: &str) -> Result<bool, String> {
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(true),
            "false" | "no" | "off" | "0" => Ok(false),
            _ => Err(Self::unexpected(())),
        }
    }

    fn to_toml(value: &bool) -> toml::Value {
        (*value).into()
    }

    fn from_toml(value: &toml::Value) -> Result<bool, String> {
        value.as_bool().ok_or_else(|| format!("expected {}, without quotes", Self::expects()))
    }
}

/// A version of request signatures; in lists.
pub(super) struct SignatureVersion;

impl Kind for SignatureVersion {
    type Value = u8;
    const PLACEHOLDER: &'static str = "VERSION";
    const DELIMITER: Option<char> = Some(',');

    fn expects() -> String {
        "1 or 2".to_owned()
    }

    fn parse(text: &str) -> Result<u8, String> {
        match text.trim() {
            "1" => Ok(1),
            "2" => Ok(2),
            other => Err(Self::unexpected(other)),
        }
    }

    fn to_toml(value: &u8) -> toml::Value {
        toml::Value::Integer((*value).into())
    }

    fn from_toml(value: &toml::Value) -> Result<u8, String> {
        parse_any::<Self>(value)
    }
}

/// A whole number from `MIN` to `MAX`.
pub(super) struct Count<const MIN: usize, const MAX: usize>;

impl<const MIN: usize, const MAX: usize> Kind for Count<MIN, MAX> {
    type Value = usize;
    const PLACEHOLDER: &'static str = "N";

    fn expects() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn parse(text: &str) -> Result<usize, String> {
        let number = text.parse().map_err(Self::unexpected)?;
        if (MIN..=MAX).contains(&number) { Ok(number) } else { Err(Self::unexpected(())) }
    }

    fn to_toml(value: &usize) -> toml::Value {
        i64::try_from(*value).map_or_else(|_| value.to_string().into(), toml::Value::Integer)
    }

    fn from_toml(value: &toml::Value) -> Result<usize, String> {
        let number =
            value.as_integer().ok_or_else(|| format!("expected {}, without quotes", Self::expects()))?;
        Self::parse(&number.to_string())
    }
}

/// Any whole number of 64 bits. TOML's numbers end at 2^63; larger ones stand in quotes.
pub(super) struct Number;

impl Kind for Number {
    type Value = u64;
    const PLACEHOLDER: &'static str = "N";

    fn expects() -> String {
        format!("a whole number from 0 to {}", u64::MAX)
    }

    fn parse(text: &str) -> Result<u64, String> {
        text.parse().map_err(Self::unexpected)
    }

    fn to_toml(value: &u64) -> toml::Value {
        i64::try_from(*value).map_or_else(|_| value.to_string().into(), toml::Value::Integer)
    }

    fn from_toml(value: &toml::Value) -> Result<u64, String> {
        parse_any::<Self>(value)
    }
}

/// A sum in US dollars, above zero, whole cents.
pub(super) struct Dollars;

impl Kind for Dollars {
    type Value = Decimal;
    const PLACEHOLDER: &'static str = "DOLLARS";

    fn expects() -> String {
        "US dollars from 0.01 to 1000000, such as 10000 or 99.95".to_owned()
    }

    fn parse(text: &str) -> Result<Decimal, String> {
        let dollars = Decimal::from_str_exact(text).map_err(Self::unexpected)?.normalize();
        let is_sound =
            (Decimal::new(1, 2)..=Decimal::from(1_000_000)).contains(&dollars) && dollars.scale() <= 2;
        if is_sound { Ok(dollars) } else { Err(Self::unexpected(())) }
    }

    fn to_toml(value: &Decimal) -> toml::Value {
        value.to_string().into()
    }

    fn from_toml(value: &toml::Value) -> Result<Decimal, String> {
        parse_any::<Self>(value)
    }
}

/// Durations beyond this are mistakes, and would leave the range of dates.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// A duration; 0 is "at once".
pub(super) struct Delay;

impl Kind for Delay {
    type Value = Duration;
    const PLACEHOLDER: &'static str = "DURATION";

    fn expects() -> String {
        "a duration up to 36500d, such as 0, 30 (seconds), 500ms, 15m, 4d or 1h 30m".to_owned()
    }

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = if text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse().map(Duration::from_secs).map_err(Self::unexpected)?
        } else {
            humantime::parse_duration(text).map_err(Self::unexpected)?
        };
        if duration <= LONGEST { Ok(duration) } else { Err(Self::unexpected(())) }
    }

    fn to_toml(value: &Duration) -> toml::Value {
        print_duration(*value).into()
    }

    fn from_toml(value: &toml::Value) -> Result<Duration, String> {
        parse_any::<Self>(value)
    }
}

/// A duration above zero.
pub(super) struct Timeout;

impl Kind for Timeout {
    type Value = Duration;
    const PLACEHOLDER: &'static str = Delay::PLACEHOLDER;

    fn expects() -> String {
        "a duration above 0 and up to 36500d, such as 30 (seconds), 500ms, 15m, 4d or 1h 30m".to_owned()
    }

    fn parse(text: &str) -> Result<Duration, String> {
        let duration = Delay::parse(text).map_err(Self::unexpected)?;
        if duration.is_zero() { Err(Self::unexpected(())) } else { Ok(duration) }
    }

    fn to_toml(value: &Duration) -> toml::Value {
        Delay::to_toml(value)
    }

    fn from_toml(value: &toml::Value) -> Result<Duration, String> {
        parse_any::<Self>(value)
    }
}

/// How far a timestamp may be from the time; any distance, if there is no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampWindow(pub Option<Duration>);

/// A duration above zero, or `off` for none at all.
pub(super) struct Window;

impl Kind for Window {
    type Value = TimestampWindow;
    const PLACEHOLDER: &'static str = Delay::PLACEHOLDER;

    fn expects() -> String {
        format!("{}, or off", Timeout::expects())
    }

    fn parse(text: &str) -> Result<TimestampWindow, String> {
        if text == "off" {
            return Ok(TimestampWindow(None));
        }
        let window = Timeout::parse(text).map_err(|_| Self::unexpected(()))?;
        Ok(TimestampWindow(Some(window)))
    }

    fn to_toml(value: &TimestampWindow) -> toml::Value {
        value.0.as_ref().map_or_else(|| "off".into(), Timeout::to_toml)
    }

    fn from_toml(value: &toml::Value) -> Result<TimestampWindow, String> {
        parse_any::<Self>(value)
    }
}

/// A duration as people write it, "4d" or "1h 30m": humantime's own printing has months and says "4days".
fn print_duration(duration: Duration) -> String {
    const UNITS: [(u128, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = duration.as_nanos();
    let mut parts = Vec::new();
    for (size, unit) in UNITS {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// An instant: RFC 3339, or a date for its midnight UTC.
pub(super) struct Instant;

impl Kind for Instant {
    type Value = DateTime<Utc>;
    const PLACEHOLDER: &'static str = "INSTANT";

    fn expects() -> String {
        "an instant with its offset or a date, such as 2010-08-28T12:00:00Z or 2010-08-28".to_owned()
    }

    fn parse(text: &str) -> Result<DateTime<Utc>, String> {
        if let Ok(date) = text.parse::<NaiveDate>() {
            return Ok(date.and_time(chrono::NaiveTime::MIN).and_utc());
        }
        DateTime::parse_from_rfc3339(text).map(|instant| instant.to_utc()).map_err(Self::unexpected)
    }

    fn to_toml(value: &DateTime<Utc>) -> toml::Value {
        value.to_rfc3339_opts(SecondsFormat::AutoSi, true).into()
    }

    fn from_toml(value: &toml::Value) -> Result<DateTime<Utc>, String> {
        parse_any::<Self>(value)
    }
}

/// Directives of what is logged.
pub(super) struct LogFilter;

/// The words that are a filter by themselves.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl Kind for LogFilter {
    type Value = String;
    const PLACEHOLDER: &'static str = "FILTER";

    fn expects() -> String {
        "off, error, warn, info, debug, trace, or directives such as info,fps_sandbox::store=debug".to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        // A bare word that is no level is a module's name to the filter, so a slip would log next to nothing.
        if let Some(level) = text.split(',').find_map(misspelt_level) {
            return Err(format!("did you mean `{level}`? Expected {}", Self::expects()));
        }
        match EnvFilter::try_new(text) {
            Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
            Ok(_) | Err(_) => Err(Self::unexpected(())),
        }
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

fn misspelt_level(directive: &str) -> Option<&'static str> {
    let word = directive.trim().to_ascii_lowercase();
    let distance = |level: &str| strsim::damerau_levenshtein(&word, level);
    let nearest = LEVELS.into_iter().min_by_key(|level| distance(level))?;
    (1..=2).contains(&distance(nearest)).then_some(nearest).filter(|_| word.len() >= 3)
}

/// One of a few words.
pub(super) struct Choice<T>(std::marker::PhantomData<T>);

impl<T: ValueEnum> Kind for Choice<T> {
    type Value = T;
    const PLACEHOLDER: &'static str = "WORD";

    fn expects() -> String {
        format!("one of {}", T::value_variants().iter().map(word).collect::<Vec<_>>().join(", "))
    }

    fn parse(text: &str) -> Result<T, String> {
        T::from_str(text, true).map_err(Self::unexpected)
    }

    fn to_toml(value: &T) -> toml::Value {
        word(value).into()
    }
}

fn word<T: ValueEnum>(value: &T) -> String {
    value.to_possible_value().map(|possible| possible.get_name().to_owned()).unwrap_or_default()
}

/// What happens to a request whose signature does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// It is refused.
    Strict,
    /// It is let through; the log says why it is wrong.
    Lenient,
    /// Signatures are not looked at.
    Off,
}

/// Whether URLs that send somebody to the Co-Branded pages have to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CoBrandedAuth {
    /// A signature is checked where there is one.
    Optional,
    /// One is insisted on.
    Strict,
}

/// What VerifySignature answers to a wrong signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum VerifySignatureRefusal {
    /// The error `InvalidSignature`.
    Error,
    /// The `VerificationStatus` `Failure`.
    Failure,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Where the ledger lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// In memory: starts fresh, leaves nothing behind.
    Memory,
    /// In this SQLite file.
    File(PathBuf),
    /// On a PostgreSQL server, shared with whoever is given the same URL.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL database. It shows itself without its password, also where it makes no sense.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// What stands in the place of a password.
const HIDDEN: &str = "***";

impl PostgresUrl {
    /// The parameters that it may have; libpq's names.
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

    /// The URL with its password: for the database alone.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether it makes sense. Told apart from reading it, because whoever reads a setting shows what is wrong.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let url = self.parsed().ok_or(
            "the database is no URL of PostgreSQL: write postgres://USER:PASSWORD@HOST/DATABASE, with %XX for special \
             characters of the password",
        )?;
        let names_host = url.host_str().is_some_and(|host| !host.is_empty());
        if !names_host && !url.query_pairs().any(|(name, _)| name == "host") {
            return Err(
                "the URL of the database names no host: write postgres://USER:PASSWORD@HOST/DATABASE",
            );
        }
        if url.path().contains(['@', ':', '&', ';', '=']) {
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
        let hidden = url.query_pairs().any(|(name, value)| name == "password" && value == HIDDEN);
        if hidden || url.password() == Some(HIDDEN) {
            return Err("the password of the database is hidden by ***: put the real one there");
        }
        Ok(())
    }

    fn parsed(&self) -> Option<Url> {
        let url = Url::parse(&self.0).ok()?;
        let written = self.0.to_ascii_lowercase();
        let by_the_book = ["postgres://", "postgresql://"].iter().any(|scheme| written.starts_with(scheme));
        (by_the_book && !url.cannot_be_a_base()).then_some(url)
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let readable = |url: &Url| !url.path().contains(['@', ':', '&', ';', '=']);
        let Some(url) = self.parsed().filter(readable) else { return write!(f, "postgres://{HIDDEN}") };
        let mut shown = url.clone();
        if shown.password().is_some() {
            let _has_a_host = shown.set_password(Some(HIDDEN));
        }
        if shown.query().is_some() {
            let is_harmless = |name: &str| name != "password" && Self::PARAMETERS.contains(&name);
            let pairs = url.query_pairs();
            let pairs = pairs
                .map(|(name, value)| if is_harmless(&name) { (name, value) } else { (name, HIDDEN.into()) });
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

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str(":memory:"),
            // A path that itself looks like a scheme keeps the prefix, so that what is printed can be read back.
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
        <Self as Kind>::parse(text)
    }
}

impl Kind for Database {
    type Value = Self;
    const PLACEHOLDER: &'static str = "DATABASE";

    fn expects() -> String {
        "`:memory:`, a file path, sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE".to_owned()
    }

    fn parse(text: &str) -> Result<Self, String> {
        let path = match text.strip_prefix("sqlite:").filter(|path| !path.starts_with("postgres")) {
            Some(rest) => rest.strip_prefix("//").unwrap_or(rest),
            None if is_postgres(text) => return Ok(Self::Postgres(PostgresUrl(text.to_owned()))),
            None if text.contains("://") => return Err(Self::unexpected(())),
            None => text,
        };
        match path {
            "" => Err(Self::unexpected(())),
            ":memory:" => Ok(Self::Memory),
            path => Ok(Self::File(PathBuf::from(path))),
        }
    }

    fn to_toml(value: &Self) -> toml::Value {
        value.to_string().into()
    }
}

/// Whether it is meant to be the URL of a server: whatever may have a password is one, and is shown as one.
fn is_postgres(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let by_scheme = ["postgres:", "postgresql:"].iter().any(|scheme| lower.starts_with(scheme));
    let mistyped = text.contains("://") || lower.starts_with("postgres");
    by_scheme || (mistyped && text.contains('@')) || lower.contains("password=")
}
