//! What can be wrong with the configuration, each in one line that says what to do.

use std::path::PathBuf;

/// A mistake in the configuration; exit code 2.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A line of a table makes no sense.
    #[error("wrong value in the configuration file: {0}")]
    Table(String),
    /// The file of `--config` cannot be read.
    #[error("cannot read the configuration file {}: {error}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// The file is no TOML.
    #[error("line {line} of {} is not TOML: {fault}", .file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        fault: String,
    },
    /// The file has a key that no setting has.
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
    /// The file has a value that its key does not take.
    #[error("wrong value of `{key}` on line {line} of {}: {expected}", .file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What would be right.
        expected: String,
    },
    /// An environment variable has a value that it does not take.
    #[error("wrong value `{text}` of the environment variable {variable}: {expected}")]
    Environment {
        /// The variable.
        variable: String,
        /// Its value.
        text: String,
        /// What would be right.
        expected: String,
    },
    /// An environment variable is not UTF-8.
    #[error("the environment variable {variable} is not UTF-8; set it to plain text or unset it")]
    Encoding {
        /// The variable.
        variable: String,
    },
    /// Settings that do not go together.
    #[error("{0}")]
    Combination(&'static str),
}

/// A mistake on the command line, in one line.
///
/// For errors only: the texts of `--help` and `--version`, which clap hands over as errors too
/// (`!error.use_stderr()`), are to be printed as they are.
pub fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:"));
    let told = lines.filter(|line| !line.is_empty() && !line.starts_with("For more information"));
    let mut sentence = String::new();
    for line in told.map(|line| line.strip_prefix("error: ").unwrap_or(line)) {
        let joint = match sentence.chars().last() {
            None => "",
            Some(':' | ';' | '.') => " ",
            Some(_) => "; ",
        };
        sentence = format!("{sentence}{joint}{line}");
    }
    sentence
}
