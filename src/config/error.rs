//! Errors of the configuration. Each message is one line, and says what to do.

use std::path::PathBuf;

/// An error in the configuration. The program ends with exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// An entry of a nested table (fees, trusted keys) is invalid.
    #[error("wrong value in the configuration file: {0}")]
    InvalidTable(String),
    /// The configuration file cannot be read.
    #[error("cannot read the configuration file {}: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The file is not valid TOML.
    #[error("line {line} of {} is not TOML: {message}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The message of the parser.
        message: String,
    },
    /// The file has a key that does not exist.
    #[error("unknown key `{key}` on line {line} of {}; {advice}", .file.display())]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What to do.
        advice: String,
    },
    /// A key of the file has an invalid value.
    #[error("wrong value of `{key}` on line {line} of {}: {expected}", .file.display())]
    InvalidValue {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What is expected instead.
        expected: String,
    },
    /// An environment variable has an invalid value.
    #[error("wrong value `{text}` of the environment variable {variable}: {expected}")]
    InvalidVariable {
        /// The variable.
        variable: String,
        /// Its value.
        text: String,
        /// What is expected instead.
        expected: String,
    },
    /// An environment variable is not UTF-8.
    #[error("the environment variable {variable} is not UTF-8; set it to plain text or unset it")]
    VariableNotUtf8 {
        /// The variable.
        variable: String,
    },
    /// Settings that conflict, or a value that its format alone does not exclude.
    #[error("{0}")]
    Conflict(&'static str),
}

/// Formats an error of the command line as one line.
///
/// Not for the texts of `--help` and `--version`, which clap returns as errors too (`!error.use_stderr()`).
pub fn format_clap_error(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let relevant = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let mut sentence = String::new();
    for line in relevant.map(|line| line.strip_prefix("error: ").unwrap_or(line)) {
        let separator = match sentence.chars().last() {
            None => "",
            Some(':' | ';' | '.') => " ",
            Some(_) => "; ",
        };
        sentence = format!("{sentence}{separator}{line}");
    }
    sentence
}
