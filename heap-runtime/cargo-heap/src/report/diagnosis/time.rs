//! Time that a test lost: by what it, its cgroup or the host waited for meanwhile.

use super::cause::{Confidence, Scope};
use super::cgroup::cgroup_words;
use super::found::Found;
use super::verdict::Verdict;
use super::wait::{STALLED_PERCENT, Wait, Waits};
use crate::report::row::Row;

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
    let waits = Waits {
        cgroup_full: (
            others(row.cgroup_cpu_full_stall_us),
            "nothing of the test's cgroup got a CPU, though it wanted one,",
        ),
        cgroup_some: (
            others(row.cgroup_cpu_some_stall_us),
            "something of the test's cgroup waited for a CPU",
        ),
        host: (
            others(row.cpu_some_stall_us),
            "somebody on the host waited for a CPU",
        ),
    };
    waits.add_nearest(row, &mut found);
    found
}

/// Block devices were waited for.
pub(super) fn io(row: &Row) -> Found {
    let mut found = Found::nothing(Verdict::Io, Scope::Cgroup);
    let waits = Waits {
        cgroup_full: (
            row.cgroup_io_full_stall_us,
            "everything of the test's cgroup waited for block devices",
        ),
        cgroup_some: (
            row.cgroup_io_some_stall_us,
            "something of the test's cgroup waited for block devices",
        ),
        host: (
            row.io_full_stall_us,
            "nothing ran on the host and somebody waited for block devices",
        ),
    };
    waits.add_nearest(row, &mut found);
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
