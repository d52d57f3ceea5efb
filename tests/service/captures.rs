//! Requests of ten real client libraries, byte for byte, with the expected responses.
//!
//! `fixtures/captures/INDEX.tsv` has a row for every captured request; `world.toml` in the same folder is the seed with the
//! ids that the requests contain.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::cobranded::ReturnUrl;
use crate::support::{Response, Server, config, instant};
use fps_sandbox::config::Config;
use fps_sandbox::ledger::Timestamp;
use percent_encoding::percent_decode_str;

/// A captured request.
struct Capture {
    /// `client/001-Action.http`.
    name: String,
    bytes: Vec<u8>,
}

/// The expected response to a captured request, from the index.
#[derive(Clone, Debug)]
enum Expected {
    /// A redirect to the merchant with this status and these parameters.
    Redirect { status: String, texts: Vec<(String, String)> },
    /// A success of the action with these texts at these paths.
    Success { action: String, texts: Vec<(String, String)> },
    /// An error with these texts at these paths.
    Refused { status: u16, code: String, texts: Vec<(String, String)> },
}

fn captures_directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures")
}

/// All captured requests by client, in the order in which they were sent.
fn read_captures() -> BTreeMap<String, Vec<Capture>> {
    let mut clients: BTreeMap<String, Vec<Capture>> = BTreeMap::new();
    for client in std::fs::read_dir(captures_directory()).expect("the captures are there") {
        let client = client.expect("an entry").path();
        if !client.is_dir() {
            continue;
        }
        let client_name = file_name(&client);
        let mut files: Vec<_> =
            std::fs::read_dir(&client).expect("a client").map(|file| file.expect("a file").path()).collect();
        files.sort();
        let captures = files.iter().map(|file| Capture {
            name: format!("{client_name}/{}", file_name(file)),
            bytes: std::fs::read(file).expect("a capture"),
        });
        clients.insert(client_name.clone(), captures.collect());
    }
    clients
}

fn file_name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

fn read_index() -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(captures_directory().join("INDEX.tsv")).expect("the index");
    let mut index = BTreeMap::new();
    for row in text.lines().filter(|row| !row.starts_with('#')) {
        let mut columns = row.split('\t');
        let mut column = || columns.next().unwrap_or_else(|| panic!("a column is missing: {row}")).to_owned();
        let (file, status, answer) = (column(), column(), column());
        let texts: Vec<_> = columns
            .map(|text| text.split_once('=').unwrap_or_else(|| panic!("no path=text: {row}")))
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect();
        let expected = match status.as_str() {
            "302" => Expected::Redirect { status: answer, texts },
            "200" => Expected::Success { action: answer, texts },
            status => Expected::Refused { status: status.parse().expect("a status"), code: answer, texts },
        };
        assert!(index.insert(file.clone(), expected).is_none(), "two rows for {file}");
    }
    index
}

impl Capture {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("captures are text")
    }

    fn target(&self) -> &str {
        self.text().split(' ').nth(1).expect("a request target")
    }

    fn is_co_branded(&self) -> bool {
        self.target().starts_with("/cobranded-ui/")
    }

    /// The names of the parameters in query and body, with the byte ranges of their encoded values.
    fn values(&self) -> Vec<(String, Range<usize>)> {
        let text = self.text();
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        let target_at = text.find(' ').expect("a request line") + 1;
        let query = self.target().find('?').map(|mark| target_at + mark + 1..target_at + self.target().len());
        let body = head.len() + 4..text.len();
        let mut values = Vec::new();
        for part in query.into_iter().chain([body]) {
            let mut at = part.start;
            for pair in text[part].split('&') {
                if let Some((name, value)) = pair.split_once('=') {
                    let start = at + name.len() + 1;
                    values.push((name.to_owned(), start..start + value.len()));
                }
                at += pair.len() + 1;
            }
        }
        values
    }

    fn value(&self, name: &str) -> String {
        let values = self.values();
        let (_, place) = values.iter().find(|(known, _)| known == name).expect("the parameter is there");
        let raw = self.text()[place.clone()].replace('+', " ");
        percent_decode_str(&raw).decode_utf8().expect("captures are UTF-8").into_owned()
    }

    fn sent_at(&self) -> Timestamp {
        instant(&self.value("Timestamp"))
    }

    /// The request with one byte of this value changed, such that length and encoding remain valid.
    fn with_changed_byte(&self, value: &Range<usize>) -> Option<Vec<u8>> {
        let inside_escape = |at: usize| {
            let near = &self.bytes[at.saturating_sub(2).max(value.start)..at];
            near.contains(&b'%')
        };
        let at = value.clone().find(|at| self.bytes[*at].is_ascii_alphanumeric() && !inside_escape(*at))?;
        let mut bytes = self.bytes.clone();
        bytes[at] = match bytes[at] {
            b'9' => b'8',
            b'Z' => b'Y',
            b'z' => b'y',
            other => other + 1,
        };
        Some(bytes)
    }
}

async fn start_capture_world(now: Timestamp) -> Server {
    let seed = Some(captures_directory().join("world.toml"));
    Server::start_at(Config { seed, ..config() }, now).await.expect("the captures' world")
}

fn assert_answer(capture: &Capture, response: &Response, expected: &Expected) {
    let name = &capture.name;
    let texts = match expected {
        Expected::Redirect { .. } => unreachable!("{name} is no call of the service"),
        Expected::Success { action, texts } => {
            assert_eq!(response.status, 200, "{name}: {}", response.body);
            let version = capture.value("Version");
            let root = format!("<{action}Response xmlns=\"http://fps.amazonaws.com/doc/{version}/\">");
            assert!(response.body.contains(&root), "{name}: no {root} in {}", response.body);
            texts
        }
        Expected::Refused { status, code, texts } => {
            assert_eq!((response.status, &response.code()), (*status, code), "{name}: {}", response.body);
            texts
        }
    };
    for (path, text) in texts {
        assert_eq!(&response.text(path), text, "{name}: {path} in {}", response.body);
    }
}

#[test]
fn captures_and_rows_of_the_index_correspond() {
    let files: BTreeSet<String> =
        read_captures().into_values().flatten().map(|capture| capture.name).collect();
    let rows: BTreeSet<String> = read_index().into_keys().collect();
    assert_eq!(files, rows);
    assert_eq!(files.len(), 148, "update this number with the captures");
}

/// Each captured start URL opens a page, or redirects at once with `sandbox_outcome`. A changed value is an error.
#[tokio::test]
async fn every_captured_start_url_has_a_valid_signature_and_the_result_in_the_index() {
    let index = read_index();
    let mut visits = 0;
    for captures in read_captures().into_values() {
        let server = start_capture_world(instant("2012-06-01T12:00:00Z")).await;
        for capture in captures.iter().filter(|capture| capture.is_co_branded()) {
            let name = &capture.name;
            let page = server.send_raw(&capture.bytes).await;
            assert_eq!(page.status, 200, "{name}: {}", page.head);
            let (_, place) =
                capture.values().into_iter().find(|(name, _)| name == "callerReference").unwrap_or_else(
                    || {
                        capture
                            .values()
                            .into_iter()
                            .find(|(name, _)| name == "callerReferenceSender")
                            .expect("a reference")
                    },
                );
            let tampered =
                server.send_raw(&capture.with_changed_byte(&place).expect("something to change")).await;
            assert!(tampered.head.contains("status=CE"), "{name}: {}", tampered.head);
            let text = capture.text().replacen(" HTTP/1.1", "&sandbox_outcome=SC HTTP/1.1", 1);
            let return_url = ReturnUrl::from_redirect(&server.send_raw(text.as_bytes()).await);
            let Expected::Redirect { status, texts } = &index[name] else { panic!("{name} is a visit") };
            assert_eq!(return_url.value("status"), status, "{name}: {}", return_url.url);
            for (parameter, value) in texts {
                let given = return_url.value(parameter);
                assert!(given == value || (value == "…" && given.len() == 64), "{name}: {}", return_url.url);
            }
            visits += 1;
        }
        server.stop().await;
    }
    assert_eq!(visits, 6);
}

/// The captured requests to the web service, without those to the pages.
fn service_requests(captures: &[Capture]) -> Vec<&Capture> {
    captures.iter().filter(|capture| !capture.is_co_branded()).collect()
}

/// Sends the requests of a client in order, each at its timestamp, and compares the responses with the index.
async fn replay(server: &Server, api: &[&Capture], index: &BTreeMap<String, Expected>) {
    for capture in api {
        let ahead = capture.sent_at().millis() - server.clock.now().millis();
        server.advance(Duration::from_millis(ahead.try_into().expect("captures are in order"))).await;
        let response = server.send_raw(&capture.bytes).await;
        assert_answer(capture, &response, &index[&capture.name]);
    }
}

#[tokio::test]
async fn every_captured_request_gets_the_response_in_the_index() {
    let index = read_index();
    let mut answered = 0;
    for captures in read_captures().into_values() {
        let api = service_requests(&captures);
        let server =
            start_capture_world(api.first().expect("every client calls the service").sent_at()).await;
        replay(&server, &api, &index).await;
        answered += api.len();
        server.stop().await;
    }
    assert_eq!(answered, 142);
}

#[tokio::test]
async fn a_captured_request_with_one_byte_of_a_value_changed_is_refused_and_has_no_effect() {
    let index = read_index();
    for captures in read_captures().into_values() {
        let api = service_requests(&captures);
        let server =
            start_capture_world(api.first().expect("every client calls the service").sent_at()).await;
        // VerifySignature does not check the signature of the request.
        let signed = api.iter().filter(|capture| !capture.name.ends_with("-VerifySignature.http"));
        for (number, capture) in signed.enumerate() {
            let values = capture.values();
            // All values of the first request are changed, and a different one in each later request: explaining a wrong
            // signature is slow.
            let chosen =
                if number == 0 { 0..values.len() } else { number % values.len()..number % values.len() + 1 };
            for (parameter, place) in &values[chosen] {
                assert_refused_when_tampered(&server, capture, parameter, place).await;
            }
        }
        // The changed requests had no effect, so the original ones get their expected responses.
        replay(&server, &api, &index).await;
        server.stop().await;
    }
}

async fn assert_refused_when_tampered(
    server: &Server,
    capture: &Capture,
    parameter: &str,
    place: &Range<usize>,
) {
    let context = format!("{} with another {parameter}", capture.name);
    let Some(bytes) = capture.with_changed_byte(place) else { panic!("{context}: nothing to change") };
    let response = server.send_raw(&bytes).await;
    // These parameters select how the signature is checked, so they are validated first.
    let expected = match parameter {
        "AWSAccessKeyId" => (403, "InvalidClientTokenId"),
        "SignatureVersion" | "SignatureMethod" => (400, "InvalidParameterValue"),
        _ => (403, "SignatureDoesNotMatch"),
    };
    assert_eq!((response.status, response.code().as_str()), expected, "{context}: {}", response.body);
}
