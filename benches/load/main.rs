//! The load benchmark: requests per second of the sandbox, compared with those of a bare axum handler (the baseline).
//!
//! `cargo bench` runs everything and prints tables in Markdown; `cargo bench -- --quick` is shorter and leaves out
//! the long history; `cargo bench -- --only pay-memory-64,pay-file-64` runs some scenarios; `--list` names them;
//! `--sandbox PATH` measures another build of the sandbox; `.ci/postgres cargo bench` measures PostgreSQL too.
//!
//! Server and load generator share the machine, so absolute rates say little. Ratios compare measurements of the same
//! run. Each server is a process. Two threads of this process send the load over keep-alive connections, with one
//! request in flight per connection. All requests are different, and signed and serialized before the measurement.

#![allow(
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::unchecked_time_subtraction,
    reason = "the numbers here are small"
)]
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on says so"
)]
#![expect(clippy::float_arithmetic, reason = "rates and ratios, not money")]

mod baseline;
mod client;
mod footprint;
mod history;
mod payments_during_search;
mod process;
mod report;
mod requests;
mod scenario;
mod worlds;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use process::Storage;
use scenario::{RunSettings, SCENARIOS};

/// An error ends the benchmark; its text contains what the server answered.
type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

const FULL: RunSettings = RunSettings {
    runs: 5,
    baseline: Duration::from_secs(1),
    sandbox: Duration::from_secs(2),
    warm_up: Duration::from_millis(300),
};

const QUICK: RunSettings = RunSettings {
    runs: 3,
    baseline: Duration::from_millis(300),
    sandbox: Duration::from_millis(500),
    warm_up: Duration::from_millis(120),
};

/// The options of the command line.
struct Options {
    quick: bool,
    list: bool,
    only: Vec<String>,
    runs: Option<usize>,
    sandbox: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [baseline::FLAG, port_file, bytes] => baseline::serve(port_file, bytes),
        _ => parse_options(arguments).and_then(|options| run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn parse_options(arguments: Vec<String>) -> Result<Options> {
    let sandbox = PathBuf::from(env!("CARGO_BIN_EXE_fps-sandbox"));
    let mut options = Options { quick: false, list: false, only: Vec::new(), runs: None, sandbox };
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            // Cargo adds this option.
            "--bench" => {}
            "--quick" => options.quick = true,
            "--list" => options.list = true,
            "--only" => {
                let names = rest.next().ok_or("--only needs names, separated by commas")?;
                options.only.extend(names.split(',').map(str::to_owned));
            }
            "--runs" => {
                let count = rest.next().ok_or("--runs needs a number")?.parse()?;
                options.runs = Some(std::cmp::max(1, count));
            }
            "--sandbox" => options.sandbox = rest.next().ok_or("--sandbox needs a path")?.into(),
            other => {
                return Err(format!(
                    "unknown option {other}; there are --quick, --only NAMES, --runs NUMBER, --sandbox PATH and --list"
                )
                .into());
            }
        }
    }
    let known = |name: &String| names().any(|known| known == name);
    match options.only.iter().find(|name| !known(name)) {
        Some(name) => Err(format!("there is no scenario {name}; --list names them").into()),
        None => Ok(options),
    }
}

/// The names that `--only` accepts.
fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name).chain([
        history::NAME,
        payments_during_search::NAME,
        footprint::NAME,
        worlds::NAME,
    ])
}

fn run(options: &Options) -> Result<()> {
    if options.list {
        names().for_each(|name| println!("{name}"));
        return Ok(());
    }
    let mut settings = if options.quick { QUICK } else { FULL };
    settings.runs = options.runs.unwrap_or(settings.runs);
    let is_selected = |name: &str| options.only.is_empty() || options.only.iter().any(|only| only == name);
    let mut rows = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| is_selected(scenario.name)) {
        if matches!(scenario.storage, Storage::Postgres(_)) && process::postgres_url().is_none() {
            eprintln!("{}: not measured, that needs `.ci/postgres cargo bench`", scenario.name);
            continue;
        }
        let row = scenario.measure(&options.sandbox, &settings)?;
        eprintln!("{}", row.progress());
        rows.push(row);
    }
    let mut figures = Vec::new();
    // Creating a million transactions takes minutes, so `--quick` does it only when the name is given.
    if is_selected(history::NAME) && !(options.quick && options.only.is_empty()) {
        let history = history::measure(&options.sandbox, &settings)?;
        rows.extend(history.rows);
        figures.extend(history.figures);
    }
    if is_selected(payments_during_search::NAME) && !(options.quick && options.only.is_empty()) {
        figures.extend(payments_during_search::measure(&options.sandbox, &settings)?);
    }
    if is_selected(footprint::NAME) {
        figures.extend(footprint::measure(&options.sandbox)?);
    }
    if is_selected(worlds::NAME) {
        figures.extend(worlds::measure(&options.sandbox)?);
    }
    print!("{}", report::document(&settings, &rows, &figures)?);
    Ok(())
}
