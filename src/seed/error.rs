//! Errors of seed files.

use std::ops::Range;

use toml::Spanned;

/// An error in a seed file. The message is one line that names the file and the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}, line {line}: {problem}")]
pub struct SeedError {
    /// The name of the file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl SeedError {
    /// Converts the place of an error in the text of a file into a line.
    pub(super) fn new(file: &str, text: &str, error: EntryError) -> Self {
        let before = text.get(..error.span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        Self { file: file.to_owned(), line, problem: error.problem }
    }
}

/// An error in an entry of a seed file, with its place in the text.
#[derive(Debug)]
pub(super) struct EntryError {
    /// The place, in bytes.
    pub(super) span: Range<usize>,
    /// What is wrong.
    pub(super) problem: String,
}

impl EntryError {
    /// An error at the place of a value.
    pub(super) fn at<T>(value: &Spanned<T>, problem: impl Into<String>) -> Self {
        Self { span: value.span(), problem: problem.into() }
    }
}

/// A value made from an entry.
pub(super) type EntryResult<T> = Result<T, EntryError>;
