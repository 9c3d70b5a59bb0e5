//! Where the sidecars of a run go.

use std::env::current_exe;
use std::path::{Path, PathBuf};

use heap_sidecar::RUNS_FOLDER;

use crate::env::{self, Settings};
use crate::pool::{Lent, Pool};

/// The folder of a run's sidecars: one that exists or can be made, and what is made below it.
pub(crate) struct Place {
    /// Followed as the user wrote it, symbolic links and all.
    pub(crate) base: PathBuf,
    /// Made below `base`, one by one, and never through a symbolic link.
    pub(crate) below: Vec<String>,
}

impl Place {
    /// `HEAP_SIDECAR_DIR`, or else `<target>/heap/<run_id>`.
    ///
    /// # Errors
    ///
    /// Says that no target folder could be found, and what to set.
    pub(crate) fn of(settings: &Settings, run_id: &str) -> Result<Self, String> {
        Ok(Self::below(Self::base(settings)?, settings, run_id))
    }

    /// [`of`](Self::of), where [`base`](Self::base) is known.
    pub(crate) fn below(base: PathBuf, settings: &Settings, run_id: &str) -> Self {
        let below = match settings.sidecar_dir {
            Some(_) => Vec::new(),
            None => vec![RUNS_FOLDER.into(), run_id.to_owned()],
        };
        Self { base, below }
    }

    /// The folder that sidecars go to, or the target folder that has one for those of each run.
    ///
    /// # Errors
    ///
    /// As [`of`](Self::of).
    pub(crate) fn base(settings: &Settings) -> Result<PathBuf, String> {
        if let Some(base) = &settings.sidecar_dir {
            // Tests run in the folders of their packages: it is one folder for all of them.
            if base.is_relative()
                && let Some(root) = env::workspace_root()
            {
                return Ok(root.join(base));
            }
            // Absolute from the start: a test may change its working directory.
            return std::path::absolute(base).map_err(|error| {
                format!(
                    "HEAP_SIDECAR_DIR is `{}`, which is not a valid path: {error}",
                    base.display()
                )
            });
        }
        let target = Target {
            cargo_target_dir: env::cargo_target_dir(),
            executable: current_exe().ok(),
            cargo_manifest_dir: env::cargo_manifest_dir(),
        };
        Ok(target.find().ok_or(
            "no target folder was found to write sidecars to: set HEAP_SIDECAR_DIR to a folder, or HEAP_SINK to a console \
             or a port",
        )?)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.path_of("")
    }

    /// The path of a file in it.
    pub(crate) fn path_of(&self, name: &str) -> PathBuf {
        let mut path = PathBuf::new();
        self.write_path_of(name, &mut path);
        path
    }

    /// [`path_of`](Self::path_of), in room that goes from test to test.
    pub(crate) fn lend_path_of(&self, name: &str) -> Lent<PathBuf> {
        static PATHS: Pool<PathBuf> = Pool::new();
        let mut path = PATHS.lend();
        self.write_path_of(name, &mut path);
        path
    }

    fn write_path_of(&self, name: &str, path: &mut PathBuf) {
        let names = || self.below.iter().map(String::as_str).chain([name]);
        let length: usize = names().map(|name| 1 + name.len()).sum();
        path.as_mut_os_string().clear();
        // And a NUL, for whoever makes a C string of it.
        path.reserve(self.base.as_os_str().len() + length + 1);
        path.push(&self.base);
        path.extend(names().filter(|name| !name.is_empty()));
    }
}

/// What a target folder is found by.
struct Target {
    cargo_target_dir: Option<PathBuf>,
    executable: Option<PathBuf>,
    cargo_manifest_dir: Option<PathBuf>,
}

impl Target {
    /// `CARGO_TARGET_DIR`; the ancestor of the executable that cargo has taken for a target folder; the
    /// target folder of the package or of its workspace.
    ///
    /// A relative `CARGO_TARGET_DIR` is passed over: it is relative to where cargo was started,
    /// which a test cannot know, and the executable below it tells the same.
    fn find(&self) -> Option<PathBuf> {
        if let Some(folder) = &self.cargo_target_dir
            && folder.is_absolute()
        {
            return Some(folder.clone());
        }
        // Cargo tags what it makes; one that was there before, such as the volume of a container, it uses as it is, and
        // keeps in it what it knows of the compiler.
        let tagged = |folder: &Path| {
            ["CACHEDIR.TAG", ".rustc_info.json"]
                .iter()
                .any(|file| folder.join(file).is_file())
        };
        if let Some(executable) = &self.executable
            && let Some(folder) = executable.ancestors().skip(1).find(|folder| tagged(folder))
        {
            return Some(folder.to_owned());
        }
        // A doctest, or the tests of an archive: their executables are in a temporary folder.
        let package = self.cargo_manifest_dir.as_deref()?;
        package
            .ancestors()
            .map(|folder| folder.join("target"))
            .find(|folder| tagged(folder))
            .or_else(|| Some(package.join("target")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_target_folder_is_found_in_the_documented_order() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("workspace/target");
        let package = root.path().join("workspace/member");
        fs::create_dir_all(target.join("debug/deps")).unwrap();
        fs::create_dir_all(&package).unwrap();
        fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
        let elsewhere = root.path().join("elsewhere");
        let find =
            |cargo_target_dir: Option<&Path>, executable: Option<&Path>, package: Option<&Path>| {
                Target {
                    cargo_target_dir: cargo_target_dir.map(Path::to_owned),
                    executable: executable.map(Path::to_owned),
                    cargo_manifest_dir: package.map(Path::to_owned),
                }
                .find()
            };
        let executable = target.join("debug/deps/test-0123");
        let exe = Some(executable.as_path());

        assert_eq!(
            find(Some(&elsewhere), exe, Some(&package)),
            Some(elsewhere.clone())
        );
        assert_eq!(find(None, exe, None), Some(target.clone()));
        assert_eq!(
            find(Some(Path::new("out")), exe, None),
            Some(target.clone())
        );
        let unpacked = elsewhere.join("test-0123");
        assert_eq!(
            find(None, Some(&unpacked), Some(&package)),
            Some(target.clone())
        );
        fs::remove_file(target.join("CACHEDIR.TAG")).unwrap();
        fs::write(target.join(".rustc_info.json"), "{}").unwrap();
        assert_eq!(find(None, exe, Some(&package)), Some(target.clone()));
        fs::remove_file(target.join(".rustc_info.json")).unwrap();
        assert_eq!(
            find(None, exe, Some(&package)),
            Some(package.join("target"))
        );
        assert_eq!(find(None, exe, None), None);
    }
}
