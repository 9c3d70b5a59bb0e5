//! How far what was recorded reaches, and what keeps a verdict from being certain.

use std::time::Duration;

use super::cgroup::is_near_by_what_is_not_known;
use super::ended::may_be_killed;
use super::shortage::{address_space, kills};
use crate::report::context::Context;
use crate::report::row::Row;
use crate::report::state::State;
use heap_sidecar::size::{Human, Signed};

/// How far a test had come that did not come to its end.
pub(super) fn how_far(row: &Row) -> Vec<String> {
    let mut evidence: Vec<_> = last_seen(row).into_iter().collect();
    evidence.extend(up_to_checkpoint(row));
    evidence
}

fn last_seen(row: &Row) -> Option<String> {
    let live = row.last_seen_live_bytes?;
    let at = row.last_seen_at_ns.map(time).unwrap_or_default();
    let limit = row.cgroup_max_bytes;
    let limit = limit.map(|limit| format!("; its cgroup's limit is {}", Human(limit)));
    Some(format!(
        "last seen{at}: {} live{}",
        Human(live),
        limit.unwrap_or_default()
    ))
}

/// How long after the start of the body.
fn time(ns: u64) -> String {
    // To the microsecond: more digits say nothing here.
    format!(" {:?} in", Duration::from_micros(ns / 1000))
}

fn up_to_checkpoint(row: &Row) -> Option<String> {
    row.own_peak_at_least()?;
    let label = row.checkpoint_label.as_deref()?;
    let at = row.checkpoint_at_ns.map(|ns| format!(",{}", time(ns)));
    let peaked = row
        .checkpoint_peak_bytes
        .map(|peak| format!(" had peaked at {} and", Human(peak)));
    let retained = row.checkpoint_retained_bytes.unwrap_or(0);
    let held = match u64::try_from(retained) {
        Ok(held) => format!("held {}", Human(held)),
        Err(_) => format!("retained {}", Signed(retained)),
    };
    Some(format!(
        "at its last checkpoint `{label}`{}, it{} {held}",
        at.unwrap_or_default(),
        peaked.unwrap_or_default()
    ))
}

pub(super) fn caveats(row: &Row, context: &Context<'_>) -> Vec<String> {
    let mut caveats = Vec::new();
    if row.state == State::Killed {
        of_killed(row, context, &mut caveats);
    }
    if row.psi_some_avg10.or(row.psi_some_avg10_before).is_none() {
        caveats.push("memory pressure (PSI) is not known: the kernel does not provide it".into());
    }
    if is_near_by_what_is_not_known(row) {
        caveats.push(
            "the cgroup was near its limit; how much of that was page cache, which can be dropped, is not recorded"
                .into(),
        );
    }
    if let Some(overlap @ 1..) = row.overlap {
        caveats.push(format!(
            "{overlap} other tracked test(s) ran in the process meanwhile"
        ));
    }
    if row.last_seen_live_bytes.is_some() {
        caveats.push("what it had live after it was last seen to grow is not known".into());
    } else if row.own_peak_at_least().is_some() {
        caveats.push("what it did after its last checkpoint is not known".into());
    } else if row.own_peak_bytes.is_none() {
        let why = row.heap_reason.as_deref().unwrap_or("it was not measured");
        caveats.push(format!("the test's own peak is not known: {why}"));
    }
    caveats
}

/// What nobody saw who could tell of it.
fn of_killed(row: &Row, context: &Context<'_>, caveats: &mut Vec<String>) {
    caveats.push("it was killed, so there is one reading, from before the test".into());
    if let Some(limit) = row.address_space_limit_bytes
        && address_space(row).is_none()
    {
        caveats.push(format!(
                "its process was limited to {} of address space (RLIMIT_AS): an allocation beyond that would have ended it",
                Human(limit)
            ));
    }
    let also = context.killed_with(row);
    if also > 0 {
        caveats.push(format!(
                "{also} other test(s) of the same process were killed with it: any of them may be the cause"
            ));
    }
    if row.end.is_none() && context.interrupted(row).is_none() {
        caveats.push(
                "how its process ended is not recorded: `cargo heap test --nextest` tells time-outs and signals".into(),
            );
    }
    if !may_be_killed(row) {
        // The out-of-memory killer's is another signal.
    } else if row
        .host_oom_kills_before
        .or(row.cgroup_oom_kills_before)
        .is_none()
    {
        caveats.push("kills by the out-of-memory killer were not recorded".into());
    } else if context.after_killed(row).is_none() && context.around_killed(row).is_none() {
        caveats.push(
                "no test of the run started after it, nor did `cargo heap test` run it, so a kill by the \
                 out-of-memory killer would not be seen"
                    .into(),
            );
    } else if !kills(row, context).is_empty() {
        caveats.push("which process the out-of-memory killer took is not recorded".into());
    }
}
