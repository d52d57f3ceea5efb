//! Reads responses: XML indented for people, and the text of single elements.

use quick_xml::events::{BytesText, Event};
use quick_xml::{Reader, Writer};

/// Indents a document, one element on each line. Text that is not XML is returned unchanged. The result ends with a line
/// break.
pub(super) fn indented(document: &str) -> String {
    let mut text = indent(document).unwrap_or_else(|| document.to_owned());
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn indent(document: &str) -> Option<String> {
    let mut reader = Reader::from_str(document);
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    let (mut in_leaf, mut elements) = (false, 0);
    loop {
        let event = reader.read_event().ok()?;
        // The writer adds its own white space between elements.
        let event = match event {
            Event::Eof => break,
            Event::Text(text) if !in_leaf && text.trim().is_empty() => continue,
            // The writer would put a character reference on a line of its own.
            Event::GeneralRef(name) => Event::Text(BytesText::from_escaped(format!("&{};", &*name))),
            event => event,
        };
        in_leaf = matches!(event, Event::Start(_) | Event::Text(_));
        elements += usize::from(matches!(event, Event::End(_) | Event::Empty(_)));
        writer.write_event(event).ok()?;
    }
    String::from_utf8(writer.into_inner()).ok().filter(|_| elements > 0)
}

/// The text of the first element of this name; `None` if there is none or the document is not XML.
pub(super) fn text_of(document: &str, name: &str) -> Option<String> {
    let mut reader = Reader::from_str(document);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) if element.name().as_ref() == name => {
                return reader.read_text(element.name()).ok().map(|text| text.trim().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str =
        "<?xml version=\"1.0\"?>\n<R xmlns=\"urn:x\"><A><V>1 &lt;&amp; 2&gt;</V><E></E></A><B> </B></R>";

    #[test]
    fn each_element_gets_its_line_and_texts_stay_whole() {
        assert_eq!(
            indented(ANSWER),
            "<?xml version=\"1.0\"?>\n<R xmlns=\"urn:x\">\n  <A>\n    <V>1 &lt;&amp; 2&gt;</V>\n    \
             <E>\n    </E>\n  </A>\n  <B> </B>\n</R>\n"
        );
    }

    #[test]
    fn what_is_no_xml_stays_as_it_is() {
        for text in ["ready\n", "<a><b></a>\n", "{}\n", "a & b\n"] {
            assert_eq!(indented(text), text);
        }
    }

    #[test]
    fn an_element_is_found_wherever_it_stands() {
        assert_eq!(text_of(ANSWER, "B").as_deref(), Some(""));
        assert_eq!(text_of("<r><a>x</a><a>y</a></r>", "a").as_deref(), Some("x"));
        assert_eq!(text_of("<r><a>x</a></r>", "b"), None);
        assert_eq!(text_of("no XML", "b"), None);
    }
}
