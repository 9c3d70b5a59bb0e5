//! The test binaries of a package, run: what the harness says, what they leave, how long they take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use heap_runtime::sidecar::Sidecar;
use serde_json::Value;

use super::package::Package;
use crate::project::{Run, clean_environment};

/// A test binary of a package.
#[derive(Debug, Clone)]
pub struct Binary {
    /// The name of its target.
    pub target: String,
    executable: PathBuf,
    package: PathBuf,
}

/// What came of one execution of a test binary.
#[derive(Debug)]
pub struct Execution {
    /// What libtest says of each test: `ok`, `FAILED`, `ignored`.
    pub verdicts: BTreeMap<String, String>,
    /// What it left.
    pub sidecars: Vec<Sidecar>,
    /// All that it printed.
    pub output: String,
}

/// The test binaries of a package, built.
///
/// # Panics
///
/// With cargo's errors, where they cannot be built.
#[must_use]
pub fn build(package: &Package) -> Vec<Binary> {
    let output = package
        .cargo("test")
        .args(["--no-run", "--lib", "--bins", "--tests"])
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{} builds", package.name);
    let messages = String::from_utf8_lossy(&output.stdout);
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["profile"]["test"] == true)
        .filter_map(|message| {
            Some(Binary {
                target: message["target"]["name"].as_str()?.into(),
                executable: message["executable"].as_str()?.into(),
                package: package.folder.clone(),
            })
        })
        .collect()
}

impl Binary {
    /// As cargo runs it.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        clean_environment(&mut command);
        command
            .current_dir(&self.package)
            .env("CARGO_MANIFEST_DIR", &self.package);
        command
    }

    /// Runs it, and takes in what it says and leaves.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    pub fn run(&self) -> Execution {
        let run = Run::of(&mut self.command());
        let lines = run.stdout.lines();
        let verdicts = lines
            .filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "))
            .map(|(name, verdict)| {
                let name = name.trim_end_matches(" - should panic");
                // A reason may follow.
                let verdict = verdict.split([',', ' ']).next().unwrap_or(verdict);
                (name.to_owned(), verdict.to_owned())
            })
            .collect();
        Execution {
            verdicts,
            output: run.stdout + &run.stderr,
            sidecars: run.sidecars,
        }
    }

    /// The least time that it takes, of a number of times; with `tracked` or without.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    pub fn least_time(&self, rounds: u32, tracked: bool, folder: &Path) -> Duration {
        let once = || {
            let mut command = self.command();
            command
                .env("HEAP_TRACK", if tracked { "1" } else { "0" })
                .env("HEAP_SIDECAR_DIR", folder)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            let start = Instant::now();
            command.status().expect("the test binary starts");
            start.elapsed()
        };
        (0..rounds).map(|_| once()).min().unwrap_or_default()
    }
}
