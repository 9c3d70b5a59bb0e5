//! Memory of the host that was short, and kills for want of it.

use super::cause::{Confidence, Scope};
use super::cgroup::memory_wait;
use super::ended::may_be_killed;
use super::found::Found;
use super::share::reaches;
use super::verdict::Verdict;
use super::wait::{SOMEBODY_STALLED_PERCENT, STALLED_PERCENT, Wait};
use crate::report::context::Context;
use crate::report::row::Row;
use crate::report::run_pressure::RunPressure;
use crate::report::state::State;
use heap_sidecar::size::Human;

/// Available memory of the host, in percent of all of it: below, the kernel reclaims hard.
pub const AVAILABLE_PERCENT: u64 = 5;
/// By how much free swap has to fall during a test, in KiB, to count as swapping.
pub const SWAPPED_KIB: u64 = 64 << 10;
/// What a killed test had live, in percent of the address space that its process might have, from which
/// an allocation is likely to have failed: a vector that doubles asks for two thirds while it has one.
pub const ADDRESS_SPACE_PERCENT: u64 = 33;

/// What a shortage explains by itself that was seen by a rule of thumb, in percent.
const THUMB_STRENGTH: u64 = 40;
/// What a kill for want of memory explains of a test that was not killed itself, in percent.
const KILL_BESIDE_STRENGTH: u64 = 60;

pub(super) fn out_of_memory(row: &Row, context: &Context<'_>) -> Found {
    let mut found = Found::nothing(Verdict::OutOfMemory, Scope::Host);
    let strength = if may_be_killed(row) {
        100
    } else {
        KILL_BESIDE_STRENGTH
    };
    for (scope, evidence) in kills(row, context) {
        found.scope = found.scope.min(scope);
        found.add(Confidence::Likely, strength, evidence);
    }
    if let Some(evidence) = address_space(row) {
        found.scope = Scope::Test;
        found.add(Confidence::Likely, 100, evidence);
    }
    found
}

/// What the out-of-memory killer's counts say.
pub(super) fn kills(row: &Row, context: &Context<'_>) -> Vec<(Scope, String)> {
    let mut evidence = Vec::new();
    let later = context.after_killed(row);
    let counters = [
        (
            (Scope::Cgroup, "of its cgroup"),
            row.cgroup_oom_kills_before,
            row.cgroup_oom_kills,
            later.and_then(|later| later.cgroup_oom_kills_before.or(later.cgroup_oom_kills)),
        ),
        (
            (Scope::Host, "of the host"),
            row.host_oom_kills_before,
            row.host_oom_kills,
            later.and_then(|later| later.host_oom_kills_before.or(later.host_oom_kills)),
        ),
    ];
    for ((scope, whose), before, after, after_that) in counters {
        let Some(before) = before else { continue };
        if let Some(killed) = after.and_then(|after| after.checked_sub(before))
            && killed > 0
        {
            evidence.push((
                scope,
                format!(
                    "the out-of-memory killer killed {killed} process(es) {whose} during the test"
                ),
            ));
        } else if let Some(killed) = after_that.and_then(|after| after.checked_sub(before))
            && killed > 0
            && let Some(later) = later
        {
            evidence.push((scope, format!(
                "the out-of-memory killer killed {killed} process(es) {whose} between the start of this \
                 test and of `{}`, the next reading",
                later.test
            )));
        }
    }
    if evidence.is_empty()
        && let Some(around) = context.around_killed(row)
    {
        evidence = until_the_end(around.host_kills_since(row.host_oom_kills_before), around);
    }
    evidence
}

/// An allocation beyond the limit fails, and the process aborts.
pub(super) fn address_space(row: &Row) -> Option<String> {
    let limit = row.address_space_limit_bytes?;
    let live = row.own_peak_at_least()?;
    let likely = row.state == State::Killed && reaches(live, ADDRESS_SPACE_PERCENT, limit);
    likely.then(|| {
        format!(
            "the test's process was limited to {} of address space (RLIMIT_AS), and the test alone had {} live: an \
             allocation beyond the limit fails, and aborts the process",
            Human(limit),
            Human(live)
        )
    })
}

/// Kills that only the reading at the end of the run has seen.
///
/// The test's cgroup need not be that of the run, so that the counts of the one are not compared
/// with those of the other. The host's count has all kills in it, whatever the limit: where it has
/// not moved since the test began, a kill in the run's cgroup came before.
fn until_the_end(of_the_host: Option<u64>, around: &RunPressure) -> Vec<(Scope, String)> {
    let mut evidence = Vec::new();
    if of_the_host == Some(0) {
        return evidence;
    }
    if let Some(killed @ 1..) = around.cgroup_kills() {
        evidence.push((Scope::Cgroup, format!(
            "the out-of-memory killer killed {killed} process(es) of the cgroup that the run was started in, \
             while it ran"
        )));
    }
    if let Some(killed @ 1..) = of_the_host {
        evidence.push((Scope::Host, format!(
            "the out-of-memory killer killed {killed} process(es) of the host between the start of this \
             test and the end of the run"
        )));
    }
    evidence
}

/// The host was short of memory, as far as `cgroup`, the limits of cgroups, does not explain it.
pub(super) fn host_short(row: &Row, cgroup: &Found) -> Found {
    let mut found = Found::nothing(Verdict::HostShort, Scope::Host);
    // At a limit, the wait is the limit's. Where the cgroup's own is not known, it is all in the host's.
    let limited = cgroup.figures.contains_key("stalled_us");
    let own = row.cgroup_memory_some_stall_us;
    let waited = memory_wait(row);
    if let Some((wait, _)) = waited
        && !limited
        && own.is_some()
    {
        found.scope = Scope::Cgroup;
        found.add(
            Confidence::Likely,
            wait.percent,
            format!("the test's cgroup waited for memory for {wait}, and was at no limit"),
        );
        wait.figures(&mut found);
    }
    // Who did not wait was not kept by what others waited for.
    let of_others = match own {
        Some(_) => waited.is_some(),
        None => !limited,
    };
    if of_others {
        waits_of_others(row, &mut found);
    }
    little_left(row, &mut found);
    found
}

/// What was waited for memory outside of the test's cgroup.
fn waits_of_others(row: &Row, found: &mut Found) {
    let others = |host: Option<u64>, own: Option<u64>| {
        host.map(|host| host.saturating_sub(own.unwrap_or(0)))
    };
    let all = others(row.psi_full_stall_us, row.cgroup_memory_full_stall_us);
    let some = others(row.psi_some_stall_us, row.cgroup_memory_some_stall_us);
    if let Some(wait) = Wait::from(STALLED_PERCENT, all, row) {
        let evidence = format!("everything on the host waited for memory for {wait}");
        found.add(Confidence::Likely, wait.percent, evidence);
        wait.figures(found);
    } else if let Some(wait) = Wait::from(SOMEBODY_STALLED_PERCENT, some, row) {
        let evidence = format!("somebody on the host waited for memory for {wait}");
        found.add(Confidence::Possible, wait.percent / 2, evidence);
        wait.figures(found);
    }
}

/// What is short by a rule of thumb.
fn little_left(row: &Row, found: &mut Found) {
    let available = row
        .mem_available_before_kib
        .into_iter()
        .chain(row.mem_available_kib)
        .min();
    if let (Some(available), Some(total)) = (available, row.total_memory_kib)
        && !reaches(available, AVAILABLE_PERCENT, total)
    {
        found.add(
            Confidence::Possible,
            THUMB_STRENGTH,
            format!(
                "the host had {} of {} available, less than {AVAILABLE_PERCENT} %",
                Human(available.saturating_mul(1024)),
                Human(total.saturating_mul(1024))
            ),
        );
        found.figure("available_kib", available);
        found.figure("total_kib", total);
    }
    if let (Some(before), Some(after)) = (row.swap_free_before_kib, row.swap_free_kib)
        && let swapped = before.saturating_sub(after)
        && swapped >= SWAPPED_KIB
    {
        found.add(
            Confidence::Possible,
            THUMB_STRENGTH,
            format!(
                "the host swapped {} out during the test",
                Human(swapped.saturating_mul(1024))
            ),
        );
        found.figure("swapped_out_kib", swapped);
    }
}

/// What was looked at and was nothing.
pub(super) fn what_was_calm(row: &Row) -> Vec<String> {
    let mut evidence = Vec::new();
    let when = match row.state {
        State::Killed => "before the test, ",
        _ => "",
    };
    if let Some(wait) = Wait::of(row.psi_some_stall_us, row) {
        evidence.push(format!("somebody on the host waited for memory for {wait}"));
    } else if let Some(some) = row.psi_some_avg10.or(row.psi_some_avg10_before) {
        evidence.push(format!(
            "{when}memory pressure (some) was {some:.1} % over 10 s"
        ));
    }
    let available = row.mem_available_kib.or(row.mem_available_before_kib);
    if let (Some(available), Some(total)) = (available, row.total_memory_kib) {
        evidence.push(format!(
            "{when}the host had {} of {} available",
            Human(available.saturating_mul(1024)),
            Human(total.saturating_mul(1024))
        ));
    }
    for (stall_us, what) in [
        (row.cpu_some_stall_us, "a CPU"),
        (row.io_some_stall_us, "block devices"),
    ] {
        if let Some(wait) = Wait::of(stall_us, row) {
            evidence.push(format!("somebody on the host waited for {what} for {wait}"));
        }
    }
    evidence
}
