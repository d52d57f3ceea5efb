//! What a database contains at first, and what persists: the seed, due work, the clock, the signing key.

use super::*;

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
    let server = Server::start_with(file_config(&path)).await;
    assert_eq!(server.merchant().debt(demo::INSTRUMENT).await.0, "100.000000");
    server.merchant().ok("Pay", &pay(demo::CREDIT, "10", "p")).await;
    server.stop().await;
    for again in [file_config(&path), Config { seed: Some(seed), ..file_config(&path) }] {
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
    let response = server.merchant().pay(demo::CREDIT, "1", "p").await;
    assert_eq!((response.status, response.code().as_str()), (403, "InvalidClientTokenId"));
}

#[tokio::test]
async fn a_seed_with_a_mistake_leaves_the_database_empty_for_the_next_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (path, seed) = (folder.path().join("sandbox.db"), folder.path().join("seed.toml"));
    std::fs::write(&seed, "[[account]]\nname = 'x'\nemail = 'x@example.com'\nbalance = '-1'\n")
        .expect("a seed");
    let problem = start_error(Config { seed: Some(seed), ..file_config(&path) }).await;
    assert!(problem.contains("seed.toml, line 4: "), "{problem}");
    let server = Server::start_with(file_config(&path)).await;
    assert_eq!(server.merchant().debt(demo::INSTRUMENT).await.0, "100.000000");
    server.stop().await;
}

#[tokio::test]
async fn work_due_while_the_sandbox_was_down_runs_before_its_first_response() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let server = Server::start_with(file_config(&path)).await;
    let id = server.merchant().ok("SettleDebt", &settle("90", "s")).await.text("TransactionId");
    server.stop().await;
    let later =
        Server::start_at(file_config(&path), instant("2012-06-02T12:00:00Z")).await.expect("it starts");
    assert_eq!(later.merchant().debt(demo::INSTRUMENT).await, ("10.000000".into(), "0.000000".into()));
    let detail = later.merchant().ok("GetTransaction", &[("TransactionId", &id)]).await;
    assert_eq!(detail.text("DateCompleted"), "2012-06-01T12:00:01.000Z");
    later.stop().await;
}

#[tokio::test]
async fn sandboxes_in_memory_share_nothing() {
    let (one, two) = (Server::start().await, Server::start().await);
    one.merchant().ok("Pay", &pay(demo::CREDIT, "10", "the same reference")).await;
    two.merchant().ok("Pay", &pay(demo::CREDIT, "20", "the same reference")).await;
    assert_eq!(one.merchant().debt(demo::INSTRUMENT).await.0, "110.000000");
    assert_eq!(two.merchant().debt(demo::INSTRUMENT).await.0, "120.000000");
}

/// The program as a process, which is killed when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program with this working directory, on a port that was free a moment ago. Tries again if it is taken.
async fn start_in_directory(folder: &Path) -> (Process, SocketAddr) {
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
async fn a_sandbox_in_memory_leaves_no_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (process, addr) = start_in_directory(folder.path()).await;
    let (key, secret) = (demo::KEY.to_owned(), SecretKey::new(demo::SECRET));
    let merchant = Client { addr, clock: Clock::real_time(), key, secret };
    merchant.ok("Pay", &pay(demo::CREDIT, "10", "p")).await;
    merchant.ok("SettleDebt", &settle("10", "s")).await;
    drop(process);
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("the folder").collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test]
async fn a_moved_clock_persists_over_a_restart_unless_another_is_configured() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = file_config(&folder.path().join("sandbox.db"));
    let start = async |clock: Clock| Sandbox::start(&config, clock).await.expect("it starts");
    let ahead = ClockState::Running { offset_millis: 86_400_000 };
    let sandbox = start(Clock::real_time()).await;
    sandbox.store().set_clock(ahead).await.expect("the clock moves");
    sandbox.worlds().close().await;
    let clock = Clock::real_time();
    start(clock.clone()).await.worlds().close().await;
    assert_eq!(clock.state(), ahead);
    let requested = ClockState::Frozen(instant(NOW));
    for clock in [Clock::new(requested), Clock::real_time()] {
        start(clock.clone()).await.worlds().close().await;
        assert_eq!(clock.state(), requested);
    }
}

#[tokio::test]
async fn transactions_follow_a_clock_that_is_set_back_between_two_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let late =
        Server::start_at(file_config(&path), instant("2030-01-01T00:00:00Z")).await.expect("it starts");
    late.merchant().ok("Pay", &pay(demo::CREDIT, "1", "late")).await;
    late.stop().await;
    let server = Server::start_at(file_config(&path), instant(NOW)).await.expect("it starts");
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

const KEY_GENERATED: &str = "the key that signs messages is made";

/// The path of the certificate according to the return URLs of two concurrent visits.
async fn certificate_path(addr: SocketAddr) -> String {
    let (pages, outcome) = (Pages { addr }, ("sandbox_outcome", "A"));
    let requested =
        start_parameters("SingleUse", &[("callerReference", "x"), ("transactionAmount", "1"), outcome]);
    let (one, other) = tokio::join!(pages.visit_and_return(&requested), pages.visit_and_return(&requested));
    let path =
        |return_url: &ReturnUrl| Url::parse(return_url.value("certificateUrl")).unwrap().path().to_owned();
    assert_eq!(path(&one), path(&other));
    path(&one)
}

#[tokio::test]
async fn the_signing_key_is_generated_without_a_visit_and_kept() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("sandbox.db");
    let arguments = ["--database", path.to_str().expect("a path")];
    let program = Program::start(folder.path(), &arguments).await;
    let made = async {
        while !program.log().contains(KEY_GENERATED) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), made).await.expect("a key is made");
    program.stop().await;
    let program = Program::start(folder.path(), &arguments).await;
    let certificate = certificate_path(program.addr).await;
    let log = program.log();
    assert!(log.contains(&certificate), "{certificate}: {log}");
    assert_eq!(log.matches(KEY_GENERATED).count(), 1, "{log}");
    program.stop().await;
}

#[tokio::test]
async fn visits_before_the_signing_key_exists_wait_for_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::start(folder.path(), &[]).await;
    let certificate = certificate_path(program.addr).await;
    let log = program.log();
    assert!(log.contains(&certificate) && log.matches(KEY_GENERATED).count() == 1, "{certificate}: {log}");
    program.stop().await;
}
