//! How SQLite goes about the statements of a batch: by key, whatever the number of rows, never through a table.

use super::engine::{Connection, Values};
use super::statement::ManyRows;
use super::{expiry, load, save, sqlite};

/// Every statement that loads or changes rows, and the key by which it has to find them.
const STATEMENTS: &[(&str, &ManyRows, &str)] = &[
    ("references", &load::REFERENCES, "(caller=? AND reference=? AND action=?)"),
    ("expired references", &expiry::REMOVED, "(caller=? AND reference=? AND action=?)"),
    ("token ids", &load::TOKEN_IDS, "tokens_id (id=?)"),
    ("tokens", &load::TOKENS, "(rowid=?)"),
    ("instrument ids", &load::INSTRUMENT_IDS, "instruments_id (id=?)"),
    ("instruments", &load::INSTRUMENTS, "(rowid=?)"),
    ("transaction ids", &load::TRANSACTION_IDS, "transactions_id (id=?)"),
    ("transactions", &load::TRANSACTIONS, "(rowid=?)"),
    ("refunds", &load::REFUNDS, "transactions_original (original=?)"),
    ("accounts", &load::ACCOUNTS, "(rowid=?)"),
    ("accounts at an address", &load::ACCOUNTS_AT, "accounts_email (email_key=?)"),
    ("secrets", &load::SECRETS, "(name=?)"),
    ("totals", &load::TOTALS, "(kind=? AND owner=?)"),
    ("oldest debts", &load::OLDEST_DEBTS, "(instrument=? AND transaction_number>? AND transaction_number<?)"),
    ("open debts", &load::OPEN_DEBTS, "(instrument=? AND transaction_number=?)"),
    ("used tokens", &save::USED_TOKENS, "(rowid=?)"),
    ("updated_transactions transactions", &save::PROGRESSED, "(rowid=?)"),
    ("moved totals", &save::TOTALS, "(kind=? AND owner=?)"),
    ("closed debts", &save::CLOSED_DEBTS, "(instrument=? AND transaction_number=?)"),
    ("due work that is done", &save::DUE_DONE, "(rowid=?)"),
    ("tokens of an account", &load::TOKENS_OF, "tokens_account (account=?)"),
    ("tokens under a reference", &load::TOKENS_UNDER, "tokens_reference (caller=? AND caller_reference=?)"),
    ("subscriptions", &load::SUBSCRIPTIONS, "(id=?)"),
    ("cancelled subscriptions", &save::CANCELLED_SUBSCRIPTIONS, "(id=?)"),
];

async fn plan(connection: &mut Connection, text: &str) -> Vec<String> {
    let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
    let rows = connection.all(explain, Values::default()).await.unwrap();
    rows.iter().map(|row| row.try_get("detail").unwrap()).collect()
}

/// Only the rows that came with the statement may be gone through one by one.
fn goes_through_a_table(step: &str) -> bool {
    let own = ["SCAN wanted", "SCAN new", "SCAN ranges"].contains(&step)
        || step.contains("CONSTANT ROW")
        || step.contains("VALUES CLAUSE");
    step.starts_with("SCAN") && !own
}

#[tokio::test]
async fn every_statement_of_a_batch_finds_its_rows_by_key() {
    let mut connection = sqlite::open_in_memory().await.unwrap().connection;
    for (name, statement, key) in STATEMENTS {
        for text in statement.texts() {
            let plan = plan(&mut connection, text).await;
            assert!(!plan.iter().any(|step| goes_through_a_table(step)), "{name}: {plan:#?}\n{text}");
            let by_key = plan.iter().any(|step| step.starts_with("SEARCH") && step.contains(key));
            assert!(by_key, "{name}, not by {key}: {plan:#?}\n{text}");
        }
    }
}

/// What is written differently for PostgreSQL, besides comments.
const IN_POSTGRES: [(&str, &str); 3] =
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
        let translated = IN_POSTGRES.iter().fold(text, |text, (here, there)| text.replace(here, there));
        assert_eq!(&(file, translated), there);
    }
    assert_eq!(versions("sqlite").len(), postgres.len());
}

#[tokio::test]
async fn statements_that_go_on_from_a_place_find_it_by_key() {
    let mut connection = sqlite::open_in_memory().await.unwrap().connection;
    for (text, key) in [
        (load::DUE, "due USING INDEX due_at (at<?)"),
        (load::NEXT_DUE, "due USING INDEX due_at"),
        (load::NEXT_DEBTS, "open_debts USING PRIMARY KEY (instrument=? AND transaction_number>?)"),
        (expiry::AFTER, "caller_references USING PRIMARY KEY ((caller,reference,action)>(?,?,?))"),
    ] {
        let plan = plan(&mut connection, text).await;
        assert!(
            matches!(&plan[..], [step] if step.starts_with("SEARCH") && step.contains(key)),
            "{plan:#?}\n{text}"
        );
    }
}

#[tokio::test]
async fn a_statement_that_goes_through_a_table_would_be_noticed() {
    let mut connection = sqlite::open_in_memory().await.unwrap().connection;
    let text = "SELECT * FROM transactions WHERE caller_reference = ?";
    assert!(plan(&mut connection, text).await.iter().any(|step| goes_through_a_table(step)));
}
