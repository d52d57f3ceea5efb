//! The database: who may open it, what it begins with, and what an audit finds in it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::cobranded::{Back, Pages, asking};
use crate::support::program::{Program, run};
use crate::support::{Client, NOW, Server, config, demo, instant, pay, settle};
use fps_sandbox::clock::{Clock, ClockState};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::sandbox::Sandbox;
use fps_sandbox::signature::SecretKey;
use fps_sandbox::store::{AuditFinding, StoreError, audit};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use url::Url;

const SECOND: Duration = Duration::from_secs(1);

fn on_file(path: &Path) -> Config {
    Config { database: Database::File(path.to_owned()), ..config() }
}

async fn why_it_does_not_start(config: Config) -> String {
    match Server::start_at(config, instant(NOW)).await {
        Ok(_) => panic!("it starts"),
        Err(problem) => problem.to_string(),
    }
}

/// Runs SQL on a database file, past its constraints.
async fn tamper(path: &Path, sql: &str) {
    let options = SqliteConnectOptions::new().filename(path).pragma("ignore_check_constraints", "ON");
    let mut connection = options.connect().await.expect("the database opens");
    let changed = connection.execute(sqlx::AssertSqlSafe(sql.to_owned())).await.expect(sql).rows_affected();
    assert!(changed > 0, "nothing to tamper with: {sql}");
    connection.close().await.expect("the database closes");
}

// Opening.

async fn audit_file(path: &Path) -> Result<(usize, Vec<AuditFinding>), StoreError> {
    let audited = audit(&Database::File(path.to_owned()), Duration::from_secs(5), None).await?;
    let [audited] = &audited[..] else { panic!("one world: {audited:?}") };
    Ok((audited.invariants, audited.findings.clone()))
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    Server::start_with(on_file(&path)).await.stop().await;
    tamper(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99990101, 'from the future', TRUE, x'00', 0)",
    )
    .await;
    let before = std::fs::read(&path).expect("the file");
    let problem = why_it_does_not_start(on_file(&path)).await;
    assert_eq!(
        problem,
        format!(
            "the database {} has schema version 99990101, which is newer than this program knows; \
             use the newer fps-sandbox or another --database",
            path.display()
        )
    );
    assert_eq!(std::fs::read(&path).expect("the file"), before);
    assert!(matches!(audit_file(&path).await, Err(StoreError::NewerVersion { version: 99_990_101, .. })));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("letter.txt");
    let text = "Dear Alice, this is no database. ".repeat(100);
    std::fs::write(&path, &text).expect("a letter");
    let problem = why_it_does_not_start(on_file(&path)).await;
    assert!(problem.starts_with("cannot open the database"), "{problem}");
    assert_eq!(std::fs::read_to_string(&path).expect("the letter"), text);
}

#[tokio::test]
async fn a_database_in_use_is_refused_until_it_is_free() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let first = Server::start_with(on_file(&path)).await;
    let problem = why_it_does_not_start(on_file(&path)).await;
    assert_eq!(
        problem,
        format!(
            "the database {} is in use by another sandbox; stop that one or give another --database",
            path.display()
        )
    );
    first.merchant().ok("Pay", &pay(demo::CREDIT, "10", "still served")).await;
    first.stop().await;
    let second = Server::start_with(on_file(&path)).await;
    assert_eq!(second.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
    second.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_database_in_use_is_refused_by_whichever_name_it_is_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other_folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let first = Server::start_with(on_file(&path)).await;
    let (soft, hard) = (other_folder.path().join("soft.db"), other_folder.path().join("hard.db"));
    let soft_folder = other_folder.path().join("folder");
    std::os::unix::fs::symlink(&path, &soft).expect("a symbolic link");
    std::os::unix::fs::symlink(folder.path(), &soft_folder).expect("a symbolic link");
    std::fs::hard_link(&path, &hard).expect("a hard link");
    for name in [soft, hard, soft_folder.join("sandbox.db"), folder.path().join(".").join("sandbox.db")] {
        let problem = why_it_does_not_start(on_file(&name)).await;
        let expected = format!(
            "the database {} is in use by another sandbox; stop that one or give another --database",
            name.display()
        );
        assert_eq!(problem, expected, "in this process");
        let ended = run(&["--listen", "127.0.0.1:0", "--database", name.to_str().expect("a path")]);
        let told = String::from_utf8(ended.stderr).expect("text");
        assert_eq!((ended.status.code(), told), (Some(1), format!("fps-sandbox: {expected}\n")));
    }
    // SQLite still has its own lock on the file: another program does not think itself alone, and remove the log.
    let looked =
        Command::new(env!("CARGO_BIN_EXE_fps-sandbox")).args(["audit", "--database"]).arg(&path).output();
    assert!(looked.expect("an audit").status.success());
    let posix = std::fs::read_to_string("/proc/locks").expect("the locks of this machine");
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).expect("the file"));
    let owned = |line: &&str| line.contains("POSIX") && line.contains(&format!(":{inode} "));
    assert!(posix.lines().any(|line| owned(&line)), "SQLite has lost its lock: {posix}");
    first.merchant().ok("Pay", &pay(demo::CREDIT, "10", "undisturbed")).await;
    first.stop().await;
    let second = Server::start_with(on_file(&other_folder.path().join("hard.db"))).await;
    assert_eq!(second.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
    second.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "mounts, which needs root on Linux: .ci/run does it"]
async fn a_database_in_use_is_refused_through_a_bind_mount() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let first = Server::start_with(on_file(&path)).await;
    let mounted = folder.path().join("mounted.db");
    std::fs::write(&mounted, "").expect("a place to mount on");
    let script = "mount --bind \"$1\" \"$2\" && exec \"$0\" --listen 127.0.0.1:0 --database \"$2\"";
    let ended = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_fps-sandbox")])
        .args([&path, &mounted])
        .output()
        .expect("unshare runs");
    let told = String::from_utf8(ended.stderr).expect("text");
    let expected = format!(
        "fps-sandbox: the database {} is in use by another sandbox; stop that one or give another --database\n",
        mounted.display()
    );
    assert_eq!((ended.status.code(), told), (Some(1), expected));
    first.stop().await;
}

// The log that belongs to a file.

/// A database whose sandbox was killed after a payment.
async fn killed() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let mut program = Program::start(folder.path(), &["--database", path.to_str().expect("a path")]).await;
    program.merchant().ok("Pay", &pay(demo::CREDIT, "10", "before the crash")).await;
    program.kill();
    (folder, path)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Neither a sandbox nor an audit takes this file, and both say why, as often as they are asked.
fn assert_not_taken(path: &Path, part: &str) {
    for command in [&["--listen", "127.0.0.1:0", "--database"][..], &["audit", "--database"]].repeat(2) {
        let ended = run(&[command, &[path.to_str().expect("a path")]].concat());
        let told = String::from_utf8(ended.stderr).expect("text");
        assert!(!ended.status.success() && ended.stdout.is_empty(), "{command:?}: {told}");
        assert!(told.contains(part) && told.contains(&path.display().to_string()), "{command:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

/// What a sandbox on this file tells of Alice's debt, and what it has logged.
async fn debt_and_log(folder: &Path, path: &Path) -> (String, String) {
    let program = Program::start(folder, &["--database", path.to_str().expect("a path")]).await;
    let debt = program.merchant().debt(demo::INSTRUMENT).await.0;
    let log = program.log();
    program.finish().await;
    (debt, log)
}

const LOST: &str = "the last changes are lost";

#[tokio::test]
async fn after_a_crash_a_database_with_its_log_is_whole() {
    let (folder, path) = killed().await;
    let (debt, log) = debt_and_log(folder.path(), &path).await;
    assert_eq!(debt, "110.000000");
    assert!(!log.contains(LOST), "{log}");
    assert!(!beside(&path, "-wal").exists(), "a database that was closed is one file");
}

#[tokio::test]
async fn a_database_whose_log_is_gone_is_refused_until_that_is_accepted() {
    let (folder, path) = killed().await;
    std::fs::remove_file(beside(&path, "-wal")).expect("a log");
    assert_not_taken(&path, "its log");
    std::fs::remove_file(beside(&path, "-shm")).expect("what is left of it");
    let (debt, log) = debt_and_log(folder.path(), &path).await;
    assert_eq!(debt, "100.000000", "the demo world was in the file before the first request");
    assert!(log.contains(LOST), "{log}");
}

#[tokio::test]
async fn a_copy_of_a_database_in_use_without_its_log_is_told_to_be_old() {
    let (folder, path) = killed().await;
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).expect("a copy");
    let (debt, log) = debt_and_log(folder.path(), &copy).await;
    assert_eq!(debt, "100.000000");
    assert!(log.contains(LOST), "{log}");
    let before = log.len();
    let (_, log) = debt_and_log(folder.path(), &copy).await;
    assert!(!log[before..].contains(LOST), "once it is closed it is whole: {log}");
}

#[tokio::test]
async fn after_a_crash_a_hard_link_that_has_no_log_is_refused() {
    let (folder, path) = killed().await;
    let hard = folder.path().join("hard.db");
    std::fs::hard_link(&path, &hard).expect("a hard link");
    assert_not_taken(&hard, "another name");
    let soft = folder.path().join("soft.db");
    std::os::unix::fs::symlink(&path, &soft).expect("a symbolic link");
    assert_eq!(debt_and_log(folder.path(), &soft).await.0, "110.000000");
    assert_eq!(debt_and_log(folder.path(), &hard).await.0, "110.000000");
}

#[tokio::test]
async fn an_empty_file_beside_a_log_is_not_filled_anew() {
    let (folder, path) = killed().await;
    let log = std::fs::read(beside(&path, "-wal")).expect("a log");
    for remove in [false, true] {
        if remove {
            std::fs::remove_file(&path).expect("a file");
        } else {
            std::fs::write(&path, "").expect("a file");
        }
        let ended = run(&["--listen", "127.0.0.1:0", "--database", path.to_str().expect("a path")]);
        let told = String::from_utf8(ended.stderr).expect("text");
        assert!(!ended.status.success() && told.contains("is empty although its log"), "{told}");
        assert_eq!(std::fs::read(beside(&path, "-wal")).expect("a log"), log);
    }
    drop(folder);
}

// Beginning.

#[tokio::test]
async fn an_empty_database_gets_the_demo_world_and_a_filled_one_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let seed = folder.path().join("seed.toml");
    std::fs::write(
        &seed,
        "account = [{ name = 'x', email = 'x@example.com', access_key = [{ id = 'X', secret = 'x' }] }]",
    )
    .expect("a seed");
    let server = Server::start_with(on_file(&path)).await;
    assert_eq!(server.merchant().debt(demo::INSTRUMENT).await.0, "100.000000");
    server.merchant().ok("Pay", &pay(demo::CREDIT, "10", "p")).await;
    server.stop().await;
    for again in [on_file(&path), Config { seed: Some(seed), ..on_file(&path) }] {
        let server = Server::start_with(again).await;
        assert_eq!(server.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
        let stranger = server.client("X", "x").call("GetDebtBalance", &[("CreditInstrumentId", "I")]).await;
        assert_eq!((stranger.status, stranger.code().as_str()), (403, "InvalidClientTokenId"));
        server.stop().await;
    }
}

#[tokio::test]
async fn without_the_demo_world_an_empty_database_has_no_keys() {
    let server = Server::start_with(Config { no_demo: true, ..config() }).await;
    let reply = server.merchant().pay(demo::CREDIT, "1", "p").await;
    assert_eq!((reply.status, reply.code().as_str()), (403, "InvalidClientTokenId"));
}

#[tokio::test]
async fn a_seed_with_a_mistake_leaves_the_database_empty_for_the_next_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, seed) = (folder.path().join("sandbox.db"), folder.path().join("seed.toml"));
    std::fs::write(&seed, "[[account]]\nname = 'x'\nemail = 'x@example.com'\nbalance = '-1'\n")
        .expect("a seed");
    let problem = why_it_does_not_start(Config { seed: Some(seed), ..on_file(&path) }).await;
    assert!(problem.contains("seed.toml, line 4: "), "{problem}");
    let server = Server::start_with(on_file(&path)).await;
    assert_eq!(server.merchant().debt(demo::INSTRUMENT).await.0, "100.000000");
    server.stop().await;
}

#[tokio::test]
async fn what_is_due_while_the_sandbox_is_down_is_done_before_its_first_answer() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let server = Server::start_with(on_file(&path)).await;
    let id = server.merchant().ok("SettleDebt", &settle("90", "s")).await.text("TransactionId");
    server.stop().await;
    let later = Server::start_at(on_file(&path), instant("2012-06-02T12:00:00Z")).await.expect("it starts");
    assert_eq!(later.merchant().debt(demo::INSTRUMENT).await, ("10.000000".into(), "0.000000".into()));
    let detail = later.merchant().ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("DateCompleted"), "2012-06-01T12:00:01.000Z");
    later.stop().await;
}

// In memory.

#[tokio::test]
async fn sandboxes_in_memory_begin_afresh_and_share_nothing() {
    let (one, two) = (Server::start().await, Server::start().await);
    one.merchant().ok("Pay", &pay(demo::CREDIT, "10", "the same reference")).await;
    two.merchant().ok("Pay", &pay(demo::CREDIT, "20", "the same reference")).await;
    assert_eq!(one.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
    assert_eq!(two.merchant().debt(demo::INSTRUMENT).await.0, "120.000000");
}

/// The program itself, serving from a folder; ended when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program on a port that was free just now, and on another when somebody else was quicker.
async fn serving_from(folder: &Path) -> (Process, SocketAddr) {
    for _ in 0..5 {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = free.local_addr().expect("its address");
        drop(free);
        let child = Command::new(env!("CARGO_BIN_EXE_fps-sandbox"))
            .args(["--listen", &addr.to_string()])
            .current_dir(folder)
            .env_clear()
            .envs([("HOME", folder), ("TMPDIR", folder), ("XDG_DATA_HOME", folder)])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut process = Process(child);
        while process.0.try_wait().expect("its state").is_none() {
            if tokio::net::TcpStream::connect(addr).await.is_ok() {
                return (process, addr);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    panic!("the program does not serve");
}

#[tokio::test]
async fn a_sandbox_in_memory_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (process, addr) = serving_from(folder.path()).await;
    let (key, secret) = (demo::KEY.to_owned(), SecretKey::new(demo::SECRET));
    let merchant = Client { addr, clock: Clock::real_time(), key, secret };
    merchant.ok("Pay", &pay(demo::CREDIT, "10", "p")).await;
    merchant.ok("SettleDebt", &settle("10", "s")).await;
    drop(process);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

// The audit.

/// A database with a bit of everything in it, closed.
async fn history() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let server = Server::start_with(on_file(&path)).await;
    let merchant = server.merchant();
    let card = merchant.ok("Pay", &pay(demo::CC, "100", "card")).await.text("TransactionId");
    let debt = merchant.ok("Pay", &pay(demo::CREDIT, "50", "debt")).await.text("TransactionId");
    merchant.ok("Pay", &pay(demo::ABT, "20", "balance")).await;
    merchant.ok("SettleDebt", &settle("90", "settled")).await;
    server.advance(SECOND).await;
    merchant.refused("Pay", &pay(demo::CREDIT, "5000", "refused"), "InsufficientBalance").await;
    for (original, reference) in [(&card, "card back"), (&debt, "debt back")] {
        let refund = [
            ("TransactionId", original.as_str()),
            ("RefundAmount.Value", "10"),
            ("CallerReference", reference),
        ];
        merchant.ok("Refund", &refund).await;
    }
    merchant.ok("SettleDebt", &settle("5", "pending")).await;
    merchant.ok("Pay", &pay(demo::ACH, "30", "bank")).await;
    let write_off = [
        ("CreditInstrumentId", demo::INSTRUMENT),
        ("AdjustmentAmount.Value", "1"),
        ("CallerReference", "forgiven"),
    ];
    merchant.ok("WriteOffDebt", &write_off).await;
    server.stop().await;
    (folder, path)
}

/// Each invariant with ways to break it.
const TAMPERINGS: &[(&str, &str)] = &[
    (
        "the postings of every transaction sum to zero",
        "UPDATE postings SET amount = amount + 1 WHERE transaction_number = (SELECT max(transaction_number) FROM postings) AND line = 0",
    ),
    ("the postings of every transaction sum to zero", "DELETE FROM postings WHERE line = 1"),
    (
        "every total is the sum of its postings",
        "UPDATE totals SET amount = amount + 1 WHERE kind = 'outside-cards'",
    ),
    (
        "every total is the sum of its postings",
        "UPDATE totals SET amount = 7 WHERE kind = 'debt' AND amount = 0 OR kind = 'fees'",
    ),
    ("every posting is to an account of the book that has a total", "DELETE FROM totals WHERE kind = 'fees'"),
    (
        "every posting belongs to a transaction",
        "UPDATE postings SET transaction_number = 999999 WHERE transaction_number = (SELECT max(transaction_number) FROM postings)",
    ),
    (
        "balances, debts and fees are never below zero",
        "UPDATE totals SET amount = -1 WHERE kind = 'balance' AND amount = 0",
    ),
    (
        "balances, debts and fees are never below zero",
        "UPDATE totals SET amount = -1 WHERE kind = 'debt-pending'",
    ),
    (
        "debt, settled or not, is within the credit limit",
        "UPDATE instruments SET ceiling = (SELECT sum(amount) - 1 FROM totals \
         WHERE kind IN ('debt', 'debt-pending') AND owner = number) WHERE kind = 'Credit'",
    ),
    (
        "prepaid money, on its way or not, is above the recharge limit only by what was refunded since it was last funded",
        "UPDATE instruments SET ceiling = 1 WHERE kind = 'Prepaid'",
    ),
    (
        "what an issuer owes for money paid in advance is what his instruments hold",
        "UPDATE totals SET amount = amount + 1 WHERE kind = 'prepaid-liability' AND amount < 0",
    ),
    (
        "the credit that a creditor has given, less what was written off, is the debt to him",
        "UPDATE totals SET amount = amount - 1 WHERE kind = 'credit-extended-pending'",
    ),
    ("what is open of all debt Pays is the debt", "UPDATE open_debts SET amount = amount - 1"),
    ("what is open of all debt Pays is the debt", "DELETE FROM open_debts"),
    (
        "no debt Pay is open for more than its amount less its refunds",
        "UPDATE open_debts SET amount = (SELECT amount - refunded + 1 FROM transactions WHERE number = transaction_number)",
    ),
    (
        "refunds are never above the payment and add up",
        "UPDATE transactions SET refunded = refunded + 1 WHERE refunded > 0",
    ),
    (
        "refunds are never above the payment and add up",
        "UPDATE transactions SET refunded = amount + 1 WHERE operation = 'SettleDebt'",
    ),
    ("refunds are never above the payment and add up", "DELETE FROM transactions WHERE operation = 'Refund'"),
    (
        "fees given back are never above the fee and add up",
        "UPDATE transactions SET fee_returned = 1 WHERE fee_returned = 0",
    ),
    (
        "fees given back are never above the fee and add up",
        "UPDATE transactions SET fee = 0 WHERE operation = 'Refund' AND fee < 0",
    ),
    (
        "every caller reference that made something points to a transaction under that reference",
        "UPDATE caller_references SET reference = 'another' WHERE reference = 'debt'",
    ),
    (
        "every caller reference that made something points to a transaction under that reference",
        "UPDATE caller_references SET transaction_number = 999999 WHERE reference = 'debt'",
    ),
    (
        "no caller reference of an action has two effects within its seven days",
        "CREATE TEMP TABLE twice AS SELECT * FROM transactions WHERE caller_reference = 'debt'; \
         UPDATE twice SET number = 999999, id = 'twice'; INSERT INTO transactions SELECT * FROM twice",
    ),
    ("a transaction is pending or reserved exactly while work on it is due", "DELETE FROM due"),
    (
        "a transaction is pending or reserved exactly while work on it is due",
        "INSERT INTO due SELECT number, received, 'complete', NULL FROM transactions WHERE caller_reference = 'debt'",
    ),
    ("no due work was set aside because it failed", "UPDATE due SET problem = 'it fails'"),
    (
        "a token is never used beyond its global amount limit",
        "UPDATE tokens SET spent = global_limit + 1 WHERE global_limit IS NOT NULL",
    ),
    ("a token is never used beyond its global amount limit", "UPDATE tokens SET spent = -1"),
    (
        "the database file is intact",
        "PRAGMA writable_schema = ON; \
         UPDATE sqlite_master SET sql = replace(sql, 'at)', 'transaction_number)') WHERE name = 'due_at'",
    ),
    ("the world has a row of its own, with the seed of its ids and its clock", "DELETE FROM world"),
];

#[tokio::test]
async fn the_audit_finds_nothing_in_a_sound_database() {
    let (_folder, path) = history().await;
    let (checked, findings) = audit_file(&path).await.expect("an audit");
    assert_eq!(findings, []);
    assert!(checked > 0);
}

#[tokio::test]
async fn the_audit_names_every_invariant_that_is_broken_by_hand() {
    let (folder, path) = history().await;
    let copy = folder.path().join("copy.db");
    let mut checked = 0;
    for (invariant, sql) in TAMPERINGS {
        std::fs::copy(&path, &copy).expect("a copy");
        tamper(&copy, sql).await;
        let (count, findings) = audit_file(&copy).await.expect("an audit");
        checked = count;
        let named = findings.iter().find(|finding| finding.invariant == *invariant);
        assert!(
            named.is_some_and(|finding| !finding.details.is_empty()),
            "{invariant}: {sql}: {findings:#?}"
        );
    }
    let broken: BTreeSet<_> = TAMPERINGS.iter().map(|(invariant, _)| invariant).collect();
    assert_eq!(broken.len(), checked, "every invariant has its tampering");
}

/// Overwrites a page of a database file, the root of a table or an index.
async fn overwrite_root(path: &Path, name: &str) {
    let mut connection = SqliteConnectOptions::new().filename(path).connect().await.expect("it opens");
    let root: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_master WHERE name = $1")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .expect("there is one");
    connection.close().await.expect("it closes");
    let mut bytes = std::fs::read(path).expect("the file");
    let at = (usize::try_from(root).expect("a page") - 1) * 4096;
    bytes[at..at + 4096].fill(0xa5);
    std::fs::write(path, bytes).expect("the file is written");
}

#[tokio::test]
async fn the_audit_finds_pages_that_were_overwritten() {
    let (folder, path) = history().await;
    let mut connection = SqliteConnectOptions::new().filename(&path).connect().await.expect("it opens");
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE rootpage > 1")
        .fetch_all(&mut connection)
        .await
        .expect("tables and indexes");
    connection.close().await.expect("it closes");
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let copy = folder.path().join(format!("{name}.db"));
        std::fs::copy(&path, &copy).expect("a copy");
        overwrite_root(&copy, &name).await;
        let ended = run(&["audit", "--database", copy.to_str().expect("a path")]);
        let told = String::from_utf8(ended.stdout).expect("text");
        assert_eq!(ended.status.code(), Some(1), "{name}: {told}{}", String::from_utf8_lossy(&ended.stderr));
        assert!(told.starts_with("broken: the database file is intact: "), "{name}: {told}");
    }
}

#[tokio::test]
async fn a_sandbox_does_not_start_on_a_file_whose_damage_it_meets() {
    let (_folder, path) = history().await;
    overwrite_root(&path, "world").await;
    let problem = why_it_does_not_start(on_file(&path)).await;
    assert!(problem.starts_with(&format!("the database {} is damaged: ", path.display())), "{problem}");
}

// The clock.

#[tokio::test]
async fn a_clock_that_was_moved_goes_on_after_a_restart_unless_another_is_asked_for() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = on_file(&folder.path().join("sandbox.db"));
    let start = async |clock: Clock| Sandbox::start(&config, clock).await.expect("it starts");
    let ahead = ClockState::Running { offset_millis: 86_400_000 };
    let sandbox = start(Clock::real_time()).await;
    sandbox.store().set_clock(ahead).await.expect("the clock moves");
    sandbox.worlds().close().await;
    let clock = Clock::real_time();
    start(clock.clone()).await.worlds().close().await;
    assert_eq!(clock.state(), ahead);
    let asked = ClockState::Frozen(instant(NOW));
    for clock in [Clock::new(asked), Clock::real_time()] {
        start(clock.clone()).await.worlds().close().await;
        assert_eq!(clock.state(), asked);
    }
}

#[tokio::test]
async fn transactions_follow_a_clock_that_is_set_back_between_two_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let late = Server::start_at(on_file(&path), instant("2030-01-01T00:00:00Z")).await.expect("it starts");
    late.merchant().ok("Pay", &pay(demo::CREDIT, "1", "late")).await;
    late.stop().await;
    let server = Server::start_at(on_file(&path), instant(NOW)).await.expect("it starts");
    let merchant = server.merchant();
    let mut received = Vec::new();
    for reference in ["1", "2", "3"] {
        let id = merchant.ok("Pay", &pay(demo::CREDIT, "1", reference)).await.text("TransactionId");
        received.push(merchant.ok("GetTransaction", &[("TransactionId", &id)]).await.text("DateReceived"));
    }
    assert_eq!(
        received,
        ["2012-06-01T12:00:00.000Z", "2012-06-01T12:00:00.001Z", "2012-06-01T12:00:00.002Z"]
    );
    server.stop().await;
    assert_eq!(audit_file(&path).await.expect("an audit").1, []);
}

// The key that signs messages.

const KEY_IS_MADE: &str = "the key that signs messages is made";

/// Where the certificate is, as the return URLs of two visits at once say.
async fn certificate(addr: SocketAddr) -> String {
    let (pages, outcome) = (Pages { addr }, ("sandbox_outcome", "A"));
    let asked = asking("SingleUse", &[("callerReference", "x"), ("transactionAmount", "1"), outcome]);
    let (one, other) = tokio::join!(pages.sent_back(&asked), pages.sent_back(&asked));
    let path = |back: &Back| Url::parse(back.value("certificateUrl")).unwrap().path().to_owned();
    assert_eq!(path(&one), path(&other));
    path(&one)
}

#[tokio::test]
async fn the_signing_key_is_made_without_a_visit_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let arguments = ["--database", path.to_str().expect("a path")];
    let program = Program::start(folder.path(), &arguments).await;
    let made = async {
        while !program.log().contains(KEY_IS_MADE) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), made).await.expect("a key is made");
    program.finish().await;
    let program = Program::start(folder.path(), &arguments).await;
    let certificate = certificate(program.addr).await;
    let log = program.log();
    assert!(log.contains(&certificate), "{certificate}: {log}");
    assert_eq!(log.matches(KEY_IS_MADE).count(), 1, "{log}");
    program.finish().await;
}

#[tokio::test]
async fn visits_that_come_before_the_signing_key_wait_for_the_one_that_is_being_made() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::start(folder.path(), &[]).await;
    let certificate = certificate(program.addr).await;
    let log = program.log();
    assert!(log.contains(&certificate) && log.matches(KEY_IS_MADE).count() == 1, "{certificate}: {log}");
    program.finish().await;
}

#[tokio::test]
async fn the_audit_of_no_database_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nothing.db");
    assert!(
        matches!(audit_file(&path).await, Err(StoreError::NotFound(missing)) if missing == path.display().to_string())
    );
    assert!(!path.exists(), "and makes none");
}
