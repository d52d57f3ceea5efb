//! The REST API: an HTTP request in, one line of XML out (guide: Making REST Requests).

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::Instrument;
use uuid::Uuid;

use crate::authentication::{AuthenticationResult, Authenticator, RequestToAuthenticate, SignatureMismatch};
use crate::error::{Code, FpsError};
use crate::logging::excerpt;
use crate::query::{DecodedParameters, Pair};
use crate::random::RequestIdGenerator;
use crate::server::BodyTimeoutError;
use crate::service::{self, Service, actions};
use crate::worlds::{FoundAccessKey, World, Worlds};

use super::hosts::SignedHosts;
use super::status::{status, status_of_authentication};
use super::xml;

/// The parameters of every request, whatever its action.
pub const COMMON_PARAMETERS: &[&str] =
    &["Action", "AWSAccessKeyId", "Version", "Timestamp", "SignatureVersion", "SignatureMethod", "Signature"];

/// The response header that says in lenient mode whether the signature is right.
const SIGNATURE_REPORT: &str = "x-sandbox-signature";
/// The maximum length of its value in characters: clients accept headers of a few kilobytes at most.
const MAX_REPORT_CHARS: usize = 500;

/// The REST API of one sandbox.
#[derive(Debug)]
pub struct RestApi {
    /// Authenticates requests.
    pub authenticator: Authenticator,
    /// Executes requests.
    pub service: Service,
    /// The hosts that a request's signature may name.
    pub hosts: SignedHosts,
    /// The maximum length of the request target and body together, in bytes.
    pub max_request_bytes: usize,
    /// The maximum number of parameters in a request.
    pub max_parameters: usize,
}

/// An error with the status of its response.
struct HttpError {
    error: FpsError,
    status: StatusCode,
}

impl HttpError {
    /// An error of authentication; some codes have another status there.
    fn authentication(error: FpsError) -> Self {
        Self { status: status_of_authentication(error.code), error }
    }
}

impl From<FpsError> for HttpError {
    fn from(error: FpsError) -> Self {
        Self { status: status(error.code), error }
    }
}

impl From<Code> for HttpError {
    fn from(code: Code) -> Self {
        FpsError::from(code).into()
    }
}

/// What a response says of its request, whether the request succeeds or not.
#[derive(Default)]
struct ResponseMetadata {
    /// The request id. Ids that repeat under `--id-seed` belong to a world, so it is assigned when the world is known.
    request_id: Option<Uuid>,
    /// The signature report of lenient mode.
    signature_report: Option<String>,
}

impl ResponseMetadata {
    /// The request id, assigned by the first call. From then on all log lines of the request show it.
    fn assign_request_id(&mut self, ids: &RequestIdGenerator) -> Uuid {
        let id = *self.request_id.get_or_insert_with(|| ids.next());
        tracing::Span::current().record("request_id", tracing::field::display(id));
        id
    }
}

/// Handles every request to the path of the service.
pub async fn handle_request(State(api): State<Arc<RestApi>>, request: Request) -> Response<Body> {
    let span = tracing::info_span!("request", request_id = tracing::field::Empty);
    async {
        let mut metadata = ResponseMetadata::default();
        let result = api.execute(request, &mut metadata).await;
        // A request that fails before its world is known gets an id that belongs to no world.
        let request_id = match metadata.request_id {
            Some(id) => id,
            None => metadata.assign_request_id(api.worlds().request_ids()),
        };
        let mut response = match result {
            Ok(document) => xml_response(StatusCode::OK, document),
            Err(error) => error_response(&error, request_id),
        };
        let report = metadata.signature_report.map(|report| header_text(&report));
        if let Some(value) = report.and_then(|report| HeaderValue::from_str(&report).ok()) {
            response.headers_mut().insert(SIGNATURE_REPORT, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// The beginning of the text as a header can carry it: everything but printable ASCII is escaped.
fn header_text(text: &str) -> String {
    let mut printable = String::with_capacity(text.len().min(MAX_REPORT_CHARS));
    for c in text.chars().take(MAX_REPORT_CHARS) {
        match c {
            ' '..='~' => printable.push(c),
            other => printable.extend(other.escape_default()),
        }
    }
    printable
}

fn xml_response(status: StatusCode, document: String) -> Response<Body> {
    let mut response = Response::new(Body::from(document));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response
}

fn error_response(HttpError { error, status }: &HttpError, request_id: Uuid) -> Response<Body> {
    // Fields that are strings are logged escaped, so whatever the client has sent stays on one line.
    tracing::info!(code = error.code.name(), reason = excerpt(&error.message).as_ref(), "refused");
    let mut response = xml_response(*status, xml::error_document(error, request_id));
    if *status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

impl RestApi {
    fn worlds(&self) -> &Worlds {
        &self.authenticator.worlds
    }

    /// Executes a request and returns the document of its response.
    async fn execute(&self, request: Request, metadata: &mut ResponseMetadata) -> Result<String, HttpError> {
        if ![Method::GET, Method::POST].contains(request.method()) {
            return Err(Code::MethodNotAllowed.into());
        }
        let (parts, body) = request.into_parts();
        let form = self.read_form(&parts, body).await?;
        let parameters = DecodedParameters::decode(&[query(&parts).as_bytes(), &form]);
        // Public actions are not authenticated, so the action is looked up first. An unknown action and wrong parameters
        // are nevertheless reported after authentication, as every error of an action is.
        let action = actions::require(parameters.value("Action").as_deref());
        let (world, caller) = if action.as_ref().is_ok_and(|action| action.is_public()) {
            (self.world_of_public_request(&parameters).await, None)
        } else {
            let result = self.authenticate(&parts, &form, &parameters).await;
            let ids = result.world.as_deref().map_or(self.worlds().request_ids(), World::request_ids);
            metadata.assign_request_id(ids);
            result.mismatch.iter().for_each(SignatureMismatch::log);
            let caller = result.caller.map_err(HttpError::authentication)?;
            metadata.signature_report = caller.signature_report;
            (caller.world, Some(caller.account))
        };
        let request_id = metadata.assign_request_id(world.request_ids());
        let parameters = self.parameters_as_text(parameters)?;
        let action = action?;
        let version = first_value(&parameters, "Version");
        let request = service::Request {
            action,
            version,
            parameters: &parameters,
            protocol_parameters: COMMON_PARAMETERS,
        };
        let response = self.service.execute(&world, caller, request).await?;
        Ok(xml::document(action.name, version, &response, request_id))
    }

    async fn authenticate(
        &self,
        parts: &Parts,
        form: &[u8],
        parameters: &DecodedParameters,
    ) -> AuthenticationResult {
        let hosts = self.hosts.for_request(parts);
        let request = RequestToAuthenticate {
            verb: parts.method.as_str(),
            path: parts.uri.path(),
            hosts: &hosts.iter().map(String::as_str).collect::<Vec<_>>(),
            parameters,
            raw_parameters: &query_and_form(query(parts), form),
        };
        self.authenticator.authenticate(&request).await
    }

    /// The world of a request that is not authenticated: the world of its access key, if it names a known one and the
    /// world exists already; else the default world.
    async fn world_of_public_request(&self, parameters: &DecodedParameters) -> Arc<World> {
        let found = match parameters.value("AWSAccessKeyId") {
            Some(id) => self.worlds().find_access_key(&id).await.ok(),
            None => None,
        };
        let world =
            found.as_ref().and_then(FoundAccessKey::world).unwrap_or_else(|| self.worlds().default_world());
        Arc::clone(world)
    }

    fn request_too_large(&self) -> FpsError {
        let text =
            format!("The request is larger than {} bytes (--max-request-bytes).", self.max_request_bytes);
        FpsError::new(Code::RequestTooLarge, text)
    }

    /// Reads the form of a POST; empty for a GET. Fails if target and form together are too large.
    async fn read_form(&self, parts: &Parts, body: Body) -> Result<Bytes, FpsError> {
        let target = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let max_form_bytes = self.max_request_bytes.checked_sub(target.len());
        let max_form_bytes = max_form_bytes.ok_or_else(|| self.request_too_large())?;
        if parts.method != Method::POST {
            return Ok(Bytes::new());
        }
        let collected = Limited::new(body, max_form_bytes).collect().await;
        let form = collected.map_err(|error| self.body_error(error.as_ref()))?.to_bytes();
        if form.trim_ascii_start().starts_with(b"<") {
            let text = "SOAP is not spoken here yet; send the action as a REST query or form.";
            return Err(FpsError::new(Code::InvalidRequest, text));
        }
        Ok(form)
    }

    /// The error of a body that could not be read.
    fn body_error(&self, error: &(dyn std::error::Error + 'static)) -> FpsError {
        if error.is::<LengthLimitError>() {
            self.request_too_large()
        } else if BodyTimeoutError::is_cause_of(error) {
            Code::RequestTimeout.into()
        } else {
            FpsError::new(Code::InvalidRequest, "The body of the request could not be read to its end.")
        }
    }

    /// The parameters of query and form together, checked to be text.
    fn parameters_as_text(&self, parameters: DecodedParameters) -> Result<Vec<Pair>, FpsError> {
        if parameters.pairs().len() > self.max_parameters {
            let text =
                format!("The request has more than {} parameters (--max-parameters).", self.max_parameters);
            return Err(FpsError::new(Code::InvalidRequest, text));
        }
        parameters.into_text_pairs()
    }
}

fn query(parts: &Parts) -> &str {
    parts.uri.query().unwrap_or_default()
}

/// Query and form as one string, as they were sent.
fn query_and_form(query: &str, form: &[u8]) -> String {
    let form = String::from_utf8_lossy(form);
    let separator = if query.is_empty() || form.is_empty() { "" } else { "&" };
    format!("{query}{separator}{form}")
}

/// The first value of this name that is not empty, or an empty string.
fn first_value<'a>(parameters: &'a [Pair], name: &str) -> &'a str {
    let parameter = parameters.iter().find(|(known, value)| known == name && !value.is_empty());
    parameter.map_or("", |(_, value)| value)
}
