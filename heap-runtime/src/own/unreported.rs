//! What threads have moved and not reported to their groups yet: how far off a sum of what they have reported may be.
//!
//! Bounds alone, on which nothing else depends: so the model of all orders leaves them out.

use std::sync::atomic::{AtomicU64, Ordering};

use super::moved::Moved;

const RELAXED: Ordering = Ordering::Relaxed;

/// The most that one thread has moved between two reports. Written by that thread, or before it runs.
pub(super) struct Most {
    allocated: AtomicU64,
    deallocated: AtomicU64,
}

impl Most {
    pub(super) fn new() -> Self {
        Self {
            allocated: AtomicU64::new(0),
            deallocated: AtomicU64::new(0),
        }
    }

    pub(super) fn get(&self) -> Moved {
        Moved {
            allocated: self.allocated.load(RELAXED),
            deallocated: self.deallocated.load(RELAXED),
        }
    }

    pub(super) fn set(&self, most: Moved) {
        self.allocated.store(most.allocated, RELAXED);
        self.deallocated.store(most.deallocated, RELAXED);
    }

    /// Gives what it was, where `moved` is more in one of the two.
    pub(super) fn raise(&self, moved: Moved) -> Option<Moved> {
        let before = self.get();
        let after = before.max(moved);
        (after != before).then(|| {
            self.set(after);
            before
        })
    }
}

/// The most that the threads of a group keep back, by the most of each.
pub(super) struct Unreported {
    largest: AtomicU64,
    sum: AtomicU64,
}

/// See [`Unreported`], at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    largest: u64,
    sum: u64,
}

impl Unreported {
    pub(super) fn new() -> Self {
        Self {
            largest: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    pub(super) fn clear(&self) {
        self.largest.store(0, RELAXED);
        self.sum.store(0, RELAXED);
    }

    /// One thread's most was `before`, and is `after`.
    pub(super) fn raise(&self, before: u64, after: u64) {
        if after > before {
            self.largest.fetch_max(after, RELAXED);
            self.sum.fetch_add(after - before, RELAXED);
        }
    }

    pub(super) fn so_far(&self) -> Bound {
        Bound {
            largest: self.largest.load(RELAXED),
            sum: self.sum.load(RELAXED),
        }
    }
}

impl Bound {
    /// See [`Unreported::raise`].
    pub(super) fn raise(&mut self, before: u64, after: u64) {
        if after > before {
            self.largest = self.largest.max(after);
            self.sum = self.sum.saturating_add(after - before);
        }
    }

    /// What so many threads at once keep back at the most. A thread that has come again and again is in the sum
    /// each time.
    pub(super) fn of(self, threads: u32) -> u64 {
        self.sum
            .min(self.largest.saturating_mul(u64::from(threads)))
    }
}
