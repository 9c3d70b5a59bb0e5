//! Files that are replaced whole or not at all.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::Path;

use tempfile::Builder;

/// Puts these contents at `path`, in place of what is there: a reader sees one or the other at any moment,
/// and a link of that name is replaced, not followed.
pub(super) fn file(path: &Path, contents: &[u8]) -> io::Result<()> {
    persist(path, contents, None)
}

/// Puts these contents where somebody has asked for them: in place of a file, whose mode stays, also behind a
/// link. What is no file, as `/dev/stdout` or a pipe, is written to.
pub(super) fn output(path: &Path, contents: &[u8]) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(there) if there.is_file() => persist(
            &fs::canonicalize(path)?,
            contents,
            Some(there.permissions()),
        ),
        // A folder, for which this fails with the reason, or a device.
        Ok(_) => fs::write(path, contents),
        // A link that leads nowhere yet is one to what is made now.
        Err(_) if path.is_symlink() => fs::write(path, contents),
        Err(_) => persist(path, contents, None),
    }
}

fn persist(path: &Path, contents: &[u8], mode: Option<Permissions>) -> io::Result<()> {
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
    if let Some(mode) = mode {
        file.as_file().set_permissions(mode)?;
    }
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a folder has, by name.
    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn who_has_it_open_keeps_what_he_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        for write in [file, output] {
            fs::write(&path, "before").unwrap();
            let open = fs::File::open(&path).unwrap();
            write(&path, b"after").unwrap();
            assert_eq!(io::read_to_string(open).unwrap(), "before");
            assert_eq!(fs::read_to_string(&path).unwrap(), "after");
            assert_eq!(names(folder.path()), ["page"]);
        }
    }

    #[test]
    fn where_it_cannot_be_put_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("page")).unwrap();
        for write in [file, output] {
            assert!(write(&folder.path().join("page"), b"after").is_err());
            assert_eq!(names(folder.path()), ["page"]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_output_is_what_its_link_leads_to_and_keeps_its_mode() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};

        let folder = tempfile::tempdir().unwrap();
        let (page, link) = (folder.path().join("page"), folder.path().join("link"));
        symlink("page", &link).unwrap();
        // The first makes the file, the second replaces it.
        for text in ["one", "two"] {
            output(&link, text.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&page).unwrap(), text);
            fs::set_permissions(&page, Permissions::from_mode(0o640)).unwrap();
        }
        output(&link, b"three").unwrap();
        assert!(link.is_symlink());
        assert_eq!(
            fs::metadata(&page).unwrap().permissions().mode() & 0o777,
            0o640
        );
        output(Path::new("/dev/null"), b"nothing").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());

        file(&link, b"four").unwrap();
        assert!(!link.is_symlink());
        assert_eq!(fs::read_to_string(&page).unwrap(), "three");
    }
}
