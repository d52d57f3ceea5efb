//! The sandbox: configuration in, a running service out. Here the rooms are put together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{any, get};
use tokio::sync::OnceCell;

use crate::authentication::Authenticator;
use crate::clock::Clock;
use crate::cobranded::{self, CoBrandedService};
use crate::config::{CoBrandedAuth, Config, ConfigError, Database};
use crate::fps::hosts::Hosts;
use crate::fps::{self, Rest, reference};
use crate::ledger::{Amount, FeeTable, Rules};
use crate::outbound::Outbound;
use crate::random;
use crate::seed::{self, Seed, SeedError};
use crate::server::shutdown::Shutdown;
use crate::server::tls::CertificateSource;
use crate::server::{self, Bound, Ending, HttpsSettings, ServerError, ServerSettings};
use crate::service::Service;
use crate::signature::TrustedKeys;
use crate::store::{Databases, Store, StoreError, StoreSettings};
use crate::worlds::{InitialClock, WorldError, WorldSettings, WorldTemplate, Worlds};

/// Room for request lines and headers beside the query.
const HEADER_BYTES: usize = 8 * 1024;

/// Why the sandbox did not start; each is one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration makes no sense.
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

/// A sandbox that listens; [`Sandbox::serve`] answers.
pub struct Sandbox {
    bound: Bound,
    router: Router,
    worlds: Worlds,
    is_new: bool,
    outbound: Arc<Outbound>,
}

impl Sandbox {
    /// Opens the database, fills it if it is empty, and starts to listen.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_seeded(config, clock, read_seed(config)?).await
    }

    /// The same with a seed at hand, whatever the configuration says of seeds.
    pub async fn start_seeded(config: &Config, clock: Clock, seed: Seed) -> Result<Self, StartError> {
        let (worlds, is_new) = open_worlds(config, &clock, seed).await?;
        let store = worlds.default_world().store().clone();
        let bound = server::bind(&server_settings(config), Clock::real_time().now().to_datetime()).await?;
        let trusted = TrustedKeys::new(&config.file_only.trusted_key).map_err(ConfigError::InvalidTable)?;
        let outbound = Arc::new(Outbound::new(trusted, store.clone()));
        let router = router(config, &worlds, Arc::clone(&outbound), bound.ca_pem());
        Ok(Self { bound, router, worlds, is_new, outbound })
    }

    /// The addresses of plain HTTP, with their real ports.
    pub fn http_addrs(&self) -> Vec<SocketAddr> {
        self.bound.http_addrs()
    }

    /// The addresses of HTTPS, with their real ports.
    pub fn https_addrs(&self) -> Vec<SocketAddr> {
        self.bound.https_addrs()
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

    /// Makes the key that signs return URLs in the background, unless the database has one. Without this the first
    /// visit that needs it makes it, and takes as long.
    pub fn prepare_signing_key(&self) {
        let outbound = Arc::clone(&self.outbound);
        tokio::spawn(async move {
            if let Err(problem) = outbound.own_key().await {
                tracing::debug!(%problem, "no signing key yet; the first visit to the pages makes it");
            }
        });
    }

    /// Serves until told to finish; then finishes what is in hand and closes the database.
    pub async fn serve(self, shutdown: Shutdown) -> Ending {
        let upkeep = tokio::spawn(self.worlds.clone().run_maintenance());
        let ending = self.bound.serve(self.router, shutdown).await;
        upkeep.abort();
        self.worlds.close().await;
        ending
    }
}

async fn open_worlds(config: &Config, clock: &Clock, seed: Seed) -> Result<(Worlds, bool), StartError> {
    let rules = rules(config)?;
    let settings = StoreSettings {
        database: config.database.clone(),
        rules: rules.clone(),
        batch_max: config.batch_max,
        timeout: config.database_timeout,
        readers: config.database_readers,
        connections: config.database_connections,
        cached_transactions: config.cached_transactions,
    };
    let template = WorldTemplate {
        seed,
        // What a seed file says has happened, magic amounts or not.
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
            let text = read_text(path).map_err(|problem| StartError::SeedFile(name.clone(), problem))?;
            Ok(Seed::parse(&name, &text)?)
        }
        None if config.no_demo => Ok(Seed::empty()),
        None => Ok(Seed::parse("the demo seed", seed::DEMO_SEED)?),
    }
}

fn read_text(path: &Path) -> std::io::Result<String> {
    std::fs::read_to_string(path)
}

fn server_settings(config: &Config) -> ServerSettings {
    let certificate = match (&config.tls_cert, &config.tls_key) {
        (Some(chain), Some(key)) => CertificateSource::Files { chain: chain.clone(), key: key.clone() },
        _ => CertificateSource::Authority { data_dir: config.data_dir.clone(), extra_names: Vec::new() },
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

fn router(config: &Config, worlds: &Worlds, outbound: Arc<Outbound>, ca_pem: Option<&str>) -> Router {
    let hosts = Hosts { aliases: config.host_alias.clone() };
    let pages = CoBrandedService {
        worlds: worlds.clone(),
        hosts: hosts.clone().with(cobranded::AMAZON_HOSTS),
        outbound: Arc::clone(&outbound),
        requires_signature: config.cobranded_auth == CoBrandedAuth::Strict,
        certificate_base: config.certificate_base.clone(),
        max_request_bytes: config.max_request_bytes,
        max_parameters: config.max_parameters,
        visit_token_key: OnceCell::new(),
    };
    let authenticator = Authenticator {
        mode: config.auth,
        versions: config.signature_versions.clone(),
        window: config.timestamp_window.0,
        worlds: worlds.clone(),
    };
    let rest = Rest {
        authenticator,
        service: Service { outbound, verify_signature_refusal: config.verify_signature_refusal },
        hosts,
        max_request_bytes: config.max_request_bytes,
        max_parameters: config.max_parameters,
    };
    let markdown = |text: String| ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text);
    let mut router = Router::new()
        .route("/", any(fps::answer).with_state(Arc::new(rest)))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(worlds.default_world().store().clone()))
        .route("/_sandbox/actions", get(async move || markdown(reference::actions_markdown())))
        .route("/_sandbox/errors", get(async move || markdown(reference::errors_markdown())))
        .route("/_sandbox/magic", get(async move || markdown(reference::magic_markdown())));
    router = router
        .route("/_sandbox/cobranded", get(async move || markdown(cobranded::documentation::markdown())));
    router = router.merge(cobranded::router(pages));
    if let Some(pem) = ca_pem.map(str::to_owned) {
        let file = [
            (header::CONTENT_TYPE, "application/x-pem-file"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"fps-sandbox-ca.pem\""),
        ];
        router = router.route("/_sandbox/ca.pem", get(async move || (file, pem)));
    }
    router.fallback(async || {
        (
            StatusCode::NOT_FOUND,
            "Nothing here. The FPS web service answers at /; see also /_sandbox/actions.\n",
        )
    })
}

async fn ready(State(store): State<Store>) -> impl IntoResponse {
    if store.is_ready().await {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "the database is away or takes no changes\n")
    }
}
