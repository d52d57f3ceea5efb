//! Whether a long history slows Pay down: a file with a thousand transactions against one with a million.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fps_sandbox::clock::Clock;
use fps_sandbox::config::{Config, Database};
use fps_sandbox::ids;
use fps_sandbox::ledger::{Amount, Once, OwnFee, Pay, Payment, Remarks};
use fps_sandbox::sandbox::Sandbox;
use fps_sandbox::store::Store;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::process::{Place, Server, folder};
use crate::report::{Figure, median};
use crate::requests::{Ask, KEY, credit_token, seed};
use crate::scenario::{Lengths, Load};

/// What `--only` calls it.
pub(crate) const NAME: &str = "history";

const SHORT: u64 = 1_000;
const LONG: u64 = 1_000_000;
const CONNECTIONS: usize = 64;
/// How many commands wait for the store at a time while a history is made.
const AT_ONCE: u64 = 1_024;
const LEAST_PERCENT: f64 = 90.0;

/// Measures both in turn, each run on the file as the run before left it, but for the short history: that begins
/// anew every time.
pub(crate) fn measure(sandbox: &Path, lengths: &Lengths) -> Outcome<Figure> {
    let folder = folder()?;
    let file = |name: &str| folder.path().join(name);
    make(&file("short.db"), SHORT)?;
    make(&file("long.db"), LONG)?;
    let mut load = Load::new(Ask::Pay, CONNECTIONS);
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for run in 0..lengths.runs {
        let copy = file(&format!("short-{run}.db"));
        short.push(load.run(lengths, || {
            std::fs::copy(file("short.db"), &copy)?;
            Server::sandbox(sandbox, &Place::File(copy.clone()), &[])
        })?);
        long.push(load.run(lengths, || Server::sandbox(sandbox, &Place::File(file("long.db")), &[]))?);
    }
    let short = median(short.iter().map(|run| run.measured.rate));
    let long = median(long.iter().map(|run| run.measured.rate));
    let percent = long / short * 100.0;
    Ok(Figure {
        what: format!(
            "Pay on a file with 1,000,000 transactions, as part of the rate with 1,000, at {CONNECTIONS} connections"
        ),
        measured: format!("{percent:.0} % ({long:.0}/s, {short:.0}/s)"),
        target: format!("≥ {LEAST_PERCENT:.0} %"),
        met: percent >= LEAST_PERCENT,
    })
}

/// Makes a database with so many Pays, through the store and not over HTTP.
#[tokio::main]
async fn make(path: &Path, count: u64) -> Outcome<()> {
    let world = tempfile::NamedTempFile::new()?;
    std::fs::write(world.path(), seed())?;
    let config = Config {
        listen: "127.0.0.1:0".to_owned(),
        database: Database::File(path.to_owned()),
        seed: Some(world.path().to_owned()),
        batch_max: usize::try_from(AT_ONCE)?,
        ..Config::default()
    };
    let sandbox = Sandbox::start(&config, Clock::system()).await?;
    let store = sandbox.store();
    let made = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (store, made) = (store.clone(), Arc::clone(&made));
        workers.spawn(async move {
            loop {
                let number = made.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, String>(());
                }
                pay(&store, number).await?;
            }
        });
    }
    for worker in workers.join_all().await {
        worker?;
    }
    store.close().await;
    Ok(())
}

async fn pay(store: &Store, number: u64) -> Result<(), String> {
    let caller = store.access_key(KEY).ok_or("the world has no key")?.owner;
    let caller_reference = ids::request_id().to_string();
    let operation = Pay(Payment {
        caller,
        sender_token: credit_token(usize::try_from(number).unwrap_or(0)).into(),
        recipient_token: None,
        amount: Amount::CENT,
        charge_fee_to: None,
        own_fee: OwnFee::default(),
        remarks: Remarks { caller_reference, ..Remarks::default() },
        timeout_minutes: 10_080,
    });
    let digest = u128::from(number).to_be_bytes();
    store.run(Once { operation, digest }).await.map(drop).map_err(|refusal| refusal.to_string())
}
