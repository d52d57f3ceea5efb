//! Where the values of settings come from: flags, environment variables, the configuration file, defaults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ledger::FeeTable;
use crate::signature::TrustedRsaKeys;

use super::error::ConfigError;
use super::file::{ConfigFile, parse_file};
use super::setting::CONFIG_VARIABLE;
use super::{Config, Database, PartialConfig, SETTINGS};

/// Determines the value of every setting, given the flags.
///
/// Reads the environment, and the file if `--config` or `FPS_SANDBOX_CONFIG` names one.
pub fn resolve(flags: PartialConfig) -> Result<Config, ConfigError> {
    let flags_and_env = flags.or(read_environment(|name| std::env::var_os(name))?);
    let file = flags_and_env.config.as_deref().map(read_file).transpose()?;
    let config = merge(flags_and_env, file);
    check_combinations(&config)?;
    Ok(config)
}

/// Merges flags and environment variables with the file. A setting that none of them has gets its default.
pub fn merge(flags_and_env: PartialConfig, file: Option<ConfigFile>) -> Config {
    let file = file.unwrap_or_default();
    Config::with_defaults(flags_and_env.or(file.settings), file.file_only)
}

/// Reads the settings among the environment variables. An empty variable counts as unset.
///
/// Other variables with the prefix are ignored: for a service of this name, Kubernetes puts variables such as
/// `FPS_SANDBOX_PORT` into every container.
pub(super) fn read_environment(
    read_variable: impl Fn(&str) -> Option<OsString>,
) -> Result<PartialConfig, ConfigError> {
    let read =
        |name: &str| match read_variable(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => Err(ConfigError::VariableNotUtf8 { variable: name.to_owned() }),
        };
    let mut settings =
        PartialConfig { config: read(CONFIG_VARIABLE)?.map(PathBuf::from), ..PartialConfig::default() };
    for setting in SETTINGS {
        let variable = setting.variable();
        if let Some(text) = read(&variable)? {
            settings.set_text(setting.name, &text).map_err(|expected| ConfigError::InvalidVariable {
                variable,
                text,
                expected,
            })?;
        }
    }
    Ok(settings)
}

fn read_file(path: &Path) -> Result<ConfigFile, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { file: path.to_owned(), error })?;
    parse_file(path, &text)
}

/// The limits of `database_timeout`.
const MIN_DATABASE_TIMEOUT: Duration = Duration::from_millis(100);
const MAX_DATABASE_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Checks what the format of a single value does not guarantee.
pub(super) fn check_combinations(config: &Config) -> Result<(), ConfigError> {
    FeeTable::new(&config.file_only.fees).map_err(ConfigError::InvalidTable)?;
    TrustedRsaKeys::new(&config.file_only.trusted_key).map_err(ConfigError::InvalidTable)?;
    if let Database::Postgres(url) = &config.database {
        url.check().map_err(ConfigError::Conflict)?;
    }
    if config.signature_versions.is_empty() {
        return Err(ConfigError::Conflict("signature_versions must name 1, 2 or both"));
    }
    if !(MIN_DATABASE_TIMEOUT..=MAX_DATABASE_TIMEOUT).contains(&config.database_timeout) {
        return Err(ConfigError::Conflict("database_timeout must be from 100ms to 1h"));
    }
    let conflict = match (&config.tls_cert, &config.tls_key, &config.https_listen) {
        (Some(_), None, _) => {
            "tls_cert is given without tls_key: give both, or neither to have a certificate made"
        }
        (None, Some(_), _) => {
            "tls_key is given without tls_cert: give both, or neither to have a certificate made"
        }
        (Some(_), Some(_), None) => "tls_cert and tls_key need https_listen, such as 127.0.0.1:8443",
        // Port 0 means any free port, so two listeners with port 0 do not conflict.
        (_, _, Some(address)) if *address == config.listen && !address.ends_with(":0") => {
            "listen and https_listen are the same address: give them different ports"
        }
        _ => return Ok(()),
    };
    Err(ConfigError::Conflict(conflict))
}
