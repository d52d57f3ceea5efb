//! Input that no well-behaved client sends. The server must answer with a clear error or close the connection. It must
//! never answer with an internal error, and it must answer the next valid request.

mod http;
mod parameters;
mod properties;
mod resources;

use std::net::SocketAddr;
use std::time::Duration;

use crate::support::program::Program;
use crate::support::rng::{IndexedRandom, RngExt, SeedableRng, StdRng, new_rng, random_bytes};
use crate::support::xml::elements;
use crate::support::{Client, Parameters, Response, Server, config, demo, encode_query, get_request, pay};
use fps_sandbox::config::{AuthMode, Config};
use fps_sandbox::error::Code;
use fps_sandbox::fps::status;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// A limit for everything that the tests wait for, generous enough for a busy machine.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Sends bytes over a new connection, closes the sending side, and reads until the server closes the connection.
async fn exchange_bytes(addr: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let (mut reading, mut writing) = TcpStream::connect(addr).await.expect("the server accepts").into_split();
    let sending = async {
        // The server may close the connection before it has read everything.
        let _ignored = writing.write_all(bytes).await;
        let _ignored = writing.shutdown().await;
    };
    let mut answer = Vec::new();
    let receiving = async { while matches!(reading.read_buf(&mut answer).await, Ok(count) if count > 0) {} };
    timeout(TIMEOUT, async { tokio::join!(sending, receiving) })
        .await
        .expect("the server closes the connection");
    answer
}

/// Does the same, and parses what comes back as an HTTP response.
async fn exchange(addr: SocketAddr, bytes: &[u8]) -> Response {
    Response::parse(&exchange_bytes(addr, bytes).await)
}

/// A POST request with this form.
fn post_request(form: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        form.len()
    );
    [head.as_bytes(), form].concat()
}

/// Asserts that a response is an error of FPS: well-formed XML with a known code and the HTTP status of that code.
fn refusal_code(response: &Response) -> Code {
    let found = elements(&response.body).unwrap_or_else(|problem| panic!("{problem}: {response:?}"));
    let text = |path: &str| found.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str());
    let name = text("Response/Errors/Error/Code").unwrap_or_else(|| panic!("no code: {}", response.body));
    let code = name.parse::<Code>().ok().unwrap_or_else(|| panic!("no such code: {name}"));
    assert_eq!(response.status, status(code).as_u16(), "{}", response.body);
    assert!(text("Response/Errors/Error/Message").is_some_and(|message| !message.is_empty()));
    assert!(response.status < 500, "bad input must not be an internal error: {}", response.body);
    code
}

fn assert_refused(response: &Response, code: Code, part: &str) {
    assert_eq!(refusal_code(response), code, "{}", response.body);
    assert!(response.message().contains(part), "no {part:?} in {}", response.message());
}

/// Asserts that the server answers a valid request over a new connection.
async fn assert_serves(client: &Client) {
    client.ok("GetDebtBalance", &[("CreditInstrumentId", demo::INSTRUMENT)]).await;
}

/// Asserts that no payment was made: the debt of the demo world is still 100.
async fn assert_unpaid(client: &Client) {
    assert_eq!(client.debt(demo::INSTRUMENT).await, ("100.000000".into(), "0.000000".into()));
}

/// Starts a server that checks no signatures, so that all requests reach the checks of parameters.
async fn start_without_authentication() -> Server {
    Server::start_with(Config { auth: AuthMode::Off, ..config() }).await
}
