//! Where the database of a world is.

use std::path::{Path, PathBuf};

use super::error::StoreError;

/// The name of the default world. Requests that name no world belong to it.
pub const DEFAULT_WORLD: &str = "default";

const WORLD_FILE_EXTENSION: &str = "db";

/// Where the database of a world is.
#[derive(Clone, Debug)]
pub enum DatabaseLocation {
    /// In memory.
    Memory,
    /// In a file.
    File(PathBuf),
    /// In this schema of a PostgreSQL database.
    Schema(String),
}

/// The file of a persistent world, in the folder beside the file of the default world.
pub fn world_file_path(default_file: &Path, world: &str) -> PathBuf {
    worlds_folder(default_file).join(format!("{world}.{WORLD_FILE_EXTENSION}"))
}

/// The names and files of the persistent worlds beside the file of the default world, sorted by name.
pub fn list_world_files(default_file: &Path) -> Vec<(String, PathBuf)> {
    let Ok(files) = std::fs::read_dir(worlds_folder(default_file)) else { return Vec::new() };
    let paths = files.flatten().map(|file| file.path());
    let mut worlds: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == WORLD_FILE_EXTENSION))
        .filter_map(|path| Some((path.file_stem()?.to_str()?.to_owned(), path)))
        .collect();
    worlds.sort();
    worlds
}

fn worlds_folder(default_file: &Path) -> PathBuf {
    let mut folder = default_file.as_os_str().to_owned();
    folder.push(".worlds");
    folder.into()
}

/// Creates the folder of a world's file. The first persistent world creates it for all.
pub(super) fn create_parent_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent() else { return Ok(()) };
    std::fs::create_dir_all(folder)
        .map_err(|source| StoreError::CannotOpen { path: path.to_owned(), source: sqlx::Error::Io(source) })
}
