//! Parses the configuration file: TOML. Every error names the line.

use std::ops::Range;
use std::path::Path;

use toml::de::DeTable;

use super::error::ConfigError;
use super::{FileOnlySettings, PartialConfig, SETTINGS};

/// How similar a known key must be to be suggested, from 0 to 1 (Jaro-Winkler).
const MIN_SIMILARITY: f64 = 0.8;
/// Maximum length of a wrong value that an error message shows, in bytes.
const MAX_EXCERPT_BYTES: usize = 60;

/// The contents of the configuration file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfigFile {
    /// The settings that have flags and variables too.
    pub settings: PartialConfig,
    /// The settings that only the file can have.
    pub file_only: FileOnlySettings,
}

/// Parses the text of the file; error messages name `path`.
pub(super) fn parse_file(path: &Path, text: &str) -> Result<ConfigFile, ConfigError> {
    let source = Source { path, text };
    // Two parses: `DeTable` knows the positions of keys, `Table` has the values as `set_toml` takes them.
    let keys = DeTable::parse(text).map_err(|error| source.syntax_error(&error))?;
    let values: toml::Table = text.parse().map_err(|error| source.syntax_error(&error))?;

    let mut settings = PartialConfig::default();
    for (key, position) in keys.get_ref().iter().map(|(key, value)| (key, value.span())) {
        let (name, line) = (key.get_ref().as_ref(), source.line(key.span()));
        if !is_known_key(name) {
            return Err(source.unknown_key(name, line));
        }
        if let Some(value) = values.get(name) {
            settings.set_toml(name, value).map_err(|expected| {
                let expected = format!("{expected}, not {}", source.excerpt(position));
                source.invalid_value(name, line, expected)
            })?;
        }
    }
    let file_only = toml::from_str(text).map_err(|error| source.file_only_error(&error, keys.get_ref()))?;
    Ok(ConfigFile { settings, file_only })
}

fn is_known_key(name: &str) -> bool {
    all_keys().any(|key| key == name)
}

fn all_keys() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|setting| setting.name).chain(FileOnlySettings::KEYS.iter().copied())
}

/// What to do about an unknown key: use the most similar one, if any is similar.
fn advise(unknown: &str) -> String {
    if matches!(unknown, "config" | "print_config" | "print-config") {
        return "it is a flag only: take it out".to_owned();
    }
    let key = unknown.to_lowercase().replace('-', "_");
    let key = key.strip_prefix("fps_sandbox_").unwrap_or(&key);
    let similarity = |known: &str| strsim::jaro_winkler(key, known);
    match all_keys().max_by(|a, b| similarity(a).total_cmp(&similarity(b))) {
        Some(known) if similarity(known) > MIN_SIMILARITY => format!("did you mean `{known}`?"),
        _ => "`fps-sandbox --print-config` lists every key".to_owned(),
    }
}

/// The file being parsed, for error messages.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn line(&self, span: Range<usize>) -> usize {
        1 + self.text.bytes().take(span.start).filter(|&byte| byte == b'\n').count()
    }

    /// The value as it is written in the file, unless it is too long for an error message.
    fn excerpt(&self, span: Range<usize>) -> String {
        match self.text.get(span) {
            Some(written) if written.len() <= MAX_EXCERPT_BYTES && !written.contains('\n') => {
                format!("`{written}`")
            }
            _ => "what stands there".to_owned(),
        }
    }

    fn syntax_error(&self, error: &toml::de::Error) -> ConfigError {
        ConfigError::Syntax {
            file: self.path.to_owned(),
            line: self.line(error.span().unwrap_or_default()),
            message: join_lines(error.message()),
        }
    }

    fn unknown_key(&self, key: &str, line: usize) -> ConfigError {
        ConfigError::UnknownKey { file: self.path.to_owned(), line, key: key.to_owned(), advice: advise(key) }
    }

    fn invalid_value(&self, key: &str, line: usize, expected: String) -> ConfigError {
        ConfigError::InvalidValue { file: self.path.to_owned(), line, key: key.to_owned(), expected }
    }

    /// An error in a key of [`FileOnlySettings`]. serde does not name the key: it is the last one before the error.
    fn file_only_error(&self, error: &toml::de::Error, keys: &DeTable<'_>) -> ConfigError {
        let span = error.span().unwrap_or_default();
        let preceding = keys.keys().filter(|key| key.span().start <= span.start);
        let key = preceding.max_by_key(|key| key.span().start).map_or("", |key| key.get_ref());
        self.invalid_value(key, self.line(span.clone()), join_lines(error.message()))
    }
}

fn join_lines(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}
