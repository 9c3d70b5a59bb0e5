//! How often a thread looks at its live bytes, and how far off the sum of what threads have seen may be.

/// A fall of a thread's live bytes by less than this need not be reported to its groups: their sums lie in
/// cache lines that all threads write. A rise is always reported, so that no peak gets lower by it.
pub(super) fn small_fall(interval: u64) -> u64 {
    interval / 64
}

/// What a thread may have allocated since it last reported to its groups, and what it may have freed: that much is
/// never kept back longer.
pub(super) fn kept_back(interval: u64) -> [u64; 2] {
    [interval, interval.saturating_add(small_fall(interval))]
}

/// How far off a sum may be, either way, where nothing is known of its threads but how many there are at once. The
/// one that has just added to it is right about itself.
pub(super) fn error(interval: u64, threads: u32) -> u64 {
    let [rise, fall] = kept_back(interval);
    let threads = u64::from(threads.max(1));
    let too_low = rise.saturating_mul(threads);
    let too_high = fall.saturating_mul(threads - 1);
    too_low.max(too_high)
}
