//! Reading answers as a strict XML parser does.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::{Reader, XmlVersion};

/// Every element of a document by its path, with the text inside it, in order; or what is wrong with it.
///
/// Beside being well-formed, a document begins with the declaration as captured, stands on one line after it and
/// holds only characters that XML 1.0 can carry.
pub fn elements(document: &str) -> Result<Vec<(String, String)>, String> {
    let inside = document.strip_prefix("<?xml version=\"1.0\"?>\n").ok_or("no declaration")?;
    if inside.contains(['\n', '\r']) {
        return Err("more than one line".to_owned());
    }
    if let Some(illegal) = inside.chars().find(|c| !is_xml(*c)) {
        return Err(format!("the character {illegal:?}"));
    }
    let mut reader = Reader::from_str(inside);
    let (mut open, mut found): (Vec<(String, String)>, Vec<_>) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().map_err(|problem| problem.to_string())?;
        let text = match event {
            Event::Start(start) => {
                let path = open.last().map_or_else(String::new, |(path, _)| format!("{path}/"));
                open.push((format!("{path}{}", start.name().0), String::new()));
                continue;
            }
            Event::End(_) => {
                found.push(open.pop().ok_or("an end without a start")?);
                if open.is_empty() {
                    let rest = &inside[usize::try_from(reader.buffer_position()).unwrap()..];
                    return if rest.is_empty() { Ok(found) } else { Err(format!("{rest:?} after the end")) };
                }
                continue;
            }
            Event::Text(text) => text.xml_content(XmlVersion::Explicit1_0).into_owned(),
            Event::GeneralRef(entity) => match entity.resolve_char_ref().map_err(|bad| bad.to_string())? {
                Some(c) if is_xml(c) => c.to_string(),
                Some(c) => return Err(format!("a reference to the character {c:?}")),
                None => resolve_predefined_entity(&entity).ok_or("an unknown entity")?.to_owned(),
            },
            other => return Err(format!("unexpected {other:?}")),
        };
        open.last_mut().ok_or("text outside the root")?.1.push_str(&text);
    }
}

/// What XML 1.0 calls a character.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}
