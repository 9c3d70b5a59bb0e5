//! loom's, in place of the standard library's.

pub(super) use loom::sync::atomic::{
    AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Ordering,
};
pub(super) use loom::sync::{Arc, Mutex, MutexGuard};
pub(super) use loom::thread::yield_now;

/// So few that they run out.
pub(super) const POINTS: usize = 2;
