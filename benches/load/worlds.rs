//! The cost of worlds: creating one, resetting one, keeping many.

use std::path::Path;
use std::time::{Duration, Instant};

use fps_sandbox::clock::Clock;
use fps_sandbox::config::{Config, Database};
use fps_sandbox::sandbox::Sandbox;

use crate::Result;
use crate::process::{Server, Storage, new_database, postgres_url, temp_dir};
use crate::report::{Figure, percentile};
use crate::requests::demo_balance;

/// The name for `--only`.
pub(crate) const NAME: &str = "worlds";

/// The number of worlds that are created, and of resets.
const REPETITIONS: usize = 200;
/// The number of worlds in use when memory is measured first.
const JUST_USED: usize = 104;
/// The number of worlds when memory is measured again.
const MANY: usize = 1_000;
/// How long the server idles before its memory is measured.
const IDLE_TIME: Duration = Duration::from_secs(1);

const MAX_P99: Duration = Duration::from_millis(5);
const MAX_JUST_USED_MB: f64 = 90.0;
const MAX_MANY_MB: f64 = 500.0;
const MAX_THREADS: usize = 200;

/// Measures everything on each available engine.
pub(crate) fn measure(sandbox: &Path) -> Result<Vec<Figure>> {
    let temp_dir = temp_dir()?;
    let file = temp_dir.path().join("worlds.db");
    let mut figures = vec![creation(&Server::default_sandbox(sandbox)?, "in memory", Some(MAX_P99))?];
    figures.push(reset(Database::Memory, "in memory", Some(MAX_P99))?);
    figures.push(reset(Database::File(file), "on a file", None)?);
    if postgres_url().is_some() {
        let server = Server::sandbox(sandbox, &Storage::PostgresDemo, &[])?;
        figures.push(creation(&server, "on PostgreSQL", None)?);
        figures.push(reset(new_database()?, "on PostgreSQL", None)?);
    }
    figures.extend(many_worlds(sandbox)?);
    Ok(figures)
}

/// The time of the first request of a world, each on a new connection.
fn creation(server: &Server, storage: &str, max_p99: Option<Duration>) -> Result<Figure> {
    let mut times = Vec::new();
    for number in 0..REPETITIONS {
        let request = demo_balance(&format!("made-{number}"));
        let before = Instant::now();
        server.send_one(&request, 0)?;
        times.push(before.elapsed());
    }
    Ok(time_figure(&format!("The first request of a new world, {storage}"), times, max_p99))
}

/// The time of a reset of the default world with its demo accounts, without HTTP.
#[tokio::main]
async fn reset(database: Database, storage: &str, max_p99: Option<Duration>) -> Result<Figure> {
    let config = Config { listen: "127.0.0.1:0".to_owned(), database, ..Config::default() };
    let sandbox = Sandbox::start(&config, Clock::real_time()).await?;
    let worlds = sandbox.worlds();
    let mut times = Vec::new();
    for _ in 0..REPETITIONS {
        let before = Instant::now();
        worlds.reset(worlds.default_world()).await.map_err(|refusal| refusal.to_string())?;
        times.push(before.elapsed());
    }
    worlds.close().await;
    Ok(time_figure(&format!("A reset, {storage}"), times, max_p99))
}

fn time_figure(what: &str, mut times: Vec<Duration>, max_p99: Option<Duration>) -> Figure {
    times.sort_unstable();
    let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    Figure {
        what: format!("{what}, p50 and p99 of {REPETITIONS}"),
        measured: format!("{:.1} ms, {:.1} ms", millis(p50), millis(p99)),
        target: max_p99.map_or("–".to_owned(), |max| format!("≤ {:.0} ms", millis(max))),
        met: max_p99.is_none_or(|max| p99 <= max),
    }
}

/// Memory and threads of a sandbox with many worlds.
fn many_worlds(sandbox: &Path) -> Result<Vec<Figure>> {
    let server = Server::default_sandbox(sandbox)?;
    let use_worlds = |worlds: std::ops::Range<usize>| -> Result<()> {
        for number in worlds {
            server.send_one(&demo_balance(&format!("used-{number}")), 0)?;
        }
        std::thread::sleep(IDLE_TIME);
        Ok(())
    };
    let resident = || -> Result<f64> { Ok(server.resident_kb()? as f64 / 1024.0) };
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
