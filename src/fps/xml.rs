//! Answers as XML: one line, no prefix, elements in schema order.

use std::fmt::{Display, Write};

use quick_xml::escape::partial_escape;
use uuid::Uuid;

use crate::error::FpsError;
use crate::ledger::Amount;

/// Every document begins with exactly this (captured).
const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";

/// Builds the inside of an answer, element by element. Names are ours, only texts need escaping.
pub struct Xml(String);

impl Xml {
    /// `<name>text</name>`.
    pub fn text(&mut self, name: &str, text: impl Display) {
        self.nested(name, |xml| {
            let start = xml.0.len();
            // Writing into memory does not fail.
            let _ = write!(xml.0, "{text}");
            let written = xml.0.get(start..).unwrap_or_default();
            if written.contains(['<', '>', '&', '\n', '\r']) {
                let escaped = one_line(written);
                xml.0.truncate(start);
                xml.0.push_str(&escaped);
            }
        });
    }

    /// `<name>text</name>`, or nothing.
    pub fn maybe(&mut self, name: &str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// `<name>…</name>` around what `inside` writes.
    pub fn nested(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.0.extend(["<", name, ">"]);
        inside(self);
        self.0.extend(["</", name, ">"]);
    }

    /// An amount: currency first, six decimals (guide: Complex Data Types).
    pub fn amount(&mut self, name: &str, amount: Amount) {
        self.nested(name, |xml| {
            xml.text("CurrencyCode", "USD");
            xml.text("Value", amount);
        });
    }
}

/// Escapes text and keeps it on one line, because Amazon's PHP library reads errors line by line.
fn one_line(text: &str) -> String {
    let escaped = partial_escape(text);
    if escaped.contains(['\n', '\r']) {
        escaped.replace('\n', "&#10;").replace('\r', "&#13;")
    } else {
        escaped.into_owned()
    }
}

/// Whether XML 1.0 can carry the character.
pub(super) fn fits_xml(c: char) -> bool {
    !matches!(c, '\u{0}'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// What an action answers, before it is wrapped up for a front.
#[derive(Debug)]
pub struct Answer {
    action: &'static str,
    result: String,
}

impl Answer {
    /// `<ActionResult>…</ActionResult>` around what `inside` writes.
    pub fn result(action: &'static str, inside: impl FnOnce(&mut Xml)) -> Self {
        let mut xml = Xml(String::with_capacity(512));
        xml.nested(&format!("{action}Result"), inside);
        Self { action, result: xml.0 }
    }

    /// No result element at all, as CancelToken answers.
    pub fn empty(action: &'static str) -> Self {
        Self { action, result: String::new() }
    }

    /// The success document (captured): the namespace follows the version, the request id ends in `:0`.
    pub fn document(&self, version: &str, request_id: Uuid) -> String {
        let Self { action, result } = self;
        let mut text = String::with_capacity(result.len() + 320);
        let _ = write!(
            text,
            "{DECLARATION}<{action}Response xmlns=\"http://fps.amazonaws.com/doc/{version}/\">{result}\
             <ResponseMetadata><RequestId>{request_id}:0</RequestId></ResponseMetadata></{action}Response>"
        );
        text
    }
}

/// The error document (captured): no namespace, `RequestID` in capitals, no `:0`. Refusals quote what was sent before it
/// is known to be text, so what XML cannot carry is replaced.
pub(super) fn error_document(error: &FpsError, request_id: Uuid) -> String {
    format!(
        "{DECLARATION}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
         <RequestID>{request_id}</RequestID></Response>",
        error.code,
        one_line(&error.message.replace(|c| !fits_xml(c), "\u{fffd}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_stays_on_one_line() {
        let answer = Answer::result("Pay", |xml| xml.text("A", "<a> & \"b\"\r\nc"));
        let document = answer.document("2008-09-17", Uuid::nil());
        assert!(
            document.contains("<PayResult><A>&lt;a&gt; &amp; \"b\"&#13;&#10;c</A></PayResult>"),
            "{document}"
        );
        assert_eq!(document.lines().count(), 2);
    }
}
