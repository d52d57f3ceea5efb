//! Every action of the table: its successes, its authentication, each of its errors, the rules of its parameters,
//! and the generated documents. An action that lacks any of these cases fails [`no_action_lacks_a_case`].

mod authentication;
mod cases;
mod documents;
mod parameters;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Client, NOW, Reply, Server, instant};
use crate::verify_signature::trusting;
use cases::{Case, Expected, Step, cases};
use fps_sandbox::clock::ClockState;
use fps_sandbox::config::Config;
use fps_sandbox::error::{Code, FpsError};
use fps_sandbox::fps::documentation::ERRORS_OF_EVERY_REQUEST;
use fps_sandbox::fps::status;
use fps_sandbox::ledger::{
    AccountNumber, Amount, Book, Command, Context, DepositFunds, Descriptions, ReadSet, TransactionId,
};
use fps_sandbox::service::actions::ACTIONS;
use fps_sandbox::worlds::{World, WorldName, WorldOptions};

/// A sandbox whose worlds are all as `fixtures/actions.toml` says.
pub(crate) async fn server() -> Server {
    let seed = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/actions.toml"));
    Server::start_with(Config { seed, ..trusting() }).await
}

/// A world of `fixtures/actions.toml`, and the transactions made in it so far.
pub(crate) struct Stage<'a> {
    server: &'a Server,
    pub(crate) world: Arc<World>,
    made: Vec<String>,
}

impl<'a> Stage<'a> {
    /// A new world in which the steps before the case have happened; it is now [`NOW`], however long they took.
    pub(crate) async fn before(server: &'a Server, case: &Case) -> Self {
        static STAGES: AtomicUsize = AtomicUsize::new(0);
        let seconds = |step: &Step| if let Step::Seconds(seconds) = step { *seconds } else { 0 };
        let took = i64::try_from(case.before.iter().map(seconds).sum::<u64>()).expect("a short story");
        let begin = instant(NOW).plus_millis(-took * 1000);
        let name = WorldName::parse(&format!("stage-{}", STAGES.fetch_add(1, Ordering::Relaxed)));
        let options = WorldOptions { is_persistent: false, clock: Some(ClockState::Frozen(begin)) };
        let world = server.worlds.get_or_create(&name.expect("a name"), options).await.expect("a world");
        let mut stage = Self { server, world, made: Vec::new() };
        for step in &case.before {
            stage.happens(step).await;
        }
        stage
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        let secret = match key {
            "ALICE" => "secret of alice".to_owned(),
            other => format!("secret of the {}", other.to_lowercase()),
        };
        let key = format!("{key}.{}", self.world.name());
        Client { clock: self.world.clock().clone(), ..self.server.client(&key, &secret) }
    }

    /// Parameters with `@0` and the like replaced by the transactions made.
    pub(crate) fn filled<'b>(&'b self, asks: &'b [(&'static str, String)]) -> Vec<(&'b str, &'b str)> {
        asks.iter().map(|(name, value)| (*name, self.known(value))).collect()
    }

    fn known<'b>(&'b self, value: &'b str) -> &'b str {
        let made = value.strip_prefix('@').map(|number| number.parse::<usize>().expect("a number"));
        made.map_or(value, |number| self.made[number].as_str())
    }

    async fn happens(&mut self, step: &Step) {
        match step {
            Step::Call { by, action, asks } => {
                let reply = self.client(by).ok(action, &self.filled(asks)).await;
                let makes_one = reply.body.contains("<TransactionId>");
                self.made.push(if makes_one { reply.text("TransactionId") } else { String::new() });
            }
            Step::Refused { action, asks } => {
                let reply = self.client("MERCHANT").call(action, &self.filled(asks)).await;
                assert_eq!(reply.status, 400, "{action} {asks:?}: {}", reply.body);
            }
            Step::Deposit { by } => {
                let owner = self.world.keys().get(by).expect("the key is seeded").owner;
                let made = self.world.store().run(Deposit(owner)).await.expect("a deposit is made");
                self.made.push(made.to_string());
            }
            Step::Seconds(seconds) => {
                let later = self.world.clock().state().advanced(Duration::from_secs(*seconds));
                self.world.store().set_clock(later).await.expect("the clock moves");
            }
        }
    }

    pub(crate) async fn asked(&self, case: &Case) -> Reply {
        self.client(case.by).call(case.action, &self.filled(&case.asks)).await
    }

    /// What is wrong with the answer, if anything.
    fn problem(&self, case: &Case, reply: &Reply) -> Option<String> {
        let found = match &case.expects {
            Expected::Success(texts) => {
                if reply.status == 200 {
                    texts.iter().find_map(|(path, text)| {
                        let (found, expected) = (reply.text(path), self.known(text));
                        (found != expected)
                            .then(|| format!("{path} is {found}, not {expected}: {}", reply.body))
                    })
                } else {
                    Some(format!("expected success: {}", reply.body))
                }
            }
            Expected::Refusal { code, message } => {
                let facts = code.definition();
                let expected = (
                    status(*code).as_u16(),
                    facts.name,
                    escaped(message.as_deref().unwrap_or(facts.message)),
                );
                let (found, said) = (reply.code(), said(reply));
                ((reply.status, found.as_str(), said) != expected)
                    .then(|| format!("expected {expected:?}: {}", reply.body))
            }
        };
        found.map(|problem| format!("{}, {}: {problem}", case.action, case.name))
    }
}

fn said(reply: &Reply) -> String {
    if reply.body.contains("<Message>") { reply.message() } else { String::new() }
}

/// Text as it stands in the documents.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "&#10;")
}

/// The case that shows how an action succeeds.
pub(crate) fn success_of(action: &str) -> Case {
    let mut successes = cases().into_iter().filter(|case| {
        case.action == action && case.by == "MERCHANT" && matches!(case.expects, Expected::Success(_))
    });
    successes.next().unwrap_or_else(|| panic!("{action} has no success case"))
}

/// A deposit, as a seed makes one, that tells the id it got.
#[derive(Debug)]
struct Deposit(AccountNumber);

impl Deposit {
    fn funds(&self) -> DepositFunds {
        let descriptions =
            Descriptions { caller_reference: "a deposit".to_owned(), ..Descriptions::default() };
        DepositFunds { account: self.0, amount: Amount::from_micros(50_000_000), descriptions }
    }
}

impl Command for Deposit {
    type Output = TransactionId;

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        self.funds().read_set(reads);
    }

    fn decide(&self, book: &mut Book, context: &mut Context<'_>) -> Result<TransactionId, FpsError> {
        let number = self.funds().decide(book, context)?;
        Ok(book.transaction_row(number).expect("it was just made").id.clone())
    }
}

#[tokio::test]
async fn every_case_is_answered_as_it_says() {
    let mut problems = Vec::new();
    let server = server().await;
    for case in cases() {
        let stage = Stage::before(&server, &case).await;
        let reply = stage.asked(&case).await;
        problems.extend(stage.problem(&case, &reply));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn answers_look_as_the_snapshots_show() {
    let mut answers: BTreeMap<&str, String> = BTreeMap::new();
    let mut refusals = String::new();
    let server = server().await;
    for case in cases() {
        let stage = Stage::before(&server, &case).await;
        let reply = stage.asked(&case).await;
        let answer = format!("{}: {}\n{} {}\n\n", case.action, case.name, reply.status, reply.redacted());
        match case.expects {
            Expected::Success(_) => answers.entry(case.action).or_default().push_str(&answer),
            Expected::Refusal { .. } => refusals.push_str(&answer),
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for (action, answers) in answers {
            insta::assert_snapshot!(action, answers);
        }
        insta::assert_snapshot!("refusals", refusals);
    });
}

/// What the cases do not show of the actions, and what they show of no action.
fn lacking(cases: &[Case]) -> Vec<String> {
    let mut lacking = Vec::new();
    for action in ACTIONS {
        let own: Vec<_> = cases.iter().filter(|case| case.action == action.name).collect();
        // Authentication is tried on the same success.
        let succeeds = |case: &&&Case| case.by == "MERCHANT" && matches!(case.expects, Expected::Success(_));
        if own.iter().find(succeeds).is_none() {
            lacking.push(format!("{}: no success", action.name));
        }
        for code in action.errors {
            let shows = |case: &&&Case| matches!(case.expects, Expected::Refusal { code: shown, .. } if shown == *code);
            if own.iter().find(shows).is_none() {
                lacking.push(format!("{}: no {code}", action.name));
            }
        }
    }
    for case in cases {
        let Some(action) = ACTIONS.iter().find(|action| action.name == case.action) else {
            lacking.push(format!("{}: no such action in the table", case.action));
            continue;
        };
        if let Expected::Refusal { code, .. } = case.expects
            && !action.errors.contains(&code)
            && !ERRORS_OF_EVERY_REQUEST.contains(&code)
        {
            lacking.push(format!("{}: {code} is not in its list of errors", case.action));
        }
    }
    lacking
}

#[test]
fn no_action_lacks_a_case() {
    let lacking = lacking(&cases());
    assert!(lacking.is_empty(), "write cases in tests/service/actions/cases.rs:\n{}", lacking.join("\n"));
}

#[test]
fn a_missing_case_is_noticed() {
    let all = cases();
    let without = |gone: &dyn Fn(&Case) -> bool| {
        let kept: Vec<_> = all.iter().filter(|case| !gone(case)).cloned().collect();
        lacking(&kept)
    };
    for action in ACTIONS {
        let is_success =
            |case: &Case| case.action == action.name && matches!(case.expects, Expected::Success(_));
        assert_eq!(without(&is_success), [format!("{}: no success", action.name)]);
        for code in action.errors {
            let is_error = |case: &Case| {
                let shows = matches!(case.expects, Expected::Refusal { code: shown, .. } if shown == *code);
                case.action == action.name && shows
            };
            assert_eq!(without(&is_error), [format!("{}: no {code}", action.name)]);
        }
    }
    let mut stranger = all[0].clone();
    stranger.expects = Expected::Refusal { code: Code::PrepaidFundingLimitExceeded, message: None };
    assert_eq!(
        lacking(&[all, vec![stranger]].concat()),
        ["Pay: PrepaidFundingLimitExceeded is not in its list of errors"]
    );
}

#[test]
fn cases_have_names_of_their_own() {
    let mut names: Vec<_> = cases().into_iter().map(|case| (case.action, case.name)).collect();
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all);
}
