//! `fps-sandbox demo`: plays the example of the guide on a sandbox of its own.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::Args;
use tokio::runtime::Runtime;

use crate::clock::{Clock, ClockState};
use crate::config::Config;
use crate::error::FpsError;
use crate::ledger::{
    AccountNumber, Amount, Book, DebtBalance, GetDebtBalance, LedgerAccount, Query, QueryContext, ReadSet,
};
use crate::sandbox::Sandbox;
use crate::seed::Seed;
use crate::server::shutdown;
use crate::store::Store;

use super::endpoint::Endpoint;
use super::signer::{HttpMethod, Signer};
use super::{CliError, demo_ids, demo_script, http, print, xml};

pub(super) const AFTER_HELP: &str = "\
Columns: debt = AvailableBalance and pending = PendingOutBalance of GetDebtBalance, in dollars;
merchant = the merchant's balance.

Exit codes: 0 the story went as the guide tells it; 1 it did not.";

/// Play the guide's story on a sandbox of its own and print every step.
///
/// Purchases on credit, settlement, write-off, refund, and the refusals: every line is a signed request over HTTP, its
/// real answer, and the balances after it. Nothing is left behind, no other sandbox is touched, no setting is read.
#[derive(Debug, Args)]
pub(super) struct Demo {}

/// The time at which the demo starts. It is fixed, so that the output is the same every time.
const START_TIME: &str = "2012-06-01T12:00:00Z";

impl Demo {
    pub(super) fn run() -> Result<ExitCode, CliError> {
        let runtime = Runtime::new().map_err(CliError::failed)?;
        let now: DateTime<Utc> = START_TIME.parse().map_err(CliError::failed)?;
        let clock = Clock::new(ClockState::Frozen(now.into()));
        let seed = Seed::parse("the world of the demo", demo_ids::STORY_SEED).map_err(CliError::failed)?;
        let config = Config { listen: "127.0.0.1:0".to_owned(), id_seed: Some(1), ..Config::default() };
        let starting = Sandbox::start_with_seed(&config, clock.clone(), seed);
        let sandbox = runtime.block_on(starting).map_err(CliError::failed)?;
        let mut demo = DemoRun::new(&runtime, &sandbox, clock)?;
        let (stopper, shutdown) = shutdown::channel();
        let serving = runtime.spawn(sandbox.serve(shutdown));
        let played = demo_script::play(&mut demo);
        stopper.shut_down_gracefully();
        runtime.block_on(serving).map_err(CliError::failed)?;
        played?;
        Ok(if demo.mismatches == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Prints a line to standard output.
pub(super) fn print_line(line: &str) -> Result<(), CliError> {
    print::to_stdout(&format!("{line}\n"))
}

/// Prints the header of the table.
pub(super) fn print_table_header() -> Result<(), CliError> {
    print_table_row("#", "request", "answer", ["debt", "pending", "merchant"].map(str::to_owned))
}

fn print_table_row(number: &str, request: &str, answer: &str, balances: [String; 3]) -> Result<(), CliError> {
    let [debt, pending, merchant] = balances;
    print_line(&format!("{number:>2}  {request:<36}  {answer:<32} {debt:>7} {pending:>7} {merchant:>8}"))
}

/// A run of the demo: a sandbox, the merchant that sends requests to it, and the table of results.
pub(super) struct DemoRun<'a> {
    runtime: &'a Runtime,
    store: Store,
    merchant: AccountNumber,
    endpoint: Endpoint,
    signer: Signer,
    clock: Clock,
    request_count: usize,
    /// The ids of all transactions made so far.
    transactions: HashSet<String>,
    /// The number of responses that differ from the guide's.
    mismatches: usize,
}

impl<'a> DemoRun<'a> {
    fn new(runtime: &'a Runtime, sandbox: &Sandbox, clock: Clock) -> Result<Self, CliError> {
        let key = sandbox.worlds().default_world().keys().get(demo_ids::ACCESS_KEY).cloned();
        let (Some(key), Some(address)) = (key, sandbox.http_addrs().first().copied()) else {
            return Err(CliError::failed("the world of the demo has no merchant"));
        };
        Ok(Self {
            runtime,
            store: sandbox.store().clone(),
            merchant: key.owner,
            endpoint: Endpoint::of_listener(address, false),
            signer: demo_ids::signer(),
            clock,
            request_count: 0,
            transactions: HashSet::new(),
            mismatches: 0,
        })
    }

    /// Advances the sandbox's clock, which stands still otherwise.
    pub(super) fn advance_clock(&self, seconds: u64) -> Result<(), CliError> {
        let later = self.clock.state().advanced(Duration::from_secs(seconds));
        self.runtime.block_on(self.store.set_clock(later)).map_err(CliError::failed)
    }

    /// Sends a request; prints a summary of its response and the balances after it. Returns the id of the transaction.
    pub(super) fn request(
        &mut self,
        description: &str,
        parameters: &[(&str, &str)],
        expected: &str,
    ) -> Result<String, CliError> {
        let pairs = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = self.signer.sign(HttpMethod::Get, &self.endpoint, pairs, &self.clock.now().to_string());
        let response = http::send(&request).map_err(CliError::failed)?;
        let mut summary = summary(&response);
        // Errors have no transaction id. The response of GetTransaction has one, but it makes no transaction.
        let transaction = xml::text_of(&response.body, "TransactionId").unwrap_or_default();
        let is_payment = !transaction.is_empty() && !parameters.contains(&("Action", "GetTransaction"));
        if is_payment && !self.transactions.insert(transaction.clone()) {
            summary.push_str(", same id");
        }
        self.request_count += 1;
        print_table_row(&self.request_count.to_string(), description, &summary, self.balances()?)?;
        if summary != expected {
            self.mismatches += 1;
            print_line(&format!("    the guide has it otherwise: {expected}"))?;
        }
        Ok(transaction)
    }

    /// The debt, the debt being settled, and the merchant's balance, in dollars.
    fn balances(&self) -> Result<[String; 3], CliError> {
        let debt = GetDebtBalance { caller: self.merchant, instrument: demo_ids::CREDIT_INSTRUMENT.into() };
        let balances = async {
            let DebtBalance { available, pending_out } = self.store.query(debt).await?;
            let merchant = self.store.query(GetBalance(self.merchant)).await?;
            Ok([available, pending_out, merchant].map(|amount| format!("{:.2}", amount.to_decimal())))
        };
        self.runtime.block_on(balances).map_err(|error: FpsError| CliError::failed(error))
    }
}

/// The HTTP status, the error code or transaction status, and the fee of a response.
fn summary(response: &http::HttpResponse) -> String {
    let find = |name: &str| xml::text_of(&response.body, name);
    let code = find("Code").or_else(|| find("TransactionStatus"));
    let fee = find("FPSFees").and_then(|fee| xml::text_of(&fee, "Value"));
    let fee = fee.and_then(|fee| Amount::parse(fee.trim_end_matches('0')).ok());
    let mut text = response.status.to_string();
    if let Some(code) = code {
        text = format!("{text} {code}");
    }
    if let Some(fee) = fee {
        text = format!("{text}, fee {:.2}", fee.to_decimal());
    }
    text
}

/// Reads the balance of an account from the ledger.
struct GetBalance(AccountNumber);

impl Query for GetBalance {
    type Output = Amount;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.total(LedgerAccount::balance(self.0));
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Amount, FpsError> {
        Ok(book.total(LedgerAccount::balance(self.0)))
    }
}
