//! The programs and suites that are set side by side: `tests/projects/rivals`, built when first asked for.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use heap_tests::project::Project;
use heap_tests::scratch;

/// The allocators, by the names of their programs.
pub(crate) const ALLOCATORS: [&str; 9] = [
    "bare",
    "tracked",
    "densa_alloc",
    "stats_alloc",
    "alloc_tracker",
    "system",
    "allocation_counter",
    "peak_alloc",
    "dhat",
];

/// The project. Its generated suites come and go; its programs stay.
pub(crate) struct Rivals {
    project: Option<Project>,
    are_built: bool,
}

impl Rivals {
    pub(crate) fn new() -> Self {
        Self {
            project: Some(Project::copy_of("rivals")),
            are_built: false,
        }
    }

    /// Adds or replaces a file.
    pub(crate) fn file(&mut self, path: &str, contents: &str) {
        let project = self.project.take().expect("it is put back at once");
        self.project = Some(project.file(path, contents));
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let project = self.project.as_ref().expect("it is always put back");
        project.cargo(arguments)
    }

    /// One contender's program, to do `work`.
    pub(crate) fn program(&mut self, contender: &str, work: &str, count: usize) -> Command {
        if !self.are_built {
            succeed(&mut self.cargo(&["build", "--release", "--bins"]));
            for allocator in ALLOCATORS {
                // Each dies here if its allocator is not the one that serves it.
                succeed(
                    Command::new(Project::target().join("release").join(allocator)).arg("live"),
                );
            }
            self.are_built = true;
        }
        let mut command = Command::new(Project::target().join("release").join(contender));
        command.args([work, &count.to_string()]);
        command
    }

    /// Builds a suite and says where its test binary is.
    pub(crate) fn suite(&self, name: &str, profile: &str) -> PathBuf {
        let output = succeed(&mut self.cargo(&[
            "test",
            "--no-run",
            "--profile",
            profile,
            "--test",
            name,
            "--message-format=json",
        ]));
        output
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .filter(|message| message["target"]["name"] == name)
            .find_map(|message| message["executable"].as_str().map(PathBuf::from))
            .expect("cargo says where it is")
    }
}

/// A suite of empty tests: what stands at the top, what stands above each, what is in each.
pub(crate) fn suite(
    head: &str,
    attribute: &str,
    count: usize,
    body: fn(usize) -> String,
) -> String {
    let mut suite = format!("{head}\n");
    for test in 0..count {
        writeln!(suite, "{attribute}\nfn t{test:05}() {{{}}}", body(test)).expect("a String");
    }
    suite
}

/// Runs a command and gives the numbers that it prints by their names.
pub(crate) fn figures(command: &mut Command) -> BTreeMap<String, f64> {
    let folder = scratch::folder();
    command.env("HEAP_SIDECAR_DIR", folder.path().join("run"));
    succeed(command)
        .lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        })
        .collect()
}

/// What a command prints that must succeed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the command can be started");
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The target folder of the workspace.
pub(crate) fn target() -> PathBuf {
    let projects = Project::target();
    let target = projects.ancestors().nth(3).unwrap_or(Path::new("target"));
    target.to_owned()
}
