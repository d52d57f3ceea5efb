//! The results as Markdown tables.

use std::fmt::Write;
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use fps_sandbox::clock::Clock;

use crate::Result;
use crate::process::temp_dir;
use crate::scenario::{RunSettings, Scenario};

/// The median; of an even number of values, the lower of the two in the middle.
pub(crate) fn median<T: PartialOrd + Copy + Default>(values: impl IntoIterator<Item = T>) -> T {
    let mut values: Vec<T> = values.into_iter().collect();
    values.sort_by(|left, right| left.partial_cmp(right).unwrap_or(std::cmp::Ordering::Equal));
    values.get(values.len().saturating_sub(1) / 2).copied().unwrap_or_default()
}

/// The value that `percent` per cent of the sorted values do not exceed.
pub(crate) fn percentile<T: Copy + Default>(sorted: &[T], percent: usize) -> T {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// The result of a scenario: medians over its runs.
pub(crate) struct Row {
    pub(crate) scenario: Scenario,
    pub(crate) rate: f64,
    pub(crate) baseline_rate: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// CPU time of the sandbox per response.
    pub(crate) cpu: Duration,
    /// CPU time of the baseline handler per response.
    pub(crate) baseline_cpu: Duration,
}

impl Row {
    fn percent(&self) -> f64 {
        self.rate / self.baseline_rate * 100.0
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

    fn is_met(&self) -> &'static str {
        let target = self.scenario.target;
        if target.percent.is_none() && target.p50.is_none() && target.p99.is_none() {
            return "–";
        }
        let met = target.percent.is_none_or(|least| self.percent() >= f64::from(least))
            && target.p50.is_none_or(|most| self.p50 <= most)
            && target.p99.is_none_or(|most| self.p99 <= most);
        yes_or_no(met)
    }

    /// A line that reports progress while other scenarios are still to come.
    pub(crate) fn progress(&self) -> String {
        format!(
            "{}: {}/s, bare {}/s, {:.1} %, p50 {} ms, p99 {} ms, CPU {} µs, bare {} µs, target {}: {}",
            self.scenario.name,
            thousands(self.rate),
            thousands(self.baseline_rate),
            self.percent(),
            millis(self.p50, 2),
            millis(self.p99, 2),
            self.cpu.as_micros(),
            self.baseline_cpu.as_micros(),
            self.target(),
            self.is_met()
        )
    }
}

/// A measurement that is not a rate compared with the baseline handler.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) target: String,
    pub(crate) met: bool,
}

fn yes_or_no(met: bool) -> &'static str {
    if met { "yes" } else { "**no**" }
}

fn millis(time: Duration, decimals: usize) -> String {
    format!("{:.decimals$}", time.as_secs_f64() * 1e3)
}

/// Rounds to a whole number, with commas between thousands.
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

/// Both tables, after a line on when and where they were measured.
pub(crate) fn document(settings: &RunSettings, rows: &[Row], figures: &[Figure]) -> Result<String> {
    let mut text = String::new();
    writeln!(text, "{}\n", environment(settings)?)?;
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
            thousands(row.baseline_rate),
            row.percent(),
            millis(row.p50, 2),
            millis(row.p99, 2),
            row.cpu.as_micros(),
            row.baseline_cpu.as_micros(),
            row.target(),
            row.is_met()
        )?;
    }
    if !figures.is_empty() {
        text.push_str("\n| figure | measured | target | met |\n|---|--:|---|---|\n");
    }
    for Figure { what, measured, target, met } in figures {
        writeln!(text, "| {what} | {measured} | {target} | {} |", yes_or_no(*met))?;
    }
    Ok(text)
}

fn environment(settings: &RunSettings) -> Result<String> {
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
        settings.runs
    ))
}

/// The median time in which the disk makes a page durable. Each transaction on a file waits for that.
fn flush_time() -> Result<String> {
    let temp_dir = temp_dir()?;
    let mut file = File::create(temp_dir.path().join("flush"))?;
    let mut times = Vec::new();
    for _ in 0..51 {
        file.write_all(&[0; 4096])?;
        let before = Instant::now();
        file.sync_data()?;
        times.push(before.elapsed());
    }
    Ok(format!("{} ms", millis(median(times), 2)))
}
