//! What a sandbox says when it is ready: to people, to programs, to files.
//!
//! * To people, one block on standard error: where it listens, whose key signs, a `curl` line to paste. It counts as
//!   information, so `--log warn` leaves it out. With `--log-format json` one event `ready` stands in its place, so
//!   that whatever parses the log goes on parsing; the secret and the `curl` line are for people and not in it.
//! * To programs, one line of JSON on standard output (`--ready-json`), and the port in a file (`--port-file`).

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use tracing::Level;

use crate::clock::Clock;
use crate::config::{AuthMode, Config, Database, LogFormat};
use crate::ledger::GetDebtBalance;
use crate::sandbox::Sandbox;
use crate::signature::{Hash, Scheme, SecretKey, Signable, sign};

use super::request::{Endpoint, Method};
use super::{Failure, port_file, print, world};

/// Tells everyone.
pub(super) async fn announce(config: &Config, sandbox: &Sandbox) -> Result<(), Failure> {
    let ready = Announcement::of(config, sandbox);
    let keys = Keys::of(sandbox).await;
    warn(config, sandbox, &keys);
    match config.log_format {
        LogFormat::Json => ready.log(),
        LogFormat::Text if tracing::enabled!(Level::INFO) => {
            print::note(&block(config, &ready, &keys));
        }
        LogFormat::Text => {}
    }
    if let (Some(path), Some(address)) = (&config.port_file, sandbox.http_addrs().first()) {
        port_file::write(path, address.port())?;
    }
    if config.ready_json {
        let line = serde_json::to_string(&ready).map_err(Failure::failed)?;
        print::out(&format!("{line}\n"))?;
    }
    Ok(())
}

/// What programs are told.
#[derive(Debug, Serialize)]
struct Announcement {
    ready: bool,
    version: &'static str,
    pid: u32,
    /// URLs at which this machine reaches it.
    http: Vec<String>,
    https: Vec<String>,
    /// Where to download the certificate that HTTPS clients must trust; null without HTTPS or with a given certificate.
    ca: Option<String>,
    database: String,
    /// The first access key; null when there is none.
    access_key: Option<String>,
    /// The sandbox clock started here; null when it shows real time.
    clock: Option<String>,
}

impl Announcement {
    fn of(config: &Config, sandbox: &Sandbox) -> Self {
        let urls = |addresses: Vec<_>, secure| -> Vec<String> {
            addresses.into_iter().map(|address| Endpoint::of(address, secure).to_string()).collect()
        };
        let (http, https) = (urls(sandbox.http_addrs(), false), urls(sandbox.https_addrs(), true));
        let own_authority = !https.is_empty() && config.tls_cert.is_none();
        Self {
            ready: true,
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            ca: http.first().filter(|_| own_authority).map(|url| format!("{url}/_sandbox/ca.pem")),
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

/// Who can sign.
enum Keys {
    /// The documentation's key, whose secret the whole world knows.
    Public {
        /// Whether the demo world's debtor is there to ask about.
        demo_world: bool,
    },
    /// Somebody's own: the id of the first.
    Own(String),
    None,
}

impl Keys {
    async fn of(sandbox: &Sandbox) -> Self {
        let keys = sandbox.worlds().default_world().keys();
        let public = SecretKey::new(world::SECRET);
        if let Some(key) = keys.get(world::KEY).filter(|key| is_same(&key.secret, &public)) {
            let ask = GetDebtBalance { caller: key.owner, instrument: world::INSTRUMENT.to_owned().into() };
            return Self::Public { demo_world: sandbox.store().query(ask).await.is_ok() };
        }
        keys.first().map_or(Self::None, |key| Self::Own(key.id.clone()))
    }
}

/// Whether two secrets are the same. Their text is not kept, so they sign something.
fn is_same(left: &SecretKey, right: &SecretKey) -> bool {
    let probe: Signable<'_> = Signable { verb: "GET", path: "/", pairs: &[], signature_name: "Signature" };
    let signature = |secret| sign(secret, Scheme::V2(Hash::Sha256), &probe, "localhost");
    signature(left) == signature(right)
}

fn warn(config: &Config, sandbox: &Sandbox, keys: &Keys) {
    match config.auth {
        AuthMode::Strict => {}
        AuthMode::Lenient => tracing::warn!(
            "--auth lenient: requests with a wrong signature are let through and reported in X-Sandbox-Signature"
        ),
        AuthMode::Off => {
            tracing::warn!("--auth off: signatures are not checked, anyone is taken at their word");
        }
    }
    let is_filled = !sandbox.is_new();
    if let Some(seed) = config.seed.as_ref().filter(|_| is_filled) {
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
    if is_filled && config.clock.is_some() && matches!(config.database, Database::Postgres(_)) {
        tracing::warn!(
            "--clock: the database {} is filled already, and its clock goes on; only new worlds start there",
            config.database
        );
    }
    if is_filled
        && config.no_demo
        && let Keys::Public { .. } = keys
    {
        tracing::warn!(
            "--no-demo: the database {} has the documentation's key already, and it is left as it is",
            config.database
        );
    }
    let mut listeners = sandbox.http_addrs().into_iter().chain(sandbox.https_addrs());
    let open = listeners.find(|address| !address.ip().is_loopback());
    if let (Some(address), Keys::Public { .. }) = (open, keys) {
        tracing::warn!(
            "whoever reaches {address} can sign with the documentation's key; for keys of your own give --seed FILE, \
             for this machine only --listen 127.0.0.1:{}",
            address.port()
        );
    }
}

// Writing into a string does not fail, so the results below are dropped.
fn block(config: &Config, ready: &Announcement, keys: &Keys) -> String {
    let mut text = format!("\nFPS Sandbox {} is ready.\n\n", ready.version);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    ready.http.iter().for_each(|url| row("HTTP", url));
    ready.https.iter().for_each(|url| row("HTTPS", url));
    match (&ready.ca, &config.tls_cert) {
        (Some(url), _) => row("", &format!("trust its authority: curl -O {url}")),
        (None, Some(path)) => row("", &format!("with the certificate {}", path.display())),
        (None, None) => {}
    }
    row("Database", &database(&config.database));
    if let Some(start) = &ready.clock {
        row("Clock", &format!("runs from {start}; timestamps of real time are good too"));
    }
    match keys {
        Keys::Public { .. } => {
            row("Key", world::KEY);
            row("Secret", &format!("{}  (the documentation's public example)", world::SECRET));
        }
        Keys::Own(id) => row("Key", &format!("{id}; its secret is where you put it, in your seed file")),
        Keys::None => row("Key", "none, so nobody can sign; give an empty database a --seed FILE with one"),
    }
    text.push_str(&first_steps(config, ready, keys));
    text.push_str("\nCtrl-C ends it.\n");
    text
}

fn database(database: &Database) -> String {
    match database {
        Database::Memory => {
            "in memory: starts fresh, leaves nothing behind (--database PATH keeps it)".to_owned()
        }
        Database::File(path) => path_of(path),
        Database::Postgres(url) => url.to_string(),
    }
}

fn path_of(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// What to paste first.
fn first_steps(config: &Config, ready: &Announcement, keys: &Keys) -> String {
    let endpoint = ready.http.first().and_then(|url| url.parse::<Endpoint>().ok());
    let (Keys::Public { demo_world: true }, Some(endpoint)) = (keys, endpoint) else {
        return "\nBuild and send requests with `fps-sandbox sign` and `fps-sandbox call` (--help tells how).\n"
            .to_owned();
    };
    let now = Clock::real_time().now().to_string();
    let ask = [("Action", "GetDebtBalance"), ("CreditInstrumentId", world::INSTRUMENT)];
    let ask = ask.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let curl = world::signer().sign(Method::Get, &endpoint, ask, &now).curl();
    let window = config.timestamp_window.0.map(humantime::format_duration);
    let good_for = window.map(|window| format!("; good for {window}")).unwrap_or_default();
    let mut options = String::new();
    if ready.http.first().is_none_or(|url| url != super::arguments::DEFAULT_ENDPOINT) {
        let _ = write!(options, " --endpoint {endpoint}");
    }
    format!(
        "\nWhat does Alice, the demo buyer, owe? (signed{good_for})\n\n  {curl}\n\n\
         Sign your own, send your own, see the whole story:\n\n  \
         fps-sandbox sign{options} --curl Action=Pay TransactionAmount=10 SenderTokenId={}\n  \
         fps-sandbox call{options} Action=GetDebtBalance CreditInstrumentId={}\n  \
         fps-sandbox demo\n",
        world::CREDIT,
        world::INSTRUMENT
    )
}
