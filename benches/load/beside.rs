//! Whether look-ups hold up payments: Pay alone, and beside a client that searches a long history.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::Outcome;
use crate::client::{Drive, drive};
use crate::history;
use crate::process::{Place, Server, folder};
use crate::report::{Figure, median};
use crate::requests::{Ask, Requests};
use crate::scenario::{Lengths, Load};

/// What `--only` calls it.
pub(crate) const NAME: &str = "beside-search";

const TRANSACTIONS: usize = 300_000;
const CONNECTIONS: usize = 64;
const MIN_PERCENT: f64 = 80.0;

/// On a file and in memory.
pub(crate) fn measure(sandbox: &Path, lengths: &Lengths) -> Outcome<Vec<Figure>> {
    Ok(vec![on_file(sandbox, lengths)?, in_memory(sandbox, lengths)?])
}

fn on_file(sandbox: &Path, lengths: &Lengths) -> Outcome<Figure> {
    let folder = folder()?;
    let made = folder.path().join("history.db");
    history::make(&made, TRANSACTIONS as u64)?;
    let server = |number: usize| -> Outcome<Server> {
        let copy: PathBuf = folder.path().join(format!("{number}.db"));
        std::fs::copy(&made, &copy)?;
        Server::sandbox(sandbox, &Place::File(copy), &[])
    };
    compare("on a file", lengths, server)
}

fn in_memory(sandbox: &Path, lengths: &Lengths) -> Outcome<Figure> {
    let server = |_| -> Outcome<Server> {
        let server = Server::sandbox(sandbox, &Place::Memory, &[])?;
        let requests = Requests::signed(Ask::Pay, TRANSACTIONS, 1);
        let fill = Drive {
            connections: CONNECTIONS,
            warm_up: Duration::ZERO,
            measured: Duration::from_secs(600),
            again: false,
        };
        drive(&server.addrs(), &requests, fill)?;
        Ok(server)
    };
    compare("in memory", lengths, server)
}

/// The rate of Pay beside a search as part of the rate alone, both on the same server in turn; the median of the ratios.
fn compare(place: &str, lengths: &Lengths, server: impl Fn(usize) -> Outcome<Server>) -> Outcome<Figure> {
    let mut ratios = Vec::new();
    for number in 0..lengths.runs {
        let server = server(number)?;
        let mut load = Load::new(Ask::Pay, CONNECTIONS, 1);
        let alone = load.run_on(lengths, &server)?.measured.rate;
        let ends = AtomicBool::new(false);
        let beside = std::thread::scope(|scope| {
            let searching = scope.spawn(|| search(&server, &ends));
            let beside = load.run_on(lengths, &server);
            ends.store(true, Ordering::Relaxed);
            let searched = searching.join().map_err(|_| "the search panicked")??;
            if searched == 0 { Err("no search came to its end".into()) } else { beside }
        })?;
        ratios.push(beside.measured.rate / alone * 100.0);
    }
    let percent = median(ratios);
    Ok(Figure {
        what: format!(
            "Pay at {CONNECTIONS} connections beside one client that searches {TRANSACTIONS} transactions for what is not \
             there, {place}, as part of the rate alone"
        ),
        measured: format!("{percent:.0} %"),
        target: format!("≥ {MIN_PERCENT:.0} %"),
        met: percent >= MIN_PERCENT,
    })
}

/// Searches again and again; gives how often.
fn search(server: &Server, ends: &AtomicBool) -> Outcome<usize> {
    let requests = Requests::signed(Ask::Search, 1_000, 1);
    let mut searched = 0;
    while !ends.load(Ordering::Relaxed) {
        server.ask_once(&requests, searched % requests.len())?;
        searched += 1;
    }
    Ok(searched)
}
