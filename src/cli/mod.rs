//! The command line: flags in, exit codes out. Results go to standard output, everything else to standard error.

mod audit;
mod reference;
mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{self, Settings};

/// A local sandbox of Amazon Flexible Payments Service (FPS): real signatures, a double-entry ledger, FPS's own XML.
///
/// Without a command it serves. Every setting is a flag, an environment variable and a key of the configuration
/// file.
#[derive(Debug, Parser)]
#[command(name = "fps-sandbox", version, args_conflicts_with_subcommands = false)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default).
    Serve(Box<Settings>),
    /// Recompute every total of a database from its postings and check every invariant.
    Audit(audit::Audit),
    /// Print the reference of actions or errors as Markdown.
    Reference(reference::Reference),
}

/// A mistake that ends the program: one line, and the exit code.
#[derive(Debug)]
struct Failure {
    line: String,
    code: u8,
}

impl Failure {
    /// The user asked for something that cannot be done as asked.
    fn usage(problem: impl std::fmt::Display) -> Self {
        Self { line: problem.to_string(), code: 2 }
    }

    /// It was asked for rightly and failed.
    fn failed(problem: impl std::fmt::Display) -> Self {
        Self { line: problem.to_string(), code: 1 }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => return end(&Failure::usage(config::one_line(&error))),
    };
    let done = match cli.command {
        None => serve::run(cli.settings),
        Some(Command::Serve(settings)) => serve::run(settings.or(cli.settings)),
        Some(Command::Audit(audit)) => audit.run(),
        Some(Command::Reference(reference)) => reference.run(),
    };
    match done {
        Ok(code) => code,
        Err(failure) => end(&failure),
    }
}

fn end(failure: &Failure) -> ExitCode {
    eprintln!("fps-sandbox: {}", failure.line);
    ExitCode::from(failure.code)
}
