//! jemalloc: whether it is the allocator, and what it says.
//!
//! `control` is one of two files with the same interface: `control.rs`, or `absent.rs`, where every answer is
//! that there is none: without the feature `jemalloc`, for targets that it cannot be built for, and where a
//! thread's counters cannot be read by another.

#[cfg(jemalloc)]
mod arenas;
#[cfg_attr(not(jemalloc), path = "absent.rs")]
mod control;
mod probe;
mod readings;
#[cfg(jemalloc)]
mod reallocation;
#[cfg(spawns)]
mod thread_exit;

#[cfg(jemalloc)]
pub(crate) use arenas::by_hand as arenas_by_hand;
#[cfg(not(jemalloc))]
pub(crate) use control::arenas_by_hand;
#[cfg(not(jemalloc))]
pub(crate) use control::await_reallocation;
pub(crate) use control::{
    EXPANDED_BY_XALLOCX, Hooks, Installed, ThreadEvent, call_back, flush_thread_cache,
    not_the_allocator, provoke_event, read_statistics, reset_thread_peak, size_class,
    thread_counters, thread_peak, usable_size, version,
};
pub use probe::allocator;
pub(crate) use probe::{c_allocator, sees_reallocations};
pub(crate) use readings::{ByHand, SMALL_REALLOCATION, Statistics};
#[cfg(jemalloc)]
pub(crate) use reallocation::{await_reallocation, begin_reallocation, end_reallocation};
/// Whether jemalloc is told of the ends of threads: only where they are seen.
#[cfg(not(spawns))]
pub(crate) const fn handles_thread_exits() -> bool {
    false
}

#[cfg(spawns)]
pub(crate) use thread_exit::{
    handles_thread_exits, needs_exit_call, prepare_for_exits, rerun_exit,
};
