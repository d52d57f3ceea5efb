//! Graceful and immediate shutdown.

use tokio::sync::Notify;

use super::*;

/// A handler that tells when a request reaches it and answers when it is released.
fn blocking_router() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (reached, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (notify, wait) = (Arc::clone(&reached), Arc::clone(&release));
    let handler = get(move || async move {
        notify.notify_one();
        wait.notified().await;
        "finished"
    });
    (Router::new().route("/", handler), reached, release)
}

#[tokio::test]
async fn shutdown_closes_idle_connections_and_the_port_and_completes_requests_in_progress() {
    let (router, reached, release) = blocking_router();
    let router = router.route("/echo", any(echo));
    let server = Server::start_with(settings(), router).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    read_until(&mut idle, "body=").await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;

    server.shutdown.shut_down_gracefully();
    assert_eq!(read_to_close(&mut idle).await, "");
    assert!(TcpStream::connect(server.http).await.is_err(), "the port is closed");
    assert!(is_silent(&mut busy).await);
    assert!(!server.outcome.is_finished());
    release.notify_one();
    let answer = read_to_close(&mut busy).await;
    assert!(answer.contains("\r\nconnection: close\r\n") && answer.ends_with("finished"), "{answer}");
    assert_eq!(server.outcome().await, ShutdownOutcome::Completed);
}

#[tokio::test]
async fn shutdown_waits_no_longer_than_its_grace_period() {
    let (router, reached, _release) = blocking_router();
    let server =
        Server::start_with(ServerSettings { shutdown_grace: SHORT_TIMEOUT, ..settings() }, router).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;
    server.shutdown.shut_down_gracefully();
    assert_eq!(read_to_close(&mut busy).await, "");
    assert_eq!(server.outcome().await, ShutdownOutcome::Aborted { open_connections: 1 });
}

#[tokio::test]
async fn an_immediate_shutdown_aborts_requests_in_progress() {
    let (router, reached, _release) = blocking_router();
    let server =
        Server::start_with(ServerSettings { shutdown_grace: LONG_TIMEOUT * 10, ..settings() }, router).await;
    let mut busy = server.connect().await;
    busy.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    reached.notified().await;
    server.shutdown.shut_down_gracefully();
    assert!(is_silent(&mut busy).await);
    server.shutdown.shut_down_now();
    assert_eq!(server.outcome().await, ShutdownOutcome::Aborted { open_connections: 1 });
}

#[tokio::test]
async fn shutdown_does_not_wait_for_clients_that_have_sent_nothing() {
    let server = Server::start(settings()).await;
    let mut quiet = server.connect().await;
    assert!(is_silent(&mut quiet).await);
    server.shutdown.shut_down_gracefully();
    assert_eq!(timeout(LONG_TIMEOUT, server.outcome()).await.unwrap(), ShutdownOutcome::Completed);
}
