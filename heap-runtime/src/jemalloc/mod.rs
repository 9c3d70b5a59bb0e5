//! jemalloc: whether it is the allocator, and what it says.
//!
//! `control` is one of two files with the same interface: `control.rs`, or `absent.rs` for targets that
//! jemalloc cannot be built for, where every answer is that there is none. So it is where a thread's
//! counters cannot be read by another: a processor of 32 bits need not write 64 at once.

#[cfg_attr(
    not(all(
        unix,
        target_pointer_width = "64",
        not(any(target_family = "wasm", miri, heap_runtime_elsewhere))
    )),
    path = "absent.rs"
)]
mod control;
#[cfg(all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere))))]
mod global;

use std::sync::OnceLock;

use heap_sidecar::Allocator;

use crate::fork;

pub(crate) use control::{
    EXPANDED_BY_XALLOCX, Hooks, Installed, ThreadEvent, await_reallocation, call_back,
    not_the_allocator, provoke_event, read_statistics, reset_thread_peak, sees_reallocations,
    size_class, thread_counters, thread_peak, usable_size,
};
#[cfg(all(unix, not(any(target_family = "wasm", miri, heap_runtime_elsewhere))))]
pub use global::Jemalloc;

/// The allocator of this process, proved by an allocation and remembered.
///
/// Where jemalloc can be built it is always linked, and its counters are not zero even where nobody allocates through it
/// (28,672 bytes after the first `mallctl` of jemalloc 5.3.1), so their size proves nothing. What
/// proves it is an allocation by Rust's global allocator that moves jemalloc's counter for this
/// thread.
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
    *fork::get_or_make(&ALLOCATOR, || {
        if control::probe_moves_counter() {
            Allocator::Jemalloc
        } else {
            Allocator::Other
        }
    })
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
