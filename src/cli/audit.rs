//! `fps-sandbox audit`: checks the invariants of a database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::{self, Database, PartialConfig};
use crate::store::{self, WorldAudit};

use super::{CliError, print};

pub(super) const AFTER_HELP: &str = "\
Examples:
  fps-sandbox audit --database sandbox.db
  fps-sandbox audit --database sandbox.db --world test-42
  FPS_SANDBOX_DATABASE=sandbox.db fps-sandbox audit

Exit codes: 0 sound; 1 broken, each place named on a line of its own; 2 it cannot be checked.";

/// Recompute every total of a database from its postings and check every invariant.
#[derive(Debug, Args)]
pub(super) struct Audit {
    #[arg(
        long,
        value_name = "DATABASE",
        help = "The database file, or the URL of a PostgreSQL database. [env: FPS_SANDBOX_DATABASE]"
    )]
    database: Option<Database>,

    #[arg(long, value_name = "NAME", help = "Only this world; by default all that the database keeps.")]
    world: Option<String>,

    #[arg(
        long,
        value_name = "FILE",
        help = "The configuration file that names the database. [env: FPS_SANDBOX_CONFIG]"
    )]
    config: Option<PathBuf>,
}

impl Audit {
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn run(self) -> Result<ExitCode, CliError> {
        let settings =
            PartialConfig { database: self.database, config: self.config, ..PartialConfig::default() };
        let config = config::resolve(settings).map_err(CliError::usage)?;
        if config.database == Database::Memory {
            return Err(CliError::usage("a database in memory cannot be audited; give --database PATH"));
        }
        let world = self.world.as_deref();
        let audited = store::audit(&config.database, config.database_timeout, world).await;
        let audited = audited.map_err(CliError::usage)?;
        for WorldAudit { world, findings, invariants } in &audited {
            let prefix = if audited.len() == 1 { String::new() } else { format!("world {world}: ") };
            for finding in findings {
                print::to_stdout(&format!("{prefix}broken: {}: {}\n", finding.invariant, finding.details))?;
            }
            if findings.is_empty() {
                print::to_stdout(&format!("{prefix}sound: {invariants} invariants hold\n"))?;
            }
        }
        let is_sound = audited.iter().all(|audited| audited.findings.is_empty());
        Ok(if is_sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
