//! Checks of XML documents as strict clients need them.

use roxmltree::{Document, Node};

/// Parses a document and returns the path of each element with the text in it, in the order of the end tags.
///
/// Besides being well-formed, the document must begin with the declaration as recorded, continue on a single line, and
/// consist of elements and text only. A document type, comments, CDATA sections and empty-element tags are errors.
pub fn elements(document: &str) -> Result<Vec<(String, String)>, String> {
    let content = document.strip_prefix("<?xml version=\"1.0\"?>\n").ok_or("no declaration")?;
    if content.contains(['\n', '\r']) {
        return Err("more than one line".to_owned());
    }
    if !content.ends_with('>') {
        return Err("text after the root element".to_owned());
    }
    for markup in ["<![CDATA[", "/>"] {
        if content.contains(markup) {
            return Err(format!("unexpected {markup}"));
        }
    }
    let parsed = Document::parse(content).map_err(|problem| problem.to_string())?;
    let mut found = Vec::new();
    collect(parsed.root_element(), "", &mut found)?;
    if parsed.root().children().count() > 1 {
        return Err("markup outside of the root element".to_owned());
    }
    Ok(found)
}

fn collect(element: Node<'_, '_>, parent: &str, found: &mut Vec<(String, String)>) -> Result<(), String> {
    let path = [parent, element.tag_name().name()].concat();
    let mut text = String::new();
    for child in element.children() {
        if child.is_element() {
            collect(child, &format!("{path}/"), found)?;
        } else if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        } else {
            return Err(format!("unexpected {child:?}"));
        }
    }
    found.push((path, text));
    Ok(())
}
