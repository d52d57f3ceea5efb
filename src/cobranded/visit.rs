//! A visit, step by step: arriving, signing in, agreeing, and going back to the merchant.

use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};
use url::Url;

use crate::error::{Code, FpsError};
use crate::ledger::{
    AuthorizationPreview, Authorize, CbuiStatus, PaymentMethod, PreviewAuthorization, Timestamp, Visitor,
};
use crate::logging::excerpt;
use crate::outbound::Outbound;
use crate::store::AccessKey;
use crate::worlds::{FoundKey, World};

use super::address::{address_fields, given_address, shown_address};
use super::outcome::{Outcome, Success, expiry};
use super::pages::{self, Choice, Frame, Review, SignIn};
use super::pipelines::{self, Request};
use super::return_url::{redirect, tamper, with_parameters};
use super::seal::Visit;
use super::signature::{self, Origin};
use super::start::{Start, Wishes, is_address, own_result};
use super::{CoBranded, Form, Instead, words};

/// What a start URL says, as far as it leads back to a merchant who is known.
struct Link {
    start: Start,
    return_url: Url,
    wishes: Wishes,
    /// The merchant.
    found: FoundKey,
}

impl Link {
    /// Reads a start URL. What cannot be told to the merchant in a return URL is told on a page.
    async fn read(pages: &CoBranded, query: &str) -> Result<Self, Instead> {
        let start = Start::read(query);
        let return_url = start.return_url().or_else(no_way_back)?;
        let Some(id) = start.caller_key() else { return no_way_back("it has no callerKey") };
        let found = match pages.worlds.find_key(id).await {
            Ok(found) => found,
            Err(refusal) if refusal.code != Code::InvalidClientTokenId => {
                return Err(Box::new(super::refused(&refusal)));
            }
            Err(refusal) if refusal.message != Code::InvalidClientTokenId.facts().message => {
                return no_way_back(refusal.message.trim_end_matches('.'));
            }
            Err(_) => {
                let shown: String = id.chars().take(SHOWN_OF_KEY).collect();
                return no_way_back(&format!("its callerKey {shown} is not known here"));
            }
        };
        let wishes = start.wishes().or_else(|problem| broken_link(&problem))?;
        Ok(Self { start, return_url, wishes, found })
    }

    /// Why the link is not the merchant's, if it is not.
    ///
    /// Anybody can write a start URL that is not signed, and the query of its returnURL becomes part of what the
    /// sandbox signs. So that query must not say what only the sandbox can say (our choice).
    fn check(&self, pages: &CoBranded, parts: &Parts, query: &str) -> Result<Option<String>, Instead> {
        let own_result = own_result(&self.return_url);
        let refused = match signature::check(&self.start, query, &self.found.key, &pages.hosts.of(parts)) {
            Origin::Signed => {
                if let Some(name) = own_result {
                    tracing::warn!(
                        name,
                        "the returnURL has a parameter that is named like what only the sandbox may say"
                    );
                }
                return Ok(None);
            }
            Origin::Unsigned if !pages.insists_on_signatures => None,
            Origin::Unsigned => Some("it is not signed, and --cobranded-auth is strict".to_owned()),
            Origin::Forged(reason) => Some(reason),
        };
        let signs_by_version_1 = self.found.key.cobranded.uses_signature_version_1;
        let unsafe_query = match own_result {
            Some(name) => {
                Some(format!("has a parameter that is named like {name}, which only the sandbox may say"))
            }
            None if signs_by_version_1 && self.return_url.query().is_some_and(|own| !own.is_empty()) => {
                Some("has a query, which signature version 1 does not keep apart from the results".to_owned())
            }
            None => None,
        };
        match unsafe_query {
            Some(problem) => broken_link(&format!(
                "Its returnURL {problem}. That is possible only in a link that the merchant has signed"
            )),
            None => Ok(refused),
        }
    }
}

/// Somebody at the pages of a merchant who is known, in the merchant's world.
pub(super) struct Arrival {
    world: Arc<World>,
    visit: Visit,
    start: Start,
    return_url: Url,
    wishes: Wishes,
    /// The merchant.
    key: Arc<AccessKey>,
    /// Whether the start URL is refused for its signature. Nothing that it says is then signed, except the query of
    /// its returnURL.
    is_disowned: bool,
    /// What is asked for, or what is wrong with it.
    request: Result<Request, Vec<&'static str>>,
    /// The address under which the certificate can be had.
    base: String,
}

impl Arrival {
    /// Somebody with a start URL, whose signature is checked.
    pub(super) async fn new(pages: &CoBranded, parts: &Parts, query: &str) -> Result<Self, Instead> {
        let link = Link::read(pages, query).await?;
        let refused = link.check(pages, parts, query)?;
        let began = pages.worlds.now_in(&link.found).millis();
        let visit = Visit { query: query.to_owned(), began, email: None, paid_by: None };
        let Some(reason) = refused else { return Self::enter(pages, parts, link, visit).await };
        tracing::info!(reason = excerpt(&reason).as_ref(), "a start URL is refused");
        // A world is not made for a link that is refused; whoever is sent back needs none.
        let world = link.found.world().unwrap_or_else(|| pages.worlds.default_world());
        let (world, key) = (Arc::clone(world), Arc::clone(&link.found.key));
        let request = Err(vec!["signature"]);
        let arrival = Self::of(pages, parts, link, (world, key), visit, request);
        Ok(Self { is_disowned: true, ..arrival })
    }

    /// Somebody who goes on with a visit that was checked when it began, and is sealed since; `None`, when that was too long
    /// ago.
    pub(super) async fn going_on(
        pages: &CoBranded,
        parts: &Parts,
        visit: Visit,
    ) -> Result<Option<Self>, Instead> {
        let link = Link::read(pages, &visit.query).await?;
        if visit.has_expired(pages.worlds.now_in(&link.found)) {
            return Ok(None);
        }
        Self::enter(pages, parts, link, visit).await.map(Some)
    }

    /// Enters the merchant's world.
    async fn enter(pages: &CoBranded, parts: &Parts, link: Link, visit: Visit) -> Result<Self, Instead> {
        let entered = pages.worlds.enter(link.found.clone()).await;
        let (world, key) = entered.map_err(|refusal| Box::new(super::refused(&refusal)))?;
        let request = Self::request(&visit, &link.start, &key);
        Ok(Self::of(pages, parts, link, (world, key), visit, request))
    }

    fn of(
        pages: &CoBranded,
        parts: &Parts,
        link: Link,
        (world, key): (Arc<World>, Arc<AccessKey>),
        visit: Visit,
        request: Result<Request, Vec<&'static str>>,
    ) -> Self {
        let Link { start, return_url, wishes, .. } = link;
        let base = pages.certificate_base(parts);
        Self { world, visit, start, return_url, wishes, key, is_disowned: false, request, base }
    }

    fn request(visit: &Visit, start: &Start, key: &AccessKey) -> Result<Request, Vec<&'static str>> {
        let pipeline =
            start.value("pipelineName").and_then(pipelines::find).ok_or_else(|| vec!["pipelineName"])?;
        pipeline.read(start, key.owner, Timestamp::from_millis(visit.began))
    }

    fn signs_by_version_1(&self) -> bool {
        self.key.cobranded.uses_signature_version_1
    }

    /// Sends the visitor back to the merchant.
    async fn go_back(
        &self,
        pages: &CoBranded,
        outcome: &Outcome,
        tampers: bool,
    ) -> Result<Response<Body>, FpsError> {
        let version_1 = self.signs_by_version_1();
        let reference = self.start.value("callerReference").filter(|_| !self.is_disowned);
        let mut pairs = outcome.parameters(version_1, reference);
        if version_1 {
            Outbound::sign_by_version_1(&self.key, &self.return_url, &mut pairs);
        } else {
            let ids = self.world.request_ids();
            pages.outbound.sign("GET", &self.return_url, &self.base, ids, &mut pairs).await?;
        }
        if tampers {
            tamper(&mut pairs);
        }
        tracing::info!(
            pipeline = self.start.value("pipelineName").map(excerpt).as_deref(),
            status = outcome.status().name(),
            reason = self.reason(outcome).map(|reason| excerpt(&reason).into_owned()),
            "a visit to the pages ends"
        );
        Ok(redirect(&with_parameters(&self.return_url, &pairs)))
    }

    /// Why it ended as it did, for the log: what was given for the parameters that are not well-formed.
    fn reason(&self, outcome: &Outcome) -> Option<String> {
        match outcome {
            Outcome::IllFormed(names) => {
                let given = |name: &&str| match self.start.value(name) {
                    Some(value) => format!("{name}={value}"),
                    None => format!("no {name} that can be read"),
                };
                Some(names.iter().map(given).collect::<Vec<_>>().join(", "))
            }
            Outcome::UsedReference(name) => {
                let value = self.start.value(name).unwrap_or_default();
                Some(format!("{name}={value} has made a token already"))
            }
            Outcome::NotPossible(reason) => Some((*reason).to_owned()),
            _ => None,
        }
    }
}

/// Most characters of an unknown callerKey that are shown.
const SHOWN_OF_KEY: usize = 64;

/// The page for a start URL that cannot be gone on with.
fn broken_link<T>(text: &str) -> Result<T, Instead> {
    super::instead(StatusCode::BAD_REQUEST, "This link does not work", &format!("{text}."))
}

fn no_way_back<T>(problem: &str) -> Result<T, Instead> {
    broken_link(&format!("There is no way back to the merchant: {problem}"))
}

/// What a visitor, or a test in the visitor's place, has decided.
struct Decision<'a> {
    visitor: Visitor,
    /// How it ends, if not as it should.
    ending: Option<CbuiStatus>,
    method: Option<PaymentMethod>,
    form: &'a Form,
}

/// What a visitor would see; or the answer that ends the visit here, because what is asked for cannot be.
async fn consider(
    pages: &CoBranded,
    arrival: &Arrival,
    email: Option<String>,
) -> Result<Result<AuthorizationPreview, Response<Body>>, FpsError> {
    let outcome = match &arrival.request {
        Err(names) => Outcome::IllFormed(names.clone()),
        Ok(request) => {
            match arrival
                .world
                .store()
                .query(PreviewAuthorization { proposal: request.proposal.clone(), email })
                .await?
            {
                Ok(considered) => return Ok(Ok(considered)),
                Err(flaw) => flaw.into(),
            }
        }
    };
    arrival.go_back(pages, &outcome, false).await.map(Err)
}

/// Somebody arrives: the first page, or the end at once.
pub(super) async fn begin(pages: &CoBranded, mut arrival: Arrival) -> Result<Response<Body>, FpsError> {
    let considered = match consider(pages, &arrival, None).await? {
        Ok(considered) => considered,
        Err(answer) => return Ok(answer),
    };
    let of_account = arrival.key.cobranded.preset_status.filter(|_| !arrival.wishes.asks);
    let ending = arrival.wishes.ending.or(of_account);
    if ending.is_some() {
        arrival.visit.paid_by = considered.current.map(|method| method.name().to_owned());
        let visitor = arrival.wishes.visitor.clone().map_or(Visitor::First, Visitor::At);
        let decision = Decision { visitor, ending, method: None, form: &Form(Vec::new()) };
        return end(pages, &arrival, decision).await;
    }
    sign_in_page(pages, &arrival, &considered, None).await
}

/// Somebody says who it is.
pub(super) async fn sign_in(
    pages: &CoBranded,
    mut arrival: Arrival,
    form: &Form,
) -> Result<Response<Body>, FpsError> {
    let email = form.value("visitor").or_else(|| form.value("email")).unwrap_or_default();
    let known = Some(email.to_owned()).filter(|email| is_address(email));
    let considered = match consider(pages, &arrival, known.clone()).await? {
        Ok(considered) => considered,
        Err(answer) => return Ok(answer),
    };
    if known.is_none() {
        return sign_in_page(pages, &arrival, &considered, Some(email)).await;
    }
    arrival.visit.email = known;
    arrival.visit.paid_by = considered.current.map(|method| method.name().to_owned());
    review_page(pages, &arrival, &considered).await
}

/// Somebody agrees, or does not.
pub(super) async fn confirm(
    pages: &CoBranded,
    arrival: Arrival,
    form: &Form,
) -> Result<Response<Body>, FpsError> {
    let ending = form.value("ending").map(|name| super::start::ending(name).ok_or(name));
    let method = form.value("method").map(|name| PaymentMethod::named(name).ok_or(name));
    let (ending, method) = match (ending.transpose(), method.transpose()) {
        (Ok(ending), Ok(method)) => (ending, method),
        (Err(name), _) | (_, Err(name)) => {
            let text = format!("There is neither an ending nor a payment method {name}.");
            return Ok(pages::problem(StatusCode::UNPROCESSABLE_ENTITY, super::UNREADABLE, &text));
        }
    };
    let visitor = match (&arrival.visit.email, ending) {
        (Some(email), _) => Visitor::At(email.clone()),
        // Whoever has not signed in can only give up, in one way or another.
        (None, Some(ending)) if !ending.is_success() => Visitor::First,
        (None, _) => return Ok(nobody()),
    };
    end(pages, &arrival, Decision { visitor, ending, method, form }).await
}

fn nobody() -> Response<Body> {
    pages::problem(StatusCode::BAD_REQUEST, "Nobody has signed in", "Go back and sign in first.")
}

/// Ends a visit: makes what is asked for, unless it is to end otherwise, and tells the merchant.
async fn end(
    pages: &CoBranded,
    arrival: &Arrival,
    decision: Decision<'_>,
) -> Result<Response<Body>, FpsError> {
    let Decision { visitor, ending, method, form } = decision;
    let request = match &arrival.request {
        Ok(request) => request,
        Err(names) => return arrival.go_back(pages, &Outcome::IllFormed(names.clone()), false).await,
    };
    if let Some(outcome) = ending.and_then(|ending| Outcome::without_effect(ending, request.pipeline)) {
        return arrival.go_back(pages, &outcome, false).await;
    }
    if !arrival.signs_by_version_1() {
        // What cannot be told must not be made.
        pages.outbound.own_key().await?;
    }
    let paid_by = arrival.visit.paid_by.as_deref().and_then(PaymentMethod::named);
    let method = match ending {
        Some(CbuiStatus::SA) => Some(PaymentMethod::ABT),
        Some(CbuiStatus::SB) => Some(PaymentMethod::ACH),
        Some(CbuiStatus::SC | CbuiStatus::ExpiredCard) => Some(PaymentMethod::CC),
        Some(CbuiStatus::SU) => paid_by.or(method),
        _ => method,
    };
    let proposal = request.proposal.clone();
    let authorised = match arrival.world.store().run(Authorize { proposal, visitor, method, paid_by }).await?
    {
        Ok(authorised) => authorised,
        Err(flaw) => return arrival.go_back(pages, &flaw.into(), false).await,
    };
    let returned = request.pipeline.returns_reference();
    let caller_reference = arrival.start.value("callerReference").filter(|_| returned);
    let outcome = Outcome::Success(Success {
        pipeline: request.pipeline,
        authorised,
        expired: ending == Some(CbuiStatus::ExpiredCard),
        address: if request.asks_address { given_address(form) } else { Vec::new() },
        caller_reference: caller_reference.map(str::to_owned),
        at: arrival.world.clock().now(),
    });
    arrival.go_back(pages, &outcome, ending == Some(CbuiStatus::TamperedSignature)).await
}

async fn sign_in_page(
    pages: &CoBranded,
    arrival: &Arrival,
    considered: &AuthorizationPreview,
    wrong_address: Option<&str>,
) -> Result<Response<Body>, FpsError> {
    let frame = frame(pages, arrival, considered).await?;
    let problem = wrong_address.map(|_| "Enter an e-mail address, such as alice@example.com.");
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = SignIn {
        frame: &frame,
        visitors: &considered.visitors,
        problem,
        email: wrong_address.or(arrival.wishes.visitor.as_deref()).unwrap_or_default(),
        endings: pages::WITHOUT_EFFECT,
    };
    Ok(pages::show(status, &frame, &page))
}

async fn review_page(
    pages: &CoBranded,
    arrival: &Arrival,
    considered: &AuthorizationPreview,
) -> Result<Response<Body>, FpsError> {
    let (Ok(request), Some(email)) = (&arrival.request, &arrival.visit.email) else { return Ok(nobody()) };
    let proposal = &request.proposal;
    let frame = frame(pages, arrival, considered).await?;
    let own_name = || email.split('@').next().unwrap_or_default().to_owned();
    let name = considered.visitor.clone().unwrap_or_else(own_name);
    let chosen = considered.current.or_else(|| considered.methods.first().copied());
    let choice = |method: &PaymentMethod| Choice {
        value: method.name(),
        label: words::method(*method),
        hint: hint(*method, arrival.world.clock().now()),
        is_chosen: Some(*method) == chosen,
    };
    let mut terms = words::terms(proposal, &considered.merchant, considered.current);
    terms.extend(words::parts(&request.parts));
    let methods = considered.methods.iter().filter(|_| !proposal.is_receiving());
    let page = Review {
        frame: &frame,
        agreement: words::agreement(proposal),
        email,
        is_new: considered.visitor.is_none(),
        reason: proposal.reason.as_deref().map(words::reason),
        terms,
        paying: words::paying(proposal),
        methods: methods.map(choice).collect(),
        address: if request.asks_address { Vec::new() } else { shown_address(&arrival.start) },
        fields: if request.asks_address { address_fields(&name) } else { Vec::new() },
        endings: pages::ALL_ENDINGS,
        name,
    };
    Ok(pages::show(StatusCode::OK, &frame, &page))
}

async fn frame(
    pages: &CoBranded,
    arrival: &Arrival,
    considered: &AuthorizationPreview,
) -> Result<Frame, FpsError> {
    let given = |name| arrival.start.value(name);
    let image = given("cobrandingUrl").and_then(|url| Url::parse(url).ok());
    let proposal = arrival.request.as_ref().ok().map(|request| &request.proposal);
    let headline = proposal.map(|proposal| words::headline(proposal, &considered.merchant));
    Ok(Frame {
        headline: headline.unwrap_or_default(),
        merchant: considered.merchant.clone(),
        image: image.filter(|url| url.scheme() == "https" && super::start::has_plain_host(url)),
        is_banner: given("cobrandingStyle").is_some_and(|style| style.eq_ignore_ascii_case("banner")),
        description: given("websiteDescription").map(str::to_owned),
        visit: pages.seal().await?.close(&arrival.visit),
    })
}

/// What the visitor's wallet is made of (our choice).
fn hint(method: PaymentMethod, now: Timestamp) -> String {
    match method {
        PaymentMethod::CC => format!("Visa ending in 1111, expires {}", expiry(now, false)),
        PaymentMethod::ACH => "Checking account ending in 6789".to_owned(),
        PaymentMethod::ABT | PaymentMethod::Debt | PaymentMethod::Prepaid => {
            "Money that was received or paid in".to_owned()
        }
    }
}
