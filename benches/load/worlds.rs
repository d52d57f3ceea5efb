//! What worlds cost: to make one, to reset one, to keep many.

use std::path::Path;
use std::time::{Duration, Instant};

use fps_sandbox::clock::Clock;
use fps_sandbox::config::{Config, Database};
use fps_sandbox::sandbox::Sandbox;

use crate::Outcome;
use crate::process::{Place, Server, folder, new_database, postgres};
use crate::report::{Figure, percentile};
use crate::requests::demo_balance;

/// What `--only` calls it.
pub(crate) const NAME: &str = "worlds";

/// So many worlds are made and reset.
const MADE: usize = 200;
/// So many worlds have just been used.
const JUST_USED: usize = 104;
/// So many worlds were made.
const MANY: usize = 1_000;
/// How long they are left alone before memory is looked at.
const REST: Duration = Duration::from_secs(1);

const MAX_MILLIS: Duration = Duration::from_millis(5);
const MAX_JUST_USED_MB: f64 = 90.0;
const MAX_MANY_MB: f64 = 500.0;
const MAX_THREADS: usize = 200;

/// All of it, on the engines that there are.
pub(crate) fn measure(sandbox: &Path) -> Outcome<Vec<Figure>> {
    let folder = folder()?;
    let file = folder.path().join("worlds.db");
    let mut figures = vec![made(&Server::plain_sandbox(sandbox)?, "in memory", Some(MAX_MILLIS))?];
    figures.push(reset(Database::Memory, "in memory", Some(MAX_MILLIS))?);
    figures.push(reset(Database::File(file), "on a file", None)?);
    if postgres().is_some() {
        let server = Server::sandbox(sandbox, &Place::EmptyPostgres, &[])?;
        figures.push(made(&server, "on PostgreSQL", None)?);
        figures.push(reset(new_database()?, "on PostgreSQL", None)?);
    }
    figures.extend(many(sandbox)?);
    Ok(figures)
}

/// The first request of a world, on a connection of its own.
fn made(server: &Server, place: &str, most: Option<Duration>) -> Outcome<Figure> {
    let mut times = Vec::new();
    for number in 0..MADE {
        let request = demo_balance(&format!("made-{number}"));
        let before = Instant::now();
        server.ask_once(&request, 0)?;
        times.push(before.elapsed());
    }
    Ok(times_of(&format!("The first request of a new world, {place}"), times, most))
}

/// A reset of the default world with its demo accounts, without HTTP.
#[tokio::main]
async fn reset(database: Database, place: &str, most: Option<Duration>) -> Outcome<Figure> {
    let config = Config { listen: "127.0.0.1:0".to_owned(), database, ..Config::default() };
    let sandbox = Sandbox::start(&config, Clock::real_time()).await?;
    let worlds = sandbox.worlds();
    let mut times = Vec::new();
    for _ in 0..MADE {
        let before = Instant::now();
        worlds.reset(worlds.default_world()).await.map_err(|refusal| refusal.to_string())?;
        times.push(before.elapsed());
    }
    worlds.close().await;
    Ok(times_of(&format!("A reset, {place}"), times, most))
}

fn times_of(what: &str, mut times: Vec<Duration>, most: Option<Duration>) -> Figure {
    times.sort_unstable();
    let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Figure {
        what: format!("{what}, p50 and p99 of {MADE}"),
        measured: format!("{:.1} ms, {:.1} ms", millis(p50), millis(p99)),
        target: most.map_or("–".to_owned(), |most| format!("≤ {:.0} ms", millis(most))),
        met: most.is_none_or(|most| p99 <= most),
    }
}

/// Memory and threads of a sandbox with many worlds.
fn many(sandbox: &Path) -> Outcome<Vec<Figure>> {
    let server = Server::plain_sandbox(sandbox)?;
    let use_worlds = |worlds: std::ops::Range<usize>| -> Outcome<()> {
        for number in worlds {
            server.ask_once(&demo_balance(&format!("used-{number}")), 0)?;
        }
        std::thread::sleep(REST);
        Ok(())
    };
    let resident = || -> Outcome<f64> { Ok(server.resident_kb()? as f64 / 1024.0) };
    use_worlds(0..JUST_USED)?;
    let just_used = resident()?;
    use_worlds(JUST_USED..MANY)?;
    let (many, threads) = (resident()?, server.threads()?);
    Ok(vec![
        Figure {
            what: format!("Resident memory with {JUST_USED} worlds just used, in memory"),
            measured: format!("{just_used:.1} MiB"),
            target: format!("≤ {MAX_JUST_USED_MB} MiB"),
            met: just_used <= MAX_JUST_USED_MB,
        },
        Figure {
            what: format!("Resident memory and threads with {MANY} worlds made, in memory"),
            measured: format!("{many:.1} MiB, {threads} threads"),
            target: format!("≤ {MAX_MANY_MB} MiB, ≤ {MAX_THREADS} threads"),
            met: many <= MAX_MANY_MB && threads <= MAX_THREADS,
        },
    ])
}
