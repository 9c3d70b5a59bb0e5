//! jemalloc: whether it is the allocator, and what it says.
//!
//! `control` is one of two files with the same interface: `control.rs`, or `absent.rs`, where every answer is
//! that there is none: without the feature `jemalloc`, for targets that it cannot be built for, and where a
//! thread's counters cannot be read by another.

#[cfg(jemalloc)]
mod arenas;
#[cfg_attr(not(jemalloc), path = "absent.rs")]
mod control;
#[cfg(jemalloc)]
mod global;
#[cfg(spawns)]
mod thread_exit;

use std::sync::OnceLock;

use heap_sidecar::Allocator;

use crate::fork;

#[cfg(jemalloc)]
pub(crate) use arenas::by_hand as arenas_by_hand;
#[cfg(not(jemalloc))]
pub(crate) use control::arenas_by_hand;
pub(crate) use control::{
    EXPANDED_BY_XALLOCX, Hooks, Installed, ThreadEvent, await_reallocation, call_back,
    flush_thread_cache, not_the_allocator, provoke_event, read_statistics, reset_thread_peak,
    sees_reallocations, size_class, thread_counters, thread_peak, usable_size, version,
};
/// Whether jemalloc is told of the ends of threads: only where they are seen.
#[cfg(not(spawns))]
pub(crate) const fn handles_thread_exits() -> bool {
    false
}

#[cfg(jemalloc)]
pub use global::Jemalloc;
#[cfg(spawns)]
pub(crate) use thread_exit::{
    handles_thread_exits, needs_exit_call, prepare_for_exits, rerun_exit,
};

/// The allocator of this process, proved by an allocation and remembered.
///
/// With the feature `jemalloc` it is linked where it can be built, and its counters are not zero even where nobody allocates through it
/// (28,672 bytes after the first `mallctl` of jemalloc 5.3.1), so their size proves nothing. What
/// proves it is an allocation by Rust's global allocator that moves jemalloc's counter for this
/// thread. Without it, [`Allocator::Absent`].
///
/// ```
/// use heap_runtime::{Allocator, allocator};
///
/// // No `use_jemalloc!()` in this program, so what jemalloc says is not about it.
/// assert_eq!(allocator(), Allocator::Other);
/// ```
#[must_use]
pub fn allocator() -> Allocator {
    static ALLOCATOR: OnceLock<Allocator> = OnceLock::new();
    *fork::get_or_make(&ALLOCATOR, control::probe)
}

/// What serves C's `malloc` in this process, proved likewise: jemalloc, or another. None where nobody can be asked.
pub(crate) fn c_allocator() -> Option<Allocator> {
    static ALLOCATOR: OnceLock<Option<Allocator>> = OnceLock::new();
    *fork::get_or_make(&ALLOCATOR, control::probe_c)
}

/// What has happened in arenas that were made by hand. What such an arena frees all at once, no thread has freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ByHand {
    /// Blocks made and blocks freed. Never fewer than before, as what was counted in an arena that was destroyed
    /// is counted on.
    pub(crate) events: u64,
    /// Live bytes in small blocks: those go without an event where an arena is reset.
    pub(crate) small_bytes: u64,
}

/// One reading of the process-wide statistics: each present or absent by itself.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) active: Option<usize>,
    pub(crate) allocated: Option<usize>,
    pub(crate) resident: Option<usize>,
    pub(crate) mapped: Option<usize>,
    pub(crate) narenas: Option<usize>,
}
