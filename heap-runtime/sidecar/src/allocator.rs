//! Which allocator a process has.

use serde::{Deserialize, Serialize};

/// Which allocator serves a process's allocations: Rust's, or C's.
///
/// ```
/// use heap_sidecar::Allocator;
///
/// let sidecar = heap_sidecar::read("docs/runs/tuesday/queues+queue+a_burst_fits.heap.json")?;
/// assert_eq!(sidecar.heap.allocator, Allocator::Jemalloc);
/// # Ok::<(), heap_sidecar::ReadError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Allocator {
    /// jemalloc, alone, inside a wrapper, or put in place of `malloc`.
    Jemalloc,
    /// Any other; jemalloc's counters then say nothing about the process.
    Other,
    /// There is no jemalloc in the process that heap-runtime could ask: it was built without its feature
    /// `jemalloc`, or for a target that has none. Which allocator it is, is not known then.
    Absent,
}
