//! Snapshots of the process's jemalloc heap.

mod shared;

use std::time::Duration;

use heap_sidecar::{Allocator, HostHeapState};

use crate::jemalloc;
use crate::own;
pub(crate) use shared::Freshness;
use shared::SharedReading;

/// Takes a snapshot of this process's jemalloc heap.
///
/// Flushes the calling thread's cache and advances jemalloc's epoch exactly once, so that two
/// snapshots on a thread that alone allocates differ by just what was allocated in between. Costs
/// some 12 µs, more with every initialised arena. No field poisons another; where the epoch cannot
/// advance, all are absent.
///
/// ```standalone_crate
/// heap_runtime::use_jemalloc!();
///
/// let before = heap_runtime::collect();
/// let held = Box::new([0_u8; 24]);
/// let during = heap_runtime::collect();
/// // 24 bytes are served from the size class of 32.
/// assert_eq!(during.since(&before).allocated_bytes, Some(32));
/// drop(held);
/// ```
#[must_use]
pub fn collect() -> HostHeapState {
    // Else they would be read from memory that is no more.
    let reading = if own::has_lost_a_thread() {
        jemalloc::Statistics::default()
    } else {
        jemalloc::read_statistics()
    };
    let bytes = |value: Option<usize>| value.and_then(|value| u64::try_from(value).ok());
    let mut state = HostHeapState::default();
    state.active_bytes = bytes(reading.active);
    state.allocated_bytes = bytes(reading.allocated);
    state.resident_bytes = bytes(reading.resident);
    state.mapped_bytes = bytes(reading.mapped);
    state.narenas = reading.narenas;
    state
}

/// How old a snapshot before a test may be, where another test runs already: then its process tier is
/// everybody's anyway.
///
/// An epoch takes 12 µs for each arena, and jemalloc lets one thread after the other have one: with a hundred tests
/// at a time they would wait for each other's longer than they run.
pub(crate) const RECENT: Duration = Duration::from_millis(10);

/// The heap state that goes into a [`HostContext`](crate::HostContext): absent where it would not
/// be about this process. Of threads that want one at the same time, one takes it for all.
pub(crate) fn process_heap(freshness: Freshness) -> Option<HostHeapState> {
    static SHARED: SharedReading<HostHeapState> = SharedReading::new();
    if jemalloc::allocator() != Allocator::Jemalloc {
        return None;
    }
    // Whoever takes it: what this thread's cache holds is free.
    jemalloc::flush_thread_cache();
    Some(SHARED.get(freshness, collect)).filter(HostHeapState::is_used)
}
