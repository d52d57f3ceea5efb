//! What an action answers: named elements with texts, in schema order, which any front can write.

use std::fmt::{Display, Write};

use crate::ledger::Amount;

/// What an action answers, before a front makes a document of it.
#[derive(Debug)]
pub struct Answer(Option<Elements>);

impl Answer {
    /// A result with the elements that `inside` adds.
    pub fn result(inside: impl FnOnce(&mut Elements)) -> Self {
        let mut elements = Elements { texts: String::with_capacity(256), marks: Vec::with_capacity(16) };
        inside(&mut elements);
        Self(Some(elements))
    }

    /// No result at all, as CancelToken answers.
    pub const fn empty() -> Self {
        Self(None)
    }

    /// The elements of the result, in order; nothing where there is no result.
    pub fn elements(&self) -> Option<impl Iterator<Item = Element<'_>>> {
        self.0.as_ref().map(Elements::iter)
    }
}

/// A step of the walk through an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// An element that holds a text.
    Text(&'static str, &'a str),
    /// An element begins that holds what follows up to its close.
    Open(&'static str),
    /// It ends.
    Close(&'static str),
}

/// Builds an answer element by element. All texts share one buffer, so that an element costs no allocation.
#[derive(Debug)]
pub struct Elements {
    texts: String,
    marks: Vec<Mark>,
}

#[derive(Clone, Copy, Debug)]
enum Mark {
    /// Its text ends here in the buffer, and begins where the text before it ends.
    Text(&'static str, usize),
    Open(&'static str),
    Close(&'static str),
}

impl Elements {
    /// An element with a text.
    pub fn text(&mut self, name: &'static str, text: impl Display) {
        // Writing into memory does not fail.
        let _ = write!(self.texts, "{text}");
        self.marks.push(Mark::Text(name, self.texts.len()));
    }

    /// An element with a text, or nothing.
    pub fn maybe(&mut self, name: &'static str, text: Option<impl Display>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    /// An element around those that `inside` adds.
    pub fn nested(&mut self, name: &'static str, inside: impl FnOnce(&mut Self)) {
        self.marks.push(Mark::Open(name));
        inside(self);
        self.marks.push(Mark::Close(name));
    }

    /// An amount: currency first, six decimals (guide: Complex Data Types).
    pub fn amount(&mut self, name: &'static str, amount: Amount) {
        self.nested(name, |out| {
            out.text("CurrencyCode", "USD");
            out.text("Value", amount);
        });
    }

    fn iter(&self) -> impl Iterator<Item = Element<'_>> {
        let mut start = 0;
        self.marks.iter().map(move |mark| match *mark {
            Mark::Text(name, end) => {
                let text = self.texts.get(start..end).unwrap_or_default();
                start = end;
                Element::Text(name, text)
            }
            Mark::Open(name) => Element::Open(name),
            Mark::Close(name) => Element::Close(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_come_back_in_order_with_their_texts() {
        let answer = Answer::result(|out| {
            out.text("Count", 2);
            out.nested("Part", |out| {
                out.text("Name", "");
                out.maybe("Absent", None::<&str>);
                out.maybe("Note", Some("é"));
            });
            out.text("Last", "x");
        });
        let expected = [
            Element::Text("Count", "2"),
            Element::Open("Part"),
            Element::Text("Name", ""),
            Element::Text("Note", "é"),
            Element::Close("Part"),
            Element::Text("Last", "x"),
        ];
        assert_eq!(answer.elements().unwrap().collect::<Vec<_>>(), expected);
        assert!(Answer::empty().elements().is_none());
    }
}
