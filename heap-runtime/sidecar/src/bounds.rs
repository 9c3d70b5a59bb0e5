//! What a number is at the least and at the most.

use crate::{Budget, Limit, OwnTier, SharedThreads};

/// By how much a limit's number may be less than it says, and more.
fn off(shared: &SharedThreads, limit: Limit) -> (u64, u64) {
    // No block of jemalloc's is smaller.
    const SMALLEST: u64 = 8;
    match limit {
        Limit::MaxAllocated => (
            shared.included_allocated_bytes,
            shared.beside_allocated_bytes,
        ),
        Limit::MaxAllocations => (
            shared.included_allocated_bytes / SMALLEST,
            shared.beside_allocated_bytes / SMALLEST,
        ),
        Limit::MaxPeak | Limit::MaxRetained => (
            shared
                .included_allocated_bytes
                .saturating_add(shared.beside_deallocated_bytes),
            shared
                .included_deallocated_bytes
                .saturating_add(shared.beside_allocated_bytes),
        ),
        // It is about memory.
        Limit::MaxCpu | Limit::MaxRunDelay => (0, 0),
    }
}

impl Limit {
    /// What a test came to, at the least and at the most, in the unit of the limit: [`actual`](Self::actual), with the
    /// error of a peak and what is [not known](SharedThreads). Absent where it was not measured.
    ///
    /// ```
    /// use heap_sidecar::{Limit, OwnTier};
    ///
    /// let mut own = OwnTier::default();
    /// (own.peak_bytes, own.peak_error_bytes) = (Some(1000), Some(100));
    /// assert_eq!(Limit::MaxPeak.bounds(&own), Some((900, 1100)));
    /// assert_eq!(Limit::MaxRetained.bounds(&own), Some((0, 0)));
    /// ```
    #[must_use]
    pub fn bounds(self, own: &OwnTier) -> Option<(i64, i64)> {
        let actual = self.actual(own)?;
        let error = match self {
            Self::MaxPeak => own.peak_error_bytes.unwrap_or(0),
            _ => 0,
        };
        let (less, more) = off(&own.shared.unwrap_or_default(), self);
        let least = actual.saturating_sub_unsigned(error.saturating_add(less));
        let most = actual.saturating_add_unsigned(error.saturating_add(more));
        let least = match self {
            // It may have freed what it was handed.
            Self::MaxRetained => least,
            _ => least.max(0),
        };
        Some((least, most))
    }
}

impl Budget {
    /// Leaves it open whether the limit held, where [threads that tests share](SharedThreads) may have made the
    /// difference.
    ///
    /// ```
    /// use heap_sidecar::{Budget, Limit, OwnTier, SharedThreads};
    ///
    /// let mut shared = SharedThreads::default();
    /// shared.beside_allocated_bytes = 64 << 20;
    /// let mut own = OwnTier::default();
    /// own.shared = Some(shared);
    /// let mut budget = Budget::new(Limit::MaxAllocated, 4 << 20);
    /// (budget.actual, budget.held) = (Some(0), Some(true));
    /// budget.doubt(&own);
    /// assert_eq!(budget.held, None);
    /// assert_eq!(budget.note.as_deref(), Some(SharedThreads::NOTE));
    /// ```
    pub fn doubt(&mut self, own: &OwnTier) {
        let (Some(held), Some(actual), Some(_)) = (self.held, self.actual, own.shared) else {
            return;
        };
        let (Some(measured), Some((least, most))) =
            (self.limit.actual(own), self.limit.bounds(own))
        else {
            return;
        };
        // What was judged may be less than what was measured: a failure's own memory is left out.
        let less = actual.saturating_sub(measured.saturating_sub(least));
        let more = actual.saturating_add(most.saturating_sub(measured));
        let limit = i64::try_from(self.bytes).unwrap_or(i64::MAX);
        let is_known = if held { more <= limit } else { less > limit };
        if !is_known {
            self.held = None;
            self.note = Some(SharedThreads::NOTE.to_owned());
        }
    }
}
