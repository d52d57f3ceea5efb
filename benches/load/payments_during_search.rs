//! Whether searches slow payments down: the rate of Pay alone, and while another client searches a long history.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::Result;
use crate::client::{LoadSettings, run_load};
use crate::history;
use crate::process::{Server, Storage, temp_dir};
use crate::report::{Figure, median};
use crate::requests::{RequestType, Requests};
use crate::scenario::{LoadRunner, RunSettings};

/// The name for `--only`.
pub(crate) const NAME: &str = "beside-search";

const TRANSACTIONS: usize = 300_000;
const CONNECTIONS: usize = 64;
const MIN_PERCENT: f64 = 80.0;

/// Measures on a database file and in memory.
pub(crate) fn measure(sandbox: &Path, settings: &RunSettings) -> Result<Vec<Figure>> {
    Ok(vec![on_file(sandbox, settings)?, in_memory(sandbox, settings)?])
}

fn on_file(sandbox: &Path, settings: &RunSettings) -> Result<Figure> {
    let temp_dir = temp_dir()?;
    let original = temp_dir.path().join("history.db");
    history::create(&original, TRANSACTIONS as u64)?;
    let server = |number: usize| -> Result<Server> {
        let copy: PathBuf = temp_dir.path().join(format!("{number}.db"));
        std::fs::copy(&original, &copy)?;
        Server::sandbox(sandbox, &Storage::File(copy), &[])
    };
    compare("on a file", settings, server)
}

fn in_memory(sandbox: &Path, settings: &RunSettings) -> Result<Figure> {
    let server = |_| -> Result<Server> {
        let server = Server::sandbox(sandbox, &Storage::Memory, &[])?;
        let requests = Requests::signed(RequestType::Pay, TRANSACTIONS, 1);
        let fill_history = LoadSettings {
            connections: CONNECTIONS,
            warm_up: Duration::ZERO,
            measured: Duration::from_secs(600),
            repeat: false,
        };
        run_load(&server.addrs(), &requests, fill_history)?;
        Ok(server)
    };
    compare("in memory", settings, server)
}

/// The rate of Pay during a search as a percentage of the rate alone.
///
/// Each run measures both on one server, one after the other; the figure is the median of the ratios.
fn compare(
    storage: &str,
    settings: &RunSettings,
    server: impl Fn(usize) -> Result<Server>,
) -> Result<Figure> {
    let mut ratios = Vec::new();
    for number in 0..settings.runs {
        let server = server(number)?;
        let mut load = LoadRunner::new(RequestType::Pay, CONNECTIONS, 1);
        let alone = load.run_on(settings, &server)?.load.rate;
        let stop = AtomicBool::new(false);
        let during_search = std::thread::scope(|scope| {
            let searching = scope.spawn(|| search_until(&stop, &server));
            let payments = load.run_on(settings, &server);
            stop.store(true, Ordering::Relaxed);
            let searches = searching.join().map_err(|_| "the search thread panicked")??;
            if searches == 0 { Err("no search completed".into()) } else { payments }
        })?;
        ratios.push(during_search.load.rate / alone * 100.0);
    }
    let percent = median(ratios);
    Ok(Figure {
        what: format!(
            "Pay at {CONNECTIONS} connections beside one client that searches {TRANSACTIONS} transactions for what is not \
             there, {storage}, as part of the rate alone"
        ),
        measured: format!("{percent:.0} %"),
        target: format!("≥ {MIN_PERCENT:.0} %"),
        met: percent >= MIN_PERCENT,
    })
}

/// Searches repeatedly until `stop` is set; returns the number of completed searches.
fn search_until(stop: &AtomicBool, server: &Server) -> Result<usize> {
    let requests = Requests::signed(RequestType::Search, 1_000, 1);
    let mut completed = 0;
    while !stop.load(Ordering::Relaxed) {
        server.send_one(&requests, completed % requests.len())?;
        completed += 1;
    }
    Ok(completed)
}
