//! The tables, as Markdown to paste.

use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use fps_sandbox::clock::Clock;

use crate::Outcome;
use crate::process::folder;
use crate::scenario::{Lengths, Scenario};

/// The middle one of some values; of an even number, the lower of the two in the middle.
pub(crate) fn median<T: PartialOrd + Copy + Default>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_by(|left, right| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The value within which so many per cent of sorted values lie.
pub(crate) fn percentile<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// What a scenario gave; medians over its runs.
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) rate: f64,
    pub(crate) bare: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// How long the sandbox worked for one answer.
    pub(crate) cpu: Duration,
    /// How long the bare handler did.
    pub(crate) bare_cpu: Duration,
}

impl Row {
    fn percent(&self) -> f64 {
        self.rate / self.bare * 100.0
    }

    fn target(&self) -> String {
        let target = self.scenario.target;
        let parts = [
            target.percent.map(|percent| format!("≥ {percent} %")),
            target.p50.map(|most| format!("p50 ≤ {} ms", millis(most, 1))),
            target.p99.map(|most| format!("p99 ≤ {} ms", millis(most, 0))),
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
    }

    fn met(&self) -> &'static str {
        let target = self.scenario.target;
        if target.percent.is_none() && target.p50.is_none() && target.p99.is_none() {
            return "–";
        }
        let met = target.percent.is_none_or(|least| self.percent() >= f64::from(least))
            && target.p50.is_none_or(|most| self.p50 <= most)
            && target.p99.is_none_or(|most| self.p99 <= most);
        yes(met)
    }

    /// One line while the rest is still being measured.
    pub(crate) fn progress(&self) -> String {
        format!(
            "{}: {}/s, bare {}/s, {:.1} %, p50 {} ms, p99 {} ms, CPU {} µs, bare {} µs, target {}: {}",
            self.scenario.name,
            thousands(self.rate),
            thousands(self.bare),
            self.percent(),
            millis(self.p50, 2),
            millis(self.p99, 2),
            self.cpu.as_micros(),
            self.bare_cpu.as_micros(),
            self.target(),
            self.met()
        )
    }
}

/// A figure that is no rate against the bare handler.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) target: String,
    pub(crate) met: bool,
}

fn yes(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}

fn millis(time: Duration, decimals: usize) -> String {
    format!("{:.decimals$}", time.as_secs_f64() * 1e3)
}

/// A whole number with commas.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Both tables, and where and when they were measured.
pub(crate) fn document(lengths: &Lengths, rows: &[Row], figures: &[Figure]) -> Outcome<String> {
    let mut text = String::new();
    writeln!(text, "{}\n", place_and_time(lengths)?)?;
    if !rows.is_empty() {
        text.push_str(
            "| scenario | connections | requests/s | bare axum | ratio | p50 | p99 | CPU a request (bare) | target | met |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|---|---|\n",
        );
    }
    for row in rows {
        writeln!(
            text,
            "| {} | {} | {} | {} | {:.1} % | {} ms | {} ms | {} µs ({} µs) | {} | {} |",
            row.scenario.title,
            row.scenario.connections,
            thousands(row.rate),
            thousands(row.bare),
            row.percent(),
            millis(row.p50, 2),
            millis(row.p99, 2),
            row.cpu.as_micros(),
            row.bare_cpu.as_micros(),
            row.target(),
            row.met()
        )?;
    }
    if !figures.is_empty() {
        text.push_str("\n| figure | measured | target | met |\n|---|--:|---|---|\n");
    }
    for Figure { what, measured, target, met } in figures {
        writeln!(text, "| {what} | {measured} | {target} | {} |", yes(*met))?;
    }
    Ok(text)
}

fn place_and_time(lengths: &Lengths) -> Outcome<String> {
    let date = Clock::real_time().now().to_datetime().format("%Y-%m-%d");
    let cores = std::thread::available_parallelism()?;
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.trim_start_matches([' ', '\t', ':']).trim().to_owned()
    };
    let memory = field(&read("/proc/meminfo"), "MemTotal");
    let kb: f64 = memory.trim_end_matches(" kB").parse().unwrap_or(0.0);
    let model = field(&read("/proc/cpuinfo"), "model name");
    Ok(format!(
        "Measured on {date}: {cores} cores ({model}), {:.0} GiB of memory, {} a flush of the disk, load and server \
         on the same machine. Medians of {} runs in turn.",
        kb / (1024.0 * 1024.0),
        flush_time()?,
        lengths.runs
    ))
}

/// How long the disk takes to keep a page: what each transaction on a file waits for.
fn flush_time() -> Outcome<String> {
    let folder = folder()?;
    let mut file = File::create(folder.path().join("flush"))?;
    let mut times = Vec::new();
    for _ in 0..51 {
        file.write_all(&[0; 4096])?;
        let before = Instant::now();
        file.sync_data()?;
        times.push(before.elapsed());
    }
    Ok(format!("{} ms", millis(median(times), 2)))
}
