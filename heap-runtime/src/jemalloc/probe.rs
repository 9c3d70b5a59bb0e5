//! Whether jemalloc is the allocator.

use std::sync::OnceLock;

use heap_sidecar::Allocator;

use super::control;
use crate::fork;

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

/// Whether all reallocations of this process are seen: Rust's, and there are none of C's.
#[cfg(jemalloc)]
pub(crate) fn sees_reallocations() -> bool {
    super::reallocation::probe_is_seen() && c_allocator() == Some(Allocator::Other)
}

/// Nobody calls back, so nothing is missed.
#[cfg(not(jemalloc))]
pub(crate) fn sees_reallocations() -> bool {
    true
}
