//! An HTTP client for a local sandbox: no TLS, no proxy, no redirects.

use std::io::ErrorKind;
use std::time::Duration;

use ureq::{Agent, Body, Error};

use super::signer::SignedRequest;

/// The time in which a request must be answered completely.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// A response of any status.
#[derive(Debug)]
pub(super) struct HttpResponse {
    /// The status line, such as `HTTP/1.1 200 OK`.
    pub(super) status_line: String,
    /// The status code.
    pub(super) status: u16,
    /// The header `X-Sandbox-Signature`, in which lenient mode reports on the signature.
    pub(super) signature_report: Option<String>,
    /// The body as text.
    pub(super) body: String,
}

impl HttpResponse {
    /// Whether the status is 2xx.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends a request. The error is a short reason why there is no response.
pub(super) fn send(request: &SignedRequest) -> Result<HttpResponse, String> {
    let agent = agent(REQUEST_TIMEOUT);
    let url = request.url();
    let sent = match request.form() {
        None => agent.get(&url).call(),
        Some(form) => agent.post(&url).content_type("application/x-www-form-urlencoded").send(form),
    };
    sent.and_then(read_response).map_err(|error| short_reason(&error))
}

/// Sends a GET without a signature. The error is a short reason why there is no response.
pub(super) fn get(url: &str, timeout: Duration) -> Result<HttpResponse, String> {
    agent(timeout).get(url).call().and_then(read_response).map_err(|error| short_reason(&error))
}

fn agent(timeout: Duration) -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .timeout_global(Some(timeout))
        .user_agent(concat!("fps-sandbox/", env!("CARGO_PKG_VERSION")));
    Agent::new_with_config(config.build())
}

fn read_response(mut response: axum::http::Response<Body>) -> Result<HttpResponse, Error> {
    let body = response.body_mut().read_to_vec()?;
    let report = response.headers().get("x-sandbox-signature").and_then(|value| value.to_str().ok());
    Ok(HttpResponse {
        status_line: format!("{:?} {}", response.version(), response.status()),
        status: response.status().as_u16(),
        signature_report: report.map(str::to_owned),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn short_reason(error: &Error) -> String {
    match error {
        Error::Io(error) => match error.kind() {
            ErrorKind::ConnectionRefused => "connection refused".to_owned(),
            ErrorKind::ConnectionReset => "connection reset".to_owned(),
            _ => error.to_string().replace('\n', " "),
        },
        Error::HostNotFound => "host not found".to_owned(),
        Error::Timeout(_) => "no answer in time".to_owned(),
        other => other.to_string().replace('\n', " "),
    }
}
