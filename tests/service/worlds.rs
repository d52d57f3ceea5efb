//! Worlds: the access key `KEY.world` selects a separate sandbox named `world`.

use std::time::Duration;

use fps_sandbox::config::{AuthMode, CoBrandedAuth, Config, Database};
use fps_sandbox::store::{StoreError, audit};
use fps_sandbox::worlds::{WorldName, WorldOptions};

use crate::support::cobranded::start_parameters;
use crate::support::{Client, NOW, Server, config, demo, instant, pay, postgres};

const PERSISTENT: WorldOptions = WorldOptions { is_persistent: true, clock: None };

fn world_name(text: &str) -> WorldName {
    WorldName::parse(text).expect("a name")
}

impl Server {
    /// A client with the key of the demo merchant in this world.
    fn merchant_in(&self, world: &str) -> Client {
        self.client(&format!("{}.{world}", demo::KEY), demo::SECRET)
    }

    fn world_names(&self) -> Vec<String> {
        self.worlds.names().iter().map(ToString::to_string).collect()
    }
}

/// The debt on the demo instrument, which is a whole number of dollars.
async fn debt_in_dollars(client: &Client) -> String {
    client.debt(demo::INSTRUMENT).await.0.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[tokio::test]
async fn a_world_is_created_by_the_first_signed_request_and_shares_nothing_with_others() {
    let server = Server::start().await;
    let (one, other, default) = (server.merchant_in("one"), server.merchant_in("other"), server.merchant());
    assert_eq!(debt_in_dollars(&one).await, "100");
    one.ok("Pay", &pay(demo::CREDIT, "1", "same")).await;
    other.ok("Pay", &pay(demo::CREDIT, "2", "same")).await;
    other.ok("Pay", &pay(demo::CREDIT, "4", "another")).await;
    assert_eq!(
        [debt_in_dollars(&one).await, debt_in_dollars(&other).await, debt_in_dollars(&default).await],
        ["101", "106", "100"]
    );
    assert_eq!(server.world_names(), ["one", "other"]);
}

#[tokio::test]
async fn each_key_of_the_template_is_valid_in_each_world_with_its_own_secret() {
    let server = Server::start().await;
    let second = server.client(&format!("{}.one", demo::SECOND_KEY), demo::SECRET);
    assert_eq!(second.call("GetAccountBalance", &[]).await.status, 200);
    let wrong = server.client(&format!("{}.one", demo::SECOND_KEY), "another secret");
    assert_eq!(wrong.call("GetAccountBalance", &[]).await.code(), "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_request_with_a_wrong_signature_creates_no_world() {
    let server = Server::start().await;
    let wrong = server.client(&format!("{}.wrong", demo::KEY), "another secret");
    assert_eq!(wrong.call("GetAccountBalance", &[]).await.code(), "SignatureDoesNotMatch");
    let late =
        server.merchant_in("late").call("GetAccountBalance", &[("Timestamp", "2001-01-01T00:00:00Z")]).await;
    assert_eq!(late.code(), "RequestExpired");
    let unknown = server.client("NOBODY.unknown", demo::SECRET).call("GetAccountBalance", &[]).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (403, "InvalidClientTokenId"));
    assert_eq!(server.world_names(), [""; 0]);
}

#[tokio::test]
async fn a_key_with_an_invalid_world_name_is_an_error() {
    let server = Server::start().await;
    let long = "a".repeat(41);
    for world in ["", "Test", "a_b", "a/b", "é", long.as_str()] {
        let response = server.merchant_in(world).call("GetAccountBalance", &[]).await;
        assert_eq!((response.status, response.code().as_str()), (403, "InvalidClientTokenId"), "{world}");
        assert!(
            response.message().contains("The access key names a world that cannot be"),
            "{}",
            response.message()
        );
    }
    // The message for an unknown key does not mention worlds.
    let response = server.client("NOBODY.Test", demo::SECRET).call("GetAccountBalance", &[]).await;
    assert!(!response.message().contains("world"), "{}", response.message());
}

#[tokio::test]
async fn the_default_world_has_a_name_too_and_an_exact_key_wins() {
    let seed =
        include_str!("../../fixtures/demo.toml").replace(demo::SECOND_KEY, "AKIAIOSFODNN7EXAMPLE.exact");
    let server = Server::start_seeded(&seed).await;
    server.merchant_in("default").ok("Pay", &pay(demo::CREDIT, "1", "a")).await;
    assert_eq!(debt_in_dollars(&server.merchant()).await, "101");
    server.merchant_in("exact").ok("GetAccountBalance", &[]).await;
    assert_eq!(server.world_names(), [""; 0]);
}

#[tokio::test]
async fn worlds_are_not_created_where_the_configuration_says_so() {
    let server = Server::start_with(Config { no_worlds_on_demand: true, ..config() }).await;
    let response = server.merchant_in("one").call("GetAccountBalance", &[]).await;
    assert_eq!((response.status, response.code().as_str()), (403, "InvalidClientTokenId"));
    assert_eq!(
        response.message(),
        "There is no world one, and requests do not make worlds (--no-worlds-on-demand)."
    );
    server.worlds.get_or_create(&world_name("one"), PERSISTENT).await.expect("a world");
    server.merchant_in("one").ok("GetAccountBalance", &[]).await;
}

#[tokio::test]
async fn the_same_requests_get_the_same_answers_in_every_world() {
    let server = Server::start().await;
    let mut responses = Vec::new();
    for world in ["one", "two"] {
        let merchant = server.merchant_in(world);
        let mut bodies = Vec::new();
        for (reference, dollars) in [("a", "1"), ("b", "2"), ("b", "3")] {
            bodies.push(merchant.call("Pay", &pay(demo::CREDIT, dollars, reference)).await.body);
        }
        bodies.push(merchant.ok("GetAccountActivity", &[("StartDate", "2012-01-01")]).await.body);
        bodies.push(merchant.call("Nothing", &[]).await.body);
        responses.push(bodies);
    }
    assert!(responses[0].iter().all(|body| body.contains("<RequestI")), "{responses:?}");
    assert_eq!(responses[0], responses[1]);
}

#[tokio::test]
async fn ids_and_request_ids_are_the_same_on_another_day() {
    let mut responses = Vec::new();
    for day in [NOW, "2026-11-26T01:02:03Z"] {
        let server = Server::start_at(config(), instant(day)).await.expect("it starts");
        responses.push(server.merchant().ok("Pay", &pay(demo::CREDIT, "1", "a")).await.body);
    }
    assert_eq!(responses[0], responses[1]);
}

#[tokio::test]
async fn the_least_recently_used_world_is_dropped_unless_it_is_persistent() {
    let server = Server::start_with(Config { max_worlds: 3, ..config() }).await;
    server.worlds.get_or_create(&world_name("stays"), PERSISTENT).await.expect("a world");
    for world in ["stays", "one", "two"] {
        server.merchant_in(world).ok("Pay", &pay(demo::CREDIT, "1", "a")).await;
        // The times of last use have a resolution of a millisecond.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    if postgres::server_url().is_some() {
        // On PostgreSQL a world is dropped only when no sandbox has used it for minutes.
        let response = server.merchant_in("three").call("GetAccountBalance", &[]).await;
        assert!(response.message().contains("3 worlds already"), "{}", response.message());
        return;
    }
    server.merchant_in("one").ok("GetAccountBalance", &[]).await;
    server.merchant_in("three").ok("GetAccountBalance", &[]).await;
    assert_eq!(server.world_names(), ["one", "stays", "three"]);
    assert_eq!(debt_in_dollars(&server.merchant_in("stays")).await, "101");
    assert_eq!(debt_in_dollars(&server.merchant_in("one")).await, "101");
    assert_eq!(debt_in_dollars(&server.merchant_in("two")).await, "100", "it is simply fresh again");
}

#[tokio::test]
async fn a_world_is_refused_when_no_other_can_be_dropped() {
    let server = Server::start_with(Config { max_worlds: 1, ..config() }).await;
    server.worlds.get_or_create(&world_name("stays"), PERSISTENT).await.expect("a world");
    let response = server.merchant_in("one").call("GetAccountBalance", &[]).await;
    assert_eq!((response.status, response.code().as_str()), (403, "InvalidClientTokenId"));
    assert_eq!(
        response.message(),
        "The world of the access key cannot be made: there are 1 worlds already, and none of them can give way (--max-worlds)."
    );
    server.merchant_in("stays").ok("GetAccountBalance", &[]).await;
}

#[tokio::test]
async fn an_unused_world_is_dropped_unless_it_is_persistent() {
    let server = Server::start_with(Config { world_idle: Duration::ZERO, ..config() }).await;
    server.worlds.get_or_create(&world_name("stays"), PERSISTENT).await.expect("a world");
    for world in ["stays", "one"] {
        server.merchant_in(world).ok("Pay", &pay(demo::CREDIT, "1", "a")).await;
    }
    tokio::time::sleep(Duration::from_millis(3)).await;
    server.worlds.suspend_or_drop_unused().await;
    assert_eq!(server.world_names(), ["stays"]);
    assert_eq!(debt_in_dollars(&server.merchant_in("stays")).await, "101");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn worlds_sleep_and_wake_as_they_were() {
    let server = Server::start().await;
    let worlds: Vec<String> = (0..70).map(|number| format!("w-{number}")).collect();
    for world in &worlds {
        server.merchant_in(world).ok("Pay", &pay(demo::CREDIT, "1", "a")).await;
    }
    let awake = server.worlds.open_count();
    assert!((1..=64).contains(&awake), "{awake} worlds are awake");
    for world in &worlds {
        let merchant = server.merchant_in(world);
        assert_eq!(debt_in_dollars(&merchant).await, "101");
        merchant.ok("Pay", &pay(demo::CREDIT, "2", "b")).await;
        // This reference was used before the world went to sleep.
        merchant.refused("Pay", &pay(demo::CREDIT, "2", "a"), "DuplicateRequest").await;
    }
    for world in &worlds {
        assert_eq!(debt_in_dollars(&server.merchant_in(world)).await, "103");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_first_requests_create_a_world_once() {
    let server = Server::start().await;
    let clients: Vec<_> = (0..16).map(|_| server.merchant_in("one")).collect();
    let mut requests = tokio::task::JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        requests.spawn(async move {
            let reference = number.to_string();
            client.ok("Pay", &pay(demo::CREDIT, "1", &reference)).await.text("TransactionId")
        });
    }
    let mut ids = requests.join_all().await;
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 16);
    assert_eq!(debt_in_dollars(&server.merchant_in("one")).await, "116");
}

#[tokio::test]
async fn each_world_has_a_clock_of_its_own_and_due_work_follows_it() {
    let server = Server::start().await;
    let (one, two) = (server.merchant_in("one"), server.merchant_in("two"));
    let first = one.pay(demo::CC, "10", "a").await.text("TransactionId");
    let second = two.pay(demo::CC, "10", "a").await.text("TransactionId");
    let world = server.worlds.find(&world_name("one")).await.expect("it is found").expect("it is made");
    let later = world.clock().state().advanced(Duration::from_secs(1));
    world.store().set_clock(later).await.expect("it moves");
    assert_eq!(one.status(&first).await.0, "Success");
    assert_eq!(two.status(&second).await.0, "Pending");
}

#[tokio::test]
async fn a_reset_restores_the_initial_state_of_a_world() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_in(folder.path(), include_str!("../../fixtures/demo.toml")).await;
    let worlds = [
        server.worlds.default_world().clone(),
        server.worlds.get_or_create(&world_name("one"), PERSISTENT).await.unwrap(),
    ];
    for (world, merchant) in worlds.iter().zip([server.merchant(), server.merchant_in("one")]) {
        let before = merchant.ok("Pay", &pay(demo::CREDIT, "1", "a")).await.text("TransactionId");
        merchant.ok("Pay", &pay(demo::CC, "10", "pending")).await;
        world.store().set_clock(world.clock().state().advanced(Duration::from_millis(10))).await.unwrap();
        server.worlds.reset(world).await.expect("a reset");
        assert_eq!(world.clock().now(), instant(NOW));
        assert_eq!(debt_in_dollars(&merchant).await, "100");
        let after = merchant.ok("Pay", &pay(demo::CREDIT, "3", "a")).await.text("TransactionId");
        assert_eq!(after, before, "numbers begin anew");
        assert_eq!(debt_in_dollars(&merchant).await, "103");
    }
    server.stop_and_audit().await;
}

/// The parameters of a start URL for a token of 5 dollars, without pages.
fn single_use_parameters(key: &str) -> Vec<(&str, &str)> {
    start_parameters(
        "SingleUse",
        &[
            ("callerKey", key),
            ("callerReference", "a"),
            ("transactionAmount", "5"),
            ("sandbox_outcome", "SA"),
        ],
    )
}

#[tokio::test]
async fn pages_work_in_any_world() {
    let server = Server::start().await;
    let key = format!("{}.pages", demo::KEY);
    let start = single_use_parameters(&key);
    let pages = server.pages();
    let return_url = pages.visit_and_return(&start).await;
    assert_eq!(return_url.value("status"), "SA");
    assert_eq!(server.world_names(), ["pages"]);
    assert_eq!(pages.verify_signature(&return_url).await, "Success");
    let token = return_url.value("tokenID");
    let merchant = server.merchant_in("pages");
    merchant.ok("Pay", &pay(token, "5", "paid")).await;
    server.merchant().refused("Pay", &pay(token, "5", "paid"), "InvalidTokenId_Sender").await;
}

#[tokio::test]
async fn an_unsigned_start_url_creates_no_world_where_signatures_are_required() {
    let server = Server::start_with(Config { cobranded_auth: CoBrandedAuth::Strict, ..config() }).await;
    let key = format!("{}.pages", demo::KEY);
    let start = single_use_parameters(&key);
    assert_eq!(server.pages().visit_and_return(&start).await.value("status"), "CE");
    assert_eq!(server.world_names(), [""; 0]);
}

#[tokio::test]
async fn without_authentication_only_known_keys_create_worlds() {
    for auth in [AuthMode::Lenient, AuthMode::Off] {
        let server = Server::start_with(Config { auth, ..config() }).await;
        let unknown = server.client("NOBODY.unknown", "no secret");
        unknown.ok("Pay", &pay(demo::CREDIT, "1", "a")).await;
        assert_eq!(debt_in_dollars(&server.merchant()).await, "101", "the first account stands in");
        assert_eq!(server.world_names(), [""; 0]);
        server.client(&format!("{}.one", demo::KEY), "no secret").ok("GetAccountBalance", &[]).await;
        assert_eq!(server.world_names(), ["one"]);
    }
}

#[tokio::test]
async fn a_world_of_a_database_file_persists_only_when_it_is_persistent() {
    if postgres::server_url().is_some() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("sandbox.db");
    let on_file = || Config { database: Database::File(path.clone()), ..config() };
    let server = Server::start_with(on_file()).await;
    server.worlds.get_or_create(&world_name("kept"), PERSISTENT).await.expect("a world");
    for world in ["kept", "lost"] {
        server.merchant_in(world).ok("Pay", &pay(demo::CREDIT, "1", "a")).await;
    }
    server.stop().await;
    assert!(folder.path().join("sandbox.db.worlds/kept.db").is_file());
    let server = Server::start_with(on_file()).await;
    assert_eq!(debt_in_dollars(&server.merchant_in("kept")).await, "101");
    assert_eq!(debt_in_dollars(&server.merchant_in("lost")).await, "100");
    server.stop().await;
    let database = Database::File(path.clone());
    let audited = |world| audit(&database, Duration::from_secs(5), world);
    let names = |audited: Vec<fps_sandbox::store::WorldAudit>| {
        audited.into_iter().map(|audited| audited.world).collect::<Vec<_>>()
    };
    assert_eq!(names(audited(None).await.expect("an audit")), ["default", "kept"]);
    assert_eq!(names(audited(Some("kept")).await.expect("an audit")), ["kept"]);
    assert!(matches!(audited(Some("lost")).await, Err(StoreError::WorldNotFound { .. })));
}

/// When one sandbox moves the clock, the others on the same database use it from their next request.
#[tokio::test]
async fn all_sandboxes_of_a_world_follow_its_clock() {
    if postgres::server_url().is_none() {
        return;
    }
    let database = postgres::new_database().await;
    let start = async || {
        let config = Config { database: database.clone(), ..config() };
        Server::start_at(config, instant(NOW)).await.expect("it starts")
    };
    let (one, other) = (start().await, start().await);
    let first = one.merchant().pay(demo::CC, "10", "a").await.text("TransactionId");
    let second = other.merchant().pay(demo::CC, "10", "b").await.text("TransactionId");
    one.advance(Duration::from_secs(3_600)).await;
    assert_eq!(other.merchant().status(&first).await.0, "Success", "a look-up");
    one.advance(Duration::from_secs(3_600)).await;
    let third = other.merchant().ok("Pay", &pay(demo::CREDIT, "1", "c")).await.text("TransactionId");
    let seen = one.merchant().ok("GetTransaction", &[("TransactionId", third.as_str())]).await;
    assert_eq!(seen.text("DateReceived"), "2012-06-01T14:00:00.000Z", "a command");
    assert_eq!(one.merchant().status(&second).await.0, "Success");
}
