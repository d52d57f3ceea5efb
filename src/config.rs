//! Configuration: flag = environment variable = key of a TOML file, each setting declared once.
//!
//! `--batch-max 1`, `FPS_SANDBOX_BATCH_MAX=1` and `batch_max = 1` mean the same. A flag takes precedence over the
//! environment, the environment over the file, the file over the default. The table below is the only list of settings:
//! the command line, its help, [`Config`], the file format, `--print-config` and [`SETTINGS`] are generated from it.
//!
//! * **To add a setting**, add a row to the table and a row to the table of `tests.rs`. `table.rs` explains what a row
//!   contains; `values/` has the formats of values.
//! * **To add a nested key**, which has neither flag nor variable, add it to [`FileOnlySettings`].
//!
//! Only [`resolve`] reads the environment and the file; everything else is pure.

mod error;
mod file;
mod print;
mod setting;
mod sources;
#[macro_use]
mod table;
#[cfg(test)]
mod tests;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::host_names::AMAZON_API_HOSTS;
use crate::ledger::{FeeRule, FeeTable};
use crate::signature::TrustedRsaKey;

pub use self::error::{ConfigError, format_clap_error};
pub use self::file::ConfigFile;
pub use self::setting::Setting;
pub use self::sources::{merge, resolve};
use self::values::{
    AnyDuration, Boolean, Choice, Dollars, DurationOrOff, FilePath, HostName, HostPort, HttpOrigin,
    IntegerInRange, LogFilter, PositiveDuration, SignatureVersion, UnsignedInteger, UtcInstant,
};
pub use self::values::{
    AuthMode, CoBrandedAuth, Database, LogFormat, PostgresUrl, TimestampWindow, VerifySignatureRefusal,
};

settings! {
    "Listening" {
        /// Address of plain HTTP. Port 0 takes any free port; 0.0.0.0 listens on every interface.
        listen (HostPort): single String = "127.0.0.1:8008".to_owned();

        /// Address of HTTPS. Without it there is no HTTPS.
        https_listen (HostPort): optional String;

        /// Certificate chain of HTTPS (PEM). Without it the sandbox issues a certificate itself, signed by a
        /// certificate authority that it creates once and keeps in the data folder.
        tls_cert (FilePath): optional PathBuf;

        /// Private key of --tls-cert (PEM).
        tls_key (FilePath): optional PathBuf;

        /// Write the port of plain HTTP to this file when the server is ready.
        port_file (FilePath): optional PathBuf;

        /// Print one line of JSON with the addresses on standard output when the server is ready.
        ready_json (Boolean): single bool = false;
    }

    "Data" {
        /// Where the ledger is stored: `:memory:` keeps nothing when the program ends; a file path (or sqlite:PATH) is an SQLite
        /// database; postgres://USER:PASSWORD@HOST/DATABASE is shared by all sandboxes with this URL (add ?sslmode=verify-full for
        /// TLS). Printed without the password.
        database (Database): single Database = Database::Memory;

        /// How long PostgreSQL may take before a request is refused with ServiceUnavailable, 100ms to 1h.
        database_timeout (PositiveDuration): single Duration = Duration::from_secs(5);

        /// Connections to PostgreSQL for changes, 1 to 64, for all worlds together.
        database_connections (IntegerInRange<1, 64>): single usize = 8;

        /// Connections for queries, 1 to 64: to PostgreSQL for all worlds together, to a database file for each world. A
        /// database in memory has none.
        database_readers (IntegerInRange<1, 64>): single usize = 2;

        /// Folder of the certificate authority, created only when it is needed; by default in `$XDG_DATA_HOME`, otherwise in
        /// `~/.local/share`.
        data_dir (FilePath): single PathBuf = default_data_dir();

        /// Fill an empty database from this file, instead of the demo accounts and keys.
        seed (FilePath): optional PathBuf;

        /// Leave an empty database empty: no demo accounts, no demo keys.
        no_demo (Boolean): single bool = false;

        /// Make ids repeatable, those of requests too: the same number and the same requests give the same ids, in every
        /// world. A database that is not empty keeps the number it was created with.
        id_seed (UnsignedInteger): optional u64;
    }

    "Worlds" {
        /// Refuse access keys of a world that does not exist, instead of creating the world.
        no_worlds_on_demand (Boolean): single bool = false;

        /// Maximum number of worlds besides the default one, 1 to 100000. Beyond it, the world on demand that has been unused
        /// for longest is dropped.
        max_worlds (IntegerInRange<1, 100_000>): single usize = 1_000;

        /// Drop a world on demand that has not been used for this time.
        world_idle (AnyDuration): single Duration = minutes(24 * 60);
    }

    "Authentication" {
        /// What happens to a request whose signature does not match: strict refuses it, lenient accepts it and logs the
        /// reason, off does not check signatures.
        auth (Choice<AuthMode>): single AuthMode = AuthMode::Strict;

        /// Maximum difference between a request's timestamp and the clock of its world or real time, whichever is nearer; off
        /// accepts any timestamp.
        timestamp_window (DurationOrOff): single TimestampWindow = TimestampWindow(Some(minutes(15)));

        /// Signature versions that API requests may have, 1 and 2, separated by commas; 2 alone refuses version 1, as the
        /// service did from about 2011 on. Does not apply to start URLs of the Co-Branded pages and to messages to merchants.
        signature_versions (SignatureVersion): list u8 = vec![1, 2];

        /// What VerifySignature answers to a wrong signature: error, as was recorded (InvalidSignature), or failure, as
        /// the guide says (the VerificationStatus Failure).
        verify_signature_refusal (Choice<VerifySignatureRefusal>): single VerifySignatureRefusal = VerifySignatureRefusal::Error;

        /// Host names for which clients may sign requests besides the address they connect to. Repeat the flag or separate
        /// by commas; the default is replaced.
        host_alias (HostName): list String = amazon_hosts();
    }

    "Co-Branded pages" {
        /// Whether the URL that sends a buyer to the pages must be signed: optional checks a signature if there is one,
        /// strict refuses a URL without.
        cobranded_auth (Choice<CoBrandedAuth>): single CoBrandedAuth = CoBrandedAuth::Optional;

        /// Beginning of the certificateUrl in signed messages. Without it that is the address under which the sandbox was
        /// reached.
        certificate_base (HttpOrigin): optional String;
    }

    "Time" {
        /// Start the clock of each new world at this instant (RFC 3339, or a date for its midnight UTC); it runs from there.
        /// The clock of a database file starts there at each start. Without this setting clocks show real time.
        clock (UtcInstant): optional DateTime<Utc>;

        /// How long a card (CC) payment stays Pending, on the sandbox clock; 0 finishes it at once.
        cc_delay (AnyDuration): single Duration = Duration::from_secs(1);

        /// How long a bank (ACH) payment stays Pending, on the sandbox clock; 0 finishes it at once.
        ach_delay (AnyDuration): single Duration = minutes(4 * 24 * 60);
    }

    "Sandbox" {
        /// Treat magic token ids and amounts as ordinary ones, instead of forcing errors with them.
        no_magic (Boolean): single bool = false;
    }

    "Limits" {
        /// Maximum amount of a transaction, in US dollars.
        max_amount (Dollars): single Decimal = Decimal::from(10_000);

        /// Maximum number of requests that share a database transaction, 1 to 4096; 1 gives each its own.
        batch_max (IntegerInRange<1, 4096>): single usize = 256;

        /// Maximum number of transactions of a world that stay in memory between batches, 0 to 10000000.
        cached_transactions (IntegerInRange<0, 10_000_000>): single usize = 16_384;

        /// Maximum size of a request (target and body), in bytes, 1024 to 1048576.
        max_request_bytes (IntegerInRange<1024, 1_048_576>): single usize = 65_536;

        /// Maximum number of parameters in a request.
        max_parameters (IntegerInRange<1, 100_000>): single usize = 200;

        /// Maximum number of open connections; further ones wait.
        max_connections (IntegerInRange<1, 1_000_000>): single usize = 1024;

        /// Time that a client has to send a whole request.
        request_timeout (PositiveDuration): single Duration = Duration::from_secs(30);

        /// Time that requests in progress have to finish after SIGTERM or SIGINT.
        shutdown_grace (AnyDuration): single Duration = Duration::from_secs(10);
    }

    "Logging" {
        /// What is logged: off, error, warn, info, debug or trace, also for single modules, such as
        /// `info,fps_sandbox::store=debug`.
        log (LogFilter): single String = "info".to_owned();

        /// Format of the log lines on standard error: text or json (one object in each line).
        log_format (Choice<LogFormat>): single LogFormat = LogFormat::Text;
    }
}

/// The keys of the configuration file that have no flag and no environment variable, such as nested tables.
///
/// To add one: a field here (of any serde type; put `deny_unknown_fields` on the types of nested tables), and its name
/// in [`FileOnlySettings::KEYS`]. It is then read, refused with its line if it is wrong, printed by `--print-config`
/// below the other keys, and available in [`Config::file_only`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FileOnlySettings {
    /// The fees of operations. A table in the file replaces the whole default.
    pub fees: Vec<FeeRule>,
    /// RSA keys whose signatures VerifySignature trusts besides those of the sandbox's own key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trusted_key: Vec<TrustedRsaKey>,
}

impl FileOnlySettings {
    /// The names of the fields.
    pub const KEYS: &'static [&'static str] = &["fees", "trusted_key"];
}

impl Default for FileOnlySettings {
    fn default() -> Self {
        Self { fees: FeeTable::default_rules(), trusted_key: Vec::new() }
    }
}

fn default_data_dir() -> PathBuf {
    data_dir_from(std::env::var_os("XDG_DATA_HOME"), std::env::var_os("HOME"))
}

fn data_dir_from(xdg_data_home: Option<OsString>, home: Option<OsString>) -> PathBuf {
    let path = |variable: Option<OsString>| variable.filter(|value| !value.is_empty()).map(PathBuf::from);
    path(xdg_data_home)
        .map(|data| data.join("fps-sandbox"))
        .or_else(|| path(home).map(|home| home.join(".local/share/fps-sandbox")))
        .unwrap_or_else(|| PathBuf::from("fps-sandbox-data"))
}

fn amazon_hosts() -> Vec<String> {
    AMAZON_API_HOSTS.map(str::to_owned).to_vec()
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}
