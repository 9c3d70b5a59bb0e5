//! What is known of a test's memory.

use serde::{Deserialize, Serialize};

use crate::{
    Allocator, HeapDelta, Outcome, ResidentSet, SharedThreads, SharedWith, Spent, digits, padded,
};

/// What is known of a test's memory.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let own = sidecar.heap.own.expect("jemalloc was the allocator");
/// assert_eq!(own.peak_bytes, Some(5 << 20));
/// // The process tier is that of this test, too: no other ran beside it.
/// assert_eq!(sidecar.heap.overlap, Some(0));
/// assert_eq!(sidecar.heap.reason, None);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Heap {
    /// The process's allocator, proved by an allocation.
    pub allocator: Allocator,
    /// What serves C's `malloc` in the process, proved likewise: `jemalloc`, where it is the same that serves Rust,
    /// so that what C code allocates is in both tiers; or `other`, and then it is in neither. Absent where jemalloc
    /// could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c_allocator: Option<Allocator>,
    /// Why a tier is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The process tier: everything that any thread of the process did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessTier>,
    /// What of [`rss_bytes`](crate::HostContext::rss_bytes) the hooks of panics have brought into the process so far,
    /// in bytes: symbols that they have read and keep, whichever test panicked. Absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_rss_bytes: Option<u64>,
    /// By how much they have raised [`peak_rss_bytes`](crate::HostContext::peak_rss_bytes), in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panic_peak_rss_bytes: Option<u64>,
    /// The own tier: what the test's thread did, and every thread started inside the test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnTier>,
    /// How many other tracked tests of the same process ran at any moment of this one. Theirs is
    /// in the process tier too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overlap: Option<u32>,
    /// The test asked to overlap with no other tracked test of its process, and had its turn.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub exclusive: bool,
    /// Another test of the process that is `exact` ran at some moment of this one: until it ended, each allocation of the
    /// process took longer, by some 50 to 100 ns. That is in this test's times.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub beside_exact: bool,
    /// The own tier's live bytes over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Timeline>,
    /// The own tier at the moments that the test named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checkpoints: Vec<Checkpoint>,
    /// Tests of the process that had ended when this one left threads running, which may have worked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared_with: Vec<SharedWith>,
    /// While the test runs: what was last seen of it. A test that is killed leaves it behind. Last
    /// in the record, where it is found soonest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<LastSeen>,
}

impl Heap {
    /// Nothing is known but which allocator it is.
    ///
    /// ```
    /// use heap_sidecar::{Allocator, Heap};
    ///
    /// let heap = Heap::new(Allocator::Other);
    /// assert_eq!((heap.own, heap.process), (None, None));
    /// ```
    #[must_use]
    pub fn new(allocator: Allocator) -> Self {
        Self {
            allocator,
            c_allocator: None,
            reason: None,
            process: None,
            panic_rss_bytes: None,
            panic_peak_rss_bytes: None,
            own: None,
            overlap: None,
            exclusive: false,
            beside_exact: false,
            timeline: None,
            checkpoints: Vec::new(),
            shared_with: Vec::new(),
            last_seen: None,
        }
    }
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
/// use heap_sidecar::LastSeen;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// // It aborted before it had 1 MiB.
/// assert_eq!(sidecar.heap.last_seen, Some(LastSeen::default()));
/// assert_eq!(sidecar.heap.checkpoints[0].label, "filled");
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct LastSeen {
    /// Nanoseconds since the start of the body.
    #[serde(with = "digits")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = "^[0-9]{20}$"))
    )]
    pub at_ns: u64,
    /// Bytes live above the start at that moment.
    #[serde(with = "digits")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = "^[0-9]{20}$"))
    )]
    pub live_bytes: u64,
    /// How far the true amount may be from that, either way.
    #[serde(with = "digits")]
    #[cfg_attr(
        feature = "schema",
        schemars(with = "String", regex(pattern = "^[0-9]{20}$"))
    )]
    pub error_bytes: u64,
    /// How the test ended, where its finished record could not be written. Until then the text is
    /// `running`; blanks fill it up to seven letters.
    #[serde(default, with = "padded")]
    #[cfg_attr(
        feature = "schema",
        schemars(
            with = "String",
            regex(pattern = "^(running|passed |failed |skipped)$")
        )
    )]
    pub outcome: Option<Outcome>,
}

impl LastSeen {
    /// The text that stands for a number: twenty digits. Allocates nothing.
    ///
    /// ```
    /// assert_eq!(heap_sidecar::LastSeen::digits(4096), *b"00000000000000004096");
    /// ```
    #[must_use]
    pub fn digits(number: u64) -> [u8; 20] {
        digits::text(number)
    }

    /// The text that stands for an outcome, and for none yet: seven letters and blanks.
    ///
    /// ```
    /// use heap_sidecar::{LastSeen, Outcome};
    ///
    /// assert_eq!(LastSeen::outcome_text(Some(Outcome::Failed)), "failed ");
    /// assert_eq!(LastSeen::outcome_text(None), "running");
    /// ```
    #[must_use]
    pub fn outcome_text(outcome: Option<Outcome>) -> &'static str {
        padded::text(outcome)
    }
}

/// What changed in the whole process while the test ran.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let process = sidecar.heap.process.expect("jemalloc was the allocator");
/// assert_eq!(process.delta.resident_bytes, Some(6 << 20));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ProcessTier {
    /// `host.heap_state` minus `host_before.heap_state`.
    pub delta: HeapDelta,
    /// What of that is of the hook of a panic, on whichever thread: where `RUST_BACKTRACE` asks for a backtrace, it
    /// reads the symbols of the program and keeps them. Absent where there was no panic that took more than 1 MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub panics: Option<PanicToll>,
    /// What of the process was resident before and after, the allocator's or not. Absent where it has touched fewer than
    /// eight new pages meanwhile, and outside Linux.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resident: Option<ResidentSet>,
}

/// What the hooks of panics have brought into a process.
///
/// ```
/// // Of a process in which nobody has panicked.
/// assert_eq!(heap_sidecar::PanicToll::default().rss_bytes, None);
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct PanicToll {
    /// By how much jemalloc's heap has grown meanwhile.
    pub delta: HeapDelta,
    /// By how much the process's resident set has grown meanwhile, files that are mapped included, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<i64>,
}

impl ProcessTier {
    /// What changed is this.
    ///
    /// ```
    /// use heap_sidecar::{HostHeapState, ProcessTier};
    ///
    /// let (mut before, mut after) = (HostHeapState::default(), HostHeapState::default());
    /// (before.allocated_bytes, after.allocated_bytes) = (Some(96), Some(64));
    /// let process = ProcessTier::new(after.since(&before));
    /// assert_eq!(process.delta.allocated_bytes, Some(-32));
    /// ```
    #[must_use]
    pub fn new(delta: HeapDelta) -> Self {
        Self {
            delta,
            panics: None,
            resident: None,
        }
    }
}

/// What the test itself did: the thread that runs it, and every thread started inside it, at any
/// depth. In jemalloc's size classes: a request of 24 bytes counts as 32.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let own = sidecar.heap.own.expect("jemalloc was the allocator");
/// assert_eq!((own.allocated_bytes, own.deallocated_bytes), (5 << 20, 5 << 20));
/// assert_eq!(own.retained_bytes, 0);
/// // With `exact`, to the byte, and counted.
/// assert_eq!((own.peak_bytes, own.peak_error_bytes), (Some(5 << 20), Some(0)));
/// assert_eq!(own.allocations, Some(1));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct OwnTier {
    /// Bytes allocated in all. Exact, but for what is [`shared`](Self::shared).
    pub allocated_bytes: u64,
    /// Bytes freed in all, whoever had allocated them. Exact likewise.
    pub deallocated_bytes: u64,
    /// Allocated minus freed. Below zero where the test freed what it was handed. Exact likewise.
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
    /// The threads whose memory this is, the test's own among them. Where a process has had more than
    /// 1,024 threads at once, one that comes to the test again may be counted again.
    pub threads: u32,
    /// Those of them that the test left running. They are counted up to its end.
    pub threads_running: u32,
    /// What of all this is not known, for threads that tests share. Absent where there is nothing of the kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedThreads>,
}

/// How a peak was taken.
///
/// ```
/// use heap_sidecar::PeakSource;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let own = sidecar.heap.own.expect("jemalloc was the allocator");
/// assert_eq!(own.peak_source, Some(PeakSource::Exact));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PeakSource {
    /// All threads together, at every allocation and deallocation (`exact`).
    Exact,
    /// All threads together, each looked at whenever it has moved so many bytes.
    ThreadEvent,
    /// The peak that jemalloc keeps for the test's thread; of several threads the sum of theirs, which
    /// need not have been at once: then the true peak is no larger, and that is all that is known.
    ThreadPeak,
}

/// Live bytes of the own tier over time. Bounded: where there would be too many points, every
/// second goes, and the distance doubles.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// let timeline = sidecar.heap.timeline.expect("jemalloc was the allocator");
/// let live: Vec<i64> = timeline.points.iter().map(|(_, live_bytes)| *live_bytes).collect();
/// assert_eq!(live, [5 << 20, 0]);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Timeline {
    /// How many bytes a thread moves between two points, at the least: while what is live stays as
    /// it is, there are none.
    pub every_bytes: u64,
    /// Nanoseconds since the start of the body, and the live bytes above the start at that moment.
    pub points: Vec<(u64, i64)>,
}

/// The own tier at a moment that the test named.
///
/// ```
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+it_never_ends.heap.json")?;
/// // The test was killed, and this is what is known of it.
/// let filled = &sidecar.heap.checkpoints[0];
/// assert_eq!(filled.label, "filled");
/// assert_eq!(filled.own.map(|own| own.retained_bytes), Some(16_384));
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Checkpoint {
    /// The name.
    pub label: String,
    /// Nanoseconds since the start of the body.
    pub at_ns: u64,
    /// The own tier from the start up to that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<OwnTier>,
    /// What the own tier's threads have spent up to that moment: on a CPU, and waiting for one. That is all that is asked
    /// here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Spent>,
}

impl Checkpoint {
    /// The own tier at this moment.
    ///
    /// ```
    /// let warm = heap_sidecar::Checkpoint::new("warm".into(), 4_000_000, None);
    /// assert_eq!(warm.label, "warm");
    /// ```
    #[must_use]
    pub fn new(label: String, at_ns: u64, own: Option<OwnTier>) -> Self {
        Self {
            label,
            at_ns,
            own,
            time: None,
        }
    }
}
