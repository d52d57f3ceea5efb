//! Which database files the sandbox opens and which it refuses.

use super::*;

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    Server::start_with(file_config(&path)).await.stop().await;
    run_sql_unchecked(
        &path,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (99990101, 'from the future', TRUE, x'00', 0)",
    )
    .await;
    let before = std::fs::read(&path).expect("the file");
    let problem = start_error(file_config(&path)).await;
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
    let problem = start_error(file_config(&path)).await;
    assert!(problem.starts_with("cannot open the database"), "{problem}");
    assert_eq!(std::fs::read_to_string(&path).expect("the letter"), text);
}

#[tokio::test]
async fn a_database_in_use_is_refused_until_it_is_free() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let first = Server::start_with(file_config(&path)).await;
    let problem = start_error(file_config(&path)).await;
    assert_eq!(
        problem,
        format!(
            "the database {} is in use by another sandbox; stop that one or give another --database",
            path.display()
        )
    );
    first.merchant().ok("Pay", &pay(demo::CREDIT, "10", "still served")).await;
    first.stop().await;
    let second = Server::start_with(file_config(&path)).await;
    assert_eq!(second.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
    second.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_database_in_use_is_refused_by_whichever_name_it_is_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let other_folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let first = Server::start_with(file_config(&path)).await;
    let (soft, hard) = (other_folder.path().join("soft.db"), other_folder.path().join("hard.db"));
    let soft_folder = other_folder.path().join("folder");
    std::os::unix::fs::symlink(&path, &soft).expect("a symbolic link");
    std::os::unix::fs::symlink(folder.path(), &soft_folder).expect("a symbolic link");
    std::fs::hard_link(&path, &hard).expect("a hard link");
    for name in [soft, hard, soft_folder.join("sandbox.db"), folder.path().join(".").join("sandbox.db")] {
        let problem = start_error(file_config(&name)).await;
        let expected = format!(
            "the database {} is in use by another sandbox; stop that one or give another --database",
            name.display()
        );
        assert_eq!(problem, expected, "in this process");
        let ended = run(&["--listen", "127.0.0.1:0", "--database", name.to_str().expect("a path")]);
        let output = String::from_utf8(ended.stderr).expect("text");
        assert_eq!((ended.status.code(), output), (Some(1), format!("fps-sandbox: {expected}\n")));
    }
    // SQLite must keep its own lock on the file. Otherwise another program could take the file as unused and remove its log.
    let audited =
        Command::new(env!("CARGO_BIN_EXE_fps-sandbox")).args(["audit", "--database"]).arg(&path).output();
    assert!(audited.expect("an audit").status.success());
    let posix = std::fs::read_to_string("/proc/locks").expect("the locks of this machine");
    let inode = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&path).expect("the file"));
    let owned = |line: &&str| line.contains("POSIX") && line.contains(&format!(":{inode} "));
    assert!(posix.lines().any(|line| owned(&line)), "SQLite has lost its lock: {posix}");
    first.merchant().ok("Pay", &pay(demo::CREDIT, "10", "undisturbed")).await;
    first.stop().await;
    let second = Server::start_with(file_config(&other_folder.path().join("hard.db"))).await;
    assert_eq!(second.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
    second.stop().await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
#[ignore = "mounts, which needs root on Linux: .ci/run does it"]
async fn a_database_in_use_is_refused_through_a_bind_mount() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let first = Server::start_with(file_config(&path)).await;
    let mounted = folder.path().join("mounted.db");
    std::fs::write(&mounted, "").expect("a place to mount on");
    let script = "mount --bind \"$1\" \"$2\" && exec \"$0\" --listen 127.0.0.1:0 --database \"$2\"";
    let ended = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, env!("CARGO_BIN_EXE_fps-sandbox")])
        .args([&path, &mounted])
        .output()
        .expect("unshare runs");
    let output = String::from_utf8(ended.stderr).expect("text");
    let expected = format!(
        "fps-sandbox: the database {} is in use by another sandbox; stop that one or give another --database\n",
        mounted.display()
    );
    assert_eq!((ended.status.code(), output), (Some(1), expected));
    first.stop().await;
}
