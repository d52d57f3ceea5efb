//! Parameters of a start URL that control the sandbox itself, for tests of merchants.

use crate::ledger::CbuiStatus;
use crate::ledger::Named as _;
use strum::VariantArray as _;

use super::start_url::StartUrl;

/// Prefix of these parameters. The signature of a start URL does not cover them.
const SANDBOX_PREFIX: &str = "sandbox_";
/// The value of `sandbox_outcome` that shows the pages although the merchant's account forces a status.
const SHOW_PAGES: &str = "ask";
/// Maximum length of an e-mail address, in bytes.
const MAX_EMAIL_BYTES: usize = 254;

/// What a start URL tells the sandbox to do differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SandboxOverrides {
    /// The status with which the visit ends at once, without pages.
    pub(super) forced_status: Option<CbuiStatus>,
    /// Whether the pages are shown although the merchant's account forces a status.
    pub(super) shows_pages: bool,
    /// The visitor's e-mail address.
    pub(super) buyer_email: Option<String>,
}

impl SandboxOverrides {
    /// Reads the overrides from a start URL. The error says what is wrong.
    pub(super) fn parse(start: &StartUrl) -> Result<Self, String> {
        let mut overrides = Self::default();
        for (name, value) in start.sandbox_parameters() {
            if start.is_ambiguous(name) {
                return Err(format!("{name} is given more than once"));
            }
            match name.to_ascii_lowercase().as_str() {
                "sandbox_outcome" if value.eq_ignore_ascii_case(SHOW_PAGES) => overrides.shows_pages = true,
                "sandbox_outcome" => {
                    let names: Vec<_> = CbuiStatus::VARIANTS.iter().map(|status| status.name()).collect();
                    let unknown =
                        || format!("sandbox_outcome is one of {}, or {SHOW_PAGES}", names.join(", "));
                    overrides.forced_status = Some(parse_status(value).ok_or_else(unknown)?);
                }
                "sandbox_buyer" if is_email_address(value) => {
                    overrides.buyer_email = Some(value.trim().to_owned());
                }
                "sandbox_buyer" => return Err("sandbox_buyer is an e-mail address".to_owned()),
                _ => {
                    return Err(format!(
                        "there is no parameter {name}, only sandbox_outcome and sandbox_buyer"
                    ));
                }
            }
        }
        Ok(overrides)
    }
}

/// Whether a parameter of a start URL is for the sandbox, and so not covered by the signature.
pub fn is_sandbox_parameter(name: &str) -> bool {
    name.get(..SANDBOX_PREFIX.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(SANDBOX_PREFIX))
}

/// The status of this name, in any case.
pub(super) fn parse_status(name: &str) -> Option<CbuiStatus> {
    CbuiStatus::VARIANTS.iter().copied().find(|status| status.name().eq_ignore_ascii_case(name))
}

/// Whether a text can be the e-mail address of an account.
pub(super) fn is_email_address(text: &str) -> bool {
    let text = text.trim();
    let (name, host) = text.split_once('@').unwrap_or_default();
    let has_both_parts = !name.is_empty() && !host.is_empty();
    has_both_parts && text.len() <= MAX_EMAIL_BYTES && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_sandboxs_own_is_read_and_not_signed() {
        let start = StartUrl::parse("a=1&sandbox_outcome=sc&sandbox_buyer=new%40example.com");
        let overrides = SandboxOverrides::parse(&start).unwrap();
        assert_eq!(
            (overrides.forced_status, overrides.buyer_email.as_deref()),
            (Some(CbuiStatus::SC), Some("new@example.com"))
        );
        assert_eq!(start.merchant_parameters(), [("a".to_owned(), "1".to_owned())]);
        for wrong in [
            "sandbox_outcome=XX",
            "Sandbox_Buyer=nobody",
            "sandbox_other=1",
            "sandbox_outcome=A&sandbox_outcome=SC",
        ] {
            assert!(SandboxOverrides::parse(&StartUrl::parse(wrong)).is_err(), "{wrong}");
        }
    }
}
