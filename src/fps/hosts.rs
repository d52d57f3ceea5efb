//! The hosts that a client may have signed for.

use axum::http::header::HOST;
use axum::http::request::Parts;

use crate::host_names::split_port;
use crate::server::{ConnectionInfo, TargetAuthority};

/// Whichever host a client signs: as sent, without its port, the listener's own, and the configured aliases.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// Names that a client may have signed although it connects here.
    pub aliases: Vec<String>,
}

impl Hosts {
    /// The same, and these names.
    #[must_use]
    pub fn with(mut self, names: [&str; 2]) -> Self {
        self.aliases.extend(names.map(str::to_owned));
        self
    }

    /// All of them for one request, the most likely first.
    pub fn of(&self, parts: &Parts) -> Vec<String> {
        let header = sent(parts);
        let target = parts.extensions.get::<TargetAuthority>().map(|target| target.0.as_str());
        let mut hosts: Vec<String> = Vec::with_capacity(4 + self.aliases.len());
        let mut add = |host: &str| {
            if !hosts.iter().any(|known| known == host) {
                hosts.push(host.to_owned());
            }
        };
        for sent in [header, target].into_iter().flatten() {
            add(sent);
            add(split_port(sent).0);
        }
        if let Some(connection) = parts.extensions.get::<ConnectionInfo>() {
            add(&connection.local_addr.to_string());
        }
        self.aliases.iter().for_each(|alias| add(alias));
        hosts
    }
}

/// The Host header.
pub fn sent(parts: &Parts) -> Option<&str> {
    parts.headers.get(HOST).and_then(|host| host.to_str().ok())
}
