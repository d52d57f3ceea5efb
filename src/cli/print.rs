//! Writes to standard output and standard error without a panic when the reader has closed its end.

use std::io::{self, ErrorKind, Write};

use super::CliError;

/// Writes a result to standard output. It is no error if the reader has closed the pipe, as in `… | head -1`.
pub(super) fn to_stdout(text: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line for people to standard error. Errors are ignored, because no program depends on the line.
pub(super) fn to_stderr(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
