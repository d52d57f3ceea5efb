//! Host names and network addresses.

use std::net::Ipv6Addr;

use url::Url;

use crate::host_names::split_port;

use super::ValueFormat;

/// An address to listen on, `host:port`. A host name is resolved when the server binds, not here.
pub(in crate::config) struct HostPort;

impl ValueFormat for HostPort {
    type Value = String;
    const PLACEHOLDER: &'static str = "HOST:PORT";

    fn description() -> String {
        "HOST:PORT, such as 127.0.0.1:8008, localhost:8008 or [::1]:8008".to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        let (host, Some(port)) = split_port(text) else { return Err(Self::format_error(())) };
        if port.parse::<u16>().is_err() || !(is_bracketed_ipv6(host) || is_host_name(host)) {
            return Err(Self::format_error(()));
        }
        Ok(text.to_owned())
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

fn is_bracketed_ipv6(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    address.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

/// Whether a text is a host name or an IPv4 address.
fn is_host_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// An item of a list: a host name without a port. It is kept in lower case.
pub(in crate::config) struct HostName;

impl ValueFormat for HostName {
    type Value = String;
    const PLACEHOLDER: &'static str = "HOST";
    const ITEM_SEPARATOR: Option<char> = Some(',');

    fn description() -> String {
        "a host name without scheme or port, such as fps.amazonaws.com".to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        let host = text.trim();
        if is_host_name(host) { Ok(host.to_ascii_lowercase()) } else { Err(Self::format_error(())) }
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

/// The origin of a URL: scheme (http or https), host and port, without a path.
pub(in crate::config) struct HttpOrigin;

impl ValueFormat for HttpOrigin {
    type Value = String;
    const PLACEHOLDER: &'static str = "URL";

    fn description() -> String {
        "an address without a path, such as https://fps.sandbox.amazonaws.com or http://localhost:8008"
            .to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        let url = Url::parse(text).map_err(Self::format_error)?;
        let is_http = ["http", "https"].contains(&url.scheme());
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        if is_http && is_bare && url.username().is_empty() {
            Ok(url.origin().ascii_serialization())
        } else {
            Err(Self::format_error(()))
        }
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}
