//! The sandbox: creates a running service from a configuration, by putting the modules together.

mod router;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;

use crate::clock::Clock;
use crate::config::{Config, ConfigError, Database};
use crate::host_names::AMAZON_HOSTS;
use crate::ledger::{Amount, FeeTable, Rules};
use crate::message_signing::MessageSigner;
use crate::random;
use crate::seed::{self, Seed, SeedError};
use crate::server::shutdown::ShutdownSignal;
use crate::server::tls::CertificateSource;
use crate::server::{self, BoundServer, HttpsSettings, ServerError, ServerSettings, ShutdownOutcome};
use crate::signature::TrustedRsaKeys;
use crate::store::{Databases, Store, StoreError, StoreSettings};
use crate::worlds::{InitialClock, WorldError, WorldSettings, WorldTemplate, Worlds};

/// Room for the request line and headers besides the query, in bytes.
const HEADER_BYTES: usize = 8 * 1024;

/// Why the sandbox did not start. Each message is one line that tells what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The seed file has a mistake.
    #[error("{0}")]
    Seed(#[from] SeedError),
    /// The seed file cannot be read.
    #[error("cannot read the seed file {0}: {1}; check --seed")]
    SeedFile(String, std::io::Error),
    /// The database cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The default world cannot be opened.
    #[error(transparent)]
    World(WorldError),
    /// The addresses or certificates cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
}

impl From<WorldError> for StartError {
    fn from(problem: WorldError) -> Self {
        match problem {
            WorldError::Store(problem) => Self::Store(problem),
            WorldError::Seed(problem) => Self::Seed(problem),
            problem @ (WorldError::TooMany(_) | WorldError::Panicked) => Self::World(problem),
        }
    }
}

/// A sandbox that listens; [`Sandbox::serve`] answers requests.
pub struct Sandbox {
    server: BoundServer,
    router: Router,
    worlds: Worlds,
    is_new: bool,
    message_signer: Arc<MessageSigner>,
}

impl Sandbox {
    /// Opens the database, fills it if it is empty, and starts to listen.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_with_seed(config, clock, read_seed(config)?).await
    }

    /// Starts with this seed in place of the configured one.
    pub async fn start_with_seed(config: &Config, clock: Clock, seed: Seed) -> Result<Self, StartError> {
        let (worlds, is_new) = open_worlds(config, &clock, seed).await?;
        let store = worlds.default_world().store().clone();
        let server = server::bind(&server_settings(config), Clock::real_time().now().to_datetime()).await?;
        let trusted =
            TrustedRsaKeys::new(&config.file_only.trusted_key).map_err(ConfigError::InvalidTable)?;
        let message_signer = Arc::new(MessageSigner::new(trusted, store.clone()));
        let router = router::router(config, &worlds, Arc::clone(&message_signer), server.ca_pem());
        Ok(Self { server, router, worlds, is_new, message_signer })
    }

    /// The addresses of plain HTTP, with their real ports.
    pub fn http_addrs(&self) -> Vec<SocketAddr> {
        self.server.http_addrs()
    }

    /// The addresses of HTTPS, with their real ports.
    pub fn https_addrs(&self) -> Vec<SocketAddr> {
        self.server.https_addrs()
    }

    /// The worlds, to use them without HTTP.
    pub fn worlds(&self) -> &Worlds {
        &self.worlds
    }

    /// Runs commands in the default world without HTTP.
    pub fn store(&self) -> &Store {
        self.worlds.default_world().store()
    }

    /// Whether the database of the default world was empty, and has been filled.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Generates the key that signs return URLs in the background, unless the database has one. Otherwise the first
    /// request that needs the key has to wait for it.
    pub fn prepare_signing_key(&self) {
        let message_signer = Arc::clone(&self.message_signer);
        tokio::spawn(async move {
            if let Err(error) = message_signer.signing_key().await {
                tracing::debug!(%error, "no signing key yet; the first visit to the pages generates it");
            }
        });
    }

    /// Serves until `shutdown` requests a shutdown, then completes requests in progress and closes the databases.
    pub async fn serve(self, shutdown: ShutdownSignal) -> ShutdownOutcome {
        let maintenance = tokio::spawn(self.worlds.clone().run_maintenance());
        let outcome = self.server.serve(self.router, shutdown).await;
        maintenance.abort();
        self.worlds.close().await;
        outcome
    }
}

async fn open_worlds(config: &Config, clock: &Clock, seed: Seed) -> Result<(Worlds, bool), StartError> {
    let rules = rules(config)?;
    let settings = StoreSettings {
        database: config.database.clone(),
        rules: rules.clone(),
        max_batch_commands: config.batch_max,
        timeout: config.database_timeout,
        read_connections: config.database_readers,
        write_connections: config.database_connections,
        max_cached_transactions: config.cached_transactions,
    };
    let template = WorldTemplate {
        seed,
        // A seed file records what has happened, so magic amounts force no errors in it.
        rules: Rules { magic: false, ..rules },
        id_seed: config.id_seed.unwrap_or_else(random::random_seed),
        initial_clock: InitialClock::of(clock),
    };
    let worlds = WorldSettings {
        on_demand: !config.no_worlds_on_demand,
        max_worlds: config.max_worlds,
        idle_timeout: config.world_idle,
        default_file: match &config.database {
            Database::File(path) => Some(path.clone()),
            Database::Memory | Database::Postgres(_) => None,
        },
        repeatable_ids: config.id_seed.is_some(),
    };
    Ok(Worlds::open(Databases::new(settings)?, clock, template, worlds).await?)
}

fn rules(config: &Config) -> Result<Rules, ConfigError> {
    let millis = |delay: std::time::Duration| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    Ok(Rules {
        fees: FeeTable::new(&config.file_only.fees).map_err(ConfigError::InvalidTable)?,
        cc_delay_millis: millis(config.cc_delay),
        ach_delay_millis: millis(config.ach_delay),
        max_amount: Amount::from_decimal(config.max_amount).unwrap_or(Amount::HUGE),
        magic: !config.no_magic,
    })
}

fn read_seed(config: &Config) -> Result<Seed, StartError> {
    match &config.seed {
        Some(path) => {
            let name = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .map_err(|problem| StartError::SeedFile(name.clone(), problem))?;
            Ok(Seed::parse(&name, &text)?)
        }
        None if config.no_demo => Ok(Seed::empty()),
        None => Ok(Seed::parse("the demo seed", seed::DEMO_SEED)?),
    }
}

fn server_settings(config: &Config) -> ServerSettings {
    let certificate = match (&config.tls_cert, &config.tls_key) {
        (Some(chain), Some(key)) => CertificateSource::Files { chain: chain.clone(), key: key.clone() },
        _ => CertificateSource::Generated {
            data_dir: config.data_dir.clone(),
            host_names: AMAZON_HOSTS.map(str::to_owned).to_vec(),
        },
    };
    ServerSettings {
        listen: config.listen.clone(),
        https: config.https_listen.clone().map(|listen| HttpsSettings { listen, certificate }),
        max_connections: config.max_connections,
        max_head_bytes: config.max_request_bytes + HEADER_BYTES,
        request_timeout: config.request_timeout,
        shutdown_grace: config.shutdown_grace,
    }
}
