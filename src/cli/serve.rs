//! `fps-sandbox serve`, the default command: runs a sandbox until a signal ends it.

use std::process::ExitCode;

use crate::clock::{Clock, ClockState};
use crate::config::{self, Config, PartialConfig};
use crate::ledger::Timestamp;
use crate::logging;
use crate::sandbox::{Sandbox, StartError};
use crate::server::{ShutdownOutcome, shutdown};

use super::{CliError, announce, port_file, print};

pub(super) const EXIT_CODES: &str = "\
Exit codes: 0 ended by SIGTERM or SIGINT; 1 it could not start (address in use, database in use, …); \
2 the command line, the configuration or the seed file is wrong.";

pub(super) fn run(settings: PartialConfig) -> Result<ExitCode, CliError> {
    let print_config = settings.print_config;
    let config = config::resolve(settings).map_err(CliError::usage)?;
    if print_config {
        print::to_stdout(&config.to_toml())?;
        return Ok(ExitCode::SUCCESS);
    }
    logging::init(&config).map_err(CliError::usage)?;
    serve(&config)
}

#[tokio::main]
async fn serve(config: &Config) -> Result<ExitCode, CliError> {
    let shutdown = shutdown::on_signals().map_err(CliError::failed)?;
    // A program that waits for the file must not read the port of an earlier run.
    if let Some(path) = &config.port_file {
        port_file::remove(path)?;
    }
    let start = config.clock.map(|start| ClockState::running_from(Timestamp::from(start)));
    let clock = Clock::new(start.unwrap_or(ClockState::REAL_TIME));
    let sandbox = Sandbox::start(config, clock).await.map_err(start_error)?;
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

/// Errors in what the user wrote have another exit code than errors of the machine.
fn start_error(error: StartError) -> CliError {
    match error {
        StartError::Config(_) | StartError::Seed(_) | StartError::SeedFile(..) => CliError::usage(error),
        StartError::Store(_) | StartError::World(_) | StartError::Server(_) => CliError::failed(error),
    }
}
