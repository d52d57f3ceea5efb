//! The write-ahead log that belongs to a database file.

use super::*;

/// Kills a sandbox after a payment. Returns the directory and its database file.
async fn kill_after_payment() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let mut program = Program::start(folder.path(), &["--database", path.to_str().expect("a path")]).await;
    program.merchant().ok("Pay", &pay(demo::CREDIT, "10", "before the crash")).await;
    program.kill();
    (folder, path)
}

fn sibling_file(path: &Path, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", path.display()))
}

/// Asserts that sandbox and audit refuse this file with a message, also when they are run again.
fn assert_refused(path: &Path, part: &str) {
    for command in [&["--listen", "127.0.0.1:0", "--database"][..], &["audit", "--database"]].repeat(2) {
        let ended = run(&[command, &[path.to_str().expect("a path")]].concat());
        let output = String::from_utf8(ended.stderr).expect("text");
        assert!(!ended.status.success() && ended.stdout.is_empty(), "{command:?}: {output}");
        assert!(
            output.contains(part) && output.contains(&path.display().to_string()),
            "{command:?}: {output}"
        );
        assert_eq!(output.lines().count(), 1, "{output}");
    }
}

/// The debt of the demo buyer, and the log, of a sandbox on this file.
async fn debt_and_log(folder: &Path, path: &Path) -> (String, String) {
    let program = Program::start(folder, &["--database", path.to_str().expect("a path")]).await;
    let debt = program.merchant().debt(demo::INSTRUMENT).await.0;
    let log = program.log();
    program.stop().await;
    (debt, log)
}

const LOST_CHANGES: &str = "the last changes are lost";

#[tokio::test]
async fn after_a_crash_a_database_with_its_log_is_complete() {
    let (folder, path) = kill_after_payment().await;
    let (debt, log) = debt_and_log(folder.path(), &path).await;
    assert_eq!(debt, "110.000000");
    assert!(!log.contains(LOST_CHANGES), "{log}");
    assert!(!sibling_file(&path, "-wal").exists(), "a database that was closed is one file");
}

#[tokio::test]
async fn a_database_without_its_log_is_refused_until_the_loss_is_accepted() {
    let (folder, path) = kill_after_payment().await;
    std::fs::remove_file(sibling_file(&path, "-wal")).expect("a log");
    assert_refused(&path, "its log");
    std::fs::remove_file(sibling_file(&path, "-shm")).expect("what is left of it");
    let (debt, log) = debt_and_log(folder.path(), &path).await;
    assert_eq!(debt, "100.000000", "the demo world was in the file before the first request");
    assert!(log.contains(LOST_CHANGES), "{log}");
}

#[tokio::test]
async fn a_copy_of_a_database_in_use_without_its_log_is_reported_as_outdated() {
    let (folder, path) = kill_after_payment().await;
    let copy = folder.path().join("copy.db");
    std::fs::copy(&path, &copy).expect("a copy");
    let (debt, log) = debt_and_log(folder.path(), &copy).await;
    assert_eq!(debt, "100.000000");
    assert!(log.contains(LOST_CHANGES), "{log}");
    let before = log.len();
    let (_, log) = debt_and_log(folder.path(), &copy).await;
    assert!(!log[before..].contains(LOST_CHANGES), "once it is closed it is whole: {log}");
}

#[tokio::test]
async fn after_a_crash_a_hard_link_that_has_no_log_is_refused() {
    let (folder, path) = kill_after_payment().await;
    let hard = folder.path().join("hard.db");
    std::fs::hard_link(&path, &hard).expect("a hard link");
    assert_refused(&hard, "another name");
    let soft = folder.path().join("soft.db");
    std::os::unix::fs::symlink(&path, &soft).expect("a symbolic link");
    assert_eq!(debt_and_log(folder.path(), &soft).await.0, "110.000000");
    assert_eq!(debt_and_log(folder.path(), &hard).await.0, "110.000000");
}

#[tokio::test]
async fn an_empty_file_with_a_log_is_not_filled() {
    let (folder, path) = kill_after_payment().await;
    let log = std::fs::read(sibling_file(&path, "-wal")).expect("a log");
    for remove in [false, true] {
        if remove {
            std::fs::remove_file(&path).expect("a file");
        } else {
            std::fs::write(&path, "").expect("a file");
        }
        let ended = run(&["--listen", "127.0.0.1:0", "--database", path.to_str().expect("a path")]);
        let output = String::from_utf8(ended.stderr).expect("text");
        assert!(!ended.status.success() && output.contains("is empty although its log"), "{output}");
        assert_eq!(std::fs::read(sibling_file(&path, "-wal")).expect("a log"), log);
    }
    drop(folder);
}
