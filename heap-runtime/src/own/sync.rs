//! What the registry and the timeline synchronise with: the model checker's test puts its own here.

pub(super) use std::sync::atomic::{
    AtomicBool, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Ordering,
};
pub(super) use std::sync::{Arc, Mutex, MutexGuard};
pub(super) use std::thread::yield_now;

/// How many points a timeline keeps: an even number. At 16 bytes a point, what a group takes for it
/// is a page.
pub(super) const POINTS: usize = 256;
