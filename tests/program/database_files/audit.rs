//! The audit of a database.

use super::*;

/// Creates a database with transactions of many types, and stops its sandbox.
async fn database_with_history() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let server = Server::start_with(file_config(&path)).await;
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

/// Each invariant with statements that violate it.
const VIOLATIONS: &[(&str, &str)] = &[
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
    let (_folder, path) = database_with_history().await;
    let (checked, findings) = audit_file(&path).await.expect("an audit");
    assert_eq!(findings, []);
    assert!(checked > 0);
}

#[tokio::test]
async fn the_audit_names_every_violated_invariant() {
    let (folder, path) = database_with_history().await;
    let copy = folder.path().join("copy.db");
    let mut checked = 0;
    for (invariant, sql) in VIOLATIONS {
        std::fs::copy(&path, &copy).expect("a copy");
        run_sql_unchecked(&copy, sql).await;
        let (count, findings) = audit_file(&copy).await.expect("an audit");
        checked = count;
        let named = findings.iter().find(|finding| finding.invariant == *invariant);
        assert!(
            named.is_some_and(|finding| !finding.details.is_empty()),
            "{invariant}: {sql}: {findings:#?}"
        );
    }
    let broken: BTreeSet<_> = VIOLATIONS.iter().map(|(invariant, _)| invariant).collect();
    assert_eq!(broken.len(), checked, "every invariant has its violation");
}

/// Overwrites the root page of a table or an index.
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
    let (folder, path) = database_with_history().await;
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
        let output = String::from_utf8(ended.stdout).expect("text");
        assert_eq!(
            ended.status.code(),
            Some(1),
            "{name}: {output}{}",
            String::from_utf8_lossy(&ended.stderr)
        );
        assert!(output.starts_with("broken: the database file is intact: "), "{name}: {output}");
    }
}

#[tokio::test]
async fn a_sandbox_does_not_start_on_a_damaged_file() {
    let (_folder, path) = database_with_history().await;
    overwrite_root(&path, "world").await;
    let problem = start_error(file_config(&path)).await;
    assert!(problem.starts_with(&format!("the database {} is damaged: ", path.display())), "{problem}");
}

#[tokio::test]
async fn the_audit_of_a_missing_database_is_an_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("nothing.db");
    assert!(
        matches!(audit_file(&path).await, Err(StoreError::NotFound(missing)) if missing == path.display().to_string())
    );
    assert!(!path.exists(), "and makes none");
}
