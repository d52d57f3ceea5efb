//! Trouble with the database: at the start one clear line, later an honest answer. Success is never answered
//! before it is saved, what failed has had no effect, and when the trouble is over the work goes on.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use crate::support::program::{Program, assert_sound, command, run};
use crate::support::{Client, Reply, Server, config, demo, pay, raw, settle};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::store::audit;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// The program does not start on this path, and says so in one line that names it.
fn assert_refused(path: &Path, part: &str) {
    let path = path.to_str().unwrap();
    for arguments in [
        &["--listen", "127.0.0.1:0", "--log", "warn", "--database", path][..],
        &["audit", "--database", path],
    ] {
        let ended = run(arguments);
        let told = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.code().is_some_and(|code| code > 0), "{arguments:?}: {}: {told}", ended.status);
        assert_eq!(ended.stdout, b"", "{arguments:?}");
        assert_eq!(told.lines().count(), 1, "{arguments:?}: {told}");
        assert!(told.starts_with("fps-sandbox: ") && told.contains(path), "{arguments:?}: {told}");
        if arguments[0] != "audit" {
            assert!(told.contains(part), "no {part:?} in {told}");
        }
    }
}

#[test]
fn a_path_that_cannot_be_a_database_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let round = folder.path().join("round");
    symlink(&round, &round).unwrap();
    assert_refused(folder.path(), "cannot open the database");
    assert_refused(&folder.path().join("absent/ledger.db"), "check --database and the rights on its folder");
    assert_refused(&file.join("ledger.db"), "cannot open the database");
    assert_refused(&round, "cannot open the database");
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let notes = folder.path().join("notes.txt");
    let text = "Dear diary, this is no database. ".repeat(1_000);
    fs::write(&notes, &text).unwrap();
    assert_refused(&notes, "file is not a database");
    assert_eq!(fs::read_to_string(&notes).unwrap(), text);
}

#[tokio::test]
async fn a_database_of_another_program_is_refused_and_gets_no_tables_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.db");
    let mut theirs = saboteur(&path).await;
    sqlx::raw_sql("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('http://example.com/')")
        .execute(&mut theirs)
        .await
        .unwrap();
    assert_refused(&path, "another program");
    let tables: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_master").fetch_all(&mut theirs).await.unwrap();
    assert_eq!(tables, ["bookmarks"]);
}

#[tokio::test]
async fn a_database_cut_short_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    on_file(&path).await.stop().await;
    let bytes = fs::read(&path).unwrap();
    for kept in [bytes.len() / 2, 8_192, 1_000, 50] {
        fs::write(&path, &bytes[..kept]).unwrap();
        let name = path.to_str().unwrap();
        let started = run(&["--listen", "127.0.0.1:0", "--log", "warn", "--database", name]);
        let told = String::from_utf8(started.stderr).unwrap();
        assert_eq!((started.status.code(), told.lines().count()), (Some(1), 1), "{kept}: {told}");
        assert!(told.starts_with("fps-sandbox: ") && told.contains(name), "{kept}: {told}");
        let audited = run(&["audit", "--database", name]);
        let told = String::from_utf8([audited.stdout, audited.stderr].concat()).unwrap();
        assert!(!audited.status.success(), "{kept}: {told}");
        assert!(told.contains("the database file is intact: ") || told.contains(name), "{kept}: {told}");
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    on_file(&path).await.stop().await;
    let mut newer = saboteur(&path).await;
    sqlx::raw_sql(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    newer.close().await.unwrap();
    assert_refused(&path, "schema version 9999, which is newer");
}

#[tokio::test]
async fn a_database_in_use_is_refused_and_its_user_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = on_file(&path).await;
    let ended = run(&["--listen", "127.0.0.1:0", "--database", path.to_str().unwrap()]);
    assert!(!ended.status.success());
    assert!(String::from_utf8(ended.stderr).unwrap().contains("is in use by another sandbox"));
    server.merchant().ok("Pay", &pay(demo::CREDIT, "1", "undisturbed")).await;
    server.stop().await;
    on_file(&path).await.stop().await;
}

/// The demo world in a file.
async fn on_file(path: &Path) -> Server {
    Server::start_with(Config { database: Database::File(path.to_owned()), ..config() }).await
}

/// A second connection to the database, to make trouble by.
async fn saboteur(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Pays under many references at once.
async fn pay_each(merchant: &Client, references: &[String]) -> Vec<(String, Reply)> {
    let mut clients = JoinSet::new();
    for reference in references.iter().cloned() {
        let merchant = merchant.clone();
        clients.spawn(async move {
            let reply = merchant.pay(demo::CREDIT, "1", &reference).await;
            (reference, reply)
        });
    }
    clients.join_all().await
}

/// Trouble for every transaction whose reference begins with `bad`, in the ways a database can fail.
const TROUBLE: [(&str, &str); 4] = [
    (
        "a statement fails and the engine leaves the transaction open",
        "CREATE TRIGGER trouble BEFORE INSERT ON transactions WHEN NEW.caller_reference LIKE 'bad%' \
         BEGIN SELECT RAISE(ABORT, 'trouble'); END",
    ),
    (
        "a statement fails half way and leaves what it has done",
        "CREATE TRIGGER trouble AFTER INSERT ON transactions WHEN NEW.caller_reference LIKE 'bad%' \
         BEGIN SELECT RAISE(FAIL, 'trouble'); END",
    ),
    (
        "a statement fails and the engine rolls back by itself, as it does when the disk is full",
        "CREATE TRIGGER trouble BEFORE INSERT ON transactions WHEN NEW.caller_reference LIKE 'bad%' \
         BEGIN SELECT RAISE(ROLLBACK, 'trouble'); END",
    ),
    (
        "all statements succeed and the commit fails",
        "CREATE TABLE parents (id INTEGER PRIMARY KEY); \
         CREATE TABLE orphans (parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED); \
         CREATE TRIGGER trouble AFTER INSERT ON transactions WHEN NEW.caller_reference LIKE 'bad%' \
         BEGIN INSERT INTO orphans VALUES (1); END",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_database_refuses_to_save_is_no_success_has_no_effect_and_spoils_nothing_else() {
    for (what, trouble) in TROUBLE {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let server = on_file(&path).await;
        let merchant = server.merchant();
        let mut saboteur = saboteur(&path).await;
        sqlx::raw_sql(trouble).execute(&mut saboteur).await.unwrap();
        let bad: Vec<_> = (0..8).map(|number| format!("bad {number}")).collect();
        let good: Vec<_> = (0..24).map(|number| format!("good {number}")).collect();
        let mixed: Vec<_> = good[..16].iter().chain(&bad).chain(&good[16..]).cloned().collect();
        for (reference, reply) in pay_each(&merchant, &mixed).await {
            let expected = if reference.starts_with("bad") { (500, "InternalError") } else { (200, "") };
            let told = if reply.status == 200 { String::new() } else { reply.code() };
            assert_eq!((reply.status, told.as_str()), expected, "{what}: {reference}: {}", reply.body);
        }
        assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "124.000000", "{what}");
        sqlx::raw_sql("DROP TRIGGER trouble").execute(&mut saboteur).await.unwrap();
        saboteur.close().await.unwrap();
        for (reference, reply) in pay_each(&merchant, &mixed).await {
            assert_eq!(reply.status, 200, "{what}: {reference}: {}", reply.body);
        }
        assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "132.000000", "{what}");
        server.stop().await;
        assert_sound(&path);
    }
}

#[tokio::test]
async fn due_work_that_cannot_be_saved_is_set_aside_beside_sound_work_and_taken_up_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = on_file(&path).await;
    let merchant = server.merchant();
    let settled = merchant.ok("SettleDebt", &settle("90", "settled in trouble")).await.text("TransactionId");
    let paid = merchant.ok("Pay", &pay(demo::CC, "10", "sound")).await.text("TransactionId");
    let mut saboteur = saboteur(&path).await;
    sqlx::raw_sql(
        "CREATE TRIGGER trouble BEFORE UPDATE ON transactions WHEN NEW.status = 'Success' AND NEW.operation = 'SettleDebt' \
         BEGIN SELECT RAISE(ROLLBACK, 'trouble'); END",
    )
    .execute(&mut saboteur)
    .await
    .unwrap();
    server.advance(Duration::from_secs(2)).await;
    assert_eq!(merchant.status(&paid).await.0, "Success");
    assert_eq!(merchant.status(&settled).await.0, "Pending");
    let later = merchant.ok("Pay", &pay(demo::CC, "10", "later")).await.text("TransactionId");
    server.advance(Duration::from_secs(2)).await;
    assert_eq!(merchant.status(&later).await.0, "Success");
    let audited = audit(&Database::File(path.clone()), Duration::from_secs(5), None).await.unwrap();
    let findings = &audited[0].findings;
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(findings[0].invariant, "no due work was set aside because it failed");
    assert!(
        findings[0].details.contains(&settled) && findings[0].details.contains("trouble"),
        "{findings:#?}"
    );
    sqlx::raw_sql("DROP TRIGGER trouble").execute(&mut saboteur).await.unwrap();
    saboteur.close().await.unwrap();
    let now = server.clock.now();
    server.stop().await;
    let config = Config { database: Database::File(path.clone()), ..config() };
    let server = Server::start_at(config, now).await.unwrap();
    assert_eq!(server.merchant().status(&settled).await.0, "Success");
    assert_eq!(server.merchant().debt(demo::INSTRUMENT).await, ("10.000000".into(), "0.000000".into()));
    server.stop().await;
    assert_sound(&path);
}

/// Rows that have vanished from the database: whatever is to change them fails, and nothing else does.
#[tokio::test]
async fn rows_that_are_not_there_any_more_are_missed_and_not_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = on_file(&path).await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::CC, "10", "sound")).await.text("TransactionId");
    let mut saboteur = saboteur(&path).await;
    sqlx::raw_sql(
        "INSERT INTO due (transaction_number, at, step) VALUES (999999, 0, 'complete'); \
         DELETE FROM totals WHERE kind = 'credit-extended' AND amount <> 0",
    )
    .execute(&mut saboteur)
    .await
    .unwrap();
    saboteur.close().await.unwrap();
    server.advance(Duration::from_secs(2)).await;
    assert_eq!(merchant.status(&paid).await.0, "Success", "sound work goes on beside work on nothing");
    for reference in ["a", "b"] {
        let reply = merchant.pay(demo::CREDIT, "1", reference).await;
        assert_eq!((reply.status, reply.code().as_str()), (500, "InternalError"), "its total is gone");
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "100.000000");
    merchant.ok("Pay", &pay(demo::ABT, "1", "another account of the book")).await;
    server.stop().await;
    let audited = audit(&Database::File(path.clone()), Duration::from_secs(5), None).await.unwrap();
    let places: Vec<_> = audited[0].findings.iter().map(|finding| finding.details.as_str()).collect();
    let missed = "transaction 1700000LFLR"; // 999,999 in the digits of ids
    assert!(
        places.iter().any(|place| place.starts_with(missed) && place.contains("is not there")),
        "{places:?}"
    );
}

/// A command that cannot be saved fails once with its batch. Sent over and over, it is kept apart.
#[tokio::test]
async fn a_command_that_fails_over_and_over_does_not_take_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut program = Program::start(folder.path(), &["--database", path.to_str().unwrap()]).await;
    let merchant = program.merchant();
    let mut saboteur = saboteur(&path).await;
    sqlx::raw_sql(
        "CREATE TRIGGER trouble BEFORE INSERT ON transactions WHEN NEW.caller_reference LIKE 'bad%' \
         BEGIN SELECT RAISE(ABORT, 'trouble'); END",
    )
    .execute(&mut saboteur)
    .await
    .unwrap();
    for round in 0..20 {
        let bad = tokio::spawn({
            let merchant = merchant.clone();
            async move { merchant.call("Pay", &pay(demo::ABT, "0.05", &format!("bad {round}"))).await.status }
        });
        let good: Vec<_> = (0..8).map(|number| format!("good {round} {number}")).collect();
        for (reference, reply) in pay_each(&merchant, &good).await {
            assert_eq!(reply.status, 200, "{reference}: {}", reply.body);
        }
        assert_eq!(bad.await.unwrap(), 500);
    }
    saboteur.close().await.unwrap();
    program.terminate();
    program.ended().await;
    let log = program.log();
    let failed = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(failed("a command failed"), 20, "{log}");
    // Halving the first batch takes a few more attempts, none of them later.
    assert!(failed("a batch was not saved") < 20 + 8, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_held_by_another_process_for_a_while_delays_answers_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = on_file(&path).await;
    let merchant = server.merchant();
    let mut saboteur = saboteur(&path).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut saboteur).await.unwrap();
    let references: Vec<_> = (0..8).map(|number| format!("delayed {number}")).collect();
    let paying = tokio::spawn({
        let (merchant, references) = (merchant.clone(), references.clone());
        async move { pay_each(&merchant, &references).await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!paying.is_finished(), "answered before it was saved");
    sqlx::raw_sql("ROLLBACK").execute(&mut saboteur).await.unwrap();
    saboteur.close().await.unwrap();
    for (reference, reply) in paying.await.unwrap() {
        assert_eq!(reply.status, 200, "{reference}: {}", reply.body);
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "108.000000");
    server.stop().await;
}

/// The status of `/readyz`.
async fn ready(program: &Program) -> u16 {
    raw(program.addr, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_payments_fail_honestly_and_what_was_answered_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let arguments = ["--database", path.to_str().unwrap(), "--log", "off"];
    // A limit on the size of files is what a full disk looks like from inside, and harms nobody else.
    let mut shell = command("/bin/sh");
    let program = env!("CARGO_BIN_EXE_fps-sandbox");
    shell.args(["-c", "trap '' XFSZ; ulimit -S -f 4096; exec \"$0\" \"$@\"", program]);
    let limited = Program::start_by(shell, folder.path(), &arguments).await;
    let merchant = limited.merchant();
    assert_eq!(ready(&limited).await, 200);
    let (mut paid, mut failed) = (0, Vec::new());
    // Every payment is a cent, so that the credit limit is far.
    for number in 0..2_000 {
        let reply = merchant.pay(demo::CREDIT, "0.01", &format!("full {number}")).await;
        match reply.status {
            200 => paid += 1,
            500 => failed.push(format!("full {number}")),
            _ => panic!("{}", reply.body),
        }
        if failed.len() == 5 {
            break;
        }
    }
    assert_eq!(failed.len(), 5, "the disk was never full");
    assert!(paid > 0);
    let debt = |cents: u32| format!("{}.{:02}0000", 100 + cents / 100, cents % 100);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt(paid), "reads go on");
    // As long as a little fits, the disk is not full: what is left is used up by asking and by paying.
    let mut asked = 0;
    while ready(&limited).await == 200 {
        assert_eq!(merchant.pay(demo::CREDIT, "0.01", &format!("still full {asked}")).await.status, 500);
        asked += 1;
        assert!(asked < 100, "ready on a full disk");
    }
    for _ in 0..3 {
        assert_eq!(ready(&limited).await, 503, "and it stays so while nobody pays");
    }
    // Somebody makes room.
    let id = limited.id().to_string();
    let limit = |bytes: &str| {
        let limited = command("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:")]).status();
        assert!(limited.unwrap().success());
    };
    limit("unlimited");
    assert_eq!(ready(&limited).await, 200, "without a payment");
    assert_eq!(ready(&limited).await, 200);
    limit("2097152");
    limited.finish().await;
    assert_sound(&path);

    let roomy = Program::start(folder.path(), &["--database", path.to_str().unwrap(), "--log", "warn"]).await;
    assert_eq!(roomy.log(), "", "it was closed in order, full disk or not");
    let merchant = roomy.merchant();
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt(paid));
    for reference in failed {
        merchant.ok("Pay", &pay(demo::CREDIT, "0.01", &reference)).await;
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt(paid + 5));
    roomy.finish().await;
    assert_sound(&path);
}
