//! Answers as XML: one line, no prefix, elements in schema order.

use std::borrow::Cow;
use std::fmt::Write;

use quick_xml::escape::partial_escape;
use uuid::Uuid;

use crate::error::FpsError;
use crate::query::is_xml_char;
use crate::service::{Answer, Element};

/// Every document begins with exactly this (captured).
const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";

/// The success document (captured): the namespace follows the version, the request id ends in `:0`. Names are ours, only
/// texts need escaping.
pub(super) fn document(action: &str, version: &str, answer: &Answer, request_id: Uuid) -> String {
    let mut xml = String::with_capacity(1024);
    xml.extend([DECLARATION, "<", action, "Response xmlns=\"http://fps.amazonaws.com/doc/", version, "/\">"]);
    if let Some(elements) = answer.elements() {
        xml.extend(["<", action, "Result>"]);
        elements.for_each(|element| write_element(&mut xml, element));
        xml.extend(["</", action, "Result>"]);
    }
    // Writing into memory does not fail.
    let _ = write!(
        xml,
        "<ResponseMetadata><RequestId>{request_id}:0</RequestId></ResponseMetadata></{action}Response>"
    );
    xml
}

fn write_element(xml: &mut String, element: Element<'_>) {
    match element {
        Element::Open(name) => xml.extend(["<", name, ">"]),
        Element::Close(name) => xml.extend(["</", name, ">"]),
        Element::Text(name, text) => {
            let text = one_line(text);
            xml.extend(["<", name, ">", &text, "</", name, ">"]);
        }
    }
}

/// Escapes text and keeps it on one line, because Amazon's PHP library reads errors line by line.
fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '\n', '\r']) {
        return Cow::Borrowed(text);
    }
    partial_escape(text).replace('\n', "&#10;").replace('\r', "&#13;").into()
}

/// The error document (captured): no namespace, `RequestID` in capitals, no `:0`. Refusals quote what was sent before it
/// is known to be text, so what XML cannot carry is replaced.
pub(super) fn error_document(error: &FpsError, request_id: Uuid) -> String {
    format!(
        "{DECLARATION}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
         <RequestID>{request_id}</RequestID></Response>",
        error.code,
        one_line(&error.message.replace(|c| !is_xml_char(c), "\u{fffd}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_stays_on_one_line() {
        let answer = Answer::result(|out| out.text("A", "<a> & \"b\"\r\nc"));
        let document = document("Pay", "2008-09-17", &answer, Uuid::nil());
        assert!(
            document.contains("<PayResult><A>&lt;a&gt; &amp; \"b\"&#13;&#10;c</A></PayResult>"),
            "{document}"
        );
        assert_eq!(document.lines().count(), 2);
    }
}
