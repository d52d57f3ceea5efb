//! Writing files atomically.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes a file atomically: a reader, or a later run after a crash, finds the old contents or the new ones, never a
/// part. `mode` are the permissions of a new file, before the umask.
///
/// # Errors
/// Those of the file system. The file at `path` is unchanged then.
pub fn write_atomically(path: &Path, contents: &str, mode: u32) -> io::Result<()> {
    // In the same folder, because a rename across file systems is not atomic.
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = PathBuf::from(temporary);
    // A crashed process with the same id may have left one, perhaps with other permissions.
    let _absent = fs::remove_file(&temporary);
    let renamed = create_file(&temporary, contents, mode).and_then(|()| fs::rename(&temporary, path));
    if renamed.is_err() {
        let _absent = fs::remove_file(&temporary);
    }
    renamed
}

/// Creates a file and waits until its contents are on the disk.
fn create_file(path: &Path, contents: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(contents.as_bytes())?;
    // Before the rename: otherwise a power failure may leave the new name with no contents.
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_with_the_mode_asked_for_and_no_temporary_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "old").unwrap();
        write_atomically(&path, "new", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn where_the_file_cannot_be_replaced_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a-folder");
        fs::create_dir(&path).unwrap();
        write_atomically(&path, "new", 0o644).unwrap_err();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
