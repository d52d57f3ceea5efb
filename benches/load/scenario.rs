//! The scenarios and their measurement: baseline handler and sandbox alternate, and each run has a new sandbox.

use std::path::Path;
use std::time::Duration;

use crate::Result;
use crate::client::{LoadResult, LoadSettings, run_load};
use crate::process::{Server, Storage};
use crate::report::{Row, median};
use crate::requests::{RequestType, Requests};

/// How often and how long to measure.
pub(crate) struct RunSettings {
    /// The number of runs, of which the median is reported.
    pub(crate) runs: usize,
    /// How long the baseline handler is measured in a run.
    pub(crate) baseline: Duration,
    /// How long the sandbox is measured in a run.
    pub(crate) sandbox: Duration,
    pub(crate) warm_up: Duration,
}

/// The target of a scenario.
#[derive(Clone, Copy, Default)]
pub(crate) struct Target {
    /// The lowest acceptable rate, in per cent of the baseline rate.
    pub(crate) percent: Option<u32>,
    /// The highest acceptable median latency.
    pub(crate) p50: Option<Duration>,
    /// The highest acceptable 99th percentile of latency.
    pub(crate) p99: Option<Duration>,
}

const NO_TARGET: Target = Target { percent: None, p50: None, p99: None };
const P99_AT_64: Option<Duration> = Some(Duration::from_millis(15));

/// A target for the rate, in per cent of the baseline rate.
pub(crate) const fn at_least(percent: u32) -> Target {
    Target { percent: Some(percent), ..NO_TARGET }
}

/// One row of the table of rates.
#[derive(Clone)]
pub(crate) struct Scenario {
    /// The name for `--only`.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) connections: usize,
    pub(crate) request_type: RequestType,
    pub(crate) storage: Storage,
    pub(crate) arguments: &'static [&'static str],
    /// The number of worlds to distribute requests over. One is the default world.
    pub(crate) worlds: usize,
    pub(crate) target: Target,
}

const PAY_SCENARIO: Scenario = Scenario {
    name: "",
    title: "",
    connections: 64,
    request_type: RequestType::Pay,
    storage: Storage::Memory,
    arguments: &[],
    worlds: 1,
    target: NO_TARGET,
};

const NO_BATCHING: &[&str] = &["--batch-max", "1"];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "pay-memory-1",
        title: "Pay, in memory, a lone client",
        connections: 1,
        target: Target { p50: Some(Duration::from_micros(700)), ..NO_TARGET },
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-memory-16",
        title: "Pay, in memory",
        connections: 16,
        target: at_least(10),
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-memory-64",
        title: "Pay, in memory",
        target: Target { p99: P99_AT_64, ..at_least(20) },
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-memory-64-sequential",
        title: "Pay, in memory, references counting up",
        request_type: RequestType::PaySequential,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-memory-64-batch-1",
        title: "Pay, in memory, one a transaction (`--batch-max 1`)",
        arguments: NO_BATCHING,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-file-1",
        title: "Pay, file, a lone client",
        connections: 1,
        storage: Storage::NewFile,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-file-64",
        title: "Pay, file",
        storage: Storage::NewFile,
        target: Target { p99: P99_AT_64, ..at_least(9) },
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-file-64-batch-1",
        title: "Pay, file, one a transaction (`--batch-max 1`)",
        storage: Storage::NewFile,
        arguments: NO_BATCHING,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-file-256",
        title: "Pay, file",
        connections: 256,
        storage: Storage::NewFile,
        target: at_least(12),
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-postgres-64",
        title: "Pay, PostgreSQL",
        storage: Storage::Postgres(1),
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-postgres-64-batch-1",
        title: "Pay, PostgreSQL, one a transaction (`--batch-max 1`)",
        storage: Storage::Postgres(1),
        arguments: NO_BATCHING,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-postgres-64-two",
        title: "Pay, PostgreSQL, two sandboxes",
        storage: Storage::Postgres(2),
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-memory-64-worlds-8",
        title: "Pay, in memory, in 8 worlds",
        worlds: 8,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-memory-64-worlds-64",
        title: "Pay, in memory, in 64 worlds",
        worlds: 64,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-postgres-64-worlds-8",
        title: "Pay, PostgreSQL, in 8 worlds",
        storage: Storage::Postgres(1),
        worlds: 8,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "pay-postgres-64-worlds-64",
        title: "Pay, PostgreSQL, in 64 worlds",
        storage: Storage::Postgres(1),
        worlds: 64,
        ..PAY_SCENARIO
    },
    Scenario {
        name: "balance-memory-64",
        title: "GetDebtBalance, in memory",
        request_type: RequestType::DebtBalance,
        target: Target { p99: P99_AT_64, ..at_least(25) },
        ..PAY_SCENARIO
    },
];

impl Scenario {
    /// Measures the baseline handler and the sandbox alternately.
    pub(crate) fn measure(&self, program: &Path, settings: &RunSettings) -> Result<Row> {
        let baseline_requests = Requests::signed(self.request_type, 20_000, self.worlds);
        let response_bytes = self.response_bytes(program)?;
        let (mut baseline, mut sandbox) = (Vec::new(), Vec::new());
        let mut load = LoadRunner::new(self.request_type, self.connections, self.worlds);
        for _ in 0..settings.runs {
            let server = Server::baseline(response_bytes)?;
            let load_settings = LoadSettings {
                connections: self.connections,
                warm_up: settings.warm_up,
                measured: settings.baseline,
                repeat: true,
            };
            baseline.push(Run::measure(&server, &baseline_requests, load_settings)?);
            drop(server);
            sandbox.push(load.run(settings, || Server::sandbox(program, &self.storage, self.arguments))?);
        }
        let percentile = |percent| median(sandbox.iter().map(|run| run.load.percentile(percent)));
        Ok(Row {
            scenario: self.clone(),
            rate: median(sandbox.iter().map(|run| run.load.rate)),
            baseline_rate: median(baseline.iter().map(|run| run.load.rate)),
            p50: percentile(50),
            p99: percentile(99),
            cpu: median(sandbox.iter().map(|run| run.cpu)),
            baseline_cpu: median(baseline.iter().map(|run| run.cpu)),
        })
    }

    /// The size of a response of the sandbox. The baseline handler sends as many bytes.
    fn response_bytes(&self, program: &Path) -> Result<usize> {
        let server = Server::sandbox(program, &self.storage, &[])?;
        Ok(server.send_one(&Requests::signed(self.request_type, 1, 1), 0)?.len())
    }
}

/// The result of one run against one server.
pub(crate) struct Run {
    pub(crate) load: LoadResult,
    /// CPU time of the server per response.
    pub(crate) cpu: Duration,
}

impl Run {
    fn measure(server: &Server, requests: &Requests, settings: LoadSettings) -> Result<Self> {
        let before = server.cpu_time()?;
        let load = run_load(&server.addrs(), requests, settings)
            .map_err(|problem| format!("{problem}\n{}", server.log()))?;
        let cpu = (server.cpu_time()? - before) / load.responses.max(1);
        Ok(Self { load, cpu })
    }
}

/// Prepares enough requests for a run, and repeats the run with more when they did not suffice.
pub(crate) struct LoadRunner {
    request_type: RequestType,
    connections: usize,
    worlds: usize,
    /// The number of responses per second to prepare requests for.
    rate: usize,
}

impl LoadRunner {
    pub(crate) fn new(request_type: RequestType, connections: usize, worlds: usize) -> Self {
        Self { request_type, connections, worlds, rate: if connections == 1 { 12_000 } else { 40_000 } }
    }

    /// Measures one run; repeats it with a new server when the requests ran out.
    pub(crate) fn run(
        &mut self,
        settings: &RunSettings,
        mut server: impl FnMut() -> Result<Server>,
    ) -> Result<Run> {
        loop {
            let server = server()?;
            self.create_worlds(&server)?;
            let run = self.run_once(settings, &server)?;
            if !run.load.ran_out {
                return Ok(run);
            }
            self.rate *= 2;
        }
    }

    /// Measures one run on a server that is in use already; repeats it there when the requests ran out.
    pub(crate) fn run_on(&mut self, settings: &RunSettings, server: &Server) -> Result<Run> {
        loop {
            let run = self.run_once(settings, server)?;
            if !run.load.ran_out {
                return Ok(run);
            }
            self.rate *= 2;
        }
    }

    fn run_once(&self, settings: &RunSettings, server: &Server) -> Result<Run> {
        let load_settings = LoadSettings {
            connections: self.connections,
            warm_up: settings.warm_up,
            measured: settings.sandbox,
            repeat: false,
        };
        let millis = (settings.warm_up + settings.sandbox).as_millis();
        let count = self.rate * usize::try_from(millis)? / 1_000;
        Run::measure(server, &Requests::signed(self.request_type, count, self.worlds), load_settings)
    }

    /// Creates the worlds, so that their creation is not measured.
    fn create_worlds(&self, server: &Server) -> Result<()> {
        if self.worlds > 1 {
            let first = Requests::signed(RequestType::AccountBalance, self.worlds, self.worlds);
            (0..self.worlds).try_for_each(|number| server.send_one(&first, number).map(drop))?;
        }
        Ok(())
    }
}
