//! Plain HTTP to a sandbox nearby: no proxy, no redirects, no TLS.

use std::io::ErrorKind;
use std::time::Duration;

use ureq::{Agent, Body, Error};

use super::request::Signed;

/// What came back, whatever its status.
#[derive(Debug)]
pub(super) struct Answer {
    /// Such as `HTTP/1.1 200 OK`.
    pub(super) status_line: String,
    /// The status.
    pub(super) status: u16,
    /// What lenient mode says of the signature.
    pub(super) signature_report: Option<String>,
    /// The body.
    pub(super) body: String,
}

impl Answer {
    /// Whether the request was granted.
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Sends a request; the error says in half a sentence why no answer came.
pub(super) fn send(request: &Signed) -> Result<Answer, String> {
    let agent = agent(Duration::from_secs(30));
    let url = request.url();
    let sent = match request.form() {
        None => agent.get(&url).call(),
        Some(form) => agent.post(&url).content_type("application/x-www-form-urlencoded").send(form),
    };
    sent.and_then(read).map_err(|error| reason(&error))
}

/// Gets a page.
pub(super) fn get(url: &str, timeout: Duration) -> Result<Answer, String> {
    agent(timeout).get(url).call().and_then(read).map_err(|error| reason(&error))
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

fn read(mut response: axum::http::Response<Body>) -> Result<Answer, Error> {
    let body = response.body_mut().read_to_vec()?;
    let report = response.headers().get("x-sandbox-signature").and_then(|value| value.to_str().ok());
    Ok(Answer {
        status_line: format!("{:?} {}", response.version(), response.status()),
        status: response.status().as_u16(),
        signature_report: report.map(str::to_owned),
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn reason(error: &Error) -> String {
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
