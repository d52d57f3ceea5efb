//! The REST front: an HTTP request in, one line of XML out (guide: Making REST Requests).

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, CONTENT_TYPE};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, Response, StatusCode};
use chrono::NaiveDate;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tracing::Instrument;
use uuid::Uuid;

use crate::config::VerifySignatureRefusal;
use crate::error::{Code, FpsError};
use crate::ids;
use crate::logging::excerpt;
use crate::server::BodyTimedOut;
use crate::store::Store;

use super::actions::{self, Action, Run};
use super::authentication::{Authenticator, Incoming, invalid};
use super::call::{Call, OpenCall};
use super::hosts::Hosts;
use super::instant;
use super::outbound::Outbound;
use super::params::{Params, missing};
use super::query::{Decoded, Pair};
use super::xml::error_document;

/// The header in which lenient mode reports on the signature.
const SIGNATURE_REPORT: &str = "x-sandbox-signature";
/// Longest report in it, in characters: clients take headers of a few kilobytes at most.
const LONGEST_REPORT: usize = 500;

/// The first version of the API that has the answers of this service.
const FIRST_VERSION: NaiveDate = match NaiveDate::from_ymd_opt(2008, 9, 17) {
    Some(date) => date,
    None => NaiveDate::MIN,
};

/// Everything the front needs to answer.
#[derive(Debug)]
pub struct Rest {
    /// Checks requests.
    pub authenticator: Authenticator,
    /// Runs commands.
    pub store: Store,
    /// The hosts that requests may have been signed for.
    pub hosts: Hosts,
    /// Longest target and body together, in bytes.
    pub max_request_bytes: usize,
    /// Most parameters of one request.
    pub max_parameters: usize,
    /// Checks signatures on messages.
    pub outbound: Arc<Outbound>,
    /// How VerifySignature says no.
    pub verify_signature_refusal: VerifySignatureRefusal,
}

/// Answers any request to the service's path.
pub async fn answer(State(rest): State<Arc<Rest>>, request: Request) -> Response<Body> {
    let request_id = ids::request_id();
    let span = tracing::info_span!("request", %request_id);
    async {
        let mut report = None;
        let outcome = rest.respond(request, request_id, &mut report).await;
        let mut response = match outcome {
            Ok(document) => xml_response(StatusCode::OK, document),
            Err(refusal) => refuse(&refusal, request_id),
        };
        if let Some(value) = report.and_then(|report| HeaderValue::from_str(&header_text(&report)).ok()) {
            response.headers_mut().insert(SIGNATURE_REPORT, value);
        }
        response
    }
    .instrument(span)
    .await
}

/// Text as a header can carry it: the start of it, everything but printable ASCII escaped.
fn header_text(text: &str) -> String {
    let mut printable = String::with_capacity(text.len().min(LONGEST_REPORT));
    for c in text.chars().take(LONGEST_REPORT) {
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

fn refuse(refusal: &FpsError, request_id: Uuid) -> Response<Body> {
    // As text values both stay on one line of the log, whatever the client has put into them.
    tracing::info!(code = refusal.code.name(), reason = excerpt(&refusal.message).as_ref(), "refused");
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = xml_response(status, error_document(refusal, request_id));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, POST"));
    }
    response
}

impl Rest {
    async fn respond(
        &self,
        request: Request,
        request_id: Uuid,
        report: &mut Option<String>,
    ) -> Result<String, FpsError> {
        if ![Method::GET, Method::POST].contains(request.method()) {
            return Err(Code::MethodNotAllowed.into());
        }
        let (parts, body) = request.into_parts();
        let target = parts.uri.path_and_query().map_or("", PathAndQuery::as_str);
        let left = self.max_request_bytes.checked_sub(target.len()).ok_or_else(|| self.too_large())?;
        let form = self.read_form(&parts.method, body, left).await?;
        let query = parts.uri.query().unwrap_or_default();
        let raw = joined(query, &form);
        let parameters = Decoded::read(&[query.as_bytes(), &form]);
        let hosts = self.hosts.of(&parts);
        let incoming = Incoming {
            verb: parts.method.as_str(),
            path: parts.uri.path(),
            hosts: &hosts.iter().map(String::as_str).collect::<Vec<_>>(),
            parameters: &parameters,
            raw: &raw,
        };
        // Looked up first, because some actions are for anybody; an unknown one is refused only after authentication,
        // as is everything that is wrong with parameters.
        let action = action(&parameters);
        let caller = if let Ok(Action { run: Run::Anybody(_), .. }) = &action {
            None
        } else {
            let authenticated = self.authenticator.authenticate(&incoming)?;
            *report = authenticated.report;
            Some(authenticated.caller)
        };
        let pairs = self.texts(parameters)?;
        let action = action?;
        let version = version(&pairs)?;
        let params = Params::new(action.name, action.parameters, action.legacy, version, &pairs)?;
        let answer = match (&action.run, caller) {
            (Run::Signed(run), Some(caller)) => run(Call::new(caller, params, &self.store)).await?,
            (Run::Signed(_), None) => return Err(Code::MissingAuthenticationToken.into()),
            (Run::Anybody(run), _) => {
                let (outbound, refusal) = (&*self.outbound, self.verify_signature_refusal);
                run(OpenCall { params, outbound, refusal }).await?
            }
        };
        tracing::debug!(action = action.name, "answered");
        Ok(answer.document(version, request_id))
    }

    fn too_large(&self) -> FpsError {
        let text =
            format!("The request is larger than {} bytes (--max-request-bytes).", self.max_request_bytes);
        FpsError::new(Code::RequestTooLarge, text)
    }

    /// The form of a POST, if it has at most so many bytes.
    async fn read_form(&self, method: &Method, body: Body, most: usize) -> Result<Bytes, FpsError> {
        if method != Method::POST {
            return Ok(Bytes::new());
        }
        let collected = Limited::new(body, most).collect().await;
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
        } else if BodyTimedOut::caused(problem) {
            Code::RequestTimeout.into()
        } else {
            FpsError::new(Code::InvalidRequest, "The body of the request could not be read to its end.")
        }
    }

    /// The parameters of query and form together, as text.
    fn texts(&self, parameters: Decoded) -> Result<Vec<Pair>, FpsError> {
        if parameters.pairs().len() > self.max_parameters {
            let text =
                format!("The request has more than {} parameters (--max-parameters).", self.max_parameters);
            return Err(FpsError::new(Code::InvalidRequest, text));
        }
        parameters.into_text()
    }
}

fn joined(query: &str, form: &[u8]) -> String {
    let form = String::from_utf8_lossy(form);
    let separator = if query.is_empty() || form.is_empty() { "" } else { "&" };
    format!("{query}{separator}{form}")
}

fn action(parameters: &Decoded) -> Result<&'static Action, FpsError> {
    let name = parameters.value("Action").ok_or(Code::MissingAction)?;
    let action = actions::find(&name);
    if let Some(meant) = action.filter(|action| action.name != name) {
        tracing::info!(sent = &*name, meant = meant.name, "took a misspelled action for what is meant");
    }
    action.ok_or_else(|| {
        FpsError::new(Code::InvalidAction, format!("The action {name} is not valid for this web service."))
    })
}

/// Any date from the first version on is served; the answer's namespace follows it.
fn version(pairs: &[Pair]) -> Result<&str, FpsError> {
    let given = pairs.iter().find(|(name, value)| name == "Version" && !value.is_empty());
    let (_, version) = given.ok_or_else(|| missing("Version"))?;
    if instant::date(version).is_some_and(|date| date >= FIRST_VERSION) {
        return Ok(version);
    }
    Err(invalid("Version", version, "Must be 2008-09-17 or a later date, such as 2010-08-28."))
}
