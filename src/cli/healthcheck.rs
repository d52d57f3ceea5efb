//! `fps-sandbox healthcheck`: reports whether a sandbox is ready.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::config::{self, PartialConfig};

use super::endpoint::Endpoint;
use super::{CliError, http, print};

pub(super) const AFTER_HELP: &str = "\
Examples:
  fps-sandbox healthcheck
  fps-sandbox healthcheck --listen 127.0.0.1:9000
  HEALTHCHECK CMD [\"fps-sandbox\", \"healthcheck\"]   (in a Dockerfile)

Exit codes: 0 ready; 1 not ready, or the configuration is wrong; 2 the command line is wrong.";

/// The time in which the sandbox must answer.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// Ask a running sandbox whether it is ready (GET /readyz).
///
/// It finds the sandbox as the sandbox finds its own address: by --listen, the environment or the configuration file.
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    #[arg(
        long,
        value_name = "HOST:PORT",
        help = "The address that the sandbox listens on; 0.0.0.0 means 127.0.0.1. [env: FPS_SANDBOX_LISTEN]"
    )]
    listen: Option<String>,

    #[arg(
        long,
        value_name = "FILE",
        help = "The configuration file that the sandbox reads. [env: FPS_SANDBOX_CONFIG]"
    )]
    config: Option<PathBuf>,
}

impl Healthcheck {
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let settings = PartialConfig { listen: self.listen, config: self.config, ..PartialConfig::default() };
        let listen = config::resolve(settings).map_err(CliError::failed)?.listen;
        let address = socket_address(&listen)?;
        let endpoint = Endpoint::of_listener(address, false);
        let response = http::get(&format!("{endpoint}/readyz"), RESPONSE_TIMEOUT)
            .map_err(|reason| CliError::failed(format!("no sandbox answers at {endpoint} ({reason})")))?;
        if !response.is_success() {
            let reason = response.body.lines().next().unwrap_or_default();
            return Err(CliError::failed(format!("not ready: {}: {reason}", response.status_line)));
        }
        print::to_stdout("ready\n")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Resolves the listen address of a sandbox; its port must be fixed, so that it can be connected to.
fn socket_address(listen: &str) -> Result<SocketAddr, CliError> {
    let resolved = listen.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    let address = resolved.ok_or_else(|| {
        CliError::failed(format!("`{listen}` is no address; give --listen HOST:PORT, such as 127.0.0.1:8008"))
    })?;
    if address.port() == 0 {
        return Err(CliError::failed(
            "the sandbox takes any free port; give the one it took with --listen HOST:PORT",
        ));
    }
    Ok(address)
}
