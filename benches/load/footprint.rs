//! The footprint of an idle sandbox: start-up time, resident memory, size of the binary.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::Server;
use crate::report::{Figure, median};

/// The name for `--only`.
pub(crate) const NAME: &str = "vitals";

const STARTS: usize = 10;
/// The number of starts after which memory is measured too.
const MEMORY_SAMPLES: usize = 3;
/// How long the server idles before its memory is measured.
const IDLE_TIME: Duration = Duration::from_secs(1);

const MAX_START: Duration = Duration::from_millis(50);
const MAX_RESIDENT_MB: f64 = 25.0;
const MAX_BINARY_MB: f64 = 20.0;

/// Measures cold start, idle memory and the size of the binary.
pub(crate) fn measure(sandbox: &Path) -> Result<Vec<Figure>> {
    let mut starts = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..STARTS {
        let before = Instant::now();
        let server = Server::default_sandbox(sandbox)?;
        starts.push(before.elapsed());
        if resident.len() < MEMORY_SAMPLES {
            std::thread::sleep(IDLE_TIME);
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
