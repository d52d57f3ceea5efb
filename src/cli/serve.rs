//! `fps-sandbox serve`, the default: run until told to stop.

use std::process::ExitCode;

use crate::clock::{Clock, ClockState};
use crate::config::{self, Config, PartialConfig};
use crate::ledger::Timestamp;
use crate::logging;
use crate::sandbox::{Sandbox, StartError};
use crate::server::{ShutdownOutcome, shutdown};

use super::{Failure, announce, port_file, print};

pub(super) const EXIT_CODES: &str = "\
Exit codes: 0 ended by SIGTERM or SIGINT; 1 it could not start (address in use, database in use, …); \
2 the command line, the configuration or the seed file is wrong.";

pub(super) fn run(settings: PartialConfig) -> Result<ExitCode, Failure> {
    let print = settings.print_config;
    let config = config::resolve(settings).map_err(Failure::usage)?;
    if print {
        print::out(&config.to_toml())?;
        return Ok(ExitCode::SUCCESS);
    }
    logging::init(&config).map_err(Failure::usage)?;
    serve(&config)
}

#[tokio::main]
async fn serve(config: &Config) -> Result<ExitCode, Failure> {
    let shutdown = shutdown::on_signals().map_err(Failure::failed)?;
    if let Some(path) = &config.port_file {
        port_file::remove(path)?;
    }
    let start = config.clock.map(|start| ClockState::running_from(Timestamp::from(start)));
    let clock = Clock::new(start.unwrap_or(ClockState::REAL_TIME));
    let sandbox = Sandbox::start(config, clock).await.map_err(not_started)?;
    announce::announce(config, &sandbox).await?;
    sandbox.prepare_signing_key();
    match sandbox.serve(shutdown).await {
        ShutdownOutcome::Completed => tracing::info!("finished"),
        ShutdownOutcome::Aborted { open_connections } => {
            tracing::warn!(open_connections, "aborted connections that did not complete in time");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn not_started(problem: StartError) -> Failure {
    match problem {
        StartError::Config(_) | StartError::Seed(_) | StartError::SeedFile(..) => Failure::usage(problem),
        StartError::Store(_) | StartError::World(_) | StartError::Server(_) => Failure::failed(problem),
    }
}
