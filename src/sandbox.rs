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
use crate::cobranded::{self, CoBranded};
use crate::config::{CoBrandedAuth, Config, ConfigError};
use crate::fps::hosts::Hosts;
use crate::fps::{self, Rest, reference};
use crate::ids;
use crate::ledger::{Amount, FeeTable, Numbering, Rules};
use crate::outbound::Outbound;
use crate::seed::{self, Seed, SeedError};
use crate::server::shutdown::Shutdown;
use crate::server::tls::CertificateSource;
use crate::server::{self, Bound, Ending, HttpsSettings, ServerError, ServerSettings};
use crate::service::Service;
use crate::signature::TrustedKeys;
use crate::store::{Store, StoreError, StoreSettings};

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
    /// The addresses or certificates cannot be used.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// A sandbox that listens; [`Sandbox::serve`] answers.
pub struct Sandbox {
    bound: Bound,
    router: Router,
    store: Store,
    outbound: Arc<Outbound>,
}

impl Sandbox {
    /// Opens the database, fills it if it is empty, and starts to listen.
    pub async fn start(config: &Config, clock: Clock) -> Result<Self, StartError> {
        Self::start_seeded(config, clock, &read_seed(config)?).await
    }

    /// The same with a seed at hand, whatever the configuration says of seeds.
    pub async fn start_seeded(config: &Config, clock: Clock, seed: &Seed) -> Result<Self, StartError> {
        let rules = rules(config)?;
        let now = clock.now();
        let settings = StoreSettings {
            database: config.database.clone(),
            rules: rules.clone(),
            clock: clock.clone(),
            id_seed: config.id_seed.unwrap_or_else(ids::random_seed),
            batch_max: config.batch_max,
            patience: config.database_timeout,
            readers: config.database_readers,
        };
        // What a seed file says has happened, magic amounts or not.
        let plain = Rules { magic: false, ..rules.clone() };
        let begin = |numbering: &mut Numbering| seed.begin(now, &plain, numbering);
        let store = Store::open(settings, begin).await??;
        let bound = server::bind(&server_settings(config), Clock::system().now().to_datetime()).await?;
        let trusted = TrustedKeys::new(&config.file_only.trusted_key).map_err(ConfigError::Table)?;
        let outbound = Arc::new(Outbound::new(trusted, store.clone()));
        let router = router(config, clock, &store, Arc::clone(&outbound), bound.ca_pem());
        Ok(Self { bound, router, store, outbound })
    }

    /// The addresses of plain HTTP, with their real ports.
    pub fn http_addrs(&self) -> Vec<SocketAddr> {
        self.bound.http_addrs()
    }

    /// The addresses of HTTPS, with their real ports.
    pub fn https_addrs(&self) -> Vec<SocketAddr> {
        self.bound.https_addrs()
    }

    /// The handle on the ledger, to run commands without HTTP.
    pub fn store(&self) -> &Store {
        &self.store
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
        let ending = self.bound.serve(self.router, shutdown).await;
        self.store.close().await;
        ending
    }
}

fn rules(config: &Config) -> Result<Rules, ConfigError> {
    let millis = |delay: std::time::Duration| i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    Ok(Rules {
        fees: FeeTable::new(&config.file_only.fees).map_err(ConfigError::Table)?,
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
        None => Ok(Seed::parse("the demo seed", seed::DEMO)?),
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

fn router(
    config: &Config,
    clock: Clock,
    store: &Store,
    outbound: Arc<Outbound>,
    ca_pem: Option<&str>,
) -> Router {
    let hosts = Hosts { aliases: config.host_alias.clone() };
    let pages = CoBranded {
        store: store.clone(),
        clock: clock.clone(),
        hosts: hosts.clone().with(cobranded::AMAZON_HOSTS),
        outbound: Arc::clone(&outbound),
        insists_on_signatures: config.cobranded_auth == CoBrandedAuth::Strict,
        certificate_base: config.certificate_base.clone(),
        max_request_bytes: config.max_request_bytes,
        max_parameters: config.max_parameters,
        seal: OnceCell::new(),
    };
    let authenticator = Authenticator {
        mode: config.auth,
        versions: config.signature_versions.clone(),
        window: config.timestamp_window,
        clock,
        store: store.clone(),
    };
    let rest = Rest {
        authenticator,
        service: Service { outbound, verify_signature_refusal: config.verify_signature_refusal },
        store: store.clone(),
        hosts,
        max_request_bytes: config.max_request_bytes,
        max_parameters: config.max_parameters,
    };
    let markdown = |text: String| ([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text);
    let mut router = Router::new()
        .route("/", any(fps::answer).with_state(Arc::new(rest)))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready).with_state(store.clone()))
        .route("/_sandbox/actions", get(async move || markdown(reference::actions_markdown())))
        .route("/_sandbox/errors", get(async move || markdown(reference::errors_markdown())))
        .route("/_sandbox/magic", get(async move || markdown(reference::magic_markdown())));
    router =
        router.route("/_sandbox/cobranded", get(async move || markdown(cobranded::reference::markdown())));
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
