//! What a report comes to, in one line.

use super::super::quantity::{bytes, difference, time};
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
