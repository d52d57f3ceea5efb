//! Whether a long history slows anything down: a file with a thousand transactions against one with a million.

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

use crate::Outcome;
use crate::process::{Place, Server, folder};
use crate::report::{Figure, Row, median};
use crate::requests::{Ask, KEY, credit_token, seed};
use crate::scenario::{Lengths, Load, Scenario, at_least};

/// What `--only` calls it.
pub(crate) const NAME: &str = "history";

const SHORT: u64 = 1_000;
const LONG: u64 = 1_000_000;
const CONNECTIONS: usize = 64;
/// How many commands wait for the store at a time while a history is made.
const AT_ONCE: u64 = 256;
const MIN_PERCENT: f64 = 90.0;
/// Of so many transactions, one is looked up.
const EVERY: u64 = 50;
/// So many come one by one at the end.
const LAST: u64 = 50;

/// What a long history does to everything else.
pub(crate) struct History {
    /// Look-ups, against the bare handler.
    pub(crate) rows: Vec<Row>,
    /// The long file against the short one.
    pub(crate) figures: Vec<Figure>,
}

/// Measures what is asked on both files in turn, and look-ups on the long one.
pub(crate) fn measure(sandbox: &Path, lengths: &Lengths) -> Outcome<History> {
    let folder = folder()?;
    let files = Files { short: folder.path().join("short.db"), long: folder.path().join("long.db") };
    make(&files.short, SHORT)?;
    let ids = make(&files.long, LONG)?.leak();
    let rows = look_ups(ids, &files.long).into_iter().map(|scenario| scenario.measure(sandbox, lengths));
    let rows = rows.collect::<Outcome<_>>()?;
    let figures = [
        ("Pay", Ask::Pay),
        ("Pay with references that count up", Ask::PaySequential),
        ("GetAccountActivity, the newest page,", Ask::Activity),
    ];
    let figures = figures.map(|(what, ask)| files.compare(sandbox, lengths, what, ask));
    Ok(History { rows, figures: figures.into_iter().collect::<Outcome<_>>()? })
}

/// Every look-up whose work could grow with the history, and some whose should not.
fn look_ups(ids: &'static [String], long: &Path) -> Vec<Scenario> {
    [
        ("GetTransaction, a million in the file", Ask::Transaction(ids)),
        ("GetTransactionStatus, a million in the file", Ask::TransactionStatus(ids)),
        ("GetAccountActivity, newest ten of a million in the file", Ask::Activity),
        ("GetDebtBalance, a million in the file", Ask::DebtBalance),
        ("GetOutstandingDebtBalance, a million in the file", Ask::OutstandingDebt),
        ("GetAccountBalance, a million in the file", Ask::AccountBalance),
        ("GetTokenUsage, a million in the file", Ask::TokenUsage),
    ]
    .map(|(title, ask)| Scenario {
        name: NAME,
        title,
        connections: CONNECTIONS,
        ask,
        place: Place::File(long.to_owned()),
        arguments: &[],
        worlds: 1,
        target: at_least(25),
    })
    .into()
}

struct Files {
    short: PathBuf,
    long: PathBuf,
}

impl Files {
    /// The rate on the long file as part of the rate on the short one, each run on a fresh copy.
    fn compare(&self, sandbox: &Path, lengths: &Lengths, what: &str, ask: Ask) -> Outcome<Figure> {
        let mut load = Load::new(ask, CONNECTIONS, 1);
        let mut rate = |file: &Path| -> Outcome<f64> {
            let copies = folder()?;
            let mut number = 0;
            let run = load.run(lengths, || {
                number += 1;
                let copy = copies.path().join(format!("{number}.db"));
                std::fs::copy(file, &copy)?;
                Server::sandbox(sandbox, &Place::File(copy), &[])
            });
            Ok(run?.measured.rate)
        };
        let (mut short, mut long) = (Vec::new(), Vec::new());
        for _ in 0..lengths.runs {
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

/// Makes a database with so many Pays, through the store and not over HTTP; gives the ids of some of them.
#[tokio::main]
pub(crate) async fn make(path: &Path, count: u64) -> Outcome<Vec<String>> {
    let world = tempfile::NamedTempFile::new()?;
    std::fs::write(world.path(), seed())?;
    let config = Config {
        listen: "127.0.0.1:0".to_owned(),
        database: Database::File(path.to_owned()),
        seed: Some(world.path().to_owned()),
        batch_max: usize::try_from(AT_ONCE)?,
        ..Config::default()
    };
    // Each transaction at a millisecond of its own, or nearly: pages of activity are cut between instants.
    let start = Clock::real_time().now().plus_millis(-i64::try_from(count)? - 1_000);
    let clock = Clock::new(ClockState::Frozen(start));
    let sandbox = Sandbox::start(&config, clock.clone()).await?;
    let store = sandbox.store();
    let key = sandbox.worlds().default_world().keys().get(KEY).cloned().ok_or("the world has no key")?;
    let caller = key.owner;
    let made = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, made, clock) = (store.clone(), Arc::clone(&made), clock.clone());
        workers.spawn(async move {
            let mut ids = Vec::new();
            loop {
                let number = made.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, String>(ids);
                }
                clock.set(clock.state().advanced(Duration::from_millis(1)));
                let id = pay(&store, caller, number).await?;
                if number % EVERY == 0 {
                    ids.push(id.to_string());
                }
            }
        });
    }
    let ids = workers.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    for number in count..count + LAST {
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
