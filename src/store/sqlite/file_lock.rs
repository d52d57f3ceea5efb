//! The lock that keeps two sandboxes from opening the same database file.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::with_suffix;
use crate::store::error::StoreError;

/// How long a start waits for another sandbox to release the lock.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// The files that sandboxes of this process have locked.
///
/// A process that closes any descriptor of a file loses all its POSIX locks on the file, SQLite's included. So a second
/// sandbox in the same process must not even open the file to find out that it is locked.
static LOCKED_BY_THIS_PROCESS: Mutex<BTreeSet<FileId>> = Mutex::new(BTreeSet::new());

/// Device and inode, which identify a file whatever its names.
type FileId = (u64, u64);

fn file_id(file: &Metadata) -> FileId {
    (file.dev(), file.ino())
}

/// Keeps other sandboxes from opening a database file, whatever path they use: symbolic links, hard links and bind mounts
/// included. It must be dropped after SQLite has closed the file, because closing the file drops SQLite's own locks.
#[derive(Debug)]
pub(in crate::store) struct FileLock {
    /// Locked until it is closed.
    file: Option<File>,
    id: FileId,
}

impl FileLock {
    /// Locks the file, which is created if it does not exist. Waits a moment for a sandbox that is shutting down.
    pub(super) async fn acquire(database: &Path) -> Result<Self, StoreError> {
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match Self::try_acquire(database) {
                Ok(Some(lock)) => return Ok(lock),
                Err(source) => return Err(StoreError::open(database, sqlx::Error::Io(source))),
                Ok(None) if Instant::now() >= deadline => return Err(StoreError::InUse(database.to_owned())),
                Ok(None) => tokio::time::sleep(LOCK_TIMEOUT / 20).await,
            }
        }
    }

    fn try_acquire(database: &Path) -> io::Result<Option<Self>> {
        let path = Self::path_to_lock(database);
        let mut locked = locked_by_this_process();
        if fs::metadata(&path).is_ok_and(|file| locked.contains(&file_id(&file))) {
            return Ok(None);
        }
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                let id = file_id(&file.metadata()?);
                locked.insert(id);
                Ok(Some(Self { file: Some(file), id }))
            }
            Err(TryLockError::Error(source)) => Err(source),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }

    /// Whether a sandbox of this process has the database open.
    pub(super) fn is_held_by_this_process(database: &Path) -> bool {
        let file = fs::metadata(Self::path_to_lock(database));
        file.is_ok_and(|file| locked_by_this_process().contains(&file_id(&file)))
    }

    /// The file to lock. On Linux it is the database itself: `try_lock` is flock(2) there, which is independent of the POSIX
    /// locks that SQLite uses (except on NFS, where SQLite's write-ahead log does not work either). On other systems the two
    /// kinds of lock exclude each other. So a file beside the database is locked, which does not detect hard links.
    fn path_to_lock(database: &Path) -> PathBuf {
        if cfg!(target_os = "linux") {
            return database.to_owned();
        }
        let file = fs::canonicalize(database).unwrap_or_else(|_| database.to_owned());
        with_suffix(&file, "-lock")
    }
}

impl Drop for FileLock {
    fn drop(&mut self) {
        // The file is closed while the set is locked, before another sandbox of this process can open it.
        let mut locked = locked_by_this_process();
        drop(self.file.take());
        locked.remove(&self.id);
    }
}

fn locked_by_this_process() -> MutexGuard<'static, BTreeSet<FileId>> {
    LOCKED_BY_THIS_PROCESS.lock().unwrap_or_else(PoisonError::into_inner)
}
