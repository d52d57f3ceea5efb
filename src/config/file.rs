//! The configuration file: TOML, with the line of whatever is wrong.

use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::error::ConfigError;
use super::{FileOnly, SETTINGS, Settings};

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileSettings {
    /// What flags and variables could say too.
    pub settings: Settings,
    /// What only the file can say.
    pub file_only: FileOnly,
}

/// Reads the text of a file; `path` is for the messages.
pub(super) fn parse(path: &Path, text: &str) -> Result<FileSettings, ConfigError> {
    let source = Source { path, text };
    // Once with positions, once as values.
    let keys = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
    let values: toml::Table = text.parse().map_err(|error| source.syntax(&error))?;

    let mut settings = Settings::default();
    for (key, position) in keys.get_ref().iter().map(|(key, value)| (key, value.span())) {
        let (name, line) = (key.get_ref().as_ref(), source.line(key.span()));
        if !is_known(name) {
            return Err(source.unknown(name, line));
        }
        if let Some(value) = values.get(name) {
            settings.set_toml(name, value).map_err(|expected| {
                let expected = format!("{expected}, not {}", source.excerpt(position));
                source.value(name, line, expected)
            })?;
        }
    }
    let file_only = toml::from_str(text).map_err(|error| source.nested(&error, keys.get_ref()))?;
    Ok(FileSettings { settings, file_only })
}

fn is_known(name: &str) -> bool {
    all_keys().any(|key| key == name)
}

fn all_keys() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name).chain(FileOnly::KEYS.iter().copied())
}

fn advice(unknown: &str) -> String {
    if matches!(unknown, "config" | "print_config" | "print-config") {
        return "it is a flag only: take it out".to_owned();
    }
    let given = unknown.to_lowercase().replace('-', "_");
    let given = given.strip_prefix("fps_sandbox_").unwrap_or(&given);
    let likeness = |key: &str| strsim::jaro_winkler(given, key);
    match all_keys().max_by(|a, b| likeness(a).total_cmp(&likeness(b))) {
        Some(key) if likeness(key) > 0.8 => format!("did you mean `{key}`?"),
        _ => "`fps-sandbox --print-config` lists every key".to_owned(),
    }
}

/// The file at hand, to say where something is wrong.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|&byte| byte == b'\n').count()
    }

    /// The value as it was written, or what it is when that takes too much room for a line.
    fn excerpt(&self, span: Range<usize>) -> String {
        match self.text.get(span) {
            Some(written) if written.len() <= 60 && !written.contains('\n') => format!("`{written}`"),
            _ => "what stands there".to_owned(),
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> ConfigError {
        ConfigError::Syntax {
            file: self.path.to_owned(),
            line: self.line(error.span().unwrap_or_default()),
            fault: in_one_line(error.message()),
        }
    }

    fn unknown(&self, key: &str, line: usize) -> ConfigError {
        ConfigError::UnknownKey { file: self.path.to_owned(), line, key: key.to_owned(), advice: advice(key) }
    }

    fn value(&self, key: &str, line: usize, expected: String) -> ConfigError {
        ConfigError::Value { file: self.path.to_owned(), line, key: key.to_owned(), expected }
    }

    /// A fault inside a nested key; the key is the last one that begins before it.
    fn nested(&self, error: &toml::de::Error, keys: &DeTable<'_>) -> ConfigError {
        let span = error.span().unwrap_or_default();
        let before = keys.keys().filter(|key| key.span().start <= span.start);
        let key = before.max_by_key(|key| key.span().start).map_or("", |key| key.get_ref());
        self.value(key, self.line(span.clone()), in_one_line(error.message()))
    }
}

fn in_one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
