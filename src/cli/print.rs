//! Writing to standard output and standard error without panicking when nobody reads.

use std::io::{self, ErrorKind, Write};

use super::Failure;

/// Writes a result to standard output. A reader that has gone (`… | head -1`) has read enough: that is no failure.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::failed(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line for the person at the terminal to standard error; nothing depends on its being read.
pub(super) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
