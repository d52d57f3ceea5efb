//! Every action: successes, authentication, each error, the rules of parameters, and the generated documents. An action
//! without a case for one of its errors fails [`no_action_lacks_a_case`].

mod authentication;
mod cases;
mod documents;
mod parameters;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{Client, NOW, Response, Server, instant};
use crate::verify_signature::config_with_trusted_keys;
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

/// Starts a sandbox whose worlds have the seed `fixtures/actions.toml`.
pub(crate) async fn server() -> Server {
    let seed = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/actions.toml"));
    Server::start_with(Config { seed, ..config_with_trusted_keys() }).await
}

/// A world with the seed `fixtures/actions.toml`, and the transactions that the steps of a case have created in it.
pub(crate) struct TestWorld<'a> {
    server: &'a Server,
    pub(crate) world: Arc<World>,
    made: Vec<String>,
}

impl<'a> TestWorld<'a> {
    /// Creates a world and runs the steps before the case. Afterwards the clock shows [`NOW`], however long they took.
    pub(crate) async fn prepare(server: &'a Server, case: &Case) -> Self {
        static WORLDS: AtomicUsize = AtomicUsize::new(0);
        let seconds = |step: &Step| if let Step::Seconds(seconds) = step { *seconds } else { 0 };
        let took = i64::try_from(case.before.iter().map(seconds).sum::<u64>()).expect("few steps");
        let begin = instant(NOW).plus_millis(-took * 1000);
        let name = WorldName::parse(&format!("test-{}", WORLDS.fetch_add(1, Ordering::Relaxed)));
        let options = WorldOptions { is_persistent: false, clock: Some(ClockState::Frozen(begin)) };
        let world = server.worlds.get_or_create(&name.expect("a name"), options).await.expect("a world");
        let mut test_world = Self { server, world, made: Vec::new() };
        for step in &case.before {
            test_world.run_step(step).await;
        }
        test_world
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        let secret = match key {
            "ALICE" => "secret of alice".to_owned(),
            other => format!("secret of the {}", other.to_lowercase()),
        };
        let key = format!("{key}.{}", self.world.name());
        Client { clock: self.world.clock().clone(), ..self.server.client(&key, &secret) }
    }

    /// The parameters with `@0` and the like replaced by the ids of transactions.
    pub(crate) fn resolve<'b>(&'b self, parameters: &'b [(&'static str, String)]) -> Vec<(&'b str, &'b str)> {
        parameters.iter().map(|(name, value)| (*name, self.resolve_id(value))).collect()
    }

    fn resolve_id<'b>(&'b self, value: &'b str) -> &'b str {
        let made = value.strip_prefix('@').map(|number| number.parse::<usize>().expect("a number"));
        made.map_or(value, |number| self.made[number].as_str())
    }

    async fn run_step(&mut self, step: &Step) {
        match step {
            Step::Call { by, action, parameters } => {
                let response = self.client(by).ok(action, &self.resolve(parameters)).await;
                let makes_one = response.body.contains("<TransactionId>");
                self.made.push(if makes_one { response.text("TransactionId") } else { String::new() });
            }
            Step::Refused { action, parameters } => {
                let response = self.client("MERCHANT").call(action, &self.resolve(parameters)).await;
                assert_eq!(response.status, 400, "{action} {parameters:?}: {}", response.body);
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

    pub(crate) async fn send_request(&self, case: &Case) -> Response {
        self.client(case.by).call(case.action, &self.resolve(&case.parameters)).await
    }

    /// The difference between a response and what the case expects, if any.
    fn problem(&self, case: &Case, response: &Response) -> Option<String> {
        let found = match &case.expects {
            Expected::Success(texts) => {
                if response.status == 200 {
                    texts.iter().find_map(|(path, text)| {
                        let (found, expected) = (response.text(path), self.resolve_id(text));
                        (found != expected)
                            .then(|| format!("{path} is {found}, not {expected}: {}", response.body))
                    })
                } else {
                    Some(format!("expected success: {}", response.body))
                }
            }
            Expected::Refusal { code, message } => {
                let definition = code.definition();
                let expected = (
                    status(*code).as_u16(),
                    code.name(),
                    escaped(message.as_deref().unwrap_or(definition.message)),
                );
                let (found, message) = (response.code(), message_of(response));
                ((response.status, found.as_str(), message) != expected)
                    .then(|| format!("expected {expected:?}: {}", response.body))
            }
        };
        found.map(|problem| format!("{}, {}: {problem}", case.action, case.name))
    }
}

fn message_of(response: &Response) -> String {
    if response.body.contains("<Message>") { response.message() } else { String::new() }
}

/// A text with the escapes of FPS documents.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "&#10;")
}

/// The case of an action that succeeds.
pub(crate) fn success_case(action: &str) -> Case {
    let mut successes = cases().into_iter().filter(|case| {
        case.action == action && case.by == "MERCHANT" && matches!(case.expects, Expected::Success(_))
    });
    successes.next().unwrap_or_else(|| panic!("{action} has no success case"))
}

/// A deposit as a seed makes one, which returns the id of its transaction.
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
        Ok(book.transaction_by_number(number).expect("it was just made").id.clone())
    }
}

#[tokio::test]
async fn every_case_is_answered_as_it_says() {
    let mut problems = Vec::new();
    let server = server().await;
    for case in cases() {
        let test_world = TestWorld::prepare(&server, &case).await;
        let response = test_world.send_request(&case).await;
        problems.extend(test_world.problem(&case, &response));
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[tokio::test]
async fn answers_look_as_the_snapshots_show() {
    let mut answers: BTreeMap<&str, String> = BTreeMap::new();
    let mut refusals = String::new();
    let server = server().await;
    for case in cases() {
        let test_world = TestWorld::prepare(&server, &case).await;
        let response = test_world.send_request(&case).await;
        let answer =
            format!("{}: {}\n{} {}\n\n", case.action, case.name, response.status, response.redacted());
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

/// The successes and errors of the action table that have no case, and the cases that no action has.
fn missing_cases(cases: &[Case]) -> Vec<String> {
    let mut missing_cases = Vec::new();
    for action in ACTIONS {
        let own: Vec<_> = cases.iter().filter(|case| case.action == action.name).collect();
        // The tests of authentication use the same case.
        let succeeds = |case: &&&Case| case.by == "MERCHANT" && matches!(case.expects, Expected::Success(_));
        if own.iter().find(succeeds).is_none() {
            missing_cases.push(format!("{}: no success", action.name));
        }
        for code in action.errors {
            let shows = |case: &&&Case| matches!(case.expects, Expected::Refusal { code: shown, .. } if shown == *code);
            if own.iter().find(shows).is_none() {
                missing_cases.push(format!("{}: no {code}", action.name));
            }
        }
    }
    for case in cases {
        let Some(action) = ACTIONS.iter().find(|action| action.name == case.action) else {
            missing_cases.push(format!("{}: no such action in the table", case.action));
            continue;
        };
        if let Expected::Refusal { code, .. } = case.expects
            && !action.errors.contains(&code)
            && !ERRORS_OF_EVERY_REQUEST.contains(&code)
        {
            missing_cases.push(format!("{}: {code} is not in its list of errors", case.action));
        }
    }
    missing_cases
}

#[test]
fn no_action_lacks_a_case() {
    let missing_cases = missing_cases(&cases());
    assert!(
        missing_cases.is_empty(),
        "write cases in tests/service/actions/cases.rs:\n{}",
        missing_cases.join("\n")
    );
}

#[test]
fn a_missing_case_is_noticed() {
    let all = cases();
    let without = |gone: &dyn Fn(&Case) -> bool| {
        let kept: Vec<_> = all.iter().filter(|case| !gone(case)).cloned().collect();
        missing_cases(&kept)
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
        missing_cases(&[all, vec![stranger]].concat()),
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
