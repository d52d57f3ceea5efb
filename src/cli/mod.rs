//! The command line: flags in, exit codes out. Results go to standard output, everything else to standard error.
//!
//! * `serve`, `announce`, `port_file`: run, and say so
//! * `sign`, `call` (`arguments`, `parameters`): requests by hand
//! * `demo` (`story`): the story of the guide
//! * `audit`, `healthcheck`, `reference`: questions with an answer
//! * `request`, `http`, `xml`, `print`, `world`: what they share; `request` is where signing is done

mod announce;
mod arguments;
mod audit;
mod call;
mod demo;
mod healthcheck;
mod http;
mod parameters;
mod port_file;
mod print;
mod reference;
mod request;
mod serve;
mod sign;
mod story;
mod world;
mod xml;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Parser, Subcommand};

use crate::config::{self, PartialConfig};

/// A local sandbox of Amazon Flexible Payments Service (FPS): real signatures, a double-entry ledger, FPS's own XML.
///
/// Without a command it serves. Every setting is a flag, an environment variable and a key of the configuration
/// file; a flag wins over the environment, the environment over the file.
#[derive(Debug, Parser)]
#[command(name = "fps-sandbox", version, after_help = after_help())]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: PartialConfig,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve (the default).
    #[command(after_help = serve::EXIT_CODES)]
    Serve(Box<PartialConfig>),
    #[command(after_help = sign::after_help())]
    Sign(sign::Sign),
    #[command(after_help = call::after_help())]
    Call(call::Call),
    #[command(after_help = demo::AFTER_HELP)]
    Demo(demo::Demo),
    #[command(after_help = audit::AFTER_HELP)]
    Audit(audit::Audit),
    #[command(after_help = healthcheck::AFTER_HELP)]
    Healthcheck(healthcheck::Healthcheck),
    #[command(after_help = reference::AFTER_HELP)]
    Reference(reference::Reference),
}

const EXAMPLES: &str = "\
Examples:
  fps-sandbox                                 serve on 127.0.0.1:8008
  fps-sandbox demo                            see what it does
  fps-sandbox --database sandbox.db           keep everything in a file
  fps-sandbox --listen 127.0.0.1:0 --port-file port
                                              take a free port, for a test suite
  fps-sandbox --https-listen 127.0.0.1:8443   HTTPS too, by its own authority
  fps-sandbox --print-config > sandbox.toml   every setting, explained
  fps-sandbox --config sandbox.toml           …and read back
";

fn after_help() -> String {
    format!("{EXAMPLES}\n{}", serve::EXIT_CODES)
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

    /// There is no sandbox to ask.
    fn unreachable(problem: impl std::fmt::Display) -> Self {
        Self { line: problem.to_string(), code: 3 }
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    run().unwrap_or_else(|failure| {
        print::note(&format!("fps-sandbox: {}", failure.line));
        ExitCode::from(failure.code)
    })
}

fn run() -> Result<ExitCode, Failure> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => return Err(Failure::usage(what_to_do(&error))),
    };
    match (cli.command, cli.settings) {
        (None, settings) => serve::run(settings),
        (Some(Command::Serve(own)), settings) => serve::run(own.or(settings)),
        (Some(_), settings) if settings != PartialConfig::default() => Err(Failure::usage(
            "only serve takes options before the command; write the command's own options after it",
        )),
        (Some(Command::Sign(sign)), _) => sign.run(),
        (Some(Command::Call(call)), _) => call.run(),
        (Some(Command::Demo(_)), _) => demo::Demo::run(),
        (Some(Command::Audit(audit)), _) => audit.run(),
        (Some(Command::Healthcheck(healthcheck)), _) => healthcheck.run(),
        (Some(Command::Reference(reference)), _) => reference.run(),
    }
}

/// A mistake on the command line, and where to look when the mistake itself does not tell what is right.
fn what_to_do(error: &clap::Error) -> String {
    let line = config::format_clap_error(error);
    let vague = matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::UnknownArgument);
    if vague && !line.contains("tip: ") { format!("{line}; --help tells what there is") } else { line }
}
