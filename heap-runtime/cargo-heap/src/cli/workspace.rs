//! The workspace that `cargo heap` is asked in: its target folder and what it says of itself.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf, absolute};

use cargo_metadata::MetadataCommand;

use super::error::Error;
use crate::settings::Settings;

/// What cargo knows of the workspace.
#[derive(Debug)]
pub(super) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    build: Option<PathBuf>,
    metadata: serde_json::Value,
}

impl Workspace {
    /// Asks cargo about the workspace that it would take with these arguments.
    pub(super) fn of(cargo_arguments: &[OsString]) -> Result<Self, Error> {
        let mut command = MetadataCommand::new();
        command.no_deps();
        if let Some(manifest) = values(cargo_arguments, "--manifest-path").last() {
            command.manifest_path(manifest);
        }
        let mut options = Vec::new();
        for config in values(cargo_arguments, "--config") {
            let config = config
                .to_str()
                .ok_or_else(|| Error::new("the value of --config is not UTF-8"))?;
            options.extend(["--config".to_owned(), config.to_owned()]);
        }
        command.other_options(options);
        let metadata = command.exec().map_err(|error| match error {
            cargo_metadata::Error::CargoMetadata { stderr } => Error::new(format!(
                "cargo cannot tell the workspace: {}",
                stderr.trim().trim_start_matches("error: ")
            )),
            error => Error::new(format!("cargo cannot tell the workspace: {error}")),
        })?;
        let mut target = metadata.target_directory.into_std_path_buf();
        if let Some(folder) = values(cargo_arguments, "--target-dir").last() {
            target = absolute(folder)
                .map_err(|error| Error::at("take as --target-dir", Path::new(folder), error))?;
        }
        Ok(Self {
            root: metadata.workspace_root.into_std_path_buf(),
            target,
            build: metadata
                .build_directory
                .map(cargo_metadata::camino::Utf8PathBuf::into_std_path_buf),
            metadata: metadata.workspace_metadata,
        })
    }

    /// `test-args` of `[workspace.metadata.heap]`: what to run where nothing is said.
    pub(super) fn test_arguments(&self) -> Result<Vec<OsString>, Error> {
        let Some(value) = self.metadata.pointer("/heap/test-args") else {
            return Ok(Vec::new());
        };
        value
            .as_array()
            .and_then(|list| list.iter().map(|value| value.as_str()).collect())
            .map(|list: Vec<&str>| list.into_iter().map(OsString::from).collect())
            .ok_or_else(|| {
                Error::at(
                    "use `test-args` of [workspace.metadata.heap] in",
                    &self.root.join("Cargo.toml"),
                    "it must be a list of strings, such as [\"--package\", \"my-tests\"]",
                )
            })
    }

    /// The folder of the workspace.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The target folder.
    pub(super) fn target(&self) -> &Path {
        &self.target
    }

    /// The folders that tests may take for the target folder, the usual one first: they cannot see
    /// cargo's configuration, so they go by the environment, by where their executable is, and, in
    /// doctests, by the package.
    pub(super) fn targets(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.target.clone()];
        let of_doctests = self.root.join("target");
        for folder in self.build.iter().chain([&of_doctests]) {
            if !folders.contains(folder) {
                folders.push(folder.clone());
            }
        }
        folders
    }
}

/// `HEAP_SIDECAR_DIR`, as the tests take it: from the folder of the workspace. Outside of one, from here.
pub(super) fn sidecar_dir(settings: &Settings) -> Result<Option<PathBuf>, Error> {
    let Some(folder) = &settings.sidecar_dir else {
        return Ok(None);
    };
    if folder.is_relative()
        && let Ok(workspace) = Workspace::of(&[])
    {
        return Ok(Some(workspace.root.join(folder)));
    }
    let folder =
        absolute(folder).map_err(|error| Error::at("use as HEAP_SIDECAR_DIR", folder, error))?;
    Ok(Some(folder))
}

impl Workspace {
    /// `HEAP_SIDECAR_DIR` of the tests of this workspace.
    pub(super) fn sidecar_dir(&self, settings: &Settings) -> Option<PathBuf> {
        let folder = settings.sidecar_dir.as_ref()?;
        Some(self.root.join(folder))
    }
}

/// The values of a cargo option, written `--option value` or `--option=value`, before any `--`.
fn values<'a>(arguments: &'a [OsString], option: &str) -> Vec<&'a OsStr> {
    let mut values = Vec::new();
    let mut arguments = arguments.iter().take_while(|argument| *argument != "--");
    while let Some(argument) = arguments.next() {
        if argument == option {
            values.extend(arguments.next().map(OsString::as_os_str));
        } else if let Some(rest) = strip_prefix(argument, option)
            && let Some(value) = strip_prefix(rest, "=")
        {
            values.push(value);
        }
    }
    values
}

fn strip_prefix<'a>(text: &'a OsStr, prefix: &str) -> Option<&'a OsStr> {
    // Only text that is UTF-8 in front of the value can be one of cargo's options.
    let rest = text.as_encoded_bytes().strip_prefix(prefix.as_bytes())?;
    if rest.is_empty() {
        return Some(OsStr::new(""));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        Some(OsStr::from_bytes(rest))
    }
    #[cfg(not(unix))]
    {
        text.to_str()?.strip_prefix(prefix).map(OsStr::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_as_cargo_finds_them() {
        let arguments: Vec<OsString> = [
            "--target-dir",
            "a",
            "-p",
            "x",
            "--target-dir=b",
            "--target-directory=no",
            "--",
            "--target-dir=c",
        ]
        .map(OsString::from)
        .into();
        assert_eq!(values(&arguments, "--target-dir"), ["a", "b"]);
        assert!(values(&arguments, "--config").is_empty());
        assert!(values(&arguments[..1], "--target-dir").is_empty());
    }
}
