//! In place of jemalloc's control interface on targets where it is not asked.

use std::sync::atomic::AtomicU64;

use super::Reading;

/// Why there are no numbers.
pub(crate) fn not_the_allocator() -> &'static str {
    "heap numbers need jemalloc on a Unix system of 64 bits, which this target is not"
}

pub(super) fn probe_moves_counter() -> bool {
    false
}

pub(crate) fn read_statistics() -> Reading {
    Reading::default()
}

pub(crate) fn thread_counters() -> Option<(&'static AtomicU64, &'static AtomicU64)> {
    None
}

/// A call-back that nobody makes.
#[derive(Clone, Copy)]
pub(crate) struct ThreadEvent;

impl ThreadEvent {
    pub(crate) fn new(_: extern "C" fn(bool, u64, u64), _: u64) -> Self {
        Self
    }
}

pub(crate) fn call_back(_: ThreadEvent) -> bool {
    false
}

pub(crate) fn provoke_event() {}

pub(crate) fn size_class(bytes: usize) -> usize {
    bytes
}

pub(crate) fn reset_thread_peak() {}

pub(crate) fn thread_peak() -> Option<u64> {
    None
}
