//! A report as a table, and below it what is behind the failures.

use std::collections::BTreeMap;
use std::io::Write as _;

use super::super::error::Error;
use super::super::quantity::bytes;
use super::super::run_table::{name, run_table, several_binaries};
use super::super::terminal::{self, Terminal};
use super::super::text::printable;
use super::super::{across, cause, unseen};
use super::contents::Report;
use super::left_out::unreadable;
use super::summary::{in_several_shards, summary};
use crate::report::{Diagnosis, Row};
use heap_sidecar::{Allocator, Budget, SharedThreads};

pub(in super::super) fn for_people(report: &Report, terminal: &mut Terminal) -> Result<(), Error> {
    let several = several_binaries(&report.tests);
    if !report.tests.is_empty() {
        for part in run_table(&report.tests, &report.places, terminal.width()) {
            writeln!(terminal, "{}", part.trim_fmt())?;
        }
        writeln!(terminal)?;
    }
    let of_shards = in_several_shards(report, several);
    for doubt in doubts(&report.tests, several).into_iter().chain(of_shards) {
        let dim = terminal::DIM;
        writeln!(terminal, "{dim}? {doubt}{dim:#}\n")?;
    }
    for (row, both) in report.let_pass() {
        let dim = terminal::DIM;
        writeln!(terminal, "{dim}? {}: {both}{dim:#}\n", name(row, several))?;
    }
    for diagnosed in &report.diagnoses {
        let row = &report.tests[diagnosed.test];
        let name = name(row, several);
        diagnosis(
            row,
            &name,
            &diagnosed.diagnosis,
            Message::FirstLine,
            terminal,
        )?;
        for line in report.beside(diagnosed) {
            writeln!(terminal, "  {line}")?;
        }
        writeln!(terminal)?;
    }
    slowed(report, several, terminal)?;
    if !report.across.is_empty() {
        let (strong, dim) = (terminal::STRONG, terminal::DIM);
        let several = several || across::several_binaries(&report.across);
        let table = across::table(&report.across, several, terminal.width());
        writeln!(terminal, "{strong}{}{strong:#}", across::TITLE)?;
        writeln!(terminal, "{}", table.trim_fmt())?;
        writeln!(terminal, "{dim}{}{dim:#}\n", across::note())?;
    }
    writeln!(terminal, "{}", summary(report))?;
    unreadable(&report.unreadable);
    for folder in &report.folders {
        writeln!(terminal, "sidecars: {}", printable(folder))?;
    }
    Ok(())
}

/// What a reader of the table should know who takes its numbers for all that there is.
fn doubts(rows: &[Row], several: bool) -> Vec<String> {
    const MAX_NAMED: usize = 10;
    let mut doubts = Vec::new();
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows
        .iter()
        .filter(|row| row.allocator != Allocator::Jemalloc)
    {
        let reason = row
            .heap_reason
            .as_deref()
            .unwrap_or("jemalloc does not serve them");
        *reasons.entry(reason).or_default() += 1;
    }
    for (reason, count) in reasons {
        doubts.push(format!(
            "{count} test(s) without heap numbers: {}",
            printable(reason)
        ));
    }
    let shared = rows.iter().filter(|row| row.own_shared.is_some()).count();
    if shared > 0 {
        doubts.push(format!(
            "{shared} test(s) with numbers {}: `heap_runtime::nobody()` tells whose work it is",
            SharedThreads::NOTE
        ));
    }
    let mut unsure = rows.iter().flat_map(|row| {
        let unsure = row.budgets.iter().flatten();
        let unsure = unsure.filter(|budget| budget.held == Some(true) && is_within_error(budget));
        unsure.map(move |budget| (row, budget))
    });
    for (row, budget) in unsure.by_ref().take(MAX_NAMED) {
        let peak = bytes(row.own_peak_bytes.unwrap_or(0));
        let error = bytes(row.own_peak_error_bytes.unwrap_or(0));
        doubts.push(format!(
            "{}: {} is {} and the peak {peak} ± {error}: with `exact` it is told to the byte",
            name(row, several),
            budget.limit,
            bytes(budget.bytes)
        ));
    }
    let more = unsure.count();
    if more > 0 {
        doubts.push(format!("{more} more budgets of which the same is true"));
    }
    doubts.extend(unseen::doubt(rows, several));
    doubts
}

/// Whether a peak and its limit are too close to tell. Other notes are of something else.
fn is_within_error(budget: &Budget) -> bool {
    let note = budget.note.as_deref();
    note.is_some_and(|note| note.starts_with("within error"))
}

/// How much of a failure's message is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Message {
    FirstLine,
    Whole,
}

/// The verdict on one test, with the numbers and the doubts.
pub(in super::super) fn diagnosis(
    row: &Row,
    name: &str,
    diagnosis: &Diagnosis,
    how_much: Message,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    let (bad, verdict, dim) = (terminal::BAD, terminal::STRONG, terminal::DIM);
    writeln!(
        terminal,
        "{bad}{}{bad:#} {name}: {verdict}{}{verdict:#}",
        row.state,
        diagnosis.verdict()
    )?;
    if let Some(message) = &row.failure_message {
        let mut lines = message.lines();
        let first = printable(lines.next().unwrap_or_default());
        let cut = how_much == Message::FirstLine && lines.next().is_some();
        writeln!(
            terminal,
            "  it said: {first}{}",
            if cut { " …" } else { "" }
        )?;
        for line in lines.filter(|_| how_much == Message::Whole) {
            writeln!(terminal, "           {}", printable(line))?;
        }
    }
    evidence(diagnosis, terminal)?;
    for caveat in &diagnosis.caveats {
        writeln!(terminal, "  {dim}? {}{dim:#}", printable(caveat))?;
    }
    Ok(())
}

/// What explains it, and the numbers.
pub(in super::super) fn evidence(
    diagnosis: &Diagnosis,
    terminal: &mut Terminal,
) -> Result<(), Error> {
    writeln!(terminal, "  causes: {}", cause::words(diagnosis))?;
    for (index, finding) in diagnosis.findings.iter().enumerate() {
        if index > 0 {
            writeln!(terminal, "  also {}", finding.verdict)?;
        }
        for evidence in &finding.evidence {
            writeln!(terminal, "  - {}", printable(evidence))?;
        }
    }
    Ok(())
}

/// The tests that passed although the machine has cost them time.
fn slowed(report: &Report, several: bool, terminal: &mut Terminal) -> Result<(), Error> {
    const MAX_NAMED: usize = 10;
    for slowed in report.slowed.iter().take(MAX_NAMED) {
        let row = &report.tests[slowed.test];
        let verdict = slowed.diagnosis.verdict();
        let name = name(row, several);
        writeln!(terminal, "{} {name}, although: {verdict}", row.state)?;
        evidence(&slowed.diagnosis, terminal)?;
        writeln!(terminal)?;
    }
    let more = report.slowed.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        writeln!(
            terminal,
            "{more} more test(s) that passed lost time to the machine: `--format json` names them\n"
        )?;
    }
    Ok(())
}
