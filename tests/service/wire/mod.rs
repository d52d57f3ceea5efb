//! The service at the level of HTTP and XML: documents, HTTP versions and forms, common parameters, authentication.

mod accounts;
mod authentication_modes;
mod common_parameters;
mod documents;
mod hosts;
mod http;
mod wrong_signatures;

use std::time::Duration;

use crate::support::request_builder::{RequestBuilder, post_form, request_bytes};
use crate::support::{NOW, Response, Server, config, demo, get_request, pay, read_response, send_raw};
use fps_sandbox::config::{AuthMode, Config, TimestampWindow};
use fps_sandbox::signature::{Hash, Scheme, SecretKey, Signable, sign};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A signed GetDebtBalance of the demo instrument.
fn balance_request() -> RequestBuilder {
    let asks = [("CreditInstrumentId", demo::INSTRUMENT)];
    RequestBuilder::new(demo::KEY, demo::SECRET, NOW, "GetDebtBalance", &asks)
}

/// A signed Pay of ten dollars from a balance.
fn payment_request(reference: &str) -> RequestBuilder {
    RequestBuilder::new(demo::KEY, demo::SECRET, NOW, "Pay", &pay(demo::ABT, "10", reference))
}

async fn send(server: &Server, request: &RequestBuilder) -> Response {
    server.send_raw(&request.bytes()).await
}

fn assert_ok(response: &Response) {
    assert_eq!(response.status, 200, "{}\n{}", response.head, response.body);
}

fn assert_refused(response: &Response, status: u16, code: &str, message: &str) {
    let found = (response.status, response.code());
    assert_eq!(found, (status, code.to_owned()), "{}", response.body);
    assert_eq!(response.message(), message);
}

/// The value of a header.
fn header(response: &Response, name: &str) -> Option<String> {
    response.head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    })
}
