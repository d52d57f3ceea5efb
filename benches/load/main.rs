//! The load benchmark: what the sandbox answers a second, as part of what a bare axum handler answers.
//!
//! `cargo bench` runs everything and prints tables in Markdown; `cargo bench -- --quick` is shorter and leaves out
//! the long history; `cargo bench -- --only pay-memory-64,pay-file-64` runs some scenarios; `--list` names them;
//! `--sandbox PATH` measures another build of the sandbox; `.ci/postgres cargo bench` measures PostgreSQL too.
//!
//! Server and load share the machine, so absolute rates say little; the ratios are of one run. Each server is a
//! process of its own, and the load is written by two threads of this one: raw keep-alive connections, each with
//! one request on its way, every request signed and written out before the clock starts, no two alike.

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

mod bare;
mod beside;
mod client;
mod history;
mod process;
mod report;
mod requests;
mod scenario;
mod vitals;
mod worlds;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use process::Place;
use scenario::{Lengths, SCENARIOS};

/// A failure ends the benchmark; its text says what was answered.
type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

const FULL: Lengths = Lengths {
    runs: 5,
    bare: Duration::from_secs(1),
    sandbox: Duration::from_secs(2),
    warm_up: Duration::from_millis(300),
};

const QUICK: Lengths = Lengths {
    runs: 3,
    bare: Duration::from_millis(300),
    sandbox: Duration::from_millis(500),
    warm_up: Duration::from_millis(120),
};

/// What the command line asks for.
struct Wish {
    quick: bool,
    list: bool,
    only: Vec<String>,
    runs: Option<usize>,
    sandbox: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [bare::FLAG, port_file, bytes] => bare::serve(port_file, bytes),
        _ => wish(arguments).and_then(|wish| run(&wish)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("load: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn wish(arguments: Vec<String>) -> Outcome<Wish> {
    let sandbox = PathBuf::from(env!("CARGO_BIN_EXE_fps-sandbox"));
    let mut wish = Wish { quick: false, list: false, only: Vec::new(), runs: None, sandbox };
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            // Cargo adds this one.
            "--bench" => {}
            "--quick" => wish.quick = true,
            "--list" => wish.list = true,
            "--only" => {
                let names = rest.next().ok_or("--only needs names, separated by commas")?;
                wish.only.extend(names.split(',').map(str::to_owned));
            }
            "--runs" => {
                let count = rest.next().ok_or("--runs needs a number")?.parse()?;
                wish.runs = Some(std::cmp::max(1, count));
            }
            "--sandbox" => wish.sandbox = rest.next().ok_or("--sandbox needs a path")?.into(),
            other => {
                return Err(format!(
                    "unknown option {other}; there are --quick, --only NAMES, --runs NUMBER, --sandbox PATH and --list"
                )
                .into());
            }
        }
    }
    let known = |name: &String| names().any(|known| known == name);
    match wish.only.iter().find(|name| !known(name)) {
        Some(name) => Err(format!("there is no scenario {name}; --list names them").into()),
        None => Ok(wish),
    }
}

/// Everything that `--only` can select.
fn names() -> impl Iterator<Item = &'static str> {
    SCENARIOS.iter().map(|scenario| scenario.name).chain([
        history::NAME,
        beside::NAME,
        vitals::NAME,
        worlds::NAME,
    ])
}

fn run(wish: &Wish) -> Outcome<()> {
    if wish.list {
        names().for_each(|name| println!("{name}"));
        return Ok(());
    }
    let mut lengths = if wish.quick { QUICK } else { FULL };
    lengths.runs = wish.runs.unwrap_or(lengths.runs);
    let wanted = |name: &str| wish.only.is_empty() || wish.only.iter().any(|only| only == name);
    let mut rows = Vec::new();
    for scenario in SCENARIOS.iter().filter(|scenario| wanted(scenario.name)) {
        if matches!(scenario.place, Place::Postgres(_)) && process::postgres().is_none() {
            eprintln!("{}: not measured, that needs `.ci/postgres cargo bench`", scenario.name);
            continue;
        }
        let row = scenario.measure(&wish.sandbox, &lengths)?;
        eprintln!("{}", row.progress());
        rows.push(row);
    }
    let mut figures = Vec::new();
    // A million transactions take their time to make, so the short version has them only when asked by name.
    if wanted(history::NAME) && !(wish.quick && wish.only.is_empty()) {
        let history = history::measure(&wish.sandbox, &lengths)?;
        rows.extend(history.rows);
        figures.extend(history.figures);
    }
    if wanted(beside::NAME) && !(wish.quick && wish.only.is_empty()) {
        figures.extend(beside::measure(&wish.sandbox, &lengths)?);
    }
    if wanted(vitals::NAME) {
        figures.extend(vitals::measure(&wish.sandbox)?);
    }
    if wanted(worlds::NAME) {
        figures.extend(worlds::measure(&wish.sandbox)?);
    }
    print!("{}", report::document(&lengths, &rows, &figures)?);
    Ok(())
}
