//! The hosts that the signature of a request may name.

use axum::http::header::HOST;
use axum::http::request::Parts;

use crate::host_names::split_port;
use crate::server::{ConnectionInfo, TargetAuthority};

/// Finds the hosts that a client may have signed: the one it sent, with and without port, the address of the listener,
/// and the configured aliases.
#[derive(Clone, Debug)]
pub struct SignedHosts {
    /// Host names that are accepted on every listener, such as those of the real service.
    pub aliases: Vec<String>,
}

impl SignedHosts {
    /// The same with more aliases.
    #[must_use]
    pub fn with_aliases(mut self, names: [&str; 2]) -> Self {
        self.aliases.extend(names.map(str::to_owned));
        self
    }

    /// All hosts for one request, the most likely first.
    pub fn for_request(&self, parts: &Parts) -> Vec<String> {
        let header = host_header(parts);
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

/// The Host header, if it is text.
pub fn host_header(parts: &Parts) -> Option<&str> {
    parts.headers.get(HOST).and_then(|host| host.to_str().ok())
}
