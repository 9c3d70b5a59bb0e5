//! In place of jemalloc's control interface where there is no jemalloc, by the features or by the target.

use std::convert::Infallible;
use std::ffi::{c_uint, c_void};
use std::sync::atomic::AtomicU64;

use heap_sidecar::Allocator;

use super::readings::{ByHand, Statistics};

/// Why there are no numbers.
pub(crate) fn not_the_allocator() -> &'static str {
    if cfg!(feature = "jemalloc") {
        "heap numbers need jemalloc on a Unix system of 64 bits, which this target is not"
    } else {
        "heap numbers need jemalloc, and heap-runtime was built without its feature `jemalloc`"
    }
}

/// Nobody can be asked.
pub(super) fn probe() -> Allocator {
    Allocator::Absent
}

/// Nor of C's.
pub(super) fn probe_c() -> Option<Allocator> {
    None
}

pub(crate) fn version() -> Option<String> {
    None
}

pub(crate) fn read_statistics() -> Statistics {
    Statistics::default()
}

#[expect(clippy::unnecessary_wraps, reason = "as where there is jemalloc")]
pub(crate) fn arenas_by_hand(_: impl FnOnce() -> bool) -> Option<ByHand> {
    Some(ByHand::default())
}

pub(crate) fn flush_thread_cache() {}

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

pub(crate) fn await_reallocation() -> bool {
    false
}

/// Hooks that nobody calls.
#[expect(dead_code, reason = "nobody calls them")]
pub(crate) struct Hooks {
    pub(crate) alloc: unsafe extern "C" fn(*mut c_void, c_uint, *mut c_void, usize, *const usize),
    pub(crate) dalloc: unsafe extern "C" fn(*mut c_void, c_uint, *mut c_void, *const usize),
    pub(crate) expand:
        unsafe extern "C" fn(*mut c_void, c_uint, *mut c_void, usize, usize, usize, *const usize),
    pub(crate) extra: *mut c_void,
}

pub(crate) const EXPANDED_BY_XALLOCX: c_uint = 2;

/// There are none.
pub(crate) struct Installed(Infallible);

impl Hooks {
    #[expect(clippy::unused_self, reason = "as where there is jemalloc")]
    pub(crate) fn install(&self) -> Option<Installed> {
        None
    }
}

impl Installed {
    pub(crate) fn remove(self) {
        match self.0 {}
    }
}

pub(crate) unsafe fn usable_size(_: *const c_void) -> u64 {
    0
}

pub(crate) fn provoke_event() {}

pub(crate) fn size_class(bytes: usize) -> usize {
    bytes
}

pub(crate) fn reset_thread_peak() {}

pub(crate) fn thread_peak() -> Option<u64> {
    None
}
