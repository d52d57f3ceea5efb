//! The rules of parameters, tried on every parameter of every action as the action table describes it.

use fps_sandbox::error::Code;
use fps_sandbox::service::action::Action;
use fps_sandbox::service::actions::ACTIONS;
use fps_sandbox::service::parameters::{Parameter, ParameterKind};

use super::{Stage, escaped, server, success_of};
use crate::support::Server;

/// A change to a request that succeeds, and the refusal it must meet.
struct Breach {
    /// Parameters to set; `None` leaves one out.
    set: Vec<(String, Option<String>)>,
    /// Parameters to give a second time.
    again: Vec<(String, String)>,
    message: String,
}

impl Breach {
    fn new(message: impl Into<String>) -> Self {
        Self { set: Vec::new(), again: Vec::new(), message: message.into() }
    }

    fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set.push((name.to_owned(), Some(value.into())));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.set.push((name.to_owned(), None));
        self
    }
}

/// Messages name parameters so.
fn lower_camel(name: &str) -> String {
    let lowered = |part: &str| part[..1].to_lowercase() + &part[1..];
    name.split('.').map(lowered).collect::<Vec<_>>().join(".")
}

/// Every way to break the rules of a parameter.
fn breaches(parameter: &Parameter) -> Vec<Breach> {
    let (name, camel) = (parameter.name, lower_camel(parameter.name));
    let mut breaches = presence(parameter, &camel);
    match parameter.kind {
        ParameterKind::Characters(most) => breaches.push(
            Breach::new(format!("{camel} can not be longer than {most} characters"))
                .with(name, "é".repeat(most + 1)),
        ),
        ParameterKind::Bytes(most) => breaches.push(
            Breach::new(format!("{camel} can not be longer than {most} bytes")).with(name, text_of(most + 2)),
        ),
        ParameterKind::Amount => breaches.extend(amount_breaches(name, &camel)),
        ParameterKind::Percent => breaches.push(
            Breach::new(format!("{camel} has to be a percentage, such as 2.5. Specified value: much"))
                .with(name, "much"),
        ),
        ParameterKind::Number(least, most) => {
            let (below, above) = ((least - 1).to_string(), (most + 1).to_string());
            for value in [below.as_str(), above.as_str(), "-1", "1.5", "soon", "99999999999999999999"] {
                let rule = format!("has to be a whole number from {least} to {most}");
                breaches
                    .push(Breach::new(format!("{camel} {rule}. Specified value: {value}")).with(name, value));
            }
        }
        ParameterKind::Timestamp => {
            for value in ["soon", "1325376000", "2012-13-01", "2012-01-01T25:00:00Z", "01/02/2012"] {
                let rule = "has to be a date, such as 2012-01-01T00:00:00Z";
                breaches
                    .push(Breach::new(format!("{camel} {rule}. Specified value: {value}")).with(name, value));
            }
        }
        ParameterKind::ListOf(names) => {
            let rule = format!("has to be a list of {}", names.join(", "));
            for (name, value) in
                [(name.to_owned(), names[0].to_lowercase()), (format!("{name}.1"), "Nobody".into())]
            {
                breaches.push(
                    Breach::new(format!("{camel} {rule}. Specified value: {value}")).with(&name, value),
                );
            }
        }
        ParameterKind::OneOf(names) => {
            let all = names.join(", ");
            for value in ["Nobody".to_owned(), names[0].to_lowercase(), format!("{} ", names[0])] {
                breaches.push(
                    Breach::new(format!("{camel} has to be one of {all}. Specified value: {value}"))
                        .with(name, value),
                );
            }
        }
    }
    breaches
}

/// A text of so many bytes; a long one is plain, so that the request with it is not too long itself.
fn text_of(bytes: usize) -> String {
    if bytes > 1024 { "x".repeat(bytes) } else { "é".repeat(bytes / 2) }
}

/// Missing, empty, given twice.
fn presence(parameter: &Parameter, camel: &str) -> Vec<Breach> {
    let names = parameter.wire_names();
    let mut breaches = Vec::new();
    if parameter.required {
        let empty = || Breach::new(format!("{camel} can not be empty "));
        breaches.push(names.iter().fold(empty(), |breach, name| breach.without(name)));
        breaches.push(names.iter().fold(empty(), |breach, name| breach.with(name, "")));
    }
    for name in &names {
        let twice = format!("{} is given more than once", lower_camel(name));
        let mut breach = Breach::new(twice).with(name, "1");
        breach.again.push((name.clone(), "1".to_owned()));
        breaches.push(breach);
    }
    breaches
}

fn amount_breaches(name: &str, camel: &str) -> Vec<Breach> {
    let (value, currency) = (format!("{name}.Value"), format!("{name}.CurrencyCode"));
    let mut breaches = Vec::new();
    for text in ["ten", "-1", "+1", "1e30", "1,5", "$1", " 1", ".", "0x10", "NaN", "1.2.3"] {
        let rule = "has to be a positive number of dollars, such as 15.50";
        breaches
            .push(Breach::new(format!("{camel}.value {rule}. Specified value: {text}")).with(&value, text));
    }
    breaches.push(
        Breach::new(format!("{camel}.value can not have more than two decimals. Specified value: 1.234"))
            .with(&value, "1.234"),
    );
    breaches
        .push(Breach::new(format!("{camel}.value can not be empty ")).with(&currency, "USD").without(&value));
    for code in ["EUR", "usd"] {
        breaches.push(
            Breach::new(format!("{camel}.currencyCode has to be USD. Specified value: {code}"))
                .with(&value, "1")
                .with(&currency, code),
        );
    }
    breaches
}

/// A stage on which the action succeeds, and the request with which it does.
async fn ready<'a>(server: &'a Server, action: &Action) -> (Stage<'a>, String, Vec<(String, String)>) {
    let case = success_of(action.name);
    let stage = Stage::before(server, &case).await;
    let asks =
        stage.filled(&case.asks).iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    (stage, case.by.to_owned(), asks)
}

fn borrowed(asks: &[(String, String)]) -> Vec<(&str, &str)> {
    asks.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn every_breach_of_a_parameters_rules_is_refused_by_its_name() {
    let server = server().await;
    for action in ACTIONS {
        let (stage, by, success) = ready(&server, action).await;
        let client = stage.client(&by);
        for breach in action.parameters.iter().flat_map(breaches) {
            let mut asks = success.clone();
            for (name, value) in &breach.set {
                asks.retain(|(known, _)| known != name);
                asks.extend(value.clone().map(|value| (name.clone(), value)));
            }
            asks.extend(breach.again);
            let reply = client.refused(action.name, &borrowed(&asks), Code::InvalidParams.name()).await;
            assert_eq!(reply.message(), escaped(&breach.message), "{} {asks:?}", action.name);
        }
        // None of them used up the reference.
        client.ok(action.name, &borrowed(&success)).await;
    }
}

#[tokio::test]
async fn text_of_the_longest_length_is_not_too_long() {
    let server = server().await;
    for action in ACTIONS {
        let (stage, by, success) = ready(&server, action).await;
        for parameter in action.parameters {
            let longest = match parameter.kind {
                ParameterKind::Characters(most) => "é".repeat(most),
                ParameterKind::Bytes(most) => text_of(most),
                _ => continue,
            };
            let mut asks = success.clone();
            asks.retain(|(name, _)| name != parameter.name);
            asks.push((parameter.name.to_owned(), longest));
            if parameter.name != "CallerReference" {
                asks.retain(|(name, _)| name != "CallerReference");
                let takes_reference = action.parameters.iter().any(|known| known.name == "CallerReference");
                asks.extend(takes_reference.then(|| ("CallerReference".into(), parameter.name.into())));
            }
            let reply = stage.client(&by).call(action.name, &borrowed(&asks)).await;
            // It may name nothing, but its length is no fault.
            assert!(
                !reply.body.contains("longer than"),
                "{} {}: {}",
                action.name,
                parameter.name,
                reply.body
            );
            assert!([200, 400].contains(&reply.status), "{}", reply.body);
        }
    }
}

#[tokio::test]
async fn an_empty_optional_parameter_is_no_parameter() {
    let server = server().await;
    for action in ACTIONS {
        let (plain, success) = answer_with(&server, action, &[]).await;
        for parameter in action.parameters.iter().filter(|parameter| !parameter.required) {
            let names = parameter.wire_names();
            // An amount has two halves; one alone is another matter.
            if success.iter().any(|(given, _)| names.contains(given)) {
                continue;
            }
            for name in names {
                let (answer, _) = answer_with(&server, action, &[(name.as_str(), "")]).await;
                assert_eq!(answer, plain, "{} {name}", action.name);
            }
        }
    }
}

#[tokio::test]
async fn names_of_older_apis_are_ignored_and_unknown_names_refused() {
    let server = server().await;
    for action in ACTIONS {
        let (plain, success) = answer_with(&server, action, &[]).await;
        for legacy in action.legacy {
            let (answer, _) = answer_with(&server, action, &[(legacy, "anything")]).await;
            assert_eq!(answer, plain, "{} {legacy}", action.name);
        }
        let (stage, by, _) = ready(&server, action).await;
        let client = stage.client(&by);
        let misspelt = action.parameters.iter().map(|parameter| parameter.wire_names()[0].to_lowercase());
        for name in misspelt.chain(["Colour".to_owned(), "X.Value".to_owned()]) {
            let asks = [success.clone(), vec![(name.clone(), "1".to_owned())]].concat();
            let asked = [borrowed(&asks), vec![("Version", "2010-08-28")]].concat();
            let reply = client.refused(action.name, &asked, "InvalidRequest").await;
            let message = format!(
                "The request doesn't conform to the interface specification in the WSDL. Element/Parameter \
                 \"http://fps.amazonaws.com/doc/2010-08-28/:{name}\" in request is either invalid or is found at \
                 unexpected location"
            );
            assert_eq!(reply.message(), message);
        }
    }
}

/// What the action's success answers with these parameters besides, on a stage of its own, and its own parameters.
/// Stages are alike to the last id, so answers to the same question are too.
async fn answer_with(
    server: &Server,
    action: &Action,
    more: &[(&str, &str)],
) -> (String, Vec<(String, String)>) {
    let (stage, by, success) = ready(server, action).await;
    let asks = [borrowed(&success), more.to_vec()].concat();
    let answer = without_request_id(&stage.client(&by).ok(action.name, &asks).await.body);
    (answer, success)
}

/// An answer without what differs from one request to the next.
fn without_request_id(body: &str) -> String {
    body.split("<ResponseMetadata>").next().unwrap_or_default().to_owned()
}
