//! Clocks, and the switches of a thread.

use std::io;
use std::time::Duration;

use rustix::time::{ClockId, clock_getres, clock_gettime};

use super::sys;

/// The CPU time that the calling thread has used since it began.
#[must_use]
pub fn thread_cpu_time() -> Duration {
    duration(clock_gettime(ClockId::ThreadCPUTime))
}

/// The time since boot. It is one clock for all CPUs.
#[must_use]
pub fn now() -> Duration {
    duration(clock_gettime(ClockId::Monotonic))
}

/// The time since an earlier [`now`].
#[must_use]
pub fn since(earlier: Duration) -> Duration {
    now().saturating_sub(earlier)
}

/// The distance of two timer ticks, `1 / CONFIG_HZ`. The coarse clock moves once per tick.
#[must_use]
pub fn tick() -> Duration {
    duration(clock_getres(ClockId::MonotonicCoarse))
}

/// How often the calling thread has left the CPU, willingly or not.
///
/// # Errors
///
/// What `getrusage(2)` answers.
pub fn switches() -> io::Result<usize> {
    let (voluntary, involuntary) = sys::switches_of_this_thread()?;
    Ok(voluntary + involuntary)
}

fn duration(time: rustix::time::Timespec) -> Duration {
    // Neither of these clocks is ever negative; a negative one would show as zero.
    Duration::try_from(time).unwrap_or_default()
}
