//! Configuration: flag = environment variable = key of a TOML file, each setting written once.
//!
//! `--batch-max 1`, `FPS_SANDBOX_BATCH_MAX=1` and `batch_max = 1` say the same. A flag wins over the environment, the
//! environment over the file, the file over the default. The table below is the only place that lists settings: the
//! command line, its help, [`Config`], the file format, `--print-config` and [`SETTINGS`] come out of it.
//!
//! * **To add a setting**, add a row to the table and a row to the table of `tests.rs`. What a row may say is
//!   explained in `table.rs`, the kinds of value (what is accepted, how it prints) are in `kinds.rs`.
//! * **To add a nested key**, which has neither flag nor variable, add it to [`FileOnly`].
//!
//! [`resolve`] is the one function that reads the environment and the file; everything below it is pure.

mod error;
mod file;
mod kinds;
mod print;
#[macro_use]
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ledger::{FeeRule, FeeTable};
use crate::signature::{TrustedKey, TrustedKeys};

pub use self::error::{ConfigError, one_line};
pub use self::file::FileSettings;
pub use self::kinds::{
    AuthMode, CoBrandedAuth, Database, LogFormat, PostgresUrl, TimestampWindow, VerifySignatureRefusal,
};
use self::kinds::{
    Choice, Count, Delay, Dollars, FilePath, Flag, HostName, HostPort, Instant, LogFilter, Number, Origin,
    SignatureVersion, Timeout, Window,
};
use self::table::CONFIG_VARIABLE;
pub use self::table::Setting;

settings! {
    "Listening" {
        /// Address of plain HTTP. Port 0 takes any free port; 0.0.0.0 listens on every interface.
        listen (HostPort): one String = "127.0.0.1:8008".to_owned();

        /// Address of HTTPS. Without it there is no HTTPS.
        https_listen (HostPort): maybe String;

        /// Certificate chain of HTTPS (PEM). Without it a certificate is issued by a certificate authority that is
        /// made once and kept in the data folder.
        tls_cert (FilePath): maybe PathBuf;

        /// Private key of --tls-cert (PEM).
        tls_key (FilePath): maybe PathBuf;

        /// When ready, write the port of plain HTTP to this file.
        port_file (FilePath): maybe PathBuf;

        /// When ready, print one line of JSON with the addresses on standard output.
        ready_json (Flag): one bool = false;
    }

    "Data" {
        /// Where the ledger lives: `:memory:` starts fresh and leaves nothing behind; a file path (or sqlite:PATH)
        /// is kept; postgres://USER:PASSWORD@HOST/DATABASE is shared by all sandboxes that are given it (add
        /// ?sslmode=verify-full for TLS). Printed without the password.
        database (Database): one Database = Database::Memory;

        /// How long PostgreSQL may take before a request is refused with ServiceUnavailable, 100ms to 1h.
        database_timeout (Timeout): one Duration = Duration::from_secs(5);

        /// Connections to PostgreSQL that change things, 1 to 64, for all worlds together.
        database_connections (Count<1, 64>): one usize = 8;

        /// Connections that only look things up, 1 to 64: to PostgreSQL for all worlds together, to a database file for
        /// each. A database in memory has none.
        database_readers (Count<1, 64>): one usize = 2;

        /// Folder of the certificate authority, touched only when one must be made; by default in
        /// `$XDG_DATA_HOME`, else in `~/.local/share`.
        data_dir (FilePath): one PathBuf = default_data_dir();

        /// Fill an empty database from this file instead of the demo accounts and keys.
        seed (FilePath): maybe PathBuf;

        /// Leave an empty database empty: no demo accounts, no demo keys.
        no_demo (Flag): one bool = false;

        /// Make the ids that the sandbox gives out repeatable, those of requests too: same number, same requests, same ids,
        /// in every world. A filled database goes on with the number it began with.
        id_seed (Number): maybe u64;
    }

    "Worlds" {
        /// Refuse access keys with a world that there is not, instead of making the world.
        no_worlds_on_demand (Flag): one bool = false;

        /// Most worlds besides the default one, 1 to 100000; the longest unused one that was made on demand gives way.
        max_worlds (Count<1, 100_000>): one usize = 1_000;

        /// Drop a world that was made on demand when nobody has used it for so long.
        world_idle (Delay): one Duration = minutes(24 * 60);
    }

    "Authentication" {
        /// What happens to a request whose signature does not match: strict refuses it, lenient lets it through and
        /// logs why it is wrong, off does not look.
        auth (Choice<AuthMode>): one AuthMode = AuthMode::Strict;

        /// How far a request's timestamp may be from the clock of its world or from real time, whichever is nearer; off
        /// takes any timestamp.
        timestamp_window (Window): one TimestampWindow = TimestampWindow(Some(minutes(15)));

        /// Signature versions that API requests may have, 1 and 2, separated by commas; 2 alone refuses version 1, as the
        /// service did from about 2011 on. Start URLs of the Co-Branded pages and messages to merchants do not depend on it.
        signature_versions (SignatureVersion): many u8 = vec![1, 2];

        /// What VerifySignature answers to a wrong signature: error, as was recorded (InvalidSignature), or failure, as
        /// the guide says (the VerificationStatus Failure).
        verify_signature_refusal (Choice<VerifySignatureRefusal>): one VerifySignatureRefusal = VerifySignatureRefusal::Error;

        /// Host names that a client may have signed although it connects here. Repeat the flag or separate by commas;
        /// what is given replaces the default.
        host_alias (HostName): many String = amazon_hosts();
    }

    "Co-Branded pages" {
        /// Whether the URL that sends a buyer to the pages has to be signed: optional checks a signature where there is
        /// one, strict refuses a URL without.
        cobranded_auth (Choice<CoBrandedAuth>): one CoBrandedAuth = CoBrandedAuth::Optional;

        /// Address that the certificateUrl of signed messages begins with. Without it that is the address under which
        /// the sandbox was reached.
        certificate_base (Origin): maybe String;
    }

    "Time" {
        /// Start the clock of each new world at this instant (RFC 3339, or a date for its midnight UTC); it runs on from
        /// there, and a database file's anew at each start. Without it clocks show real time.
        clock (Instant): maybe DateTime<Utc>;

        /// How long a card (CC) payment stays Pending, on the sandbox clock; 0 finishes it at once.
        cc_delay (Delay): one Duration = Duration::from_secs(1);

        /// How long a bank (ACH) payment stays Pending, on the sandbox clock; 0 finishes it at once.
        ach_delay (Delay): one Duration = minutes(4 * 24 * 60);
    }

    "Sandbox" {
        /// Take magic token ids and amounts for what they are, instead of forcing errors by them.
        no_magic (Flag): one bool = false;
    }

    "Limits" {
        /// Largest amount of one transaction, in US dollars.
        max_amount (Dollars): one Decimal = Decimal::from(10_000);

        /// Most requests that share one database transaction, 1 to 4096; 1 gives each its own.
        batch_max (Count<1, 4096>): one usize = 256;

        /// Most transactions of a world that stay in memory between batches, 0 to 10000000.
        cached_transactions (Count<0, 10_000_000>): one usize = 16_384;

        /// Largest request (target and body), in bytes, 1024 to 1048576.
        max_request_bytes (Count<1024, 1_048_576>): one usize = 65_536;

        /// Most parameters in one request.
        max_parameters (Count<1, 100_000>): one usize = 200;

        /// Most connections open at a time; further ones wait.
        max_connections (Count<1, 1_000_000>): one usize = 1024;

        /// Time a client has to send a whole request.
        request_timeout (Timeout): one Duration = Duration::from_secs(30);

        /// Time that work in hand has to finish after SIGTERM or SIGINT.
        shutdown_grace (Delay): one Duration = Duration::from_secs(10);
    }

    "Logging" {
        /// What is logged: off, error, warn, info, debug or trace, and by module, such as
        /// `info,fps_sandbox::store=debug`.
        log (LogFilter): one String = "info".to_owned();

        /// How log lines look on standard error: text or json (one object a line).
        log_format (Choice<LogFormat>): one LogFormat = LogFormat::Text;
    }
}

/// Keys of the configuration file that have no flag and no environment variable, such as nested tables.
///
/// To add one: a field here (any serde type; put `deny_unknown_fields` on the types of nested tables) and its name in
/// [`FileOnly::KEYS`]. It then is read, refused with its line when wrong, printed by `--print-config` below the plain
/// keys, and stands in [`Config::file_only`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileOnly {
    /// What operations cost; what is given replaces the whole table.
    pub fees: Vec<FeeRule>,
    /// RSA keys whose signatures VerifySignature trusts besides the sandbox's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_key: Vec<TrustedKey>,
}

impl FileOnly {
    /// The names of the fields.
    pub const KEYS: &'static [&'static str] = &["fees", "trusted_key"];
}

impl Default for FileOnly {
    fn default() -> Self {
        Self { fees: FeeTable::default_rules(), trusted_key: Vec::new() }
    }
}

/// Finds the value of every setting, given the flags.
///
/// Reads the environment and, if `--config` or `FPS_SANDBOX_CONFIG` names one, the file.
pub fn resolve(settings: Settings) -> Result<Config, ConfigError> {
    let flags_and_env = settings.or(from_env(|name| std::env::var_os(name))?);
    let file = flags_and_env.config.as_deref().map(read_file).transpose()?;
    let config = merge(flags_and_env, file);
    check(&config)?;
    Ok(config)
}

/// Puts the sources together, the stronger first; what nobody gives has its default.
pub fn merge(flags_and_env: Settings, file: Option<FileSettings>) -> Config {
    let file = file.unwrap_or_default();
    Config::from_settings(flags_and_env.or(file.settings), file.file_only)
}

/// The settings found among environment variables. Empty variables count as unset.
///
/// Variables of the prefix that are no setting are left alone: Kubernetes puts `FPS_SANDBOX_PORT` and the like into
/// every container beside a service of that name.
fn from_env(read: impl Fn(&str) -> Option<OsString>) -> Result<Settings, ConfigError> {
    let read = |name: &str| match read(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => Err(ConfigError::Encoding { variable: name.to_owned() }),
    };
    let mut settings = Settings { config: read(CONFIG_VARIABLE)?.map(PathBuf::from), ..Settings::default() };
    for setting in SETTINGS {
        let variable = setting.variable();
        if let Some(text) = read(&variable)? {
            settings.set_text(setting.name, &text).map_err(|expected| ConfigError::Environment {
                variable,
                text,
                expected,
            })?;
        }
    }
    Ok(settings)
}

fn read_file(path: &Path) -> Result<FileSettings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), error })?;
    file::parse(path, &text)
}

/// The least time that a database may be given, and the most.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What no single setting can know.
fn check(config: &Config) -> Result<(), ConfigError> {
    FeeTable::new(&config.file_only.fees).map_err(ConfigError::Table)?;
    TrustedKeys::new(&config.file_only.trusted_key).map_err(ConfigError::Table)?;
    if let Database::Postgres(url) = &config.database {
        url.check().map_err(ConfigError::Combination)?;
    }
    if config.signature_versions.is_empty() {
        return Err(ConfigError::Combination("signature_versions must name 1, 2 or both"));
    }
    if !(SHORTEST..=LONGEST).contains(&config.database_timeout) {
        return Err(ConfigError::Combination("database_timeout must be from 100ms to 1h"));
    }
    let fault = match (&config.tls_cert, &config.tls_key, &config.https_listen) {
        (Some(_), None, _) => {
            "tls_cert is given without tls_key: give both, or neither to have a certificate made"
        }
        (None, Some(_), _) => {
            "tls_key is given without tls_cert: give both, or neither to have a certificate made"
        }
        (Some(_), Some(_), None) => "tls_cert and tls_key need https_listen, such as 127.0.0.1:8443",
        (_, _, Some(address)) if *address == config.listen && !address.ends_with(":0") => {
            "listen and https_listen are the same address: give them different ports"
        }
        _ => return Ok(()),
    };
    Err(ConfigError::Combination(fault))
}

fn default_data_dir() -> PathBuf {
    data_dir_of(std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"))
}

fn data_dir_of(xdg_data_home: Option<OsString>, home: Option<OsString>) -> PathBuf {
    let folder = |variable: Option<OsString>| variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    folder(xdg_data_home)
        .map(|data| data.join("fps-sandbox"))
        .or_else(|| folder(home).map(|home| home.join(".local/share/fps-sandbox")))
        .unwrap_or_else(|| PathBuf::from("fps-sandbox-data"))
}

fn amazon_hosts() -> Vec<String> {
    ["fps.sandbox.amazonaws.com", "fps.amazonaws.com"].map(str::to_owned).to_vec()
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
