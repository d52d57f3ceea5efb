//! What the sandbox needs before anyone asks it anything: time to start, memory, disk.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::process::Server;
use crate::report::{Figure, median};

/// What `--only` calls it.
pub(crate) const NAME: &str = "vitals";

const STARTS: usize = 10;
/// How long it is left alone before its memory is looked at.
const REST: Duration = Duration::from_secs(1);

const MAX_START: Duration = Duration::from_millis(50);
const MAX_RESIDENT_MB: f64 = 25.0;
const MAX_BINARY_MB: f64 = 20.0;

/// Cold start, idle memory, size of the program.
pub(crate) fn measure(sandbox: &Path) -> Outcome<Vec<Figure>> {
    let mut starts = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..STARTS {
        let before = Instant::now();
        let server = Server::plain_sandbox(sandbox)?;
        starts.push(before.elapsed());
        if resident.len() < 3 {
            std::thread::sleep(REST);
            resident.push(server.resident_kb()?);
        }
    }
    let start = median(starts);
    let resident = median(resident) as f64 / 1024.0;
    let binary = std::fs::metadata(sandbox)?.len() as f64 / (1024.0 * 1024.0);
    Ok(vec![
        Figure {
            what: format!(
                "Cold start: from spawning to `/readyz`, demo world, in memory, median of {STARTS}"
            ),
            measured: format!("{:.1} ms", start.as_secs_f64() * 1e3),
            target: format!("≤ {} ms", MAX_START.as_millis()),
            met: start <= MAX_START,
        },
        Figure {
            what: "Resident memory when idle".to_owned(),
            measured: format!("{resident:.1} MiB"),
            target: format!("≤ {MAX_RESIDENT_MB} MiB"),
            met: resident <= MAX_RESIDENT_MB,
        },
        Figure {
            what: "Size of the program".to_owned(),
            measured: format!("{binary:.1} MiB"),
            target: format!("≤ {MAX_BINARY_MB} MiB"),
            met: binary <= MAX_BINARY_MB,
        },
    ])
}
