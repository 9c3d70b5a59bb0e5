//! How often a thread looks at its live bytes, and how far off the sum of what threads have seen may be.

/// How many bytes a thread allocates or frees between two samples, unless `HEAP_SAMPLE_BYTES` says
/// otherwise.
///
/// A call-back takes some 470 instructions, most of them jemalloc's. This is the smallest power of two
/// at which a loop that does nothing but allocate and free 24 bytes takes at most a hundredth more;
/// with 256 bytes, which take no longer, it is some six hundredths: `cargo bench -p heap-tests -- sampling`.
pub(crate) const INTERVAL: u64 = 64 << 10;

/// A fall of a thread's live bytes by less than this need not be told to its groups: their sums lie in
/// cache lines that all threads write. A rise is always told, so that no peak gets lower by it.
pub(super) fn small_fall(interval: u64) -> u64 {
    interval / 64
}

/// How much too high a sum may be that one of so many threads at once has just added to. That
/// thread is right about itself; each other may have freed as much since it last looked, and kept a small
/// fall to itself.
pub(super) fn too_high(interval: u64, threads: u32) -> u64 {
    let others = u64::from(threads.max(1)) - 1;
    interval
        .saturating_add(small_fall(interval))
        .saturating_mul(others)
}

/// How far off such a sum may be either way: each thread may also have allocated as much since it
/// last looked.
pub(super) fn error(interval: u64, threads: u32) -> u64 {
    let too_low = interval.saturating_mul(u64::from(threads.max(1)));
    too_low.max(too_high(interval, threads))
}
