//! What the running kernel says about its scheduler.

use std::fs;
use std::io;
use std::str::FromStr;
use std::time::Duration;

use super::clock;
use super::taken::Taken;

/// The longest that one fair thread runs before another of its kind that is owed the CPU gets it.
///
/// A thread runs until its slice is used up, and the kernel notices at the next timer tick. The slice is
/// `base_slice_ns` where debugfs can be read. Else it is 3 ms: the largest default, 0.75 ms, times the largest
/// factor for the number of CPUs, 1 + log2(8), as `update_sysctl` in `kernel/sched/fair.c` has it.
#[must_use]
pub fn granule() -> Duration {
    let slice = number("/sys/kernel/debug/sched/base_slice_ns").unwrap_or(3_000_000);
    clock::tick() + Duration::from_nanos(slice)
}

/// How far the CPU time of one fair thread may be from what it is owed, in any span of time.
///
/// EEVDF keeps each thread's lag within one slice, which is seen up to one tick late: one [`granule`]. A span has a
/// beginning and an end, and both can be wrong by that much in opposite directions. The whole is doubled, for what is
/// taken from a thread in stretches too short to be told from its own rounds. Longer ones are
/// [`Taken`]: they count as CPU time of the thread that ran, and the last one before the beginning or
/// the end is not yet paid back then.
#[must_use]
pub fn fair_tolerance(taken: Taken) -> Duration {
    granule() * 4 + taken.longest * 2
}

/// The part of each period that real-time threads may use, and the period. `None` if they may use all.
///
/// # Errors
///
/// If the kernel does not show it.
pub fn real_time_limit() -> io::Result<Option<(Duration, Duration)>> {
    let runtime: i64 = read("/proc/sys/kernel/sched_rt_runtime_us")?;
    let period = read("/proc/sys/kernel/sched_rt_period_us")?;
    Ok(u64::try_from(runtime).ok().map(|runtime| {
        (
            Duration::from_micros(runtime),
            Duration::from_micros(period),
        )
    }))
}

/// How long a `SCHED_RR` thread runs before its peer's turn comes.
///
/// # Errors
///
/// If the kernel does not show it.
pub fn round_robin_quantum() -> io::Result<Duration> {
    read("/proc/sys/kernel/sched_rr_timeslice_ms").map(Duration::from_millis)
}

/// How many threads of the machine want a CPU now, the caller among them; at least 1.
#[must_use]
pub fn runnable_threads() -> u32 {
    // `0.04 0.16 0.15 1/83 11251`: the fourth field is runnable/all.
    fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|line| line.split([' ', '/']).nth(3)?.parse().ok())
        .unwrap_or(1)
        .max(1)
}

/// The speed of the slowest CPU at its lowest frequency, as a part of the fastest one's at full speed.
///
/// `SCHED_DEADLINE` counts its runtime in time at full speed, where the kernel can tell the speed (see
/// `dl_scaled_delta_exec` in `kernel/sched/deadline.c`), so on a slow CPU a thread gets more time than it reserved.
#[must_use]
pub fn slowest_speed() -> f64 {
    let Ok(cpus) = fs::read_dir("/sys/devices/system/cpu") else {
        return 1.0;
    };
    cpus.flatten()
        .map(|cpu| {
            let part = |low: &str, high: Option<&str>| {
                let read = |name: &str| number::<f64>(&cpu.path().join(name).to_string_lossy());
                let high = high.map_or(Some(1024.0), read);
                read(low).zip(high).map_or(1.0, |(low, high)| low / high)
            };
            part("cpu_capacity", None)
                * part("cpufreq/cpuinfo_min_freq", Some("cpufreq/cpuinfo_max_freq"))
        })
        .fold(1.0, f64::min)
}

fn number<T: FromStr>(path: &str) -> Option<T> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn read<T: FromStr>(path: &str) -> io::Result<T> {
    fs::read_to_string(path)?.trim().parse().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{path} holds no number"),
        )
    })
}
