//! The clock of timelines and checkpoints.

/// Nanoseconds since a moment of this machine; 0 where the clock may not be asked. Allocates nothing, and is asked
/// inside the allocator, where std's clock would panic.
#[cfg(posix)]
pub(super) fn now_ns() -> u64 {
    crate::kernel::monotonic_ns().unwrap_or(0)
}

/// Nanoseconds since a moment of this process.
#[cfg(not(posix))]
pub(super) fn now_ns() -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
