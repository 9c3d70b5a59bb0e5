//! What a report comes to, in one line.

use super::super::quantity::{bytes, difference, time};
use super::super::run_table::name;
use super::super::text::printable;
use super::contents::Report;
use super::left_out::other_runs;
use crate::report::State;

/// `12 tests: 1 killed, 2 failed, 9 passed; ...`
pub(in super::super) fn summary(report: &Report) -> String {
    let totals = &report.totals;
    let mut parts = Vec::new();
    for (count, state) in [
        (totals.killed, State::Killed),
        (totals.failed, State::Failed),
        (totals.running, State::Running),
        (totals.skipped, State::Skipped),
        (totals.passed, State::Passed),
    ] {
        if count > 0 {
            parts.push(format!("{count} {state}"));
        }
    }
    let tests = match totals.tests {
        0 => "no tracked test".to_owned(),
        1 => format!("1 test: {}", parts.join(", ")),
        tests => format!("{tests} tests: {}", parts.join(", ")),
    };
    let duration = (totals.tests > 0).then_some(totals.duration_ns);
    let at_least = if report.largest_is_least { "≥ " } else { "" };
    let count = |count: usize| Some(count).filter(|count| *count > 0);
    [
        Some(tests),
        count(report.shards.len())
            .filter(|shards| *shards > 1)
            .map(|shards| format!("{shards} shards")),
        count(report.in_several_shards.len())
            .map(|count| format!("{count} ran in more than one shard")),
        count(report.confounded).map(|count| format!("{count} of them explained by the machine")),
        count(totals.flaky).map(|count| format!("{count} flaky")),
        count(totals.executions - totals.tests.min(totals.executions))
            .map(|_| format!("{} executions", totals.executions)),
        duration.map(|ns| format!("{} in all", time(ns))),
        totals
            .largest_own_peak_bytes
            .map(|peak| format!("largest peak {at_least}{}", bytes(peak))),
        totals
            .own_retained_bytes
            .map(|retained| format!("retained {}", difference(retained))),
        count(totals.broken_budgets).map(|count| format!("{count} broken budget(s)")),
        count(report.not_shown).map(|count| format!("{count} not shown")),
        count(report.children).map(|count| {
            format!("{count} execution(s) in processes that tests started not counted")
        }),
        count(report.unreadable.len()).map(|count| format!("{count} file(s) could not be read")),
        other_runs(report.foreign_runs, report.other_runs),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

/// The tests that ran in more than one shard, in a line each.
pub(super) fn in_several_shards(report: &Report, several: bool) -> Vec<String> {
    const MAX_NAMED: usize = 10;
    let all = &report.in_several_shards;
    let named = all.iter().take(MAX_NAMED).map(|test| {
        let name = name(&report.tests[test.test], several);
        let shards = test.shards.join(", ");
        format!("{name} ran in more than one shard: {}", printable(&shards))
    });
    let more = all.len().saturating_sub(MAX_NAMED);
    let more = (more > 0).then(|| format!("{more} more ran in more than one shard"));
    named.chain(more).collect()
}
