//! Writes responses as XML: one line, no namespace prefixes, elements in schema order.

use std::borrow::Cow;
use std::fmt::Write;

use quick_xml::escape::partial_escape;
use uuid::Uuid;

use crate::error::FpsError;
use crate::query::is_xml_char;
use crate::service::{ActionResult, ElementEvent};

/// The beginning of every document (captured).
const DECLARATION: &str = "<?xml version=\"1.0\"?>\n";

/// The document of a successful response (captured): its namespace contains the API version, and `:0` follows the request
/// id. Names come from this program, so only texts need escaping.
pub(super) fn document(action: &str, version: &str, response: &ActionResult, request_id: Uuid) -> String {
    let mut xml = String::with_capacity(1024);
    xml.extend([DECLARATION, "<", action, "Response xmlns=\"http://fps.amazonaws.com/doc/", version, "/\">"]);
    if let Some(events) = response.events() {
        xml.extend(["<", action, "Result>"]);
        events.for_each(|event| write_event(&mut xml, event));
        xml.extend(["</", action, "Result>"]);
    }
    // Writing to a string cannot fail.
    let _ = write!(
        xml,
        "<ResponseMetadata><RequestId>{request_id}:0</RequestId></ResponseMetadata></{action}Response>"
    );
    xml
}

fn write_event(xml: &mut String, event: ElementEvent<'_>) {
    match event {
        ElementEvent::Start(name) => xml.extend(["<", name, ">"]),
        ElementEvent::End(name) => xml.extend(["</", name, ">"]),
        ElementEvent::Text(name, text) => {
            let text = escaped(text);
            xml.extend(["<", name, ">", &text, "</", name, ">"]);
        }
    }
}

/// Escapes a text for XML. Line breaks become character references, because Amazon's PHP library reads errors line by line.
fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['<', '>', '&', '\n', '\r']) {
        return Cow::Borrowed(text);
    }
    partial_escape(text).replace('\n', "&#10;").replace('\r', "&#13;").into()
}

/// The document of an error response (captured): no namespace, `RequestID` in capitals, no `:0`. Messages can quote what a
/// client sent before it was checked to be text, so characters that XML does not allow are replaced.
pub(super) fn error_document(error: &FpsError, request_id: Uuid) -> String {
    format!(
        "{DECLARATION}<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>\
         <RequestID>{request_id}</RequestID></Response>",
        error.code,
        escaped(&error.message.replace(|c| !is_xml_char(c), "\u{fffd}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_stays_on_one_line() {
        let response = ActionResult::with_result(|out| out.text("A", "<a> & \"b\"\r\nc"));
        let document = document("Pay", "2008-09-17", &response, Uuid::nil());
        assert!(
            document.contains("<PayResult><A>&lt;a&gt; &amp; \"b\"&#13;&#10;c</A></PayResult>"),
            "{document}"
        );
        assert_eq!(document.lines().count(), 2);
    }
}
