//! A sandbox that runs in the process of the test.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fps_sandbox::clock::{Clock, ClockState};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::ledger::Timestamp;
use fps_sandbox::sandbox::{Sandbox, StartError};
use fps_sandbox::server::{ShutdownOutcome, shutdown};
use fps_sandbox::signature::SecretKey;
use fps_sandbox::store::{AccessKey, Store, audit};
use fps_sandbox::worlds::Worlds;
use tokio::task::JoinHandle;

use super::{Client, NOW, Response, demo, postgres, send_raw};

/// The configuration of test sandboxes: a free port and reproducible ids; otherwise the defaults.
pub fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".to_owned(),
        id_seed: Some(1),
        // A small cache, so that the sandbox drops transactions and reads them again.
        cached_transactions: 8,
        ..Config::default()
    }
}

pub fn instant(text: &str) -> Timestamp {
    text.parse::<DateTime<Utc>>().expect("an instant").into()
}

/// A running sandbox.
pub struct Server {
    pub addr: SocketAddr,
    pub clock: Clock,
    pub store: Store,
    pub worlds: Worlds,
    database: Database,
    stopper: shutdown::ShutdownHandle,
    serving: JoinHandle<ShutdownOutcome>,
}

impl Server {
    /// Starts a sandbox with the demo world at [`NOW`].
    pub async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub async fn start_with(config: Config) -> Self {
        Self::start_at(config, instant(NOW)).await.expect("the sandbox starts")
    }

    /// Starts a sandbox whose default world has this seed, the text of a seed file.
    pub async fn start_seeded(seed: &str) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), seed).expect("the seed is written");
        Self::start_with(Config { seed: Some(file.path().to_owned()), ..config() }).await
    }

    /// Starts a sandbox with this seed and a database file in `folder`, or a new PostgreSQL schema.
    pub async fn start_in(folder: &Path, seed: &str) -> Self {
        Self::start_in_with(folder, seed, config()).await
    }

    /// Does the same with these settings.
    pub async fn start_in_with(folder: &Path, seed: &str, config: Config) -> Self {
        let file = folder.join("seed.toml");
        std::fs::write(&file, seed).expect("the seed is written");
        let database = match postgres::server_url() {
            Some(_) => postgres::new_database().await,
            None => Database::File(folder.join("ledger.db")),
        };
        Self::start_with(Config { seed: Some(file), database, ..config }).await
    }

    /// Stops a sandbox that [`Server::start_in`] started, and audits its database.
    pub async fn stop_and_audit(self) {
        let database = self.database.clone();
        self.stop().await;
        for audited in audit(&database, Duration::from_secs(5), None).await.expect("a database") {
            assert!(audited.invariants > 0 && audited.findings.is_empty(), "{audited:?}");
        }
    }

    /// Starts a sandbox whose clock stands at `now`. With a PostgreSQL server, a new schema replaces a database in memory.
    pub async fn start_at(mut config: Config, now: Timestamp) -> Result<Self, StartError> {
        if config.database == Database::Memory && postgres::server_url().is_some() {
            config.database = postgres::new_database().await;
        }
        let clock = Clock::new(ClockState::Frozen(now));
        let sandbox = Sandbox::start(&config, clock.clone()).await?;
        let (stopper, shutdown) = shutdown::channel();
        let (addr, worlds) = (sandbox.http_addrs()[0], sandbox.worlds().clone());
        let store = sandbox.store().clone();
        let serving = tokio::spawn(sandbox.serve(shutdown));
        Ok(Self { addr, clock, store, worlds, database: config.database, stopper, serving })
    }

    /// Stops the sandbox as SIGTERM does, and waits until its database is closed.
    pub async fn stop(self) -> ShutdownOutcome {
        self.stopper.shut_down_gracefully();
        self.serving.await.expect("the server stops without a panic")
    }

    /// Finds an access key of the default world.
    pub fn key(&self, id: &str) -> Option<Arc<AccessKey>> {
        self.worlds.default_world().keys().get(id).cloned()
    }

    /// A client with the key of the demo merchant.
    pub fn merchant(&self) -> Client {
        self.client(demo::KEY, demo::SECRET)
    }

    /// A client with the key of the other merchant of the demo world.
    pub fn other_merchant(&self) -> Client {
        self.client(demo::SECOND_KEY, demo::SECRET)
    }

    pub fn client(&self, key: &str, secret: &str) -> Client {
        Client {
            addr: self.addr,
            clock: self.clock.clone(),
            key: key.to_owned(),
            secret: SecretKey::new(secret),
        }
    }

    /// Sends bytes over a new connection and reads one response.
    pub async fn send_raw(&self, request: &[u8]) -> Response {
        send_raw(self.addr, request).await
    }

    /// Moves the clock of the default world forward.
    pub async fn advance(&self, by: Duration) {
        self.store.set_clock(self.clock.state().advanced(by)).await.expect("the clock moves");
    }
}
