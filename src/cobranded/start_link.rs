//! A start URL whose merchant is known: parsing it, and verifying that the merchant has made it.

use axum::http::StatusCode;
use axum::http::request::Parts;
use url::Url;

use crate::error::Code;
use crate::worlds::FoundAccessKey;

use super::CoBrandedService;
use super::pages::ErrorPage;
use super::return_url::find_result_parameter;
use super::sandbox_overrides::SandboxOverrides;
use super::signature::{StartUrlSignature, verify_signature};
use super::start_url::StartUrl;

/// Maximum number of characters of an unknown `callerKey` that an error page shows.
const MAX_SHOWN_KEY_CHARS: usize = 64;

/// A start URL that leads back to a known merchant.
pub(super) struct StartLink {
    pub(super) start: StartUrl,
    pub(super) return_url: Url,
    pub(super) overrides: SandboxOverrides,
    /// The merchant's access key, and its world, which may not exist yet.
    pub(super) merchant_key: FoundAccessKey,
}

impl StartLink {
    /// Parses the query of a start URL and finds the merchant.
    ///
    /// The error page reports what a return URL cannot report, because there is no usable `returnURL` or no merchant.
    pub(super) async fn parse(service: &CoBrandedService, query: &str) -> Result<Self, ErrorPage> {
        let start = StartUrl::parse(query);
        let return_url = start.return_url().map_err(no_return)?;
        let id = start.caller_key().ok_or_else(|| no_return("it has no callerKey"))?;
        let merchant_key = match service.worlds.find_access_key(id).await {
            Ok(found) => found,
            Err(error) if error.code != Code::InvalidClientTokenId => return Err(error.into()),
            // A message of its own says what is wrong with the world in the key.
            Err(error) if error.message != Code::InvalidClientTokenId.definition().message => {
                return Err(no_return(error.message.trim_end_matches('.')));
            }
            Err(_) => {
                let shown: String = id.chars().take(MAX_SHOWN_KEY_CHARS).collect();
                return Err(no_return(&format!("its callerKey {shown} is not known here")));
            }
        };
        let overrides = SandboxOverrides::parse(&start).map_err(|problem| broken_link(&problem))?;
        Ok(Self { start, return_url, overrides, merchant_key })
    }

    /// Verifies that the merchant has made the link. `Some` is the reason, for the log, why the visit is refused and
    /// the visitor sent back.
    ///
    /// Anybody can write a start URL without a signature, and the query of its `returnURL` becomes part of what the
    /// sandbox signs. So in such a URL that query must not contain what only the sandbox may report (our choice).
    /// The visitor cannot be sent back to such a `returnURL` either, so an error page is shown.
    pub(super) fn find_refusal_reason(
        &self,
        service: &CoBrandedService,
        parts: &Parts,
        query: &str,
    ) -> Result<Option<String>, ErrorPage> {
        let result_parameter = find_result_parameter(&self.return_url);
        let key = &self.merchant_key.key;
        let reason = match verify_signature(&self.start, query, key, &service.hosts.for_request(parts)) {
            StartUrlSignature::Valid => {
                if let Some(name) = result_parameter {
                    tracing::warn!(name, "the returnURL has a parameter named like a result of the sandbox");
                }
                return Ok(None);
            }
            StartUrlSignature::Missing if !service.requires_signature => None,
            StartUrlSignature::Missing => Some("it is not signed, and --cobranded-auth is strict".to_owned()),
            StartUrlSignature::Invalid(reason) => Some(reason),
        };
        let signs_by_version_1 = key.cobranded.uses_signature_version_1;
        let has_query = self.return_url.query().is_some_and(|query| !query.is_empty());
        let problem = match result_parameter {
            Some(name) => {
                format!("has a parameter that is named like {name}, which only the sandbox may say")
            }
            // Version 1 signs names and values without separators.
            None if signs_by_version_1 && has_query => {
                "has a query, which signature version 1 does not keep apart from the results".to_owned()
            }
            None => return Ok(reason),
        };
        Err(broken_link(&format!(
            "Its returnURL {problem}. That is possible only in a link that the merchant has signed"
        )))
    }
}

/// The error page for a start URL that cannot be used.
fn broken_link(problem: &str) -> ErrorPage {
    ErrorPage::new(StatusCode::BAD_REQUEST, "This link does not work", &format!("{problem}."))
}

/// The error page for a start URL that does not lead back to a merchant.
fn no_return(problem: &str) -> ErrorPage {
    broken_link(&format!("There is no way back to the merchant: {problem}"))
}
