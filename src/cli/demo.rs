//! `fps-sandbox demo`: the story of the guide, played on a sandbox of its own.

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

use super::request::{Endpoint, Method, Signer};
use super::{Failure, http, print, story, world, xml};

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

/// When the story takes place, so that it is told the same every time.
const ONCE: &str = "2012-06-01T12:00:00Z";

impl Demo {
    pub(super) fn run() -> Result<ExitCode, Failure> {
        let runtime = Runtime::new().map_err(Failure::failed)?;
        let now: DateTime<Utc> = ONCE.parse().map_err(Failure::failed)?;
        let clock = Clock::new(ClockState::Frozen(now.into()));
        let seed = Seed::parse("the world of the demo", world::STORY).map_err(Failure::failed)?;
        let config = Config { listen: "127.0.0.1:0".to_owned(), id_seed: Some(1), ..Config::default() };
        let starting = Sandbox::start_with_seed(&config, clock.clone(), seed);
        let sandbox = runtime.block_on(starting).map_err(Failure::failed)?;
        let mut stage = Stage::of(&runtime, &sandbox, clock)?;
        let (stopper, shutdown) = shutdown::channel();
        let serving = runtime.spawn(sandbox.serve(shutdown));
        let told = story::tell(&mut stage);
        stopper.shut_down_gracefully();
        runtime.block_on(serving).map_err(Failure::failed)?;
        told?;
        Ok(if stage.surprises == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Prints a line.
pub(super) fn say(line: &str) -> Result<(), Failure> {
    print::out(&format!("{line}\n"))
}

/// Prints the heads of the columns.
pub(super) fn head() -> Result<(), Failure> {
    row("#", "request", "answer", ["debt", "pending", "merchant"].map(str::to_owned))
}

fn row(number: &str, request: &str, answer: &str, balances: [String; 3]) -> Result<(), Failure> {
    let [debt, pending, merchant] = balances;
    say(&format!("{number:>2}  {request:<36}  {answer:<32} {debt:>7} {pending:>7} {merchant:>8}"))
}

/// A running sandbox with a merchant in front of it, and the table that tells what happens.
pub(super) struct Stage<'a> {
    runtime: &'a Runtime,
    store: Store,
    merchant: AccountNumber,
    endpoint: Endpoint,
    signer: Signer,
    clock: Clock,
    requests: usize,
    transactions: HashSet<String>,
    surprises: usize,
}

impl<'a> Stage<'a> {
    fn of(runtime: &'a Runtime, sandbox: &Sandbox, clock: Clock) -> Result<Self, Failure> {
        let key = sandbox.worlds().default_world().keys().get(world::KEY).cloned();
        let (Some(key), Some(address)) = (key, sandbox.http_addrs().first().copied()) else {
            return Err(Failure::failed("the world of the demo has no merchant"));
        };
        Ok(Self {
            runtime,
            store: sandbox.store().clone(),
            merchant: key.owner,
            endpoint: Endpoint::of(address, false),
            signer: world::signer(),
            clock,
            requests: 0,
            transactions: HashSet::new(),
            surprises: 0,
        })
    }

    /// Lets time pass on the sandbox clock.
    pub(super) fn wait(&self, seconds: u64) -> Result<(), Failure> {
        let later = self.clock.state().advanced(Duration::from_secs(seconds));
        self.runtime.block_on(self.store.set_clock(later)).map_err(Failure::failed)
    }

    /// Sends a request and prints it, its answer and the balances after it. Answers the transaction's id.
    pub(super) fn ask(
        &mut self,
        words: &str,
        parameters: &[(&str, &str)],
        expected: &str,
    ) -> Result<String, Failure> {
        let pairs = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let request = self.signer.sign(Method::Get, &self.endpoint, pairs, &self.clock.now().to_string());
        let answer = http::send(&request).map_err(Failure::failed)?;
        let mut told = in_short(&answer);
        // Of a refusal there is none; GetTransaction calls it by the same name inside its answer.
        let transaction = xml::text_of(&answer.body, "TransactionId").unwrap_or_default();
        let made = !transaction.is_empty() && !parameters.contains(&("Action", "GetTransaction"));
        if made && !self.transactions.insert(transaction.clone()) {
            told.push_str(", same id");
        }
        self.requests += 1;
        row(&self.requests.to_string(), words, &told, self.balances()?)?;
        if told != expected {
            self.surprises += 1;
            say(&format!("    the guide has it otherwise: {expected}"))?;
        }
        Ok(transaction)
    }

    /// Debt, pending debt and the merchant's balance, as the book has them.
    fn balances(&self) -> Result<[String; 3], Failure> {
        let debt = GetDebtBalance { caller: self.merchant, instrument: world::INSTRUMENT.to_owned().into() };
        let asking = async {
            let DebtBalance { available, pending_out } = self.store.query(debt).await?;
            let merchant = self.store.query(BalanceOf(self.merchant)).await?;
            Ok([available, pending_out, merchant].map(|amount| format!("{:.2}", amount.to_decimal())))
        };
        self.runtime.block_on(asking).map_err(|refusal: FpsError| Failure::failed(refusal))
    }
}

/// Status and what matters of the answer.
fn in_short(answer: &http::Answer) -> String {
    let find = |name: &str| xml::text_of(&answer.body, name);
    let word = find("Code").or_else(|| find("TransactionStatus"));
    let fee = find("FPSFees").and_then(|fee| xml::text_of(&fee, "Value"));
    let fee = fee.and_then(|fee| Amount::parse(fee.trim_end_matches('0')).ok());
    let mut text = answer.status.to_string();
    if let Some(word) = word {
        text = format!("{text} {word}");
    }
    if let Some(fee) = fee {
        text = format!("{text}, fee {:.2}", fee.to_decimal());
    }
    text
}

/// Asks the book what an account has; no action tells that yet.
struct BalanceOf(AccountNumber);

impl Query for BalanceOf {
    type Output = Amount;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.total(LedgerAccount::balance(self.0));
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Amount, FpsError> {
        Ok(book.total(LedgerAccount::balance(self.0)))
    }
}
