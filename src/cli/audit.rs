//! `fps-sandbox audit`: is the book sound?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::store;

use super::Failure;

/// Checks a database file. Exit code 0: sound; 1: something is broken, and named; 2: it cannot be checked.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// The database file.
    #[arg(long, value_name = "PATH")]
    database: PathBuf,
}

impl Audit {
    #[tokio::main(flavor = "current_thread")]
    pub(super) async fn run(self) -> Result<ExitCode, Failure> {
        let (invariants, findings) = store::audit(&self.database).await.map_err(Failure::usage)?;
        for finding in &findings {
            println!("broken: {}: {}", finding.invariant, finding.place);
        }
        if findings.is_empty() {
            println!("sound: {invariants} invariants hold");
            Ok(ExitCode::SUCCESS)
        } else {
            Ok(ExitCode::FAILURE)
        }
    }
}
