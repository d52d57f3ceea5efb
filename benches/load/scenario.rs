//! The scenarios, and how one is measured: the bare handler and the sandbox in turn, a fresh sandbox every time.

use std::path::Path;
use std::time::Duration;

use crate::Outcome;
use crate::client::{Drive, Measured, drive};
use crate::process::{Place, Server};
use crate::report::{Row, median};
use crate::requests::{Ask, Requests};

/// How often and how long.
pub(crate) struct Lengths {
    pub(crate) runs: usize,
    pub(crate) bare: Duration,
    pub(crate) sandbox: Duration,
    pub(crate) warm_up: Duration,
}

/// What is to be reached.
#[derive(Clone, Copy, Default)]
pub(crate) struct Target {
    /// Least rate, in per cent of the bare handler's.
    pub(crate) percent: Option<u32>,
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
}

const NO_TARGET: Target = Target { percent: None, p50: None, p99: None };
const P99_AT_64: Option<Duration> = Some(Duration::from_millis(15));

pub(crate) const fn at_least(percent: u32) -> Target {
    Target { percent: Some(percent), ..NO_TARGET }
}

/// One line of the table.
#[derive(Clone)]
pub(crate) struct Scenario {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) connections: usize,
    pub(crate) ask: Ask,
    pub(crate) place: Place,
    pub(crate) arguments: &'static [&'static str],
    /// In how many worlds, in turn; one is the default world.
    pub(crate) worlds: usize,
    pub(crate) target: Target,
}

const PAY: Scenario = Scenario {
    name: "",
    title: "",
    connections: 64,
    ask: Ask::Pay,
    place: Place::Memory,
    arguments: &[],
    worlds: 1,
    target: NO_TARGET,
};

const ALONE: &[&str] = &["--batch-max", "1"];

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "pay-memory-1",
        title: "Pay, in memory, a lone client",
        connections: 1,
        target: Target { p50: Some(Duration::from_micros(700)), ..NO_TARGET },
        ..PAY
    },
    Scenario { name: "pay-memory-16", title: "Pay, in memory", connections: 16, target: at_least(10), ..PAY },
    Scenario {
        name: "pay-memory-64",
        title: "Pay, in memory",
        target: Target { p99: P99_AT_64, ..at_least(20) },
        ..PAY
    },
    Scenario {
        name: "pay-memory-64-sequential",
        title: "Pay, in memory, references counting up",
        ask: Ask::PaySequential,
        ..PAY
    },
    Scenario {
        name: "pay-memory-64-batch-1",
        title: "Pay, in memory, one a transaction (`--batch-max 1`)",
        arguments: ALONE,
        ..PAY
    },
    Scenario {
        name: "pay-file-1",
        title: "Pay, file, a lone client",
        connections: 1,
        place: Place::NewFile,
        ..PAY
    },
    Scenario {
        name: "pay-file-64",
        title: "Pay, file",
        place: Place::NewFile,
        target: Target { p99: P99_AT_64, ..at_least(9) },
        ..PAY
    },
    Scenario {
        name: "pay-file-64-batch-1",
        title: "Pay, file, one a transaction (`--batch-max 1`)",
        place: Place::NewFile,
        arguments: ALONE,
        ..PAY
    },
    Scenario {
        name: "pay-file-256",
        title: "Pay, file",
        connections: 256,
        place: Place::NewFile,
        target: at_least(12),
        ..PAY
    },
    Scenario { name: "pay-postgres-64", title: "Pay, PostgreSQL", place: Place::Postgres(1), ..PAY },
    Scenario {
        name: "pay-postgres-64-batch-1",
        title: "Pay, PostgreSQL, one a transaction (`--batch-max 1`)",
        place: Place::Postgres(1),
        arguments: ALONE,
        ..PAY
    },
    Scenario {
        name: "pay-postgres-64-two",
        title: "Pay, PostgreSQL, two sandboxes",
        place: Place::Postgres(2),
        ..PAY
    },
    Scenario { name: "pay-memory-64-worlds-8", title: "Pay, in memory, in 8 worlds", worlds: 8, ..PAY },
    Scenario { name: "pay-memory-64-worlds-64", title: "Pay, in memory, in 64 worlds", worlds: 64, ..PAY },
    Scenario {
        name: "pay-postgres-64-worlds-8",
        title: "Pay, PostgreSQL, in 8 worlds",
        place: Place::Postgres(1),
        worlds: 8,
        ..PAY
    },
    Scenario {
        name: "pay-postgres-64-worlds-64",
        title: "Pay, PostgreSQL, in 64 worlds",
        place: Place::Postgres(1),
        worlds: 64,
        ..PAY
    },
    Scenario {
        name: "balance-memory-64",
        title: "GetDebtBalance, in memory",
        ask: Ask::DebtBalance,
        target: Target { p99: P99_AT_64, ..at_least(25) },
        ..PAY
    },
];

impl Scenario {
    /// Measures it: bare handler and sandbox in turn; medians over the runs.
    pub(crate) fn measure(&self, program: &Path, lengths: &Lengths) -> Outcome<Row> {
        let bare_requests = Requests::signed(self.ask, 20_000, self.worlds);
        let answer_bytes = self.answer_bytes(program)?;
        let (mut bare, mut sandbox) = (Vec::new(), Vec::new());
        let mut load = Load::new(self.ask, self.connections, self.worlds);
        for _ in 0..lengths.runs {
            let server = Server::bare(answer_bytes)?;
            let over_and_over = Drive {
                connections: self.connections,
                warm_up: lengths.warm_up,
                measured: lengths.bare,
                again: true,
            };
            bare.push(Run::of(&server, &bare_requests, over_and_over)?);
            drop(server);
            sandbox.push(load.run(lengths, || Server::sandbox(program, &self.place, self.arguments))?);
        }
        let percentile = |percent| median(sandbox.iter().map(|run| run.measured.percentile(percent)));
        Ok(Row {
            scenario: self.clone(),
            rate: median(sandbox.iter().map(|run| run.measured.rate)),
            bare: median(bare.iter().map(|run| run.measured.rate)),
            p50: percentile(50),
            p99: percentile(99),
            cpu: median(sandbox.iter().map(|run| run.cpu)),
            bare_cpu: median(bare.iter().map(|run| run.cpu)),
        })
    }

    /// The size of a real answer, for the bare handler to be as long.
    fn answer_bytes(&self, program: &Path) -> Outcome<usize> {
        let server = Server::sandbox(program, &self.place, &[])?;
        Ok(server.ask_once(&Requests::signed(self.ask, 1, 1), 0)?.len())
    }
}

/// One run against one server.
pub(crate) struct Run {
    pub(crate) measured: Measured,
    /// How long the server worked for one answer.
    pub(crate) cpu: Duration,
}

impl Run {
    fn of(server: &Server, requests: &Requests, load: Drive) -> Outcome<Self> {
        let before = server.cpu_time()?;
        let measured = drive(&server.addrs(), requests, load)
            .map_err(|problem| format!("{problem}\n{}", server.log()))?;
        let cpu = (server.cpu_time()? - before) / measured.answers.max(1);
        Ok(Self { measured, cpu })
    }
}

/// Enough requests for a run, and more when they were not.
pub(crate) struct Load {
    ask: Ask,
    connections: usize,
    worlds: usize,
    /// How many answers a second to be ready for.
    rate: usize,
}

impl Load {
    pub(crate) fn new(ask: Ask, connections: usize, worlds: usize) -> Self {
        Self { ask, connections, worlds, rate: if connections == 1 { 12_000 } else { 40_000 } }
    }

    /// Drives a server through one run; again, with a server started anew, when the requests ran out.
    pub(crate) fn run(
        &mut self,
        lengths: &Lengths,
        mut server: impl FnMut() -> Outcome<Server>,
    ) -> Outcome<Run> {
        loop {
            let server = server()?;
            self.make_worlds(&server)?;
            let run = self.try_on(lengths, &server)?;
            if !run.measured.ran_out {
                return Ok(run);
            }
            self.rate *= 2;
        }
    }

    /// Drives a server that has been driven before through one run; again when the requests ran out.
    pub(crate) fn run_on(&mut self, lengths: &Lengths, server: &Server) -> Outcome<Run> {
        loop {
            let run = self.try_on(lengths, server)?;
            if !run.measured.ran_out {
                return Ok(run);
            }
            self.rate *= 2;
        }
    }

    fn try_on(&self, lengths: &Lengths, server: &Server) -> Outcome<Run> {
        let drive_once = Drive {
            connections: self.connections,
            warm_up: lengths.warm_up,
            measured: lengths.sandbox,
            again: false,
        };
        let millis = (lengths.warm_up + lengths.sandbox).as_millis();
        let count = self.rate * usize::try_from(millis)? / 1_000;
        Run::of(server, &Requests::signed(self.ask, count, self.worlds), drive_once)
    }

    /// Worlds are made before the clock starts.
    fn make_worlds(&self, server: &Server) -> Outcome<()> {
        if self.worlds > 1 {
            let first = Requests::signed(Ask::AccountBalance, self.worlds, self.worlds);
            (0..self.worlds).try_for_each(|number| server.ask_once(&first, number).map(drop))?;
        }
        Ok(())
    }
}
