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

mod digits;
mod heap;
mod json;
mod name;
mod padded;
mod place;
mod read;
#[cfg_attr(
    all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere))),
    path = "slot/unix.rs"
)]
#[cfg_attr(
    not(all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere)))),
    path = "slot/elsewhere.rs"
)]
mod slot;
mod write;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use heap::{Checkpoint, Heap, LastSeen, OwnTier, PeakSource, ProcessTier, Timeline};
pub use name::SUFFIX;
pub use read::{FolderError, ReadError, Unreadable, read, read_run};

pub(crate) use json::{HostMembers, to_json};
pub(crate) use name::{Execution, FileName};
pub(crate) use place::{Place, runs_folder};
pub(crate) use read::{Readable, paths, read_as};
pub(crate) use slot::Slot;
pub(crate) use write::{File, Folder, Replace, WriteError};

use crate::host::HostContext;
use crate::run::Runner;

/// The version of the format that this library writes, and the newest that it reads.
///
/// It grows only when an existing key changes its meaning, goes, or takes a value that readers of
/// before would refuse. Readers ignore keys that they do not know, so a new key needs no new version.
pub const FORMAT_VERSION: u32 = 1;

/// One execution of a tracked test.
///
/// ```
/// use heap_runtime::sidecar::{self, Outcome, Status};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!((sidecar.package.as_str(), sidecar.test_name.as_str()), ("queues", "a_burst_fits"));
/// assert_eq!((sidecar.status, sidecar.outcome), (Status::Finished, Some(Outcome::Failed)));
/// let broken = sidecar.budgets.iter().find(|budget| budget.held == Some(false));
/// assert_eq!(broken.and_then(|budget| budget.actual), Some(5 << 20));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
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
    /// Which attempt this is, from 1; more under nextest's retries.
    pub attempt: u32,
    /// Which round of a nextest stress run this is, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stress_index: Option<u32>,
    /// Which execution of the test in this run and attempt this is, from 0; a function that is
    /// called twice has two.
    pub iteration: u32,
    /// The test's process.
    pub pid: u32,
    /// When the body started: UTC, RFC 3339, milliseconds. Empty where the clock says a year that RFC 3339
    /// cannot write, before 0000 or after 9999.
    pub started_at: String,
    /// How long the body ran, in nanoseconds of the monotonic clock.
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
    /// Labels of the attribute, and of [`label`](crate::label).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Numbers of [`metric`](crate::metric), in units that their names should tell.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
    /// The host after the test; while it runs, what never changes of it.
    pub host: HostContext,
    /// What changes of the host, as it was before the test.
    pub host_before: HostContext,
    /// What is known of the test's memory.
    pub heap: Heap,
    /// The limits that held, or did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<Budget>,
}

/// How far a sidecar has come.
///
/// ```
/// use heap_runtime::sidecar::{self, Status};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// assert_eq!(sidecar.status, Status::Running);
/// // Whether it still runs is for a reader to find out: `report::State`.
/// assert_eq!(sidecar.outcome, None);
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
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
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(format!("{}:{}", sidecar.source.file, sidecar.source.line), "tests/queue.rs:11");
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Source {
    /// The file, as the compiler was given it: relative to the workspace.
    pub file: String,
    /// The line of the function's name, from 1.
    pub line: u32,
}

/// How a test ended, as the harness sees it.
///
/// ```
/// use heap_runtime::sidecar::{self, Outcome};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.outcome, Some(Outcome::Failed));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Outcome {
    /// It did what it should; for `#[should_panic]`, it panicked as expected.
    Passed,
    /// It did not: see [`Sidecar::failure`].
    Failed,
    /// It said that it could not do its work here: see [`Sidecar::skip_reason`].
    Skipped,
}

/// Why a test failed.
///
/// ```
/// use heap_runtime::sidecar::{self, FailureKind};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let failure = sidecar.failure.expect("it has failed");
/// assert_eq!(failure.kind, FailureKind::Budget);
/// assert!(failure.message.contains("4.00 MiB over 1.00 MiB"), "{}", failure.message);
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Failure {
    /// What kind of failure it was.
    pub kind: FailureKind,
    /// What was said of it; cut after [`Failure::LONGEST_MESSAGE`] bytes.
    pub message: String,
}

/// The kinds of failure.
///
/// ```
/// use heap_runtime::sidecar::{self, FailureKind};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// // The body itself had passed.
/// assert_eq!(sidecar.failure.map(|failure| failure.kind), Some(FailureKind::Budget));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
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
    pub const LONGEST_MESSAGE: usize = 4096;

    pub(crate) fn new(kind: FailureKind, message: impl AsRef<str>) -> Self {
        Self {
            kind,
            message: bounded(message.as_ref(), Self::LONGEST_MESSAGE),
        }
    }
}

/// A text that a test has made, cut after so many bytes.
pub(crate) fn bounded(text: &str, longest: usize) -> String {
    if text.len() <= longest {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(longest)])
}

/// A limit on the own tier, and what came of it.
///
/// ```
/// use heap_runtime::sidecar::{self, Limit};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let budget = &sidecar.budgets[0];
/// assert_eq!((budget.limit, budget.bytes), (Limit::MaxPeak, 1 << 20));
/// assert_eq!((budget.actual, budget.held), (Some(5 << 20), Some(false)));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Budget {
    /// Which limit it is.
    pub limit: Limit,
    /// The limit, in bytes; for [`Limit::MaxAllocations`], a number.
    pub bytes: u64,
    /// What the test came to, in the same unit. Absent where it was not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<i64>,
    /// Whether the limit held. Absent where it was not checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<bool>,
    /// What else there is to say: why it was not checked, or that it is within the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a budget limits.
///
/// ```
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.budgets[0].limit.as_str(), "max_peak");
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// [`OwnTier::peak_bytes`].
    MaxPeak,
    /// [`OwnTier::retained_bytes`].
    MaxRetained,
    /// [`OwnTier::allocated_bytes`].
    MaxAllocated,
    /// [`OwnTier::allocations`].
    MaxAllocations,
}

impl Limit {
    /// As it is written in the attribute, and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MaxPeak => "max_peak",
            Self::MaxRetained => "max_retained",
            Self::MaxAllocated => "max_allocated",
            Self::MaxAllocations => "max_allocations",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
