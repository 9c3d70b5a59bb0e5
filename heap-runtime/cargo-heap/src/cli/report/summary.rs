//! What a report comes to in one line, and what it leaves out.

use super::super::error::Chain;
use super::super::quantity::{bytes, difference, time};
use super::super::terminal;
use super::super::text::printable;
use super::contents::{Report, Unread};
use crate::report::{Run, State};
use heap_sidecar::Unreadable;

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
        count(report.children).map(|count| format!("{count} execution(s) below tests not counted")),
        count(report.unreadable.len()).map(|count| format!("{count} file(s) could not be read")),
        other_runs(report.foreign_runs, report.other_runs),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

/// Says what of a run is not in an output that has no place to say it.
pub(in super::super) fn warn_of_left_out(run: &Run) {
    unreadable(&unread(&run.unreadable));
    say_children(run.children.len());
    say_other_runs(run.foreign_runs, run.other_runs);
}

/// Which runs were there, and are not in it.
fn other_runs(foreign: usize, others: usize) -> Option<String> {
    let foreign = (foreign > 0).then(|| format!("{foreign} newer run(s) of other workspaces"));
    let others = (others > 0).then(|| format!("{others} other run(s)"));
    let runs: Vec<String> = foreign.into_iter().chain(others).collect();
    (!runs.is_empty()).then(|| format!("{} are not in it", runs.join(" and ")))
}

pub(super) fn say_other_runs(foreign: usize, others: usize) {
    if let Some(words) = other_runs(foreign, others) {
        terminal::note(&words);
    }
}

pub(super) fn say_children(count: usize) {
    if count > 0 {
        terminal::note(&format!(
            "{count} execution(s) below tests, in processes that they have started, are not in it"
        ));
    }
}

pub(super) fn unread(files: &[Unreadable]) -> Vec<Unread> {
    files
        .iter()
        .map(|file| Unread {
            file: file.path.to_string_lossy().into_owned(),
            reason: Chain(&file.error).to_string(),
        })
        .collect()
}

/// Names the files that are none of ours; many of them say no more than a few.
pub(super) fn unreadable(files: &[Unread]) {
    const MAX_NAMED: usize = 10;
    for file in files.iter().take(MAX_NAMED) {
        terminal::warn(&format!(
            "`{}` is skipped: {}",
            printable(&file.file),
            printable(&file.reason)
        ));
    }
    if files.len() > MAX_NAMED {
        terminal::warn(&format!(
            "{} more files are skipped",
            files.len() - MAX_NAMED
        ));
    }
}
