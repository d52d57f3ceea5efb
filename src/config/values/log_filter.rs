//! Log filters.

use tracing_subscriber::EnvFilter;

use super::ValueFormat;

/// The directives of a log filter, in the syntax of [`EnvFilter`].
pub(in crate::config) struct LogFilter;

/// The levels, each of which is a directive by itself.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

impl ValueFormat for LogFilter {
    type Value = String;
    const PLACEHOLDER: &'static str = "FILTER";

    fn description() -> String {
        "off, error, warn, info, debug, trace, or directives such as info,fps_sandbox::store=debug".to_owned()
    }

    fn parse(text: &str) -> Result<String, String> {
        // The filter takes any other word for the name of a module, so a misspelt level would log next to nothing.
        if let Some(level) = text.split(',').find_map(find_intended_level) {
            return Err(format!("did you mean `{level}`? Expected {}", Self::description()));
        }
        match EnvFilter::try_new(text) {
            Ok(_) if !text.trim().is_empty() => Ok(text.to_owned()),
            Ok(_) | Err(_) => Err(Self::format_error(())),
        }
    }

    fn to_toml(value: &String) -> toml::Value {
        value.as_str().into()
    }
}

/// The level of which a directive is a misspelling, if any.
fn find_intended_level(directive: &str) -> Option<&'static str> {
    let word = directive.trim().to_ascii_lowercase();
    let distance = |level: &str| strsim::damerau_levenshtein(&word, level);
    let nearest = LEVELS.into_iter().min_by_key(|level| distance(level))?;
    (1..=2).contains(&distance(nearest)).then_some(nearest).filter(|_| word.len() >= 3)
}
