//! Whether a long history slows anything down: a file with a thousand transactions compared with one with a million.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fps_sandbox::clock::{Clock, ClockState};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::ledger::{
    AccountNumber, Amount, Descriptions, Idempotent, MarketplaceFee, Pay, Payment, TransactionId,
};
use fps_sandbox::random;
use fps_sandbox::sandbox::Sandbox;
use fps_sandbox::store::Store;
use tokio::task::JoinSet;

use crate::Result;
use crate::process::{Server, Storage, temp_dir};
use crate::report::{Figure, Row, median};
use crate::requests::{KEY, RequestType, credit_token, seed};
use crate::scenario::{LoadRunner, RunSettings, Scenario, at_least};

/// The name for `--only`.
pub(crate) const NAME: &str = "history";

const SHORT: u64 = 1_000;
const LONG: u64 = 1_000_000;
const CONNECTIONS: usize = 64;
/// The number of commands in flight while a history is created.
const CONCURRENT_COMMANDS: u64 = 256;
const MIN_PERCENT: f64 = 90.0;
/// One of this many transactions is looked up.
const SAMPLE_INTERVAL: u64 = 50;
/// The number of transactions at the end of a history that have a batch and an instant of their own.
const UNBATCHED: u64 = 50;

/// The measurements with a long history.
pub(crate) struct HistoryResults {
    /// Look-ups, compared with the baseline handler.
    pub(crate) rows: Vec<Row>,
    /// The long file compared with the short one.
    pub(crate) figures: Vec<Figure>,
}

/// Measures requests on both files alternately, and look-ups on the long file.
pub(crate) fn measure(sandbox: &Path, settings: &RunSettings) -> Result<HistoryResults> {
    let temp_dir = temp_dir()?;
    let files =
        HistoryFiles { short: temp_dir.path().join("short.db"), long: temp_dir.path().join("long.db") };
    create(&files.short, SHORT)?;
    let ids = create(&files.long, LONG)?.leak();
    let rows =
        lookup_scenarios(ids, &files.long).into_iter().map(|scenario| scenario.measure(sandbox, settings));
    let rows = rows.collect::<Result<_>>()?;
    let figures = [
        ("Pay", RequestType::Pay),
        ("Pay with references that count up", RequestType::PaySequential),
        ("GetAccountActivity, the newest page,", RequestType::Activity),
    ];
    let figures = figures.map(|(what, request_type)| files.compare(sandbox, settings, what, request_type));
    Ok(HistoryResults { rows, figures: figures.into_iter().collect::<Result<_>>()? })
}

/// Look-ups whose work could grow with the history, and some whose work must not.
fn lookup_scenarios(ids: &'static [String], long: &Path) -> Vec<Scenario> {
    [
        ("GetTransaction, a million in the file", RequestType::Transaction(ids)),
        ("GetTransactionStatus, a million in the file", RequestType::TransactionStatus(ids)),
        ("GetAccountActivity, newest ten of a million in the file", RequestType::Activity),
        ("GetDebtBalance, a million in the file", RequestType::DebtBalance),
        ("GetOutstandingDebtBalance, a million in the file", RequestType::OutstandingDebt),
        ("GetAccountBalance, a million in the file", RequestType::AccountBalance),
        ("GetTokenUsage, a million in the file", RequestType::TokenUsage),
    ]
    .map(|(title, request_type)| Scenario {
        name: NAME,
        title,
        connections: CONNECTIONS,
        request_type,
        storage: Storage::File(long.to_owned()),
        arguments: &[],
        worlds: 1,
        target: at_least(25),
    })
    .into()
}

struct HistoryFiles {
    short: PathBuf,
    long: PathBuf,
}

impl HistoryFiles {
    /// The rate on the long file as a percentage of the rate on the short one. Each run has a fresh copy.
    fn compare(
        &self,
        sandbox: &Path,
        settings: &RunSettings,
        what: &str,
        request_type: RequestType,
    ) -> Result<Figure> {
        let mut load = LoadRunner::new(request_type, CONNECTIONS, 1);
        let mut rate = |file: &Path| -> Result<f64> {
            let copies = temp_dir()?;
            let mut number = 0;
            let run = load.run(settings, || {
                number += 1;
                let copy = copies.path().join(format!("{number}.db"));
                std::fs::copy(file, &copy)?;
                Server::sandbox(sandbox, &Storage::File(copy), &[])
            });
            Ok(run?.load.rate)
        };
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for _ in 0..settings.runs {
            short.push(rate(&self.short)?);
            long.push(rate(&self.long)?);
        }
        let (short, long) = (median(short), median(long));
        let percent = long / short * 100.0;
        Ok(Figure {
            what: format!(
                "{what} on a file with 1,000,000 transactions, as part of the rate with 1,000, at {CONNECTIONS} \
                 connections"
            ),
            measured: format!("{percent:.0} % ({long:.0}/s, {short:.0}/s)"),
            target: format!("≥ {MIN_PERCENT:.0} %"),
            met: percent >= MIN_PERCENT,
        })
    }
}

/// Creates a database with `count` Pays, through the store and not over HTTP. Returns the ids of a sample of them.
#[tokio::main]
pub(crate) async fn create(path: &Path, count: u64) -> Result<Vec<String>> {
    let seed_file = tempfile::NamedTempFile::new()?;
    std::fs::write(seed_file.path(), seed())?;
    let config = Config {
        listen: "127.0.0.1:0".to_owned(),
        database: Database::File(path.to_owned()),
        seed: Some(seed_file.path().to_owned()),
        batch_max: usize::try_from(CONCURRENT_COMMANDS)?,
        ..Config::default()
    };
    // Nearly every transaction has a millisecond of its own: a page of activity ends between two instants.
    let start = Clock::real_time().now().plus_millis(-i64::try_from(count)? - 1_000);
    let clock = Clock::new(ClockState::Frozen(start));
    let sandbox = Sandbox::start(&config, clock.clone()).await?;
    let store = sandbox.store();
    let key = sandbox.worlds().default_world().keys().get(KEY).cloned().ok_or("the world has no key")?;
    let caller = key.owner;
    let next_number = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..CONCURRENT_COMMANDS {
        let (store, next_number, clock) = (store.clone(), Arc::clone(&next_number), clock.clone());
        workers.spawn(async move {
            let mut ids = Vec::new();
            loop {
                let number = next_number.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, String>(ids);
                }
                clock.set(clock.state().advanced(Duration::from_millis(1)));
                let id = pay(&store, caller, number).await?;
                if number % SAMPLE_INTERVAL == 0 {
                    ids.push(id.to_string());
                }
            }
        });
    }
    let ids = workers.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    for number in count..count + UNBATCHED {
        clock.set(clock.state().advanced(Duration::from_millis(1)));
        pay(store, caller, number).await?;
    }
    store.set_clock(ClockState::REAL_TIME).await.map_err(|refusal| refusal.to_string())?;
    sandbox.worlds().close().await;
    Ok(ids.concat())
}

async fn pay(store: &Store, caller: AccountNumber, number: u64) -> Result<TransactionId, String> {
    let caller_reference = random::random_uuid().to_string();
    let operation = Pay(Payment {
        caller,
        sender_token: credit_token(usize::try_from(number).unwrap_or(0)).into(),
        recipient_token: None,
        amount: Amount::CENT,
        charge_fee_to: None,
        marketplace_fee: MarketplaceFee::default(),
        descriptions: Descriptions { caller_reference, ..Descriptions::default() },
        timeout_minutes: 10_080,
    });
    let digest = u128::from(number).to_be_bytes();
    store
        .run(Idempotent { operation, digest })
        .await
        .map(|receipt| receipt.transaction)
        .map_err(|refusal| refusal.to_string())
}
