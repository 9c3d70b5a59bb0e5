//! Time that a test lost: by what it, its cgroup or the host waited for meanwhile.

use super::Verdict;
use super::cause::{Confidence, Found, Scope};
use super::shortage::cgroup_words;
use crate::report::row::Row;

/// Share of the test's time in which tasks waited, in percent, from which it counts.
pub const STALLED_PERCENT: u64 = 10;
/// The same of a wait that need not have been the test's: some task of the cgroup, or of the host, waited for a
/// CPU or a block device.
pub const SOMEBODY_STALLED_PERCENT: u64 = 25;
/// A reading of the host may be so old, in microseconds, and so what moved between two may have moved before the
/// test: of every wait, so much does not count.
pub const READING_AGE_US: u64 = 10_000;
/// Of a shorter test, in microseconds, nothing can be said.
pub const SHORTEST_US: u64 = 2 * READING_AGE_US;

/// A wait during a test.
#[derive(Clone, Copy)]
pub(super) struct Wait {
    /// What of the wait was in the test for certain, in percent of its time.
    pub(super) percent: u64,
    stall_us: u64,
    duration_us: u64,
}

impl Wait {
    /// What of the test's time so many microseconds of waiting are, if that can be said.
    pub(super) fn of(stall_us: Option<u64>, row: &Row) -> Option<Self> {
        let (stall_us, duration_us) = (stall_us?, row.duration_ns? / 1000);
        let during = stall_us.saturating_sub(READING_AGE_US).min(duration_us);
        (duration_us >= SHORTEST_US).then(|| Self {
            percent: during.saturating_mul(100) / duration_us,
            stall_us,
            duration_us,
        })
    }

    /// The same, where it is a share that counts.
    pub(super) fn from(percent: u64, stall_us: Option<u64>, row: &Row) -> Option<Self> {
        Self::of(stall_us, row).filter(|wait| wait.percent >= percent)
    }

    pub(super) fn figures(self, found: &mut Found) {
        found.figure("stalled_us", self.stall_us);
        found.figure("duration_us", self.duration_us);
    }
}

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = |us: u64| format!("{}.{:01} ms", us / 1000, us % 1000 / 100);
        let (stall, duration) = (ms(self.stall_us), ms(self.duration_us));
        write!(f, "{stall} of the test's {duration}")
    }
}

pub(super) fn cpu_throttled(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::CpuThrottled, Scope::Cgroup);
    if let Some(wait) = Wait::from(STALLED_PERCENT, row.cgroup_throttled_us, row) {
        let which = cgroup_words(row.cgroup_quota_above);
        let quota = row.cgroup_quota_millicpus.unwrap_or(0);
        let periods = row.cgroup_throttled_periods.unwrap_or(0);
        found.add(
            Confidence::Sure,
            wait.percent,
            format!(
                "{which} had used up its quota of {}.{:03} CPUs in {periods} period(s): stopped for {wait}",
                quota / 1000,
                quota % 1000
            ),
        );
        wait.figures(&mut found);
        found.figure("quota_millicpus", row.cgroup_quota_millicpus);
    }
    found
}

/// Others had the CPUs. What a quota stopped waits for a CPU too, and is taken off.
pub(super) fn cpu_contention(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::CpuContention, Scope::Cgroup);
    let throttled = row.cgroup_throttled_us.unwrap_or(0);
    let others = |stall: Option<u64>| stall.map(|stall| stall.saturating_sub(throttled));
    if let Some(wait) = Wait::from(STALLED_PERCENT, others(row.cgroup_cpu_full_stall_us), row) {
        found.add(
            Confidence::Likely,
            wait.percent,
            format!("nothing of the test's cgroup got a CPU, though it wanted one, for {wait}"),
        );
        wait.figures(&mut found);
    } else if let Some(own) = row.cgroup_cpu_some_stall_us {
        let own = others(Some(own));
        if let Some(wait) = Wait::from(SOMEBODY_STALLED_PERCENT, own, row) {
            found.add(
                Confidence::Possible,
                wait.percent / 2,
                format!("something of the test's cgroup waited for a CPU for {wait}"),
            );
            wait.figures(&mut found);
        }
    } else if let Some(wait) =
        Wait::from(SOMEBODY_STALLED_PERCENT, others(row.cpu_some_stall_us), row)
    {
        found.scope = Scope::Host;
        found.add(
            Confidence::Possible,
            wait.percent / 2,
            format!("somebody on the host waited for a CPU for {wait}"),
        );
        wait.figures(&mut found);
    }
    found
}

pub(super) fn steal(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::Steal, Scope::Host);
    // A thread loses what its CPU does: the average of all.
    let cpus = row.online_cpus.unwrap_or(1).max(1);
    let of_each = row.steal_us.map(|steal| steal / cpus);
    if let Some(wait) = Wait::from(STALLED_PERCENT, of_each, row) {
        found.add(
            Confidence::Likely,
            wait.percent,
            format!("a hypervisor gave each of the {cpus} CPUs to others for {wait}"),
        );
        wait.figures(&mut found);
    }
    found
}

pub(super) fn io(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::Io, Scope::Cgroup);
    if let Some(wait) = Wait::from(STALLED_PERCENT, row.cgroup_io_full_stall_us, row) {
        found.add(
            Confidence::Likely,
            wait.percent,
            format!("everything of the test's cgroup waited for block devices for {wait}"),
        );
        wait.figures(&mut found);
    } else if row.cgroup_io_some_stall_us.is_some() {
        let own = row.cgroup_io_some_stall_us;
        if let Some(wait) = Wait::from(SOMEBODY_STALLED_PERCENT, own, row) {
            found.add(
                Confidence::Possible,
                wait.percent / 2,
                format!("something of the test's cgroup waited for block devices for {wait}"),
            );
            wait.figures(&mut found);
        }
    } else if let Some(wait) = Wait::from(SOMEBODY_STALLED_PERCENT, row.io_full_stall_us, row) {
        found.scope = Scope::Host;
        found.add(
            Confidence::Possible,
            wait.percent / 2,
            format!("nothing ran on the host and somebody waited for block devices for {wait}"),
        );
        wait.figures(&mut found);
    }
    found
}

/// What a change of the scheduler in the middle explains by itself, in percent: a rule of thumb.
const SCHEDULER_STRENGTH: u64 = 60;

pub(super) fn scheduler_changed(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::SchedulerChanged, Scope::Host);
    let (before, after) = (&row.sched_ext_before, &row.sched_ext);
    if let (Some(before), Some(after)) = (before, after) {
        let name = |ops: &str| match ops {
            "none" => "the kernel's own scheduler".to_owned(),
            ops => format!("`{ops}`"),
        };
        if before != after {
            found.add(
                Confidence::Likely,
                SCHEDULER_STRENGTH,
                format!(
                    "{} was in charge when the test began, and {} when it ended",
                    name(before),
                    name(after)
                ),
            );
        } else if row.sched_ext_loads > Some(0) {
            let what = match after.as_str() {
                "none" => {
                    "a `sched_ext` scheduler was loaded and thrown out during the test".into()
                }
                ops => format!("`{ops}` was loaded again during the test"),
            };
            found.add(Confidence::Likely, SCHEDULER_STRENGTH, what);
        }
    }
    if found.is_something() {
        found.figure("sched_ext_loads", row.sched_ext_loads);
    }
    if let Some(rejected @ 1..) = row.sched_ext_rejected {
        found.add(
            Confidence::Possible,
            SCHEDULER_STRENGTH / 2,
            format!("the scheduler refused {rejected} task(s) during the test"),
        );
        found.figure("sched_ext_rejected", rejected);
    }
    found
}
