//! A subject in a process of its own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use heap_sidecar::{OwnTier, Sidecar, Status};
use tempfile::TempDir;

use crate::noise::Noise;

const SUBJECT: &str = "OWN_TEST_SUBJECT";
const TIMES: &str = "OWN_TEST_TIMES";
const NOISE: &str = "OWN_TEST_NOISE";

/// How often a test does what is done so many times in CI: `TESTS_OF_HEAP_TIMES` times as often.
pub(crate) fn rounds(in_ci: u32) -> u32 {
    let times = std::env::var("TESTS_OF_HEAP_TIMES");
    in_ci * times.map_or(1, |times| times.parse().unwrap())
}

/// Far beyond what any execution takes: a process that has begun none meanwhile never will. How long all of them take, the
/// machine decides.
const PATIENCE: Duration = Duration::from_mins(2);

/// A process to be run.
pub(crate) struct Child {
    command: Command,
    folder: TempDir,
}

/// A process that has run.
pub(crate) struct Ran {
    pub(crate) status: ExitStatus,
    /// Standard output and standard error.
    pub(crate) said: String,
    /// Of the subject, in the order of its executions.
    pub(crate) sidecars: Vec<Sidecar>,
    folder: TempDir,
}

/// What a subject is run by: once or many times, alone or among noisy neighbours.
#[test]
#[ignore = "is what the other tests run in processes of their own"]
fn child() {
    let Ok(name) = std::env::var(SUBJECT) else {
        return;
    };
    let number = |name| std::env::var(name).map_or(0, |text| text.parse().unwrap());
    let mut named = (crate::SUBJECTS.iter().copied().flatten()).filter(|(known, _)| *known == name);
    let (Some((_, subject)), None) = (named.next(), named.next()) else {
        panic!("there is no subject `{name}`, or more than one");
    };
    let noise = (number(NOISE) > 0).then(Noise::start);
    for _ in 0..number(TIMES) {
        // Some are to fail, and their sidecars say how.
        let _ = catch_unwind(subject);
    }
    drop(noise);
}

impl Child {
    /// Runs a subject once.
    pub(crate) fn of(subject: &str) -> Self {
        let mut child = Self::running(&["child::child"]);
        child.command.env(SUBJECT, subject).env(TIMES, "1");
        child
    }

    /// Runs tests of this binary that are marked as ignored, as their harness does.
    pub(crate) fn of_tests(names: &[&str]) -> Self {
        let mut child = Self::running(names);
        child.command.arg("--test-threads=8");
        child
    }

    /// Runs a test of this binary that is marked as ignored, and lets its harness keep what it prints.
    pub(crate) fn of_captured_test(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(folder.path());
        command.args([name, "--exact", "--ignored"]);
        Self { command, folder }
    }

    fn running(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = command(folder.path());
        command
            .args(names)
            .args(["--exact", "--ignored", "--nocapture"]);
        Self { command, folder }
    }

    /// So many times, one after the other.
    pub(crate) fn times(mut self, times: u32) -> Self {
        self.command.env(TIMES, times.to_string());
        self
    }

    /// Among neighbours that allocate as fast as they can.
    pub(crate) fn in_noise(mut self) -> Self {
        self.command.env(NOISE, "1");
        self
    }

    /// A thousand times, among neighbours that allocate as fast as they can.
    pub(crate) fn thousand_times_in_noise(self) -> Self {
        self.in_noise().times(1000)
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end.
    pub(crate) fn run(mut self) -> Ran {
        let (mut reader, writer) = std::io::pipe().unwrap();
        self.command
            .stdout(writer.try_clone().unwrap())
            .stderr(writer);
        let mut process = self.command.spawn().unwrap();
        // It holds the writing ends, and the reading below waits until they are closed.
        drop(self.command);
        let pid = rustix::process::Pid::from_child(&process);
        let (done, waiting) = mpsc::channel::<()>();
        let records = self.folder.path().to_owned();
        let watchdog = thread::spawn(move || {
            let mut before = None;
            while waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                let begun = std::fs::read_dir(&records).map_or(0, Iterator::count);
                if before.replace(begun) == Some(begun) {
                    let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                    break;
                }
            }
        });
        let mut said = Vec::new();
        reader.read_to_end(&mut said).unwrap();
        let status = process.wait().unwrap();
        drop(done);
        watchdog.join().unwrap();
        let (mut sidecars, unreadable) = heap_sidecar::read_run(self.folder.path()).unwrap();
        assert!(unreadable.is_empty(), "{unreadable:?}");
        sidecars.sort_by_key(|sidecar| sidecar.iteration);
        Ran {
            status,
            said: String::from_utf8(said).unwrap(),
            sidecars,
            folder: self.folder,
        }
    }
}

/// This binary again, with sidecars in a folder.
fn command(folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("HEAP_") || name.starts_with("NEXTEST") {
            command.env_remove(&*name);
        }
    }
    command
        .env("HEAP_SIDECAR_DIR", folder)
        // Without epochs, an execution takes a fraction of a millisecond.
        .env("HEAP_PROCESS", "0")
        // The first trace of a process keeps its symbols, tens of MiB, which are the test's.
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null());
    command
}

impl Ran {
    /// Those of one tracked function, whose name ends like this.
    pub(crate) fn of(&self, name: &str) -> Vec<&Sidecar> {
        let suffix = format!("::{name}");
        let found: Vec<_> = self
            .sidecars
            .iter()
            .filter(|sidecar| sidecar.test_name.ends_with(&suffix))
            .collect();
        assert!(!found.is_empty(), "no sidecar of {name}: {}", self.said);
        for sidecar in &found {
            assert_eq!(sidecar.status, Status::Finished, "{}", self.said);
        }
        found
    }

    /// The only one of a tracked function.
    pub(crate) fn only(&self, name: &str) -> &Sidecar {
        let found = self.of(name);
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    }

    /// The own tier of the only one.
    pub(crate) fn own(&self, name: &str) -> &OwnTier {
        own(self.only(name))
    }

    /// Judges the own tier of each of a thousand.
    pub(crate) fn each_of_thousand(&self, name: &str, judge: impl Fn(&OwnTier) -> bool) {
        let all = self.of(name);
        assert_eq!(all.len(), 1000, "{}", self.said);
        let mut wrong = BTreeMap::<String, u32>::new();
        for sidecar in all {
            let own = own(sidecar);
            if !judge(own) {
                *wrong.entry(format!("{own:?}")).or_default() += 1;
            }
        }
        assert!(wrong.is_empty(), "of a thousand: {wrong:#?}");
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

/// The own tier, which is there.
pub(crate) fn own(sidecar: &Sidecar) -> &OwnTier {
    sidecar.heap.own.as_ref().expect("an own tier")
}

/// Whether the peak is this one, within the error that it states.
pub(crate) fn peaked_at(own: &OwnTier, bytes: u64) -> bool {
    own.peak_bytes
        .zip(own.peak_error_bytes)
        .is_some_and(|(peak, error)| peak.abs_diff(bytes) <= error)
}
