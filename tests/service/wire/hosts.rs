//! The hosts that a client may sign.

use super::*;

#[tokio::test]
async fn the_host_may_be_signed_as_sent_without_its_port_as_the_listeners_own_or_as_an_alias() {
    let server = Server::start().await;
    let listener = server.addr.to_string();
    for (header, signed) in [
        ("localhost", "localhost"),
        ("localhost:8008", "localhost:8008"),
        ("localhost:8008", "localhost"),
        ("LOCALHOST:8008", "localhost"),
        ("merchant.test", listener.as_str()),
        ("localhost:8008", "fps.sandbox.amazonaws.com"),
        ("localhost:8008", "fps.amazonaws.com"),
        ("[::1]:8008", "[::1]"),
    ] {
        let query = balance_request().with_host(signed).query();
        let response = server.send_raw(&request_bytes("GET", header, &query)).await;
        assert_eq!(response.status, 200, "{header} signed as {signed}: {}", response.body);
    }
}

#[tokio::test]
async fn aliases_are_what_the_configuration_says() {
    let aliases = vec!["pay.test".to_owned()];
    let server = Server::start_with(Config { host_alias: aliases, ..config() }).await;
    let signed_for = async |host: &str| {
        server.send_raw(&request_bytes("GET", "localhost", &balance_request().with_host(host).query())).await
    };
    assert_ok(&signed_for("pay.test").await);
    assert_eq!(signed_for("fps.sandbox.amazonaws.com").await.code(), "SignatureDoesNotMatch");
}
