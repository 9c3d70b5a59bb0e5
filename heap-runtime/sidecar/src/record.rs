//! The sidecar: one JSON file for each execution of a tracked test.
//!
//! ```text
//!            begins                          ends
//! (no file) ───────▶ status "running" ──────────────▶ status "finished"
//!                    the state before     rename      outcome, the state after
//!                          │
//!                          └─ killed, aborted, out of memory: this is what remains
//! ```
//!
//! The record stands at its final name before the body starts, and the finished one replaces it in
//! one step, so that a reader sees one whole file or the other at every moment. A key that is
//! absent was not measured; there is never a `null`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Allocator, Budget, Description, Heap, HostContext, Outcome, Parent, Process, Runner, Samples,
    Time,
};

/// The version of the format that this library writes, and the newest that it reads.
///
/// It grows only when an existing key changes its meaning, goes, or takes a value that readers of
/// before would refuse. Readers ignore keys that they do not know, so a new key needs no new version.
pub const FORMAT_VERSION: u32 = 1;

/// One execution of a tracked test.
///
/// ```
/// use heap_sidecar::{Outcome, Status};
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!((sidecar.package.as_str(), sidecar.test_name.as_str()), ("queues", "a_burst_fits"));
/// assert_eq!((sidecar.status, sidecar.outcome), (Status::Finished, Some(Outcome::Failed)));
/// let broken = sidecar.budgets.iter().find(|budget| budget.held == Some(false));
/// assert_eq!(broken.and_then(|budget| budget.actual), Some(5 << 20));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Sidecar {
    /// [`FORMAT_VERSION`] of the writer.
    pub format_version: u32,
    /// Whether the end of the test has been written.
    pub status: Status,
    /// The test as the harness prints it: module path without the crate, then the function.
    pub test_name: String,
    /// The package whose test this is.
    pub package: String,
    /// The test binary, by the name of its crate. A library and a program of one package may have the
    /// same; tests of theirs that are called alike are told apart by [`source`](Self::source), and
    /// are two iterations of one test to everything else.
    pub binary: String,
    /// Where the test function stands.
    pub source: Source,
    /// The run that this execution belongs to.
    pub run_id: String,
    /// What started the test process.
    pub runner: Runner,
    /// The run as nextest calls it, where `HEAP_RUN_ID` has given it another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runner_run_id: Option<String>,
    /// Which part of the run this is: `HEAP_SHARD`, or nextest's `--partition`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Which attempt this is, from 1; more under nextest's retries.
    pub attempt: u32,
    /// Which round of a nextest stress run this is, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stress_index: Option<u32>,
    /// Which execution of the test in this run and attempt this is, from 0; a function that is
    /// called twice has two. Where several processes of the run execute it, no two have the same number, and some
    /// numbers are left out.
    pub iteration: u32,
    /// The test's process.
    pub pid: u32,
    /// What tells that process from all others that have or had its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<Process>,
    /// Of what is no test of the run: the process of the tracked test that started this one, such as a
    /// test that runs itself in a child, or `cargo test` in a project of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// When the body started: UTC, RFC 3339, milliseconds. Empty where the clock says a year that RFC 3339
    /// cannot write, before 0000 or after 9999.
    pub started_at: String,
    /// How long the body ran, in nanoseconds of the monotonic clock. Without the time that it took notes on the
    /// thread that ran it: `heap_runtime::checkpoint`, `heap_runtime::metric` and the like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// How the test ended, as the harness sees it. Absent while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Why a failed test failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// Why a skipped test did not do its work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_reason: Option<String>,
    /// Labels of the attribute, and of `heap_runtime::label`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Numbers of `heap_runtime::metric`, in units that their names should tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// Many values of one name each, by `heap_runtime::samples`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub samples: BTreeMap<String, Samples>,
    /// What metrics and samples of these names mean, by `heap_runtime::describe`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub descriptions: BTreeMap<String, Description>,
    /// The host after the test; while it runs, what never changes of it.
    pub host: HostContext,
    /// What changes of the host, as it was before the test.
    pub host_before: HostContext,
    /// What is known of the test's memory.
    pub heap: Heap,
    /// Where the test's time went. Absent while it runs, and where `HEAP_TIME=0` has left it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Time>,
    /// The limits that held, or did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
    /// While the test runs: which file beside the record has its checkpoints so far, with the labels and
    /// metrics up to the last of them. It is called so, and ends in [`NOTES_SUFFIX`](crate::NOTES_SUFFIX). `read` reads both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

impl Sidecar {
    /// The record of a test that has just been started: its first attempt and iteration, with nothing
    /// known yet of its package, its run, its process, the host and what it allocates.
    ///
    /// ```
    /// use heap_sidecar::{Allocator, Runner, Sidecar, Source, Status};
    ///
    /// let source = Source::new("tests/queue.rs".into(), 11);
    /// let sidecar = Sidecar::new("a_burst_fits".into(), source, Runner::CargoTest, Allocator::Jemalloc);
    /// assert_eq!((sidecar.status, sidecar.outcome), (Status::Running, None));
    /// assert_eq!(sidecar.format_version, heap_sidecar::FORMAT_VERSION);
    /// ```
    #[must_use]
    pub fn new(test_name: String, source: Source, runner: Runner, allocator: Allocator) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            status: Status::Running,
            test_name,
            package: String::new(),
            binary: String::new(),
            source,
            run_id: String::new(),
            runner,
            runner_run_id: None,
            shard: None,
            attempt: 1,
            stress_index: None,
            iteration: 0,
            pid: 0,
            process: None,
            parent: None,
            started_at: String::new(),
            duration_ns: None,
            outcome: None,
            failure: None,
            skip_reason: None,
            labels: BTreeMap::new(),
            metrics: BTreeMap::new(),
            samples: BTreeMap::new(),
            descriptions: BTreeMap::new(),
            host: HostContext::default(),
            host_before: HostContext::default(),
            heap: Heap::new(allocator),
            time: None,
            budgets: Vec::new(),
            notes: None,
        }
    }
}

/// How far a sidecar has come.
///
/// ```
/// use heap_sidecar::Status;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// assert_eq!(sidecar.status, Status::Running);
/// // Whether it still runs is for a reader to find out: `report::State`.
/// assert_eq!(sidecar.outcome, None);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Status {
    /// The body has started. Where its process is gone, it was killed in the middle.
    Running,
    /// The test has ended, and everything is in.
    Finished,
}

/// Where a test function stands.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(format!("{}:{}", sidecar.source.file, sidecar.source.line), "tests/queue.rs:11");
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Source {
    /// The file, as the compiler was given it: relative to the workspace.
    pub file: String,
    /// The line of the function's name, from 1.
    pub line: u32,
}

impl Source {
    /// This line of this file.
    ///
    /// ```
    /// let source = heap_sidecar::Source::new("tests/queue.rs".into(), 11);
    /// assert_eq!((source.file.as_str(), source.line), ("tests/queue.rs", 11));
    /// ```
    #[must_use]
    pub fn new(file: String, line: u32) -> Self {
        Self { file, line }
    }
}

/// Why a test failed.
///
/// ```
/// use heap_sidecar::FailureKind;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let failure = sidecar.failure.expect("it has failed");
/// assert_eq!(failure.kind, FailureKind::Budget);
/// assert!(failure.message.contains("4.00 MiB over 1.00 MiB"), "{}", failure.message);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What was said of it; cut after [`Failure::MAX_MESSAGE_BYTES`] bytes.
    pub message: String,
}

/// The kinds of failure.
///
/// ```
/// use heap_sidecar::FailureKind;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // The body itself had passed.
/// assert_eq!(sidecar.failure.map(|failure| failure.kind), Some(FailureKind::Budget));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The body panicked.
    Panic,
    /// The body returned `Err`, or a value that reports an exit code other than success; or it
    /// passed, and could not be tracked under `HEAP_REQUIRE=1`.
    Error,
    /// The body passed, and broke a budget.
    Budget,
    /// A `#[should_panic]` body did not panic, or not with the expected message.
    ShouldPanic,
}

impl Failure {
    /// Messages are cut after so many bytes: what a test prints is not for us to keep whole.
    pub const MAX_MESSAGE_BYTES: usize = 4096;

    /// A failure of this kind, with the message as it is.
    ///
    /// ```
    /// use heap_sidecar::{Failure, FailureKind};
    ///
    /// let failure = Failure::new(FailureKind::Panic, "asked to".into());
    /// assert!(failure.message.len() <= Failure::MAX_MESSAGE_BYTES);
    /// ```
    #[must_use]
    pub fn new(kind: FailureKind, message: String) -> Self {
        Self { kind, message }
    }
}
