//! `fps-sandbox healthcheck`: does the sandbox answer?

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::config::{self, PartialConfig};

use super::request::Endpoint;
use super::{Failure, http, print};

pub(super) const AFTER_HELP: &str = "\
Examples:
  fps-sandbox healthcheck
  fps-sandbox healthcheck --listen 127.0.0.1:9000
  HEALTHCHECK CMD [\"fps-sandbox\", \"healthcheck\"]   (in a Dockerfile)

Exit codes: 0 ready; 1 not ready, or the configuration is wrong; 2 the command line is wrong.";

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);

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
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let settings = PartialConfig { listen: self.listen, config: self.config, ..PartialConfig::default() };
        let listen = config::resolve(settings).map_err(Failure::failed)?.listen;
        let address = resolve(&listen)?;
        let endpoint = Endpoint::of(address, false);
        let answer = http::get(&format!("{endpoint}/readyz"), PATIENCE)
            .map_err(|reason| Failure::failed(format!("no sandbox answers at {endpoint} ({reason})")))?;
        if !answer.is_success() {
            let said = answer.body.lines().next().unwrap_or_default();
            return Err(Failure::failed(format!("not ready: {}: {said}", answer.status_line)));
        }
        print::out("ready\n")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn resolve(listen: &str) -> Result<SocketAddr, Failure> {
    let found = listen.to_socket_addrs().ok().and_then(|mut found| found.next());
    let address = found.ok_or_else(|| {
        Failure::failed(format!("`{listen}` is no address; give --listen HOST:PORT, such as 127.0.0.1:8008"))
    })?;
    if address.port() == 0 {
        return Err(Failure::failed(
            "the sandbox takes any free port; give the one it took with --listen HOST:PORT",
        ));
    }
    Ok(address)
}
