//! The REST front: an HTTP request in, one line of XML out (guide: Making REST Requests).

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

use crate::authentication::{AuthenticationResult, Authenticator, SignatureMismatch, SignedRequest};
use crate::error::{Code, FpsError};
use crate::logging::excerpt;
use crate::query::{DecodedParameters, Pair};
use crate::random::RequestIdGenerator;
use crate::server::BodyTimeoutError;
use crate::service::actions::Action;
use crate::service::{self, Service};
use crate::worlds::{FoundKey, World, Worlds};

use super::hosts::Hosts;
use super::status::{status, status_of_authentication};
use super::xml;

/// Parameters that every request has, whatever its action.
pub const COMMON: &[&str] =
    &["Action", "AWSAccessKeyId", "Version", "Timestamp", "SignatureVersion", "SignatureMethod", "Signature"];

/// The header in which lenient mode reports on the signature.
const SIGNATURE_REPORT: &str = "x-sandbox-signature";
/// Longest report in it, in characters: clients take headers of a few kilobytes at most.
const MAX_REPORT_CHARS: usize = 500;

/// Everything the front needs to answer.
#[derive(Debug)]
pub struct Rest {
    /// Checks requests.
    pub authenticator: Authenticator,
    /// Executes requests.
    pub service: Service,
    /// The hosts that requests may have been signed for.
    pub hosts: Hosts,
    /// Longest target and body together, in bytes.
    pub max_request_bytes: usize,
    /// Most parameters of one request.
    pub max_parameters: usize,
}

/// A refusal and the status it is answered with.
struct Refusal {
    error: FpsError,
    status: StatusCode,
}

impl Refusal {
    fn by_authentication(error: FpsError) -> Self {
        Self { status: status_of_authentication(error.code), error }
    }
}

impl From<FpsError> for Refusal {
    fn from(error: FpsError) -> Self {
        Self { status: status(error.code), error }
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        FpsError::from(code).into()
    }
}

/// What is known of a request beside what it asks for.
#[derive(Default)]
struct Exchange {
    /// Its id. Ids that repeat are those of the request's world, so a request has none until that is known.
    id: Option<Uuid>,
    /// What lenient mode says of the signature.
    report: Option<String>,
}

impl Exchange {
    /// Gives the request its id. Every line of the log that it writes from now on carries it.
    fn assign_id(&mut self, ids: &RequestIdGenerator) -> Uuid {
        let id = *self.id.get_or_insert_with(|| ids.next());
        tracing::Span::current().record("request_id", tracing::field::display(id));
        id
    }
}

/// Answers any request to the service's path.
pub async fn answer(State(rest): State<Arc<Rest>>, request: Request) -> Response<Body> {
    let span = tracing::info_span!("request", request_id = tracing::field::Empty);
    async {
        let mut exchange = Exchange::default();
        let outcome = rest.respond(request, &mut exchange).await;
        let request_id = exchange.id.unwrap_or_else(|| exchange.assign_id(rest.worlds().request_ids()));
        let mut response = match outcome {
            Ok(document) => xml_response(StatusCode::OK, document),
            Err(refusal) => refuse(&refusal, request_id),
        };
        let report = exchange.report.and_then(|report| HeaderValue::from_str(&header_text(&report)).ok());
        if let Some(value) = report {
            response.headers_mut().insert(SIGNATURE_REPORT, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// Text as a header can carry it: the start of it, everything but printable ASCII escaped.
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

fn refuse(Refusal { error, status }: &Refusal, request_id: Uuid) -> Response<Body> {
    // As text values both stay on one line of the log, whatever the client has put into them.
    tracing::info!(code = error.code.name(), reason = excerpt(&error.message).as_ref(), "refused");
    let mut response = xml_response(*status, xml::error_document(error, request_id));
    if *status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

impl Rest {
    fn worlds(&self) -> &Worlds {
        &self.authenticator.worlds
    }

    async fn respond(&self, request: Request, exchange: &mut Exchange) -> Result<String, Refusal> {
        if ![Method::GET, Method::POST].contains(request.method()) {
            return Err(Code::MethodNotAllowed.into());
        }
        let (parts, body) = request.into_parts();
        let form = self.read_form(&parts, body).await?;
        let parameters = DecodedParameters::decode(&[query(&parts).as_bytes(), &form]);
        // Looked up first, because some actions are for anybody; an unknown one is refused only after authentication,
        // as is everything that is wrong with parameters.
        let action = Action::named(parameters.value("Action").as_deref());
        let (world, caller) = if action.as_ref().is_ok_and(|action| action.is_for_anybody()) {
            (self.world_of_anybody(&parameters).await, None)
        } else {
            let checked = self.authenticate(&parts, &form, &parameters).await;
            let ids = checked.world.as_deref().map_or(self.worlds().request_ids(), World::request_ids);
            exchange.assign_id(ids);
            checked.mismatch.iter().for_each(SignatureMismatch::log);
            let authenticated = checked.caller.map_err(Refusal::by_authentication)?;
            exchange.report = authenticated.signature_report;
            (authenticated.world, Some(authenticated.account))
        };
        let request_id = exchange.assign_id(world.request_ids());
        let parameters = self.texts(parameters)?;
        let action = action?;
        let version = value(&parameters, "Version");
        let request = service::Request { action, version, parameters: &parameters, common: COMMON };
        let answer = self.service.execute(&world, caller, request).await?;
        Ok(xml::document(action.name, version, &answer, request_id))
    }

    async fn authenticate(
        &self,
        parts: &Parts,
        form: &[u8],
        parameters: &DecodedParameters,
    ) -> AuthenticationResult {
        let hosts = self.hosts.of(parts);
        let request = SignedRequest {
            verb: parts.method.as_str(),
            path: parts.uri.path(),
            hosts: &hosts.iter().map(String::as_str).collect::<Vec<_>>(),
            parameters,
            raw_parameters: &joined(query(parts), form),
        };
        self.authenticator.authenticate(&request).await
    }

    /// The world of a request that is not authenticated: that of its access key, if it names one that has been made.
    async fn world_of_anybody(&self, parameters: &DecodedParameters) -> Arc<World> {
        let found = match parameters.value("AWSAccessKeyId") {
            Some(id) => self.worlds().find_key(&id).await.ok(),
            None => None,
        };
        let world = found.as_ref().and_then(FoundKey::world).unwrap_or_else(|| self.worlds().default_world());
        Arc::clone(world)
    }

    fn too_large(&self) -> FpsError {
        let text =
            format!("The request is larger than {} bytes (--max-request-bytes).", self.max_request_bytes);
        FpsError::new(Code::RequestTooLarge, text)
    }

    /// The form of a POST, if target and form are not too large together.
    async fn read_form(&self, parts: &Parts, body: Body) -> Result<Bytes, FpsError> {
        let target = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let left = self.max_request_bytes.checked_sub(target.len()).ok_or_else(|| self.too_large())?;
        if parts.method != Method::POST {
            return Ok(Bytes::new());
        }
        let collected = Limited::new(body, left).collect().await;
        let form = collected.map_err(|problem| self.unreadable(problem.as_ref()))?.to_bytes();
        if form.trim_ascii_start().starts_with(b"<") {
            let text = "SOAP is not spoken here yet; send the action as a REST query or form.";
            return Err(FpsError::new(Code::InvalidRequest, text));
        }
        Ok(form)
    }

    fn unreadable(&self, problem: &(dyn std::error::Error + 'static)) -> FpsError {
        if problem.is::<LengthLimitError>() {
            self.too_large()
        } else if BodyTimeoutError::is_cause_of(problem) {
            Code::RequestTimeout.into()
        } else {
            FpsError::new(Code::InvalidRequest, "The body of the request could not be read to its end.")
        }
    }

    /// The parameters of query and form together, as text.
    fn texts(&self, parameters: DecodedParameters) -> Result<Vec<Pair>, FpsError> {
        if parameters.pairs().len() > self.max_parameters {
            let text =
                format!("The request has more than {} parameters (--max-parameters).", self.max_parameters);
            return Err(FpsError::new(Code::InvalidRequest, text));
        }
        parameters.into_text()
    }
}

fn query(parts: &Parts) -> &str {
    parts.uri.query().unwrap_or_default()
}

fn joined(query: &str, form: &[u8]) -> String {
    let form = String::from_utf8_lossy(form);
    let separator = if query.is_empty() || form.is_empty() { "" } else { "&" };
    format!("{query}{separator}{form}")
}

/// The first value under this name that is not empty; empty where there is none.
fn value<'a>(parameters: &'a [Pair], name: &str) -> &'a str {
    let given = parameters.iter().find(|(known, value)| known == name && !value.is_empty());
    given.map_or("", |(_, value)| value)
}
