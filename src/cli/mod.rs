//! The command line. Results go to standard output, everything else to standard error.
//!
//! * `serve`: runs the sandbox; `announce`, `ready_text` and `port_file` report that it is ready
//! * `sign` and `call`: sign one request; `request_args` holds their options, `request_parameters` completes and checks
//!   the parameters
//! * `demo`: plays the guide's example on a sandbox of its own; `demo_script` holds its steps
//! * `audit`, `healthcheck`, `documentation`: the commands that report on a database, a running sandbox, the API
//! * `endpoint`, `signer`, `http`, `xml`, `print`, `demo_ids`: shared by several commands

mod announce;
mod audit;
mod call;
mod demo;
mod demo_ids;
mod demo_script;
mod documentation;
mod endpoint;
mod healthcheck;
mod http;
mod port_file;
mod print;
mod ready_text;
mod request_args;
mod request_parameters;
mod serve;
mod sign;
mod signer;
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
    #[command(after_help = documentation::AFTER_HELP)]
    Reference(documentation::Reference),
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

/// An error that ends the program.
#[derive(Debug)]
struct CliError {
    /// One line for standard error.
    message: String,
    exit_code: u8,
}

impl CliError {
    /// The command line or the configuration is wrong.
    fn usage(error: impl std::fmt::Display) -> Self {
        Self { message: error.to_string(), exit_code: 2 }
    }

    /// The command failed.
    fn failed(error: impl std::fmt::Display) -> Self {
        Self { message: error.to_string(), exit_code: 1 }
    }

    /// No sandbox answers at the endpoint.
    fn unreachable(error: impl std::fmt::Display) -> Self {
        Self { message: error.to_string(), exit_code: 3 }
    }
}

/// Runs the program with the arguments of the process.
pub fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        print::to_stderr(&format!("fps-sandbox: {}", error.message));
        ExitCode::from(error.exit_code)
    })
}

fn run() -> Result<ExitCode, CliError> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => return Err(CliError::usage(parse_error_message(&error))),
    };
    match (cli.command, cli.settings) {
        (None, settings) => serve::run(settings),
        // PartialConfig are accepted before and after `serve`; those after it win.
        (Some(Command::Serve(own)), settings) => serve::run(own.or(settings)),
        (Some(_), settings) if settings != PartialConfig::default() => Err(CliError::usage(
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

/// The message of an error in the arguments. It points to --help unless clap says what is right.
fn parse_error_message(error: &clap::Error) -> String {
    let line = config::format_clap_error(error);
    let needs_help = matches!(error.kind(), ErrorKind::MissingRequiredArgument | ErrorKind::UnknownArgument);
    if needs_help && !line.contains("tip: ") { format!("{line}; --help tells what there is") } else { line }
}
