//! The rules of parameters, for every parameter of every action in the action table.

use fps_sandbox::error::Code;
use fps_sandbox::service::action::Action;
use fps_sandbox::service::actions::ACTIONS;
use fps_sandbox::service::parameters::{Parameter, ParameterKind};

use super::{TestWorld, escaped, server, success_case};
use crate::support::Server;

/// A change that makes a successful request invalid, and the expected message.
struct InvalidRequest {
    /// Parameters to set; `None` removes one.
    set: Vec<(String, Option<String>)>,
    /// Parameters to repeat.
    again: Vec<(String, String)>,
    message: String,
}

impl InvalidRequest {
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

/// The form of parameter names in messages.
fn lower_camel(name: &str) -> String {
    let lowered = |part: &str| part[..1].to_lowercase() + &part[1..];
    name.split('.').map(lowered).collect::<Vec<_>>().join(".")
}

/// Requests that break each rule of a parameter.
fn invalid_requests(parameter: &Parameter) -> Vec<InvalidRequest> {
    let (name, camel) = (parameter.name, lower_camel(parameter.name));
    let mut invalid_requests = presence_violations(parameter, &camel);
    match parameter.kind {
        ParameterKind::Characters(most) => invalid_requests.push(
            InvalidRequest::new(format!("{camel} can not be longer than {most} characters"))
                .with(name, "é".repeat(most + 1)),
        ),
        ParameterKind::Bytes(most) => invalid_requests.push(
            InvalidRequest::new(format!("{camel} can not be longer than {most} bytes"))
                .with(name, text_of(most + 2)),
        ),
        ParameterKind::Amount => invalid_requests.extend(amount_violations(name, &camel)),
        ParameterKind::Percent => invalid_requests.push(
            InvalidRequest::new(format!(
                "{camel} has to be a percentage, such as 2.5. Specified value: much"
            ))
            .with(name, "much"),
        ),
        ParameterKind::Number(least, most) => {
            let (below, above) = ((least - 1).to_string(), (most + 1).to_string());
            for value in [below.as_str(), above.as_str(), "-1", "1.5", "soon", "99999999999999999999"] {
                let rule = format!("has to be a whole number from {least} to {most}");
                invalid_requests.push(
                    InvalidRequest::new(format!("{camel} {rule}. Specified value: {value}"))
                        .with(name, value),
                );
            }
        }
        ParameterKind::Timestamp => {
            for value in ["soon", "1325376000", "2012-13-01", "2012-01-01T25:00:00Z", "01/02/2012"] {
                let rule = "has to be a date, such as 2012-01-01T00:00:00Z";
                invalid_requests.push(
                    InvalidRequest::new(format!("{camel} {rule}. Specified value: {value}"))
                        .with(name, value),
                );
            }
        }
        ParameterKind::ListOf(names) => {
            let rule = format!("has to be a list of {}", names.join(", "));
            for (name, value) in
                [(name.to_owned(), names[0].to_lowercase()), (format!("{name}.1"), "Nobody".into())]
            {
                invalid_requests.push(
                    InvalidRequest::new(format!("{camel} {rule}. Specified value: {value}"))
                        .with(&name, value),
                );
            }
        }
        ParameterKind::OneOf(names) => {
            let all = names.join(", ");
            for value in ["Nobody".to_owned(), names[0].to_lowercase(), format!("{} ", names[0])] {
                invalid_requests.push(
                    InvalidRequest::new(format!("{camel} has to be one of {all}. Specified value: {value}"))
                        .with(name, value),
                );
            }
        }
    }
    invalid_requests
}

/// A text of this many bytes. A long one is ASCII, so that its encoded request does not exceed the size limit.
fn text_of(bytes: usize) -> String {
    if bytes > 1024 { "x".repeat(bytes) } else { "é".repeat(bytes / 2) }
}

/// Requests in which a required parameter is missing or empty, or a parameter is repeated.
fn presence_violations(parameter: &Parameter, camel: &str) -> Vec<InvalidRequest> {
    let names = parameter.wire_names();
    let mut invalid_requests = Vec::new();
    if parameter.required {
        let empty = || InvalidRequest::new(format!("{camel} can not be empty "));
        invalid_requests.push(names.iter().fold(empty(), |invalid, name| invalid.without(name)));
        invalid_requests.push(names.iter().fold(empty(), |invalid, name| invalid.with(name, "")));
    }
    for name in &names {
        let twice = format!("{} is given more than once", lower_camel(name));
        let mut invalid = InvalidRequest::new(twice).with(name, "1");
        invalid.again.push((name.clone(), "1".to_owned()));
        invalid_requests.push(invalid);
    }
    invalid_requests
}

fn amount_violations(name: &str, camel: &str) -> Vec<InvalidRequest> {
    let (value, currency) = (format!("{name}.Value"), format!("{name}.CurrencyCode"));
    let mut invalid_requests = Vec::new();
    for text in ["ten", "-1", "+1", "1e30", "1,5", "$1", " 1", ".", "0x10", "NaN", "1.2.3"] {
        let rule = "has to be a positive number of dollars, such as 15.50";
        invalid_requests.push(
            InvalidRequest::new(format!("{camel}.value {rule}. Specified value: {text}")).with(&value, text),
        );
    }
    invalid_requests.push(
        InvalidRequest::new(format!(
            "{camel}.value can not have more than two decimals. Specified value: 1.234"
        ))
        .with(&value, "1.234"),
    );
    invalid_requests.push(
        InvalidRequest::new(format!("{camel}.value can not be empty "))
            .with(&currency, "USD")
            .without(&value),
    );
    for code in ["EUR", "usd"] {
        invalid_requests.push(
            InvalidRequest::new(format!("{camel}.currencyCode has to be USD. Specified value: {code}"))
                .with(&value, "1")
                .with(&currency, code),
        );
    }
    invalid_requests
}

/// Creates a world in which the action succeeds. Returns it with the access key and the parameters of the request.
async fn successful_request<'a>(
    server: &'a Server,
    action: &Action,
) -> (TestWorld<'a>, String, Vec<(String, String)>) {
    let case = success_case(action.name);
    let test_world = TestWorld::prepare(server, &case).await;
    let parameters = test_world
        .resolve(&case.parameters)
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()))
        .collect();
    (test_world, case.by.to_owned(), parameters)
}

fn as_strs(parameters: &[(String, String)]) -> Vec<(&str, &str)> {
    parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[tokio::test]
async fn every_breach_of_a_parameters_rules_is_refused_by_its_name() {
    let server = server().await;
    for action in ACTIONS {
        let (test_world, by, success) = successful_request(&server, action).await;
        let client = test_world.client(&by);
        for invalid in action.parameters.iter().flat_map(invalid_requests) {
            let mut parameters = success.clone();
            for (name, value) in &invalid.set {
                parameters.retain(|(known, _)| known != name);
                parameters.extend(value.clone().map(|value| (name.clone(), value)));
            }
            parameters.extend(invalid.again);
            let response =
                client.refused(action.name, &as_strs(&parameters), Code::InvalidParams.name()).await;
            assert_eq!(response.message(), escaped(&invalid.message), "{} {parameters:?}", action.name);
        }
        // None of these requests has used the caller reference.
        client.ok(action.name, &as_strs(&success)).await;
    }
}

#[tokio::test]
async fn text_of_the_longest_length_is_not_too_long() {
    let server = server().await;
    for action in ACTIONS {
        let (test_world, by, success) = successful_request(&server, action).await;
        for parameter in action.parameters {
            let longest = match parameter.kind {
                ParameterKind::Characters(most) => "é".repeat(most),
                ParameterKind::Bytes(most) => text_of(most),
                _ => continue,
            };
            let mut parameters = success.clone();
            parameters.retain(|(name, _)| name != parameter.name);
            parameters.push((parameter.name.to_owned(), longest));
            if parameter.name != "CallerReference" {
                parameters.retain(|(name, _)| name != "CallerReference");
                let takes_reference = action.parameters.iter().any(|known| known.name == "CallerReference");
                parameters.extend(takes_reference.then(|| ("CallerReference".into(), parameter.name.into())));
            }
            let response = test_world.client(&by).call(action.name, &as_strs(&parameters)).await;
            // The value may be unknown, but its length is valid.
            assert!(
                !response.body.contains("longer than"),
                "{} {}: {}",
                action.name,
                parameter.name,
                response.body
            );
            assert!([200, 400].contains(&response.status), "{}", response.body);
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
            // An amount has two parameters; one of them alone is an error.
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
        let (test_world, by, _) = successful_request(&server, action).await;
        let client = test_world.client(&by);
        let misspelt = action.parameters.iter().map(|parameter| parameter.wire_names()[0].to_lowercase());
        for name in misspelt.chain(["Colour".to_owned(), "X.Value".to_owned()]) {
            let parameters = [success.clone(), vec![(name.clone(), "1".to_owned())]].concat();
            let asked = [as_strs(&parameters), vec![("Version", "2010-08-28")]].concat();
            let response = client.refused(action.name, &asked, "InvalidRequest").await;
            let message = format!(
                "The request doesn't conform to the interface specification in the WSDL. Element/Parameter \
                 \"http://fps.amazonaws.com/doc/2010-08-28/:{name}\" in request is either invalid or is found at \
                 unexpected location"
            );
            assert_eq!(response.message(), message);
        }
    }
}

/// The response of the action in a new world when these parameters are added to its successful request, and the
/// parameters of that request. All worlds have the same ids, so equal requests get equal responses.
async fn answer_with(
    server: &Server,
    action: &Action,
    more: &[(&str, &str)],
) -> (String, Vec<(String, String)>) {
    let (test_world, by, success) = successful_request(server, action).await;
    let parameters = [as_strs(&success), more.to_vec()].concat();
    let answer = without_request_id(&test_world.client(&by).ok(action.name, &parameters).await.body);
    (answer, success)
}

/// A response without its request id.
fn without_request_id(body: &str) -> String {
    body.split("<ResponseMetadata>").next().unwrap_or_default().to_owned()
}
