//! The format of the sidecars of [heap-runtime](https://docs.rs/heap-runtime): the JSON file that each
//! execution of a `#[heap_tracked]` test leaves.
//!
//! By itself this crate is the types, and needs serde alone: whoever reads sidecars links no tracker.
//!
//! | feature | what it adds |
//! |---|---|
//! | `read` | `read` for one sidecar, `read_run` for all of a run; every file is taken for hostile |
//! | `schema` | `schemars::JsonSchema` for every type |
//! | `host` | `HostContext::read`, and the same by parts: the host that this process is on |
//!
//! ```
//! // A run of a little project, kept beside the sources of this crate.
//! let (sidecars, unreadable) = heap_sidecar::read_run("docs/runs/tuesday")?;
//! assert!(unreadable.is_empty());
//! for sidecar in &sidecars {
//!     let peak = sidecar.heap.own.and_then(|own| own.peak_bytes);
//!     println!("{}: {:?}, peak {peak:?} B", sidecar.test_name, sidecar.outcome);
//! }
//! # assert_eq!(sidecars.len(), 3);
//! # Ok::<(), heap_sidecar::FolderError>(())
//! ```
//!
//! # What is promised
//!
//! A sidecar says its [`format_version`](FORMAT_VERSION). Within one, keys are only added, and readers
//! ignore those that they do not know. A key that goes, changes its meaning, or takes a value that older
//! readers would refuse, raises it. A reader takes every version up to its own, and refuses a newer one
//! with a message that says so.

mod allocator;
mod cgroup_memory;
mod cpu;
mod description;
mod digits;
pub mod frame;
mod heap;
mod heap_state;
#[cfg(feature = "host")]
pub mod host;
mod host_context;
mod limit;
mod note;
mod outcome;
mod padded;
mod pressure;
pub mod process;
#[cfg(feature = "read")]
mod read;
mod record;
mod redaction;
mod resident;
pub mod run_id;
mod run_record;
mod runner;
mod samples;
mod sched_ext;
mod shared;
pub mod size;
mod time;
pub mod timestamp;
#[cfg(feature = "read")]
mod told;
mod unseen;

pub use allocator::Allocator;
pub use cgroup_memory::{CgroupLevel, CgroupMemory, CgroupMemoryEvents};
pub use cpu::{CgroupCpu, CpuTime};
pub use description::{Better, Description};
pub use heap::{Checkpoint, Heap, LastSeen, OwnTier, PanicToll, PeakSource, ProcessTier, Timeline};
pub use heap_state::{HeapDelta, HostHeapState};
pub use host_context::{HostContext, TaskDelayAcct, TaskXacct};
pub use limit::{Budget, Limit};
pub use note::{NOTES_SUFFIX, Note};
pub use outcome::Outcome;
pub use pressure::{CgroupPressure, Pressure, Stall};
pub use process::{Parent, Process};
#[cfg(feature = "read")]
pub use read::{
    FolderError, ReadError, Readable, Said, Unreadable, paths, read, read_as, read_file, read_run,
    read_slice,
};
pub use record::{FORMAT_VERSION, Failure, FailureKind, Sidecar, Source, Status};
pub use redaction::Redaction;
pub use resident::{Resident, ResidentSet};
pub use run_record::{Build, RUN_SUFFIX, RunRecord, Workspace};
pub use runner::Runner;
pub use samples::{Quantiles, Samples};
pub use sched_ext::SchedExt;
pub use shared::{SharedThreads, SharedWith};
pub use time::{Delay, Delays, Spent, Time};
pub use unseen::{UNSEEN_BYTES, Unseen, UnseenKind};

/// How every sidecar's file name ends.
pub const SUFFIX: &str = ".heap.json";

/// The folder in cargo's `target` that holds a folder for each run.
pub const RUNS_FOLDER: &str = "heap";
