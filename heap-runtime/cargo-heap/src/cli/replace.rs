//! Files that are replaced whole or not at all.

use std::io::{self, Write as _};
use std::path::Path;

use tempfile::Builder;

/// Puts these contents at `path`, in place of what is there: a reader sees one or the other at any moment,
/// and a link of that name is replaced, not followed.
pub(super) fn file(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = Builder::new();
    builder.prefix(".").suffix(".tmp");
    // As any new file, less what the umask takes: temporary ones are otherwise their owner's alone.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder.unwrap_or(Path::new(".")))?;
    file.write_all(contents)?;
    file.persist(path)?;
    Ok(())
}
