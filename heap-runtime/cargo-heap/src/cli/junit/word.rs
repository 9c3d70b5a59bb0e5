//! nextest's word: its `JUnit` file, asked for or found.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::super::error::Error;
use super::file::JUnit;
use super::{failed_otherwise, verdicts};
use crate::report::{Row, RunnerVerdict};

/// Where nextest is asked to write its file: as a tool's configuration, which that of the workspace
/// precedes.
pub(in super::super) struct Asked {
    folder: TempDir,
}

/// The tool that nextest is told that this is.
const TOOL: &str = "heap";

impl Asked {
    pub(in super::super) fn new() -> Result<Self, Error> {
        let wrong = |error: io::Error| {
            Error::new(format!(
                "cannot ask nextest what it says of each test: {error}"
            ))
        };
        let asked = Self {
            folder: tempfile::tempdir().map_err(wrong)?,
        };
        let mut configuration = File::create(asked.configuration()).map_err(wrong)?;
        let path = asked.file();
        let path = path.to_str().ok_or(io::ErrorKind::InvalidFilename);
        // As JSON writes a text, TOML reads it.
        let path = serde_json::Value::from(path.map_err(|kind| wrong(kind.into()))?);
        write!(
            configuration,
            "[profile.default.junit]\npath = {path}\nstore-failure-output = false\n"
        )
        .map_err(wrong)?;
        Ok(asked)
    }

    /// What nextest is to be given.
    pub(in super::super) fn arguments(&self) -> [OsString; 2] {
        let mut file = OsString::from(TOOL);
        file.push(":");
        file.push(self.configuration());
        ["--tool-config-file".into(), file]
    }

    /// What nextest has said of the tests that these are executions of. Where the workspace has a place
    /// of its own for the file, it is below one of `targets`.
    pub(in super::super) fn said(&self, targets: &[PathBuf], rows: &[Row]) -> Word {
        let files = match JUnit::read(&self.file()) {
            Ok(junit) => vec![junit],
            Err(_) => targets
                .iter()
                .flat_map(|target| files(target, rows))
                .collect(),
        };
        let others = files.iter().map(|junit| failed_otherwise(junit, rows));
        Word {
            others_failed: (!files.is_empty()).then(|| others.sum()),
            verdicts: files
                .iter()
                .flat_map(|junit| verdicts(junit, rows))
                .collect(),
        }
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("nextest.toml")
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("junit.xml")
    }
}

/// What nextest has said.
#[derive(Default)]
pub(in super::super) struct Word {
    pub(in super::super) verdicts: Vec<RunnerVerdict>,
    /// How many of its tests failed that left no sidecar, where it has said so much.
    pub(in super::super) others_failed: Option<usize>,
}

/// What nextest says of these tests in the files that it has left below a target folder.
pub(in super::super) fn found(target: &Path, rows: &[Row]) -> Vec<RunnerVerdict> {
    let files = files(target, rows);
    files
        .iter()
        .flat_map(|junit| verdicts(junit, rows))
        .collect()
}

/// The files below a target folder that are of a run of these tests: nextest keeps one for each profile.
fn files(target: &Path, rows: &[Row]) -> Vec<JUnit> {
    let mut all = Vec::new();
    for profile in entries(&target.join("nextest")) {
        for file in entries(&profile) {
            let is_xml = file.extension().is_some_and(|extension| extension == "xml");
            if is_xml && names_run_of(&file, rows) {
                all.extend(JUnit::read(&file));
            }
        }
    }
    all
}

/// What is in a folder; nothing where it is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.flatten().map(|entry| entry.path()).collect()
}

/// Whether the beginning of a file names a run of these: most are of others, and may be large.
fn names_run_of(file: &Path, rows: &[Row]) -> bool {
    let mut start = Vec::new();
    let file = File::open(file).and_then(|file| file.take(1024).read_to_end(&mut start));
    let start = String::from_utf8_lossy(&start);
    let uuid = start
        .split_once(" uuid=\"")
        .and_then(|(_, rest)| rest.split('"').next());
    file.is_ok() && uuid.is_some_and(|uuid| rows.iter().any(|row| super::is_run(row, uuid)))
}
