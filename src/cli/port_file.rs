//! `--port-file`: tells the port to programs that wait for the sandbox to be ready.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::files::write_atomically;

use super::CliError;

/// Removes the file of an earlier run, so that no program reads an old port.
pub(super) fn remove(path: &Path) -> Result<(), CliError> {
    let result = if is_regular_file(path).unwrap_or(false) { fs::remove_file(path) } else { Ok(()) };
    result.map_err(|error| write_error(path, &error))
}

/// Writes the port to a regular file atomically. Other files, such as `/dev/stdout` or a pipe, are written to directly.
pub(super) fn write(path: &Path, port: u16) -> Result<(), CliError> {
    let text = format!("{port}\n");
    let result = match is_regular_file(path) {
        Ok(false) => fs::write(path, text),
        Ok(true) => write_atomically(path, &text, 0o666),
        Err(error) if error.kind() == ErrorKind::NotFound => write_atomically(path, &text, 0o666),
        Err(error) => Err(error),
    };
    result.map_err(|error| write_error(path, &error))
}

fn is_regular_file(path: &Path) -> io::Result<bool> {
    fs::symlink_metadata(path).map(|metadata| metadata.is_file())
}

fn write_error(path: &Path, error: &io::Error) -> CliError {
    CliError::failed(format!("cannot write the port file {}: {error}; check --port-file", path.display()))
}
