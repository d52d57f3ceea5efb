//! Database faults. At the start, the program exits with one clear line. Later, requests get an error: a success is
//! reported only after it is saved, failed requests have no effect, and after the fault everything works again.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use crate::support::program::{Program, assert_sound, command, run};
use crate::support::{Client, Response, Server, config, demo, pay, send_raw, settle};
use fps_sandbox::config::{Config, Database};
use fps_sandbox::store::audit;
use sqlx::{Connection, SqliteConnection};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Asserts that the program does not start on this path, with one line on standard error that names it.
fn assert_refused(path: &Path, part: &str) {
    let path = path.to_str().unwrap();
    for arguments in [
        &["--listen", "127.0.0.1:0", "--log", "warn", "--database", path][..],
        &["audit", "--database", path],
    ] {
        let ended = run(arguments);
        let output = String::from_utf8(ended.stderr).unwrap();
        assert!(
            ended.status.code().is_some_and(|code| code > 0),
            "{arguments:?}: {}: {output}",
            ended.status
        );
        assert_eq!(ended.stdout, b"", "{arguments:?}");
        assert_eq!(output.lines().count(), 1, "{arguments:?}: {output}");
        assert!(output.starts_with("fps-sandbox: ") && output.contains(path), "{arguments:?}: {output}");
        if arguments[0] != "audit" {
            assert!(output.contains(part), "no {part:?} in {output}");
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
async fn a_database_of_another_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("places.db");
    let mut theirs = second_connection(&path).await;
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
    start_on_file(&path).await.stop().await;
    let bytes = fs::read(&path).unwrap();
    for kept in [bytes.len() / 2, 8_192, 1_000, 50] {
        fs::write(&path, &bytes[..kept]).unwrap();
        let name = path.to_str().unwrap();
        let started = run(&["--listen", "127.0.0.1:0", "--log", "warn", "--database", name]);
        let output = String::from_utf8(started.stderr).unwrap();
        assert_eq!((started.status.code(), output.lines().count()), (Some(1), 1), "{kept}: {output}");
        assert!(output.starts_with("fps-sandbox: ") && output.contains(name), "{kept}: {output}");
        let audited = run(&["audit", "--database", name]);
        let output = String::from_utf8([audited.stdout, audited.stderr].concat()).unwrap();
        assert!(!audited.status.success(), "{kept}: {output}");
        assert!(
            output.contains("the database file is intact: ") || output.contains(name),
            "{kept}: {output}"
        );
    }
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    start_on_file(&path).await.stop().await;
    let mut newer = second_connection(&path).await;
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
async fn a_database_in_use_is_refused_and_its_sandbox_not_disturbed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = start_on_file(&path).await;
    let ended = run(&["--listen", "127.0.0.1:0", "--database", path.to_str().unwrap()]);
    assert!(!ended.status.success());
    assert!(String::from_utf8(ended.stderr).unwrap().contains("is in use by another sandbox"));
    server.merchant().ok("Pay", &pay(demo::CREDIT, "1", "undisturbed")).await;
    server.stop().await;
    start_on_file(&path).await.stop().await;
}

/// Starts a sandbox with the demo world in a database file.
async fn start_on_file(path: &Path) -> Server {
    Server::start_with(Config { database: Database::File(path.to_owned()), ..config() }).await
}

/// Opens a second connection to the database, for causing faults.
async fn second_connection(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// Pays with all of these references concurrently.
async fn pay_concurrently(merchant: &Client, references: &[String]) -> Vec<(String, Response)> {
    let mut clients = JoinSet::new();
    for reference in references.iter().cloned() {
        let merchant = merchant.clone();
        clients.spawn(async move {
            let response = merchant.pay(demo::CREDIT, "1", &reference).await;
            (reference, response)
        });
    }
    clients.join_all().await
}

/// Statements that make the database fail for every transaction whose reference begins with `bad`, in different ways.
const DATABASE_FAULTS: [(&str, &str); 4] = [
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
async fn commands_that_the_database_cannot_save_fail_without_effect_and_harm_no_others() {
    for (what, trouble) in DATABASE_FAULTS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let server = start_on_file(&path).await;
        let merchant = server.merchant();
        let mut connection = second_connection(&path).await;
        sqlx::raw_sql(trouble).execute(&mut connection).await.unwrap();
        let bad: Vec<_> = (0..8).map(|number| format!("bad {number}")).collect();
        let good: Vec<_> = (0..24).map(|number| format!("good {number}")).collect();
        let mixed: Vec<_> = good[..16].iter().chain(&bad).chain(&good[16..]).cloned().collect();
        for (reference, response) in pay_concurrently(&merchant, &mixed).await {
            let expected = if reference.starts_with("bad") { (500, "InternalError") } else { (200, "") };
            let output = if response.status == 200 { String::new() } else { response.code() };
            assert_eq!(
                (response.status, output.as_str()),
                expected,
                "{what}: {reference}: {}",
                response.body
            );
        }
        assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "124.000000", "{what}");
        sqlx::raw_sql("DROP TRIGGER trouble").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        for (reference, response) in pay_concurrently(&merchant, &mixed).await {
            assert_eq!(response.status, 200, "{what}: {reference}: {}", response.body);
        }
        assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "132.000000", "{what}");
        server.stop().await;
        assert_sound(&path);
    }
}

#[tokio::test]
async fn due_work_that_cannot_be_saved_is_set_aside_and_retried_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = start_on_file(&path).await;
    let merchant = server.merchant();
    let settled = merchant.ok("SettleDebt", &settle("90", "settled in trouble")).await.text("TransactionId");
    let paid = merchant.ok("Pay", &pay(demo::CC, "10", "sound")).await.text("TransactionId");
    let mut connection = second_connection(&path).await;
    sqlx::raw_sql(
        "CREATE TRIGGER trouble BEFORE UPDATE ON transactions WHEN NEW.status = 'Success' AND NEW.operation = 'SettleDebt' \
         BEGIN SELECT RAISE(ROLLBACK, 'trouble'); END",
    )
    .execute(&mut connection)
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
    sqlx::raw_sql("DROP TRIGGER trouble").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let now = server.clock.now();
    server.stop().await;
    let config = Config { database: Database::File(path.clone()), ..config() };
    let server = Server::start_at(config, now).await.unwrap();
    assert_eq!(server.merchant().status(&settled).await.0, "Success");
    assert_eq!(server.merchant().debt(demo::INSTRUMENT).await, ("10.000000".into(), "0.000000".into()));
    server.stop().await;
    assert_sound(&path);
}

/// Rows are deleted from the database. Commands that change them must fail, and no others.
#[tokio::test]
async fn missing_rows_are_errors_and_are_not_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = start_on_file(&path).await;
    let merchant = server.merchant();
    let paid = merchant.ok("Pay", &pay(demo::CC, "10", "sound")).await.text("TransactionId");
    let mut connection = second_connection(&path).await;
    sqlx::raw_sql(
        "INSERT INTO due (transaction_number, at, step) VALUES (999999, 0, 'complete'); \
         DELETE FROM totals WHERE kind = 'credit-extended' AND amount <> 0",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    connection.close().await.unwrap();
    server.advance(Duration::from_secs(2)).await;
    assert_eq!(merchant.status(&paid).await.0, "Success", "sound work goes on beside work on nothing");
    for reference in ["a", "b"] {
        let response = merchant.pay(demo::CREDIT, "1", reference).await;
        assert_eq!((response.status, response.code().as_str()), (500, "InternalError"), "its total is gone");
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

/// A command that cannot be saved fails once with its batch. When it is sent again, it runs in a batch of its own.
#[tokio::test]
async fn a_command_that_fails_repeatedly_does_not_make_others_fail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut program = Program::start(folder.path(), &["--database", path.to_str().unwrap()]).await;
    let merchant = program.merchant();
    let mut connection = second_connection(&path).await;
    sqlx::raw_sql(
        "CREATE TRIGGER trouble BEFORE INSERT ON transactions WHEN NEW.caller_reference LIKE 'bad%' \
         BEGIN SELECT RAISE(ABORT, 'trouble'); END",
    )
    .execute(&mut connection)
    .await
    .unwrap();
    for round in 0..20 {
        let bad = tokio::spawn({
            let merchant = merchant.clone();
            async move { merchant.call("Pay", &pay(demo::ABT, "0.05", &format!("bad {round}"))).await.status }
        });
        let good: Vec<_> = (0..8).map(|number| format!("good {round} {number}")).collect();
        for (reference, response) in pay_concurrently(&merchant, &good).await {
            assert_eq!(response.status, 200, "{reference}: {}", response.body);
        }
        assert_eq!(bad.await.unwrap(), 500);
    }
    connection.close().await.unwrap();
    program.terminate();
    program.wait().await;
    let log = program.log();
    let failed = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!(failed("a command failed"), 20, "{log}");
    // Bisecting the first batch takes a few more attempts; later batches need none.
    assert!(failed("a batch was not saved") < 20 + 8, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_held_by_another_process_for_a_while_delays_answers_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let server = start_on_file(&path).await;
    let merchant = server.merchant();
    let mut connection = second_connection(&path).await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    let references: Vec<_> = (0..8).map(|number| format!("delayed {number}")).collect();
    let paying = tokio::spawn({
        let (merchant, references) = (merchant.clone(), references.clone());
        async move { pay_concurrently(&merchant, &references).await }
    });
    sleep(Duration::from_millis(300)).await;
    assert!(!paying.is_finished(), "answered before it was saved");
    sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    for (reference, response) in paying.await.unwrap() {
        assert_eq!(response.status, 200, "{reference}: {}", response.body);
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, "108.000000");
    server.stop().await;
}

/// The HTTP status of `/readyz`.
async fn ready(program: &Program) -> u16 {
    send_raw(program.addr, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        .await
        .status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_full_disk_payments_fail_and_confirmed_ones_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let arguments = ["--database", path.to_str().unwrap(), "--log", "off"];
    // A limit on file size looks like a full disk to the program, and affects no other process.
    let mut shell = command("/bin/sh");
    let program = env!("CARGO_BIN_EXE_fps-sandbox");
    shell.args(["-c", "trap '' XFSZ; ulimit -S -f 4096; exec \"$0\" \"$@\"", program]);
    let limited = Program::start_with_command(shell, folder.path(), &arguments).await;
    let merchant = limited.merchant();
    assert_eq!(ready(&limited).await, 200);
    let (mut paid, mut failed) = (0, Vec::new());
    // Payments of a cent do not reach the credit limit.
    for number in 0..2_000 {
        let response = merchant.pay(demo::CREDIT, "0.01", &format!("full {number}")).await;
        match response.status {
            200 => paid += 1,
            500 => failed.push(format!("full {number}")),
            _ => panic!("{}", response.body),
        }
        if failed.len() == 5 {
            break;
        }
    }
    assert_eq!(failed.len(), 5, "the disk was never full");
    assert!(paid > 0);
    let debt = |cents: u32| format!("{}.{:02}0000", 100 + cents / 100, cents % 100);
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt(paid), "reads go on");
    // The last free bytes are used up by health checks and payments.
    let mut asked = 0;
    while ready(&limited).await == 200 {
        assert_eq!(merchant.pay(demo::CREDIT, "0.01", &format!("still full {asked}")).await.status, 500);
        asked += 1;
        assert!(asked < 100, "ready on a full disk");
    }
    for _ in 0..3 {
        assert_eq!(ready(&limited).await, 503, "and it stays so while nobody pays");
    }
    // Now there is space again.
    let id = limited.pid().to_string();
    let limit = |bytes: &str| {
        let limited = command("prlimit").args(["--pid", &id, &format!("--fsize={bytes}:")]).status();
        assert!(limited.unwrap().success());
    };
    limit("unlimited");
    assert_eq!(ready(&limited).await, 200, "without a payment");
    assert_eq!(ready(&limited).await, 200);
    limit("2097152");
    limited.stop().await;
    assert_sound(&path);

    let roomy = Program::start(folder.path(), &["--database", path.to_str().unwrap(), "--log", "warn"]).await;
    assert_eq!(roomy.log(), "", "it was closed in order, full disk or not");
    let merchant = roomy.merchant();
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt(paid));
    for reference in failed {
        merchant.ok("Pay", &pay(demo::CREDIT, "0.01", &reference)).await;
    }
    assert_eq!(merchant.debt(demo::INSTRUMENT).await.0, debt(paid + 5));
    roomy.stop().await;
    assert_sound(&path);
}
