//! Sources as the compiler's parser sees them, for tests that hold them to a rule.

use std::fs;
use std::path::{Path, PathBuf};

use syn::File;

/// Each Rust file below a folder, by its path from there, in the order of these.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, File)> {
    let read = |within: PathBuf| {
        let text = fs::read_to_string(folder.join(&within)).expect("a source file");
        let file =
            syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", within.display()));
        (within, file)
    };
    paths(folder).into_iter().map(read).collect()
}

/// The paths of the Rust files below a folder, from there.
pub(crate) fn paths(folder: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let within = path.strip_prefix(folder).expect("below it");
                paths.push(within.to_owned());
            }
        }
    }
    paths.sort();
    paths
}
