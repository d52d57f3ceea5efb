//! `fps-sandbox serve`, the default: run until told to stop.

use std::process::ExitCode;

use crate::clock::Clock;
use crate::config::{self, Config, Settings};
use crate::ledger::Timestamp;
use crate::logging;
use crate::sandbox::Sandbox;
use crate::server::{Ending, shutdown};

use super::Failure;

pub(super) fn run(settings: Settings) -> Result<ExitCode, Failure> {
    let print = settings.print_config;
    let config = config::resolve(settings).map_err(Failure::usage)?;
    if print {
        print!("{}", config.to_toml());
        return Ok(ExitCode::SUCCESS);
    }
    logging::init(&config).map_err(Failure::usage)?;
    serve(&config)
}

#[tokio::main]
async fn serve(config: &Config) -> Result<ExitCode, Failure> {
    let shutdown = shutdown::on_signals().map_err(Failure::failed)?;
    let clock = config.clock.map_or_else(Clock::system, |start| Clock::starting_at(Timestamp::from(start)));
    let sandbox = Sandbox::start(config, clock).await.map_err(Failure::failed)?;
    announce(config, &sandbox)?;
    match sandbox.serve(shutdown).await {
        Ending::Finished => tracing::info!("finished"),
        Ending::CutOff { connections } => {
            tracing::warn!(connections, "cut off connections that did not finish")
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells people, files and programs that the sandbox is ready.
fn announce(config: &Config, sandbox: &Sandbox) -> Result<(), Failure> {
    if let (Some(path), Some(addr)) = (&config.port_file, sandbox.http_addrs().first()) {
        std::fs::write(path, format!("{}\n", addr.port()))
            .map_err(|problem| Failure::failed(format!("cannot write {}: {problem}", path.display())))?;
    }
    Ok(())
}
