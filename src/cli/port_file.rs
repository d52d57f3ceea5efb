//! `--port-file`: for whoever waits until the sandbox is ready and then needs its port.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::files::write_atomically;

use super::Failure;

/// Takes away the file of an earlier run, so that nobody reads its port.
pub(super) fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if is_plain(path).unwrap_or(false) { fs::remove_file(path) } else { Ok(()) };
    removed.map_err(|error| failure(path, &error))
}

/// Writes the port: whole or not at all. What is no plain file, such as `/dev/stdout` or a pipe, is written into.
pub(super) fn write(path: &Path, port: u16) -> Result<(), Failure> {
    let text = format!("{port}\n");
    let written = match is_plain(path) {
        Ok(false) => fs::write(path, text),
        Ok(true) => write_atomically(path, &text, 0o666),
        Err(error) if error.kind() == ErrorKind::NotFound => write_atomically(path, &text, 0o666),
        Err(error) => Err(error),
    };
    written.map_err(|error| failure(path, &error))
}

fn is_plain(path: &Path) -> io::Result<bool> {
    fs::symlink_metadata(path).map(|metadata| metadata.is_file())
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot write the port file {}: {error}; check --port-file", path.display()))
}
