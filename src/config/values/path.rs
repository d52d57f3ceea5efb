//! Paths of files and folders.

use std::path::PathBuf;

use super::ValueFormat;

/// A path. A relative path starts at the working directory, in the configuration file too.
pub(in crate::config) struct FilePath;

impl ValueFormat for FilePath {
    type Value = PathBuf;
    const PLACEHOLDER: &'static str = "PATH";

    fn description() -> String {
        "a path".to_owned()
    }

    fn parse(text: &str) -> Result<PathBuf, String> {
        if text.is_empty() { Err(Self::format_error(())) } else { Ok(PathBuf::from(text)) }
    }

    fn to_toml(value: &PathBuf) -> toml::Value {
        value.to_string_lossy().as_ref().into()
    }
}
