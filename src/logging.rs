//! Logging: tracing on standard error, as text or as JSON.
//!
//! `--log` selects what is logged (in the syntax of [`EnvFilter`]; `RUST_LOG` is ignored), `--log-format` the format. A
//! disabled level costs one comparison, because the filter tells tracing which call sites are disabled.
//!
//! A text line contains time, level, spans with their fields, module, message and fields. It is coloured on a terminal
//! unless `NO_COLOR` is set. A JSON line is one object:
//!
//! | field | value |
//! |---|---|
//! | `timestamp` | real time, RFC 3339 in UTC with microseconds (not the sandbox clock) |
//! | `level` | `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE` |
//! | `message` | the message; the other fields of the event are fields of the same object |
//! | `target` | the module that logs |
//! | `span` | the innermost span: its `name` and fields, such as `request_id` |
//! | `spans` | all spans, the outermost first, each with its `name` and fields |
//!
//! The lines of one request: `jq 'select(.spans[]?.request_id == "…")'`.

use std::borrow::Cow;
use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::filter::{EnvFilter, ParseError};
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Config, LogFormat};

/// Maximum length of a text in one field of a log line, in bytes before escaping. An escape has up to eight bytes.
const MAX_FIELD_BYTES: usize = 4 * 1024;

/// Shortens text that a client chose for a log line: its start, and its length if it was longer.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_FIELD_BYTES {
        return Cow::Borrowed(text);
    }
    let is_boundary = |end: &usize| text.is_char_boundary(*end);
    let start =
        (0..=MAX_FIELD_BYTES).rev().find(is_boundary).and_then(|end| text.get(..end)).unwrap_or_default();
    Cow::Owned(format!("{start}… ({} bytes)", text.len()))
}

/// Why logging cannot start.
#[derive(Debug, thiserror::Error)]
pub enum LoggingError {
    /// The filter is invalid. The filter of a resolved [`Config`] is valid.
    #[error("wrong log filter: {0}")]
    Filter(#[from] ParseError),
    /// The process has a logger already.
    #[error("logging has been started before")]
    AlreadyStarted(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// Starts logging to standard error for the whole process. May be called once.
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
    // tracing-subscriber would report a failed write on standard error, and panic if standard error is what failed.
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
    struct LogBuffer(Arc<Mutex<Vec<u8>>>);

    impl Write for LogBuffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn log_output(config: &Config, write_log: impl FnOnce()) -> String {
        let buffer = LogBuffer::default();
        let writer = buffer.clone();
        let subscriber = subscriber(config, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, write_log);
        let bytes = buffer.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    fn log_one_request() {
        let _request = tracing::info_span!("request", request_id = "bb1a-0").entered();
        let _action = tracing::info_span!("action", name = "Pay").entered();
        tracing::info!(status = 200, "answered");
        tracing::debug!("too much");
    }

    #[test]
    fn a_json_line_shows_the_event_flat_and_the_request_id_of_an_outer_span() {
        let config = Config { log_format: LogFormat::Json, ..Config::default() };
        let line: serde_json::Value = serde_json::from_str(&log_output(&config, log_one_request)).unwrap();
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
        let text = log_output(&Config::default(), log_one_request);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            text.contains("INFO request{request_id=\"bb1a-0\"}") && text.contains("answered status=200"),
            "{text}"
        );
        assert!(!text.contains('\x1b'), "{text}");
    }

    #[test]
    fn the_filter_decides_what_is_log_output() {
        let output =
            |log: &str| log_output(&Config { log: log.to_owned(), ..Config::default() }, log_one_request);
        assert_eq!(output("off"), "");
        assert_eq!(output("debug").lines().count(), 2);
        assert_eq!(output("info,fps_sandbox::logging=error"), "");
    }

    #[test]
    fn a_level_that_is_off_is_not_even_evaluated() {
        let text = log_output(&Config::default(), || {
            tracing::debug!(value = panicking_value(), "off");
        });
        assert_eq!(text, "");
    }

    fn panicking_value() -> u32 {
        panic!("a field of a level that is off was computed")
    }
}
