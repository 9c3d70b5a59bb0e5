//! What is not in a report: files that could not be read, executions below tests, other runs.

use schemars::JsonSchema;
use serde::Serialize;

use super::super::error::Chain;
use super::super::terminal;
use super::super::text::printable;
use crate::report::Run;
use heap_sidecar::Unreadable;

/// A file that could not be read, and why.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Unread {
    pub(in super::super) file: String,
    pub(in super::super) reason: String,
}

/// Says what of a run is not in an output that has no place to say it.
pub(in super::super) fn warn_of_left_out(run: &Run) {
    unreadable(&unread(&run.unreadable));
    say_children(run.children.len());
    say_other_runs(run.foreign_runs, run.other_runs);
}

/// Which runs were there, and are not in it.
pub(super) fn other_runs(foreign: usize, others: usize) -> Option<String> {
    let foreign = (foreign > 0).then(|| format!("{foreign} newer run(s) of other workspaces"));
    let others = (others > 0).then(|| format!("{others} other run(s)"));
    let runs: Vec<String> = foreign.into_iter().chain(others).collect();
    let runs = (!runs.is_empty()).then(|| runs.join(" and "))?;
    Some(format!("{runs} are not included: see `cargo heap runs`"))
}

pub(super) fn say_other_runs(foreign: usize, others: usize) {
    if let Some(words) = other_runs(foreign, others) {
        terminal::note(&words);
    }
}

pub(super) fn say_children(count: usize) {
    if count > 0 {
        terminal::note(&format!(
            "{count} execution(s) in processes that tests started are not included"
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
