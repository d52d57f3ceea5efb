//! HTTP requests and responses as bytes.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::DateTime;
use fps_sandbox::signature::percent_encode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Percent-encodes names and values into a query string or form.
pub fn encode_query(pairs: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        percent_encode(name, &mut query);
        query.push('=');
        percent_encode(value, &mut query);
    }
    query
}

/// A GET request with this query string, as a client on `localhost` sends it.
pub fn get_request(query: &str) -> String {
    format!("GET /?{query} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
}

/// An HTTP response.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text.as_str(), ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// The text of the first element that a path of names leads to, such as `DebtBalance/Value`, as it stands in the
    /// document: entities are not resolved.
    pub fn text(&self, path: &str) -> String {
        let document = self.parse_xml();
        let mut node = document.root();
        for name in path.split('/') {
            node = find_elements(node, name)
                .next()
                .unwrap_or_else(|| panic!("no <{name}> of {path} in {}", self.body));
        }
        let (_start_tag, content) = self.body[node.range()].split_once('>').expect("a start tag");
        content.split('<').next().unwrap_or_default().to_owned()
    }

    /// All elements of this name, each as the body of a response.
    pub fn elements(&self, name: &str) -> Vec<Self> {
        let document = self.parse_xml();
        let bodies = find_elements(document.root(), name).map(|node| self.body[node.range()].to_owned());
        bodies.map(|body| Self { body, ..self.clone() }).collect()
    }

    /// The text at this path in each element of this name.
    pub fn texts(&self, name: &str, path: &str) -> Vec<String> {
        self.elements(name).iter().map(|element| element.text(path)).collect()
    }

    fn parse_xml(&self) -> roxmltree::Document<'_> {
        roxmltree::Document::parse(&self.body).unwrap_or_else(|problem| panic!("{problem}: {}", self.body))
    }

    /// The error code, or the status where the response has none.
    pub fn code(&self) -> String {
        if self.body.contains("<Code>") {
            self.text("Code")
        } else {
            format!("none, but status {}", self.status)
        }
    }

    /// The error message.
    pub fn message(&self) -> String {
        self.text("Message")
    }

    /// The body with request ids, transaction ids and timestamps replaced; see [`redact`].
    pub fn redacted(&self) -> String {
        redact(&self.body)
    }
}

/// Replaces request ids, transaction ids and timestamps by placeholders. A value in another format stays as it is, so
/// that the comparison with a snapshot fails.
pub fn redact(body: &str) -> String {
    let mut redacted = String::new();
    let mut rest = body;
    while let Some((before, after)) = rest.split_once('>') {
        redacted.push_str(before);
        redacted.push('>');
        let text = after.split('<').next().unwrap_or_default();
        redacted.push_str(if is_uuid(text.strip_suffix(":0").unwrap_or(text)) {
            if text.ends_with(":0") { "[uuid]:0" } else { "[uuid]" }
        } else if is_transaction_id(text) {
            "[transaction]"
        } else if text.len() == 24 && DateTime::parse_from_rfc3339(text).is_ok() && text.ends_with('Z') {
            "[instant]"
        } else {
            text
        });
        rest = &after[text.len()..];
    }
    redacted.push_str(rest);
    redacted
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit() && !b.is_ascii_uppercase(),
        })
}

fn is_transaction_id(text: &str) -> bool {
    text.len() == 35 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// The descendants of a node with this name, whatever their namespace, in the order of the document.
fn find_elements<'a, 'input>(
    node: roxmltree::Node<'a, 'input>,
    name: &str,
) -> impl Iterator<Item = roxmltree::Node<'a, 'input>> {
    node.descendants().filter(move |element| element.is_element() && element.tag_name().name() == name)
}

/// Sends bytes over a new connection and reads until the server closes it or the response is complete.
pub async fn send_raw(addr: SocketAddr, request: &[u8]) -> Response {
    let mut socket = TcpStream::connect(addr).await.expect("the server accepts");
    socket.write_all(request).await.expect("the request is sent");
    read_response(&mut socket).await
}

/// Reads one response: the head, then as many bytes as its `Content-Length` announces.
pub async fn read_response(socket: &mut TcpStream) -> Response {
    let reading = async {
        let mut bytes = Vec::new();
        while !is_complete(&bytes) {
            match socket.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        bytes
    };
    let bytes = tokio::time::timeout(Duration::from_secs(30), reading).await.expect("a response within 30 s");
    Response::parse(&bytes)
}

fn is_complete(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    length.is_some_and(|length| body.len() >= length)
}
