//! The text that tells people that a sandbox is ready and what to try first.

use std::fmt::Write as _;
use std::path::Path;

use crate::clock::Clock;
use crate::config::{Config, Database};

use super::announce::{Announcement, UsableKey};
use super::demo_ids;
use super::endpoint::Endpoint;
use super::request_args::DEFAULT_ENDPOINT;
use super::signer::HttpMethod;

/// The block of text that announces a sandbox to people.
//
// Writing to a string cannot fail, so the results below are dropped.
pub(super) fn ready_text(config: &Config, announcement: &Announcement, key: &UsableKey) -> String {
    let mut text = format!("\nFPS Sandbox {} is ready.\n\n", announcement.version);
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    announcement.http.iter().for_each(|url| row("HTTP", url));
    announcement.https.iter().for_each(|url| row("HTTPS", url));
    match (&announcement.ca, &config.tls_cert) {
        (Some(url), _) => row("", &format!("trust its authority: curl -O {url}")),
        (None, Some(path)) => row("", &format!("with the certificate {}", path.display())),
        (None, None) => {}
    }
    row("Database", &database_text(&config.database));
    if let Some(start) = &announcement.clock {
        row("Clock", &format!("runs from {start}; timestamps of real time are good too"));
    }
    match key {
        UsableKey::Example { .. } => {
            row("Key", demo_ids::ACCESS_KEY);
            row("Secret", &format!("{}  (the documentation's public example)", demo_ids::SECRET_KEY));
        }
        UsableKey::Own(id) => row("Key", &format!("{id}; its secret is where you put it, in your seed file")),
        UsableKey::None => {
            row("Key", "none, so nobody can sign; give an empty database a --seed FILE with one");
        }
    }
    text.push_str(&example_requests(config, announcement, key));
    text.push_str("\nCtrl-C ends it.\n");
    text
}

fn database_text(database: &Database) -> String {
    match database {
        Database::Memory => {
            "in memory: starts fresh, leaves nothing behind (--database PATH keeps it)".to_owned()
        }
        Database::File(path) => absolute_path(path),
        Database::Postgres(url) => url.to_string(),
    }
}

fn absolute_path(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Command lines to try first.
fn example_requests(config: &Config, announcement: &Announcement, key: &UsableKey) -> String {
    let endpoint = announcement.http.first().and_then(|url| url.parse::<Endpoint>().ok());
    let (UsableKey::Example { has_demo_world: true }, Some(endpoint)) = (key, endpoint) else {
        return "\nBuild and send requests with `fps-sandbox sign` and `fps-sandbox call` (--help tells how).\n"
            .to_owned();
    };
    let now = Clock::real_time().now().to_string();
    let parameters = [("Action", "GetDebtBalance"), ("CreditInstrumentId", demo_ids::CREDIT_INSTRUMENT)];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let curl = demo_ids::signer().sign(HttpMethod::Get, &endpoint, parameters, &now).curl();
    let validity = config.timestamp_window.0.map(humantime::format_duration);
    let validity = validity.map(|duration| format!("; good for {duration}")).unwrap_or_default();
    let mut options = String::new();
    if announcement.http.first().is_none_or(|url| url != DEFAULT_ENDPOINT) {
        let _ = write!(options, " --endpoint {endpoint}");
    }
    format!(
        "\nWhat does Alice, the demo buyer, owe? (signed{validity})\n\n  {curl}\n\n\
         Sign your own, send your own, see the whole story:\n\n  \
         fps-sandbox sign{options} --curl Action=Pay TransactionAmount=10 SenderTokenId={}\n  \
         fps-sandbox call{options} Action=GetDebtBalance CreditInstrumentId={}\n  \
         fps-sandbox demo\n",
        demo_ids::CREDIT_TOKEN,
        demo_ids::CREDIT_INSTRUMENT
    )
}
