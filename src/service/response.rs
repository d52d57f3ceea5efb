//! The body of a successful response: a tree of named elements with texts, in schema order.

use std::fmt::{Display, Write};

use crate::ledger::Named as _;
use crate::ledger::{Amount, Receipt};

/// The result of an action. A protocol layer writes it as a document.
#[derive(Debug)]
pub struct ActionResult(Option<ElementWriter>);

impl ActionResult {
    /// A body whose result element contains what `write` adds.
    pub fn with_result(write: impl FnOnce(&mut ElementWriter)) -> Self {
        let mut writer = ElementWriter { texts: String::with_capacity(256), tags: Vec::with_capacity(16) };
        write(&mut writer);
        Self(Some(writer))
    }

    /// A body without a result element; CancelToken returns it.
    pub const fn without_result() -> Self {
        Self(None)
    }

    /// The result of every action that makes or changes a transaction.
    pub fn receipt(receipt: &Receipt) -> Self {
        Self::with_result(|out| {
            out.text("TransactionId", &receipt.transaction);
            out.text("TransactionStatus", receipt.status.name());
        })
    }

    /// The content of the result element in document order; `None` if there is no result element.
    pub fn events(&self) -> Option<impl Iterator<Item = ElementEvent<'_>>> {
        self.0.as_ref().map(ElementWriter::events)
    }
}

/// A step in the traversal of a response body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementEvent<'a> {
    /// An element that contains only a text.
    Text(&'static str, &'a str),
    /// The start of an element that contains other elements.
    Start(&'static str),
    /// The end of that element.
    End(&'static str),
}

/// Adds elements to a response body. All texts share one buffer, so that an element needs no allocation of its own.
#[derive(Debug)]
pub struct ElementWriter {
    texts: String,
    tags: Vec<Tag>,
}

/// An [`ElementEvent`] whose text is in the buffer of the writer.
#[derive(Clone, Copy, Debug)]
enum Tag {
    /// The name, and the end of the text in the buffer. The text begins where the previous one ends.
    Text(&'static str, usize),
    Start(&'static str),
    End(&'static str),
}

impl ElementWriter {
    /// Adds an element with a text.
    pub fn text(&mut self, name: &'static str, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.texts, "{text}");
        self.tags.push(Tag::Text(name, self.texts.len()));
    }

    /// Adds an element with a text, or nothing if there is none.
    pub fn optional_text(&mut self, name: &'static str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// Adds an element that contains what `write` adds.
    pub fn element(&mut self, name: &'static str, write: impl FnOnce(&mut Self)) {
        self.tags.push(Tag::Start(name));
        write(self);
        self.tags.push(Tag::End(name));
    }

    /// Adds an amount: the currency, then the value with six decimals (guide: Complex Data Types).
    pub fn amount(&mut self, name: &'static str, amount: Amount) {
        self.element(name, |out| {
            out.text("CurrencyCode", "USD");
            out.text("Value", amount);
        });
    }

    fn events(&self) -> impl Iterator<Item = ElementEvent<'_>> {
        let mut start = 0;
        self.tags.iter().map(move |tag| match *tag {
            Tag::Text(name, end) => {
                let text = self.texts.get(start..end).unwrap_or_default();
                start = end;
                ElementEvent::Text(name, text)
            }
            Tag::Start(name) => ElementEvent::Start(name),
            Tag::End(name) => ElementEvent::End(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_in_order_with_their_texts() {
        let response = ActionResult::with_result(|out| {
            out.text("Count", 2);
            out.element("Part", |out| {
                out.text("Name", "");
                out.optional_text("Absent", None::<&str>);
                out.optional_text("Note", Some("é"));
            });
            out.text("Last", "x");
        });
        let expected = [
            ElementEvent::Text("Count", "2"),
            ElementEvent::Start("Part"),
            ElementEvent::Text("Name", ""),
            ElementEvent::Text("Note", "é"),
            ElementEvent::End("Part"),
            ElementEvent::Text("Last", "x"),
        ];
        assert_eq!(response.events().unwrap().collect::<Vec<_>>(), expected);
        assert!(ActionResult::without_result().events().is_none());
    }
}
