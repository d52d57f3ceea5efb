//! Logging: tracing on standard error, as text or as JSON.
//!
//! What is logged is `--log` (the syntax of [`EnvFilter`]; `RUST_LOG` is not looked at), how it looks is
//! `--log-format`. Levels that are off cost a comparison: the filter tells tracing which call sites can never speak.
//!
//! A text line is time, level, spans with their fields, module, message, fields; coloured on a terminal unless
//! `NO_COLOR` is set. A JSON line is one object:
//!
//! | field | what |
//! |---|---|
//! | `timestamp` | real time, RFC 3339 in UTC with microseconds (not the sandbox clock) |
//! | `level` | `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE` |
//! | `message` | the sentence; further fields of the event stand beside it |
//! | `target` | the module that speaks |
//! | `span` | the innermost span: its `name` and fields, such as `request_id` |
//! | `spans` | all spans from the outermost in, each its `name` and fields |
//!
//! So the lines of one request are `jq 'select(.spans[]?.request_id == "…")'`.

use std::borrow::Cow;
use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Config, LogFormat};

/// The longest text that one field of a log line shows, in bytes. Escapes make up to eight of one.
const MAX_FIELD_BYTES: usize = 4 * 1024;

/// Text that a client chose, as a log line shows it: the start of it, and how long it was.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_FIELD_BYTES {
        return Cow::Borrowed(text);
    }
    let whole = |end: &usize| text.is_char_boundary(*end);
    let start = (0..=MAX_FIELD_BYTES).rev().find(whole).and_then(|end| text.get(..end)).unwrap_or_default();
    Cow::Owned(format!("{start}… ({} bytes)", text.len()))
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is wrong; a resolved [`Config`] has been checked.
    #[error("wrong log filter: {0}")]
    Filter(#[from] ParseError),
    /// Somebody was faster.
    #[error("logging has been started before")]
    Started(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts logging on standard error, for the whole process; once.
pub fn init(config: &Config) -> Result<(), LoggingError> {
    let ansi =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let subscriber = subscriber(config, ansi, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber)?;
    Ok(())
}

fn subscriber<W>(
    config: &Config,
    ansi: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&config.log)?;
    // A line that cannot be written would be reported on standard error, and panic when that is what broke.
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        .with_writer(writer)
        .log_internal_errors(false);
    Ok(match config.log_format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => {
            Box::new(lines.json().flatten_event(true).with_current_span(true).with_span_list(true).finish())
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(config: &Config, speak: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = subscriber(config, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, speak);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn one_request() {
        let _request = tracing::info_span!("request", request_id = "bb1a-0").entered();
        let _action = tracing::info_span!("action", name = "Pay").entered();
        tracing::info!(status = 200, "answered");
        tracing::debug!("too much");
    }

    #[test]
    fn a_json_line_shows_the_event_flat_and_the_request_id_of_an_outer_span() {
        let config = Config { log_format: LogFormat::Json, ..Config::default() };
        let line: serde_json::Value = serde_json::from_str(&logged(&config, one_request)).unwrap();
        assert_eq!(line["message"], "answered");
        assert_eq!(line["status"], 200);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["spans"][0]["request_id"], "bb1a-0");
        assert_eq!(line["span"]["name"], "action");
        for field in ["timestamp", "target"] {
            assert!(line[field].is_string(), "{field}");
        }
    }

    #[test]
    fn a_text_line_shows_the_request_id_and_no_colour_outside_a_terminal() {
        let text = logged(&Config::default(), one_request);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("INFO request{request_id=\"bb1a-0\"}") && text.contains("answered status=200"),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn the_filter_decides_what_is_logged() {
        let speak = |log: &str| logged(&Config { log: log.to_owned(), ..Config::default() }, one_request);
        assert_eq!(speak("off"), "");
        assert_eq!(speak("debug").lines().count(), 2);
        assert_eq!(speak("info,fps_sandbox::logging=error"), "");
    }

    #[test]
    fn a_level_that_is_off_is_not_even_evaluated() {
        let text = logged(&Config::default(), || {
            tracing::debug!(value = unreachable_value(), "off");
        });
        assert_eq!(text, "");
    }

    fn unreachable_value() -> u32 {
        panic!("a field of a level that is off was computed")
    }
}
