//! Tests of SQLite's query plans: every statement of a batch finds its rows by key, and none scans a table.

use super::bulk_statement::BulkStatement;
use super::engine::{BindValues, Connection};
use super::sqlite::SqliteDatabase;
use super::tables::{subscriptions, tokens, transactions};
use super::writer::reference_expiry;
use super::{load, open_debts, save, schedule};

/// Every statement that loads or changes rows, and the key by which it must find them.
const STATEMENTS: &[(&str, &BulkStatement, &str)] = &[
    ("references", &load::REFERENCES, "(caller=? AND reference=? AND action=?)"),
    ("expired references", &reference_expiry::DELETE, "(caller=? AND reference=? AND action=?)"),
    ("token ids", &load::TOKENS_BY_ID, "tokens_id (id=?)"),
    ("tokens", &load::TOKENS, "(rowid=?)"),
    ("instrument ids", &load::INSTRUMENTS_BY_ID, "instruments_id (id=?)"),
    ("instruments", &load::INSTRUMENTS, "(rowid=?)"),
    ("transaction ids", &load::TRANSACTIONS_BY_ID, "transactions_id (id=?)"),
    ("transactions", &load::TRANSACTIONS, "(rowid=?)"),
    ("refunds", &load::REFUNDS, "transactions_original (original=?)"),
    ("accounts", &load::ACCOUNTS, "(rowid=?)"),
    ("accounts at an address", &load::ACCOUNTS_BY_EMAIL, "accounts_email (email_key=?)"),
    ("secrets", &load::SECRETS, "(name=?)"),
    ("totals", &load::TOTALS, "(kind=? AND owner=?)"),
    (
        "oldest debts",
        &open_debts::OLDEST_DEBTS,
        "(instrument=? AND transaction_number>? AND transaction_number<?)",
    ),
    ("open debts", &open_debts::OPEN_DEBTS, "(instrument=? AND transaction_number=?)"),
    ("updated tokens", &tokens::UPDATE, "(rowid=?)"),
    ("updated transactions", &transactions::UPDATE, "(rowid=?)"),
    ("updated totals", &save::UPDATE_TOTALS, "(kind=? AND owner=?)"),
    ("closed debts", &open_debts::DELETE, "(instrument=? AND transaction_number=?)"),
    ("due work that is done", &schedule::DELETE, "(rowid=?)"),
    ("tokens of an account", &load::TOKENS_OF_ACCOUNT, "tokens_account (account=?)"),
    (
        "tokens under a reference",
        &load::TOKENS_BY_REFERENCE,
        "tokens_reference (caller=? AND caller_reference=?)",
    ),
    ("subscriptions", &load::SUBSCRIPTIONS, "(id=?)"),
    ("cancelled subscriptions", &subscriptions::UPDATE, "(id=?)"),
];

async fn plan(connection: &mut Connection, text: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = connection.fetch_all(explain, BindValues::default()).await.unwrap();
    rows.iter().map(|row| row.try_get("detail").unwrap()).collect()
}

/// Whether a step of a plan scans a table. Scanning the rows that are passed to the statement is allowed.
fn scans_a_table(step: &str) -> bool {
    let scans_values = ["SCAN requested", "SCAN new", "SCAN ranges"].contains(&step)
        || step.contains("CONSTANT ROW")
        || step.contains("VALUES CLAUSE");
    step.starts_with("SCAN") && !scans_values
}

#[tokio::test]
async fn every_statement_of_a_batch_finds_its_rows_by_key() {
    let mut connection = SqliteDatabase::open_in_memory().await.unwrap().connection;
    for (name, statement, key) in STATEMENTS {
        for text in statement.sqlite_texts() {
            let plan = plan(&mut connection, text).await;
            assert!(!plan.iter().any(|step| scans_a_table(step)), "{name}: {plan:#?}\n{text}");
            let by_key = plan.iter().any(|step| step.starts_with("SEARCH") && step.contains(key));
            assert!(by_key, "{name}, not by {key}: {plan:#?}\n{text}");
        }
    }
}

/// The differences between the migrations of the two engines, besides comments: SQLite's text and PostgreSQL's.
const POSTGRES_SPELLINGS: [(&str, &str); 3] =
    [("INTEGER PRIMARY KEY", "BIGINT PRIMARY KEY"), (" WITHOUT ROWID", ""), (" BLOB ", " BYTEA ")];

#[test]
fn both_engines_have_the_same_tables() {
    let statements = |text: &str| {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with("--"));
        lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    let versions = |folder: &str| -> Vec<_> {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(folder);
        let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        let read = |file: std::path::PathBuf| {
            (file.file_name().unwrap().to_owned(), statements(&std::fs::read_to_string(&file).unwrap()))
        };
        files.into_iter().map(read).collect()
    };
    let (sqlite, postgres) = (versions("sqlite"), versions("postgres"));
    assert!(!sqlite.is_empty());
    for ((file, text), there) in sqlite.into_iter().zip(&postgres) {
        let translated =
            POSTGRES_SPELLINGS.iter().fold(text, |text, (here, there)| text.replace(here, there));
        assert_eq!(&(file, translated), there);
    }
    assert_eq!(versions("sqlite").len(), postgres.len());
}

#[tokio::test]
async fn statements_that_continue_from_a_key_find_it_by_key() {
    let mut connection = SqliteDatabase::open_in_memory().await.unwrap().connection;
    for (text, key) in [
        (schedule::DUE, "due USING INDEX due_at (at<?)"),
        (schedule::NEXT_DUE, "due USING INDEX due_at"),
        (open_debts::NEXT_DEBTS, "open_debts USING PRIMARY KEY (instrument=? AND transaction_number>?)"),
        (
            reference_expiry::REFERENCES_AFTER_KEY,
            "caller_references USING PRIMARY KEY ((caller,reference,action)>(?,?,?))",
        ),
    ] {
        let plan = plan(&mut connection, text).await;
        assert!(
            matches!(&plan[..], [step] if step.starts_with("SEARCH") && step.contains(key)),
            "{plan:#?}\n{text}"
        );
    }
}

#[tokio::test]
async fn a_statement_that_scans_a_table_would_be_noticed() {
    let mut connection = SqliteDatabase::open_in_memory().await.unwrap().connection;
    let text = "SELECT * FROM transactions WHERE caller_reference = ?";
    assert!(plan(&mut connection, text).await.iter().any(|step| scans_a_table(step)));
}
