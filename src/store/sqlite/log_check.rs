//! Detects database files whose write-ahead log is missing.
//!
//! SQLite opens a file without its log as if nothing were wrong, and the changes in the log are lost. So a file says in its
//! header, in `PRAGMA user_version`, whether a sandbox has it open.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::with_suffix;
use crate::store::error::StoreError;

/// `PRAGMA user_version` while a sandbox has the file open, and after a crash (`FPSU` in ASCII). It is written to the file
/// itself before the first request, so that a missing log is noticed later.
pub(super) const USER_VERSION_OPEN: i32 = 0x4650_5355;
/// `PRAGMA user_version` of a file that a sandbox has closed: the file is complete without a log.
pub(super) const USER_VERSION_CLOSED: i32 = 0;
/// The size of the header of a database file, and the range of the user version in it
/// (<https://www.sqlite.org/fileformat.html#the_database_header>).
const HEADER_BYTES: usize = 100;
const USER_VERSION_RANGE: std::ops::Range<usize> = 60..64;

/// Fails if the database file was not closed in order and its log is missing. Must run before SQLite opens the file, because
/// SQLite creates a new log.
pub(super) fn check_log(database: &Path) -> Result<(), StoreError> {
    let unreadable = |source| StoreError::open(database, sqlx::Error::Io(source));
    // SQLite follows symbolic links, so a file has one log whichever links lead to it. Each hard link has its own.
    let file = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
    let (log, index) = (with_suffix(&file, "-wal"), with_suffix(&file, "-shm"));
    let log_bytes = fs::metadata(&log).ok().map(|log| log.len());
    let (bytes, hard_links) = fs::metadata(&file).map_or((0, 1), |file| (file.len(), file.nlink()));
    let database = database.to_owned();
    match log_bytes {
        // SQLite would take the empty file for a new database, and remove the log.
        Some(1..) if bytes == 0 => return Err(StoreError::EmptyFileWithLog { database, log }),
        Some(1..) => return Ok(()),
        _ if bytes == 0 || !is_marked_open(&file).map_err(unreadable)? => return Ok(()),
        _ => {}
    }
    if hard_links > 1 {
        return Err(StoreError::LogBesideOtherHardLink { database, log });
    }
    // SQLite removes the index before the log. So an index without a log means that something else removed the log.
    if log_bytes.is_none() && index.exists() {
        return Err(StoreError::LogMissing { database, log, index });
    }
    // Another program that opened the file after the crash may have checkpointed the log and removed both files.
    tracing::warn!(
        "the database {} was not closed in order and has no log {}: unless another program has put the log into the \
         file, the last changes are lost",
        database.display(),
        log.display()
    );
    Ok(())
}

/// Whether the header says that a sandbox had the file open when it was last written.
fn is_marked_open(database: &Path) -> io::Result<bool> {
    let mut header = Vec::with_capacity(HEADER_BYTES);
    File::open(database)?.take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    Ok(header.get(USER_VERSION_RANGE) == Some(&USER_VERSION_OPEN.to_be_bytes()))
}
