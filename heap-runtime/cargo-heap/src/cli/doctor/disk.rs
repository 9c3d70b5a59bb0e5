//! How long the target folder's disk takes for a sidecar: a file that is written, and another that replaces it.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::check::Check;

/// As long as a sidecar of a short test.
const BYTES: usize = 4096;

const FILES: usize = 32;

/// A tracked test takes a fraction of that without a disk.
const SLOW: Duration = Duration::from_millis(2);

pub(super) fn check(target: &Path) -> Check {
    let (name, measures) = ("disk", "what a sidecar costs each test");
    match sidecar_takes(target) {
        Ok(took) if took < SLOW => {
            let found = format!(
                "{} takes {} µs for a sidecar",
                target.display(),
                took.as_micros()
            );
            Check::good(name, measures, found)
        }
        Ok(took) => Check::missing(
            name,
            measures,
            format!(
                "{} is slow: {} µs for a sidecar",
                target.display(),
                took.as_micros()
            ),
            "export HEAP_SIDECAR_DIR=/dev/shm/heap",
        ),
        Err(error) => Check::missing(
            name,
            measures,
            format!("{} cannot be written: {error}", target.display()),
            format!(
                "export HEAP_SIDECAR_DIR={}",
                std::env::temp_dir().join("heap").display()
            ),
        ),
    }
}

/// The middle of some: one that the machine stood still in says nothing of the disk.
fn sidecar_takes(target: &Path) -> io::Result<Duration> {
    fs::create_dir_all(target)?;
    let folder = tempfile::Builder::new()
        .prefix(".heap-doctor")
        .tempdir_in(target)?;
    let contents = [b' '; BYTES];
    let mut took = Vec::with_capacity(FILES);
    for number in 0..FILES {
        let path = folder.path().join(number.to_string());
        let began = Instant::now();
        fs::write(&path, contents)?;
        let new = path.with_extension("tmp");
        fs::write(&new, contents)?;
        fs::rename(&new, &path)?;
        took.push(began.elapsed());
    }
    took.sort_unstable();
    folder.close()?;
    Ok(took[FILES / 2])
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn a_folder_is_left_as_it_was() {
        let target = tempfile::tempdir().unwrap();
        let folder = target.path().join("target");
        assert!(check(&folder).found.contains("for a sidecar"));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn one_that_cannot_be_written_is_told() {
        let target = tempfile::tempdir().unwrap();
        let file = target.path().join("file");
        fs::write(&file, "").unwrap();
        let check = check(&file.join("target"));
        assert_eq!(check.state, State::Missing);
        assert!(check.found.contains("cannot be written"), "{}", check.found);
    }
}
