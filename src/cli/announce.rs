//! Announces that a sandbox is ready, and logs warnings about its settings.
//!
//! * For people: a block of text on standard error with the addresses, the key that can sign, and a `curl` line to paste.
//!   It is printed at the log level `info`. With `--log-format json` an event `ready` is logged instead, without the
//!   secret and the `curl` line, so that standard error remains valid JSON.
//! * For programs: one line of JSON on standard output (`--ready-json`), and the port in a file (`--port-file`).

use serde::Serialize;
use tracing::Level;

use crate::config::{AuthMode, Config, Database, LogFormat};
use crate::ledger::GetDebtBalance;
use crate::sandbox::Sandbox;
use crate::signature::{Hash, Scheme, SecretKey, Signable, sign};

use super::endpoint::Endpoint;
use super::ready_text::ready_text;
use super::{CliError, demo_ids, port_file, print};

/// Announces the sandbox in every way that the configuration asks for.
pub(super) async fn announce(config: &Config, sandbox: &Sandbox) -> Result<(), CliError> {
    let key = UsableKey::find(sandbox).await;
    log_warnings(config, sandbox, &key);
    let announcement = Announcement::new(config, sandbox);
    match config.log_format {
        LogFormat::Json => announcement.log(),
        LogFormat::Text if tracing::enabled!(Level::INFO) => {
            print::to_stderr(&ready_text(config, &announcement, &key));
        }
        LogFormat::Text => {}
    }
    if let (Some(path), Some(address)) = (&config.port_file, sandbox.http_addrs().first()) {
        port_file::write(path, address.port())?;
    }
    if config.ready_json {
        let line = serde_json::to_string(&announcement).map_err(CliError::failed)?;
        print::to_stdout(&format!("{line}\n"))?;
    }
    Ok(())
}

/// The announcement for programs.
#[derive(Debug, Serialize)]
pub(super) struct Announcement {
    ready: bool,
    pub(super) version: &'static str,
    pid: u32,
    /// The URLs at which this machine reaches the sandbox.
    pub(super) http: Vec<String>,
    pub(super) https: Vec<String>,
    /// The URL of the certificate that HTTPS clients must trust; null without HTTPS or with `--tls-cert`.
    pub(super) ca: Option<String>,
    database: String,
    /// The first access key; null if there is none.
    access_key: Option<String>,
    /// The time at which the sandbox's clock started; null if it shows real time.
    pub(super) clock: Option<String>,
}

impl Announcement {
    fn new(config: &Config, sandbox: &Sandbox) -> Self {
        let urls = |addresses: Vec<_>, secure| -> Vec<String> {
            addresses.into_iter().map(|address| Endpoint::of_listener(address, secure).to_string()).collect()
        };
        let (http, https) = (urls(sandbox.http_addrs(), false), urls(sandbox.https_addrs(), true));
        let has_own_authority = !https.is_empty() && config.tls_cert.is_none();
        Self {
            ready: true,
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            ca: http.first().filter(|_| has_own_authority).map(|url| format!("{url}/_sandbox/ca.pem")),
            http,
            https,
            database: config.database.to_string(),
            access_key: sandbox.worlds().default_world().keys().first().map(|key| key.id.clone()),
            clock: config.clock.map(|start| crate::ledger::Timestamp::from(start).to_string()),
        }
    }

    fn log(&self) {
        tracing::info!(
            version = self.version,
            http = self.http.join(" "),
            https = self.https.join(" "),
            ca = self.ca,
            database = self.database,
            access_key = self.access_key,
            clock = self.clock,
            "ready"
        );
    }
}

/// The access key with which requests to the default world can be signed.
pub(super) enum UsableKey {
    /// The example key of AWS's documentation, whose secret is public.
    Example {
        /// Whether the demo world's credit instrument exists, so that an example request can ask for its debt.
        has_demo_world: bool,
    },
    /// The id of the first of the user's own keys.
    Own(String),
    /// There is no key.
    None,
}

impl UsableKey {
    async fn find(sandbox: &Sandbox) -> Self {
        let keys = sandbox.worlds().default_world().keys();
        let example_secret = SecretKey::new(demo_ids::SECRET_KEY);
        let example = keys.get(demo_ids::ACCESS_KEY).filter(|key| are_equal(&key.secret, &example_secret));
        if let Some(key) = example {
            let instrument = demo_ids::CREDIT_INSTRUMENT.into();
            let query = GetDebtBalance { caller: key.owner, instrument };
            return Self::Example { has_demo_world: sandbox.store().query(query).await.is_ok() };
        }
        keys.first().map_or(Self::None, |key| Self::Own(key.id.clone()))
    }
}

/// Whether two secret keys are equal. A secret key does not reveal its text, so the signatures that they make are compared.
fn are_equal(left: &SecretKey, right: &SecretKey) -> bool {
    let message: Signable<'_> = Signable { verb: "GET", path: "/", pairs: &[], signature_name: "Signature" };
    let signature = |secret| sign(secret, Scheme::V2(Hash::Sha256), &message, "localhost");
    signature(left) == signature(right)
}

/// Logs a warning for each setting that is unsafe or has no effect here.
fn log_warnings(config: &Config, sandbox: &Sandbox, key: &UsableKey) {
    match config.auth {
        AuthMode::Strict => {}
        AuthMode::Lenient => tracing::warn!(
            "--auth lenient: requests with a wrong signature are let through and reported in X-Sandbox-Signature"
        ),
        AuthMode::Off => {
            tracing::warn!("--auth off: signatures are not checked, anyone is taken at their word");
        }
    }
    let is_existing_database = !sandbox.is_new();
    if let Some(seed) = config.seed.as_ref().filter(|_| is_existing_database) {
        tracing::warn!(
            "--seed {}: nothing was taken from it, because the database {} is filled already",
            seed.display(),
            config.database
        );
    }
    let id_seed = sandbox.worlds().default_world().id_seed();
    if config.id_seed.is_some_and(|asked| asked != id_seed) {
        tracing::warn!(
            "--id-seed: the database {} goes on with the number that it began with, {id_seed}",
            config.database
        );
    }
    if is_existing_database && config.clock.is_some() && matches!(config.database, Database::Postgres(_)) {
        tracing::warn!(
            "--clock: the database {} is filled already, and its clock goes on; only new worlds start there",
            config.database
        );
    }
    if is_existing_database
        && config.no_demo
        && let UsableKey::Example { .. } = key
    {
        tracing::warn!(
            "--no-demo: the database {} has the documentation's key already, and it is left as it is",
            config.database
        );
    }
    let mut listeners = sandbox.http_addrs().into_iter().chain(sandbox.https_addrs());
    let exposed = listeners.find(|address| !address.ip().is_loopback());
    if let (Some(address), UsableKey::Example { .. }) = (exposed, key) {
        tracing::warn!(
            "whoever reaches {address} can sign with the documentation's key; for keys of your own give --seed FILE, \
             for this machine only --listen 127.0.0.1:{}",
            address.port()
        );
    }
}
