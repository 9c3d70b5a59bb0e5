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

pub use name::SUFFIX;
pub use read::{FolderError, ReadError, Unreadable, read, read_run};

pub(crate) use json::{HostMembers, to_json};
pub(crate) use name::Execution;
pub(crate) use place::{Place, runs_folder};
pub(crate) use read::{Readable, paths, read_as};
pub(crate) use slot::Slot;
pub(crate) use write::{File, Folder, Replace, WriteError};

use crate::host::HostContext;
use crate::jemalloc::Allocator;
use crate::run::Runner;
use crate::snapshot::HeapDelta;

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
    /// When the body started: UTC, RFC 3339, milliseconds.
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

/// What is known of a test's memory.
///
/// ```
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let own = sidecar.heap.own.expect("jemalloc was the allocator");
/// assert_eq!(own.peak_bytes, Some(5 << 20));
/// // The process tier is that of this test, too: no other ran beside it.
/// assert_eq!(sidecar.heap.overlap, Some(0));
/// assert_eq!(sidecar.heap.reason, None);
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Heap {
    /// The process's allocator, proved by an allocation.
    pub allocator: Allocator,
    /// Why a tier is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The process tier: everything that any thread of the process did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessTier>,
    /// The own tier: what the test's thread did, and every thread started inside the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnTier>,
    /// How many other tracked tests of the same process ran at any moment of this one. Theirs is
    /// in the process tier too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u32>,
    /// The test asked to overlap with no other tracked test of its process.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// The own tier's live bytes over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// The own tier at the moments that the test named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<Checkpoint>,
    /// While the test runs: what was last seen of it. A test that is killed leaves it behind. Last
    /// in the record, where it is found soonest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<LastSeen>,
}

/// The own tier's live bytes at a moment when they were more than ever before.
///
/// Overwritten in the record while the test runs, each time that they have grown by a sixteenth, and
/// by 1 MiB, since it was last written; all zero until the first time. Its numbers are texts of
/// twenty digits each, so that a reader sees whole JSON at any moment.
///
/// Where the test ends and there is no room for its finished record, on a disk that is full, the
/// [`outcome`](Self::outcome) alone is overwritten.
///
/// ```
/// use heap_runtime::sidecar::{self, LastSeen};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// // It aborted before it had 1 MiB.
/// assert_eq!(sidecar.heap.last_seen, Some(LastSeen::default()));
/// assert_eq!(sidecar.heap.checkpoints[0].label, "filled");
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LastSeen {
    /// Nanoseconds since the start of the body.
    #[serde(with = "digits")]
    #[cfg_attr(
        feature = "cli",
        schemars(with = "String", regex(pattern = "^[0-9]{20}$"))
    )]
    pub at_ns: u64,
    /// Bytes live above the start at that moment.
    #[serde(with = "digits")]
    #[cfg_attr(
        feature = "cli",
        schemars(with = "String", regex(pattern = "^[0-9]{20}$"))
    )]
    pub live_bytes: u64,
    /// How far the true amount may be from that, either way.
    #[serde(with = "digits")]
    #[cfg_attr(
        feature = "cli",
        schemars(with = "String", regex(pattern = "^[0-9]{20}$"))
    )]
    pub error_bytes: u64,
    /// How the test ended, where its finished record could not be written. Until then the text is
    /// `running`; blanks fill it up to seven letters.
    #[serde(default, with = "padded")]
    #[cfg_attr(
        feature = "cli",
        schemars(
            with = "String",
            regex(pattern = "^(running|passed |failed |skipped)$")
        )
    )]
    pub outcome: Option<Outcome>,
}

/// What changed in the whole process while the test ran.
///
/// ```
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let process = sidecar.heap.process.expect("jemalloc was the allocator");
/// assert_eq!(process.delta.resident_bytes, Some(6 << 20));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProcessTier {
    /// `host.heap_state` minus `host_before.heap_state`.
    pub delta: HeapDelta,
}

/// What the test itself did: the thread that runs it, and every thread started inside it, at any
/// depth. In jemalloc's size classes: a request of 24 bytes counts as 32.
///
/// ```
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let own = sidecar.heap.own.expect("jemalloc was the allocator");
/// assert_eq!((own.allocated_bytes, own.deallocated_bytes), (5 << 20, 5 << 20));
/// assert_eq!(own.retained_bytes, 0);
/// // With `exact`, to the byte, and counted.
/// assert_eq!((own.peak_bytes, own.peak_error_bytes), (Some(5 << 20), Some(0)));
/// assert_eq!(own.allocations, Some(1));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OwnTier {
    /// Bytes allocated in all. Exact.
    pub allocated_bytes: u64,
    /// Bytes freed in all, whoever had allocated them. Exact.
    pub deallocated_bytes: u64,
    /// Allocated minus freed. Below zero where the test freed what it was handed. Exact.
    pub retained_bytes: i64,
    /// The largest live amount above the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_bytes: Option<u64>,
    /// How far the true peak may be from [`peak_bytes`](Self::peak_bytes), either way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_error_bytes: Option<u64>,
    /// Where the peak comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_source: Option<PeakSource>,
    /// How many allocations there were; counted where the test asks for `exact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocations: Option<u64>,
    /// The threads whose memory this is, the test's own among them.
    pub threads: u32,
    /// Those of them that the test left running. They are counted up to its end.
    pub threads_running: u32,
}

/// How a peak was taken.
///
/// ```
/// use heap_runtime::sidecar::{self, PeakSource};
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let own = sidecar.heap.own.expect("jemalloc was the allocator");
/// assert_eq!(own.peak_source, Some(PeakSource::Exact));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PeakSource {
    /// All threads together, at every allocation and deallocation (`exact`).
    Exact,
    /// All threads together, each looked at whenever it has moved so many bytes.
    ThreadEvent,
    /// The sum of the peaks that jemalloc keeps for each thread: at least the true peak, less the
    /// error, and more where the threads peaked at different moments.
    ThreadPeak,
}

/// Live bytes of the own tier over time. Bounded: where there would be too many points, every
/// second goes, and the distance doubles.
///
/// ```
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let timeline = sidecar.heap.timeline.expect("jemalloc was the allocator");
/// let live: Vec<i64> = timeline.points.iter().map(|(_, live_bytes)| *live_bytes).collect();
/// assert_eq!(live, [5 << 20, 0]);
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Timeline {
    /// How many bytes a thread moves between two points.
    pub every_bytes: u64,
    /// Nanoseconds since the start of the body, and the live bytes above the start at that moment.
    pub points: Vec<(u64, i64)>,
}

/// The own tier at a moment that the test named.
///
/// ```
/// use heap_runtime::sidecar;
///
/// let sidecar = sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// // The test was killed, and this is what is known of it.
/// let filled = &sidecar.heap.checkpoints[0];
/// assert_eq!(filled.label, "filled");
/// assert_eq!(filled.own.map(|own| own.retained_bytes), Some(16_384));
/// # Ok::<(), sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Checkpoint {
    /// The name.
    pub label: String,
    /// Nanoseconds since the start of the body.
    pub at_ns: u64,
    /// The own tier from the start up to that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnTier>,
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
