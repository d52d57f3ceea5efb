//! Host names: those of Amazon's service, and texts of the form `host:port`.

/// The hosts of Amazon's FPS API: sandbox and production.
pub const AMAZON_API_HOSTS: [&str; 2] = ["fps.sandbox.amazonaws.com", "fps.amazonaws.com"];

/// The hosts of Amazon's Co-Branded pages: sandbox and production, in the order of [`AMAZON_API_HOSTS`].
pub const AMAZON_COBRANDED_HOSTS: [&str; 2] =
    ["authorize.payments-sandbox.amazon.com", "authorize.payments.amazon.com"];

/// All hosts of Amazon's service.
pub const AMAZON_HOSTS: [&str; 4] =
    [AMAZON_API_HOSTS[0], AMAZON_API_HOSTS[1], AMAZON_COBRANDED_HOSTS[0], AMAZON_COBRANDED_HOSTS[1]];

/// Splits `host:port`. An IPv6 address keeps its brackets; without brackets it has colons, but no port.
pub fn split_port(authority: &str) -> (&str, Option<&str>) {
    let is_host = |host: &str| !host.contains(':') || host.ends_with(']');
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match authority.rsplit_once(':') {
        Some((host, port)) if is_host(host) && is_port(port) => (host, Some(port)),
        _ => (authority, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_split_off_hosts() {
        for (authority, host, port) in [
            ("localhost:8008", "localhost", Some("8008")),
            ("localhost", "localhost", None),
            ("[::1]:8008", "[::1]", Some("8008")),
            ("[::1]", "[::1]", None),
            ("::1", "::1", None),
            ("127.0.0.1:80", "127.0.0.1", Some("80")),
        ] {
            assert_eq!(split_port(authority), (host, port));
        }
    }
}
