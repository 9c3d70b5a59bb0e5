//! Little cargo projects: what has to fail, to warn or to run under another runner, runs in one.
//!
//! ```text
//! tests/projects/NAME/          ──┐ copied, with the workspace's Cargo.lock or its own
//! Project::new(NAME).file(..)   ──┴▶ <target>/tests/projects/NAME/      a workspace of its own
//!                                    <target>/tests/projects/target/    shared by all of them
//! ```
//!
//! All share one target folder. It is not the workspace's, whose lock an outer cargo may hold;
//! jemalloc, which takes longest, is taken from there (see `build.rs`). Sources stay where they are between runs and
//! are written only where they differ, so a second run of the tests builds nothing.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use heap_sidecar::{Sidecar, read_run};
use tempfile::TempDir;

/// A cargo project outside the workspace. Nobody else has it while this value lives.
#[derive(Debug)]
pub struct Project {
    folder: PathBuf,
    files: BTreeMap<PathBuf, String>,
    variables: Vec<(String, String)>,
    jemalloc: Option<&'static str>,
    // Held for its lock.
    _lock: File,
}

impl Project {
    /// An empty project. Its name is its folder's, and each test that makes one has its own.
    ///
    /// It has a manifest of a package `name` that depends on `heap-runtime`; a [`file`](Self::file)
    /// `Cargo.toml` takes its place.
    ///
    /// # Panics
    ///
    /// Where its folder cannot be made.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let folder = projects().join(name);
        fs::create_dir_all(&folder).expect("the target folder can be written");
        // Another test process may run the same test: under nextest each test is a process.
        let lock = File::create(projects().join(format!("{name}.lock"))).expect("a lock file");
        lock.lock().expect("the lock is granted");
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n\
             [dependencies]\nheap-runtime.path = \"{RUNTIME}\"\n\n\
             [workspace]\n\n{PROFILE}"
        );
        Self {
            folder,
            files: BTreeMap::new(),
            variables: Vec::new(),
            jemalloc: jemalloc(),
            _lock: lock,
        }
        .file("Cargo.toml", &manifest)
    }

    /// A copy of the project in `tests/projects/NAME`.
    ///
    /// # Panics
    ///
    /// Where there is none.
    #[must_use]
    pub fn copy_of(name: &str) -> Self {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("projects")
            .join(name);
        let mut project = Self::new(name);
        for path in files_below(&fixture).expect("the fixture can be read") {
            let contents = fs::read_to_string(fixture.join(&path)).expect("the fixture is text");
            project = project.file(path, &contents);
        }
        project
    }

    /// Adds a file, or replaces the one at that path. In a `Cargo.toml`, the relative path of
    /// `heap-runtime` that is right for a project in `tests/projects` is made to fit.
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, contents: &str) -> Self {
        let path = path.into();
        let mut contents = contents.to_owned();
        if path.ends_with("Cargo.toml") {
            let runtime = workspace().join("heap-runtime").display().to_string();
            // Packages of a workspace are a folder deeper.
            for path in [format!("../{RUNTIME}"), RUNTIME.to_owned()] {
                contents = contents.replace(&path, &runtime);
            }
        }
        self.files.insert(path, contents);
        self
    }

    /// Sets an environment variable for all that is run in the project.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Builds jemalloc anew, as the project's features want it, instead of taking the workspace's.
    /// That takes a minute or more, the first time.
    #[must_use]
    pub fn with_its_own_jemalloc(mut self) -> Self {
        self.jemalloc = None;
        self
    }

    /// The project's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The target folder, of this project and all others.
    #[must_use]
    pub fn target() -> PathBuf {
        projects().join("target")
    }

    /// `cargo`, in the project, with an environment that no outer cargo, runner or setting of ours
    /// shows through.
    ///
    /// # Panics
    ///
    /// Where the project's files cannot be written.
    #[must_use]
    pub fn cargo<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        clean_environment(&mut cargo);
        self.enter(cargo.args(arguments));
        cargo
    }

    /// Starts a command in the project, where cargo finds what it needs.
    ///
    /// # Panics
    ///
    /// Where the project's files cannot be written.
    pub fn enter(&self, command: &mut Command) {
        self.write().expect("the target folder can be written");
        command
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", Self::target())
            // Where the versions are those of the workspace, all is here already.
            .env(
                "CARGO_NET_OFFLINE",
                (!self.has_its_own_versions()).to_string(),
            )
            .env("CARGO_TERM_COLOR", "never")
            .envs(self.jemalloc.map(|library| ("JEMALLOC_OVERRIDE", library)))
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// `cargo test` with arguments, its sidecars in a folder of their own.
    #[must_use]
    pub fn test(&self, arguments: &[&str]) -> Run {
        Run::of(self.cargo(["test"]).args(arguments))
    }

    /// `cargo heap`, in the project.
    ///
    /// # Panics
    ///
    /// Where it cannot be started.
    #[must_use]
    pub fn heap<A: AsRef<OsStr>>(
        &self,
        program: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Said {
        let mut command = Command::new(program);
        clean_environment(&mut command);
        self.enter(command.args(arguments));
        let output = command.output().expect("it starts");
        Said {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code(),
        }
    }

    /// Whether it has a `Cargo.lock`, and with it crates that the workspace does not have.
    fn has_its_own_versions(&self) -> bool {
        self.files.contains_key(Path::new("Cargo.lock"))
    }

    /// Brings the folder to what the project is, and touches nothing that is right already:
    /// cargo builds anew by the time of a change.
    fn write(&self) -> io::Result<()> {
        for path in files_below(&self.folder)? {
            if !self.files.contains_key(&path) && path != Path::new("Cargo.lock") {
                fs::remove_file(self.folder.join(path))?;
            }
        }
        for (path, contents) in &self.files {
            let path = self.folder.join(path);
            if fs::read_to_string(&path).is_ok_and(|present| present == *contents) {
                continue;
            }
            fs::create_dir_all(path.parent().expect("a file is in a folder"))?;
            fs::write(path, contents)?;
        }
        if !self.has_its_own_versions() {
            fs::copy(
                workspace().join("Cargo.lock"),
                self.folder.join("Cargo.lock"),
            )?;
        }
        Ok(())
    }
}

/// What a command has said.
#[derive(Debug)]
pub struct Said {
    /// To its standard output.
    pub stdout: String,
    /// To its standard error.
    pub stderr: String,
    /// Its exit status; none where a signal has ended it.
    pub status: Option<i32>,
}

/// What came of a command.
#[derive(Debug)]
pub struct Run {
    /// How it exited.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
    /// Its sidecars, in the order of their file names.
    pub sidecars: Vec<Sidecar>,
}

impl Run {
    /// Runs a command with `HEAP_SIDECAR_DIR` set, and takes in what it leaves.
    ///
    /// # Panics
    ///
    /// Where it cannot be started, or a file that it leaves is no sidecar.
    #[must_use]
    pub fn of(command: &mut Command) -> Self {
        let sidecars = TempDir::new().expect("a temporary folder");
        Self::with_sidecars_in(command.env("HEAP_SIDECAR_DIR", sidecars.path()), || {
            sidecars.path().to_owned()
        })
    }

    /// Runs a command, and then reads the sidecars of the folder that `folder` tells.
    ///
    /// # Panics
    ///
    /// As [`of`](Self::of).
    #[must_use]
    pub fn with_sidecars_in(command: &mut Command, folder: impl FnOnce() -> PathBuf) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().expect("the command can be started");
        let (sidecars, unreadable) = read_run(folder()).expect("the folder can be read");
        assert!(unreadable.is_empty(), "{unreadable:?}");
        Self {
            status,
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            sidecars,
        }
    }

    /// The run, where it succeeded.
    ///
    /// # Panics
    ///
    /// With all of its output, where it did not.
    #[must_use]
    pub fn success(self) -> Self {
        assert!(self.status.success(), "{}{}", self.stdout, self.stderr);
        self
    }

    /// The one sidecar of a test.
    ///
    /// # Panics
    ///
    /// With all of the output, where there is none, or more than one.
    #[must_use]
    pub fn sidecar(&self, test_name: &str) -> &Sidecar {
        match self.sidecars_of(test_name).as_slice() {
            [sidecar] => sidecar,
            others => panic!(
                "{} sidecars of {test_name}:\n{}{}",
                others.len(),
                self.stdout,
                self.stderr
            ),
        }
    }

    /// All sidecars of a test.
    #[must_use]
    pub fn sidecars_of(&self, test_name: &str) -> Vec<&Sidecar> {
        self.sidecars
            .iter()
            .filter(|sidecar| sidecar.test_name == test_name)
            .collect()
    }

    /// What libtest says of a test: `ok`, `FAILED`, `ignored`.
    #[must_use]
    pub fn verdict(&self, test_name: &str) -> Option<&str> {
        self.stdout.lines().find_map(|line| {
            let (name, verdict) = line.strip_prefix("test ")?.split_once(" ... ")?;
            // libtest marks those that should panic.
            (name.trim_end_matches(" - should panic") == test_name).then_some(verdict)
        })
    }

    /// What libtest has caught of a failed test's output.
    #[must_use]
    pub fn output(&self, test_name: &str) -> Option<&str> {
        let start = format!("---- {test_name} stdout ----\n");
        let (_, output) = self.stdout.split_once(&start)?;
        let end = output
            .find("\n---- ")
            .or_else(|| output.find("\n\nfailures:"));
        Some(output[..end.unwrap_or(output.len())].trim())
    }
}

/// Hides from a command what an outer cargo, test runner or setting of ours has put in the
/// environment.
pub fn clean_environment(command: &mut Command) {
    const FOREIGN: [&str; 4] = ["CARGO", "HEAP_", "NEXTEST", "RUST_"];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        // Where the registry is, it must stay.
        if FOREIGN.iter().any(|prefix| text.starts_with(prefix)) && text != "CARGO_HOME" {
            command.env_remove(&name);
        }
    }
}

/// How the runtime is named in the manifests of `tests/projects`.
const RUNTIME: &str = "../../../heap-runtime";

/// Lines are enough, for backtraces; without more, all is smaller and built sooner.
const PROFILE: &str = "[profile.dev]\ndebug = \"line-tables-only\"\nincremental = false\n";

/// The jemalloc that the workspace's build has made (see `build.rs`).
pub(crate) fn jemalloc() -> Option<&'static str> {
    option_env!("JEMALLOC").filter(|library| Path::new(library).exists())
}

pub(crate) fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .parent()
        .expect("the package is in the workspace")
        .to_owned()
}

/// Where the projects are.
fn projects() -> PathBuf {
    built_here().join("projects")
}

/// Where is built what tests build: below the target folder that this binary is in.
///
/// # Panics
///
/// Where the binary is not known.
#[must_use]
pub fn built_here() -> PathBuf {
    let executable = std::env::current_exe().expect("the test binary is known");
    let target = executable
        .ancestors()
        .find(|folder| folder.join(".rustc_info.json").is_file())
        .map_or_else(|| workspace().join("target"), Path::to_owned);
    target.join("tests")
}

/// The files below a folder, as paths relative to it.
pub(crate) fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in folder.join(&below).read_dir()? {
            let entry = entry?;
            let path = below.join(entry.file_name());
            if !entry.file_type()?.is_dir() {
                files.push(path);
            } else if entry.file_name() != "target" {
                folders.push(path);
            }
        }
    }
    Ok(files)
}
