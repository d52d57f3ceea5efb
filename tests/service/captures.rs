//! What ten real client libraries sent, byte for byte, and what each request must answer.
//!
//! `fixtures/captures/INDEX.tsv` has a row for every captured request; `world.toml` beside it names their ids.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::cobranded::Back;
use crate::support::{Reply, Server, config, instant};
use fps_sandbox::config::Config;
use fps_sandbox::ledger::Timestamp;
use percent_encoding::percent_decode_str;

/// A captured request.
struct Capture {
    /// `client/001-Action.http`.
    name: String,
    bytes: Vec<u8>,
}

/// What the index says of a captured request.
#[derive(Clone, Debug)]
enum Expected {
    /// Sent back to the merchant with this status and these parameters.
    SentBack { status: String, texts: Vec<(String, String)> },
    /// A success of the action with these texts in it.
    Success { action: String, texts: Vec<(String, String)> },
    /// A refusal with these texts.
    Refused { status: u16, code: String, texts: Vec<(String, String)> },
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/captures")
}

/// Every captured request, by client, in the order it was sent.
fn captures() -> BTreeMap<String, Vec<Capture>> {
    let mut clients: BTreeMap<String, Vec<Capture>> = BTreeMap::new();
    for client in std::fs::read_dir(folder()).expect("the captures are there") {
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

fn index() -> BTreeMap<String, Expected> {
    let text = std::fs::read_to_string(folder().join("INDEX.tsv")).expect("the index");
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
            "302" => Expected::SentBack { status: answer, texts },
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

    /// Where the raw values of the parameters stand, in query and body.
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

    /// The request with one byte of this value changed; the length and the encoding stay right.
    fn tampered(&self, value: &Range<usize>) -> Option<Vec<u8>> {
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

async fn world(now: Timestamp) -> Server {
    let seed = Some(folder().join("world.toml"));
    Server::start_at(Config { seed, ..config() }, now).await.expect("the captures' world")
}

fn assert_answer(capture: &Capture, reply: &Reply, expected: &Expected) {
    let name = &capture.name;
    let texts = match expected {
        Expected::SentBack { .. } => unreachable!("{name} is no call of the service"),
        Expected::Success { action, texts } => {
            assert_eq!(reply.status, 200, "{name}: {}", reply.body);
            let version = capture.value("Version");
            let root = format!("<{action}Response xmlns=\"http://fps.amazonaws.com/doc/{version}/\">");
            assert!(reply.body.contains(&root), "{name}: no {root} in {}", reply.body);
            texts
        }
        Expected::Refused { status, code, texts } => {
            assert_eq!((reply.status, &reply.code()), (*status, code), "{name}: {}", reply.body);
            texts
        }
    };
    for (path, text) in texts {
        assert_eq!(&reply.text(path), text, "{name}: {path} in {}", reply.body);
    }
}

#[test]
fn every_capture_has_its_row_in_the_index_and_every_row_its_capture() {
    let files: BTreeSet<String> = captures().into_values().flatten().map(|capture| capture.name).collect();
    let rows: BTreeSet<String> = index().into_keys().collect();
    assert_eq!(files, rows);
    assert_eq!(files.len(), 148, "captures come and go on purpose only");
}

/// Each is answered with a page, and at once where the sandbox is asked for that; a change of any value is noticed.
#[tokio::test]
async fn every_captured_visit_to_the_pages_is_signed_right_and_ends_as_the_index_says() {
    let index = index();
    let mut visits = 0;
    for captures in captures().into_values() {
        let server = world(instant("2012-06-01T12:00:00Z")).await;
        for capture in captures.iter().filter(|capture| capture.is_co_branded()) {
            let name = &capture.name;
            let page = server.raw(&capture.bytes).await;
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
            let tampered = server.raw(&capture.tampered(&place).expect("something to change")).await;
            assert!(tampered.head.contains("status=CE"), "{name}: {}", tampered.head);
            let text = capture.text().replacen(" HTTP/1.1", "&sandbox_outcome=SC HTTP/1.1", 1);
            let back = Back::of(&server.raw(text.as_bytes()).await);
            let Expected::SentBack { status, texts } = &index[name] else { panic!("{name} is a visit") };
            assert_eq!(back.value("status"), status, "{name}: {}", back.url);
            for (parameter, value) in texts {
                let given = back.value(parameter);
                assert!(given == value || (value == "…" && given.len() == 64), "{name}: {}", back.url);
            }
            visits += 1;
        }
        server.stop().await;
    }
    assert_eq!(visits, 6);
}

/// The captured calls of the service: what is asserted.
fn api(captures: &[Capture]) -> Vec<&Capture> {
    captures.iter().filter(|capture| !capture.is_co_branded()).collect()
}

/// Sends a client's requests in order, each when it was sent, and compares the answers with the index.
async fn replay(server: &Server, api: &[&Capture], index: &BTreeMap<String, Expected>) {
    for capture in api {
        let ahead = capture.sent_at().millis() - server.clock.now().millis();
        server.advance(Duration::from_millis(ahead.try_into().expect("captures are in order"))).await;
        let reply = server.raw(&capture.bytes).await;
        assert_answer(capture, &reply, &index[&capture.name]);
    }
}

#[tokio::test]
async fn every_captured_request_is_answered_as_the_index_says() {
    let index = index();
    let mut answered = 0;
    for captures in captures().into_values() {
        let api = api(&captures);
        let server = world(api.first().expect("every client calls the service").sent_at()).await;
        replay(&server, &api, &index).await;
        answered += api.len();
        server.stop().await;
    }
    assert_eq!(answered, 142);
}

#[tokio::test]
async fn a_captured_request_with_one_byte_of_a_value_changed_is_refused_and_has_no_effect() {
    let index = index();
    for captures in captures().into_values() {
        let api = api(&captures);
        let server = world(api.first().expect("every client calls the service").sent_at()).await;
        // VerifySignature looks at no signature of its own.
        let signed = api.iter().filter(|capture| !capture.name.ends_with("-VerifySignature.http"));
        for (number, capture) in signed.enumerate() {
            let values = capture.values();
            // All values of the client's first request, then one of each, another one each time: looking for the
            // reason of a wrong signature takes its time.
            let chosen =
                if number == 0 { 0..values.len() } else { number % values.len()..number % values.len() + 1 };
            for (parameter, place) in &values[chosen] {
                assert_refused_when_tampered(&server, capture, parameter, place).await;
            }
        }
        // Nothing was done under their references and to what they name: all is answered as if they had not been.
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
    let Some(bytes) = capture.tampered(place) else { panic!("{context}: nothing to change") };
    let reply = server.raw(&bytes).await;
    // These say how the signature is to be checked, so they are looked at before it.
    let expected = match parameter {
        "AWSAccessKeyId" => (403, "InvalidClientTokenId"),
        "SignatureVersion" | "SignatureMethod" => (400, "InvalidParameterValue"),
        _ => (403, "SignatureDoesNotMatch"),
    };
    assert_eq!((reply.status, reply.code().as_str()), expected, "{context}: {}", reply.body);
}
