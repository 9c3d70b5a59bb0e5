//! What a thread has moved, by its counters.

use super::sync::AtomicU64;

/// Two counters of one thread: bytes allocated, bytes freed.
#[derive(Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) allocated: &'static AtomicU64,
    pub(crate) deallocated: &'static AtomicU64,
}

/// Bytes allocated and freed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) allocated: u64,
    pub(crate) deallocated: u64,
}

impl Moved {
    /// Allocated minus freed.
    pub(crate) fn net(self) -> i64 {
        self.allocated.wrapping_sub(self.deallocated).cast_signed()
    }

    /// The larger of each.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            allocated: self.allocated.max(other.allocated),
            deallocated: self.deallocated.max(other.deallocated),
        }
    }

    pub(super) fn plus(self, more: Self) -> Self {
        Self {
            allocated: self.allocated.wrapping_add(more.allocated),
            deallocated: self.deallocated.wrapping_add(more.deallocated),
        }
    }

    pub(super) fn since(self, earlier: Self) -> Self {
        Self {
            allocated: self.allocated.wrapping_sub(earlier.allocated),
            deallocated: self.deallocated.wrapping_sub(earlier.deallocated),
        }
    }
}
