//! Reports for GitHub: a table, and what is behind the failures.

use std::io::Write;

use super::across;
use super::cause;
use super::error::Error;
use super::quantity::QUANTITIES;
use super::report::contents::Report;
use super::report::summary::summary;
use super::run_table::{name, several_binaries, turn};
use super::text::printable;
use crate::report::{Across, Diagnosis};

pub(super) fn report(report: &Report, out: &mut impl Write) -> Result<(), Error> {
    let several = several_binaries(&report.tests);
    writeln!(out, "### Heap of {}\n", escaped(&summary(report)))?;
    if !report.tests.is_empty() {
        table(report, several, out)?;
    }
    for (row, both) in report.let_pass() {
        let name = escaped(&name(row, several));
        writeln!(out, "{name}: {}\n", escaped(&both))?;
    }
    failures(report, several, out)?;
    for slowed in &report.slowed {
        let (row, diagnosis) = (&report.tests[slowed.test], &slowed.diagnosis);
        let (name, verdict) = (escaped(&name(row, several)), diagnosis.verdict());
        writeln!(out, "{} {name}, although: {verdict}\n", row.state)?;
        causes(diagnosis, out)?;
        writeln!(out)?;
    }
    if !report.across.is_empty() {
        flaky(&report.across, several, out)?;
    }
    if !report.unreadable.is_empty() {
        writeln!(out, "Files that could not be read:\n")?;
    }
    for file in &report.unreadable {
        let [file, reason] = [&file.file, &file.reason].map(|text| escaped(&printable(text)));
        writeln!(out, "- {file}: {reason}")?;
    }
    Ok(())
}

/// The tests and their numbers.
fn table(report: &Report, several: bool, out: &mut impl Write) -> Result<(), Error> {
    let columns: Vec<_> = QUANTITIES
        .iter()
        .filter(|quantity| report.tests.iter().any(|row| (quantity.of)(row).is_some()))
        .collect();
    let headings: Vec<_> = columns.iter().map(|quantity| quantity.heading).collect();
    writeln!(out, "| test | outcome | {} |", headings.join(" | "))?;
    writeln!(out, "|---|---|{}", "---:|".repeat(columns.len()))?;
    for (row, is_first) in report.in_order() {
        let cells: Vec<_> = columns
            .iter()
            .map(|quantity| (quantity.of)(row).unwrap_or_else(|| "-".into()))
            .collect();
        let state = if row.state.is_bad() {
            format!("**{}**", row.state)
        } else {
            row.state.to_string()
        };
        let name = if is_first {
            escaped(&name(row, several))
        } else {
            format!("↳ {}", turn(row))
        };
        writeln!(out, "| {name} | {state} | {} |", cells.join(" | "))?;
    }
    writeln!(out)?;
    Ok(())
}

/// What explains the failures.
fn failures(report: &Report, several: bool, out: &mut impl Write) -> Result<(), Error> {
    for diagnosed in &report.diagnoses {
        let row = &report.tests[diagnosed.test];
        let diagnosis = &diagnosed.diagnosis;
        let (name, verdict) = (escaped(&name(row, several)), diagnosis.verdict());
        writeln!(out, "**{}** {name}: {verdict}\n", row.state)?;
        let message = row.failure_message.as_deref();
        if let Some(said) = message.and_then(|said| said.lines().next()) {
            writeln!(out, "- it said: {}", escaped(&printable(said)))?;
        }
        causes(diagnosis, out)?;
        for caveat in &diagnosis.caveats {
            writeln!(out, "- _{}_", escaped(&printable(caveat)))?;
        }
        for line in report.beside(diagnosed) {
            writeln!(out, "- {}", escaped(&line))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn causes(diagnosis: &Diagnosis, out: &mut impl Write) -> Result<(), Error> {
    writeln!(out, "- causes: {}", escaped(&cause::words(diagnosis)))?;
    let findings = diagnosis.findings.iter();
    for evidence in findings.flat_map(|finding| &finding.evidence) {
        writeln!(out, "- {}", escaped(&printable(evidence)))?;
    }
    Ok(())
}

/// Tests that both failed and passed.
fn flaky(tests: &[Across], several: bool, out: &mut impl Write) -> Result<(), Error> {
    let numbers = "---:|".repeat(across::HEADINGS.len() - 2);
    writeln!(out, "#### Tests that {}\n", across::TITLE)?;
    writeln!(out, "| {} |", across::HEADINGS.join(" | "))?;
    writeln!(out, "|---|{numbers}---|")?;
    let several = several || across::several_binaries(tests);
    for test in tests {
        let cells = across::cells(test, several).map(|cell| escaped(&cell));
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    writeln!(out, "\n_{}_\n", across::note())?;
    Ok(())
}

/// Text that markdown and HTML leave as it is.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '@' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            c => escaped.push(c),
        }
    }
    escaped
}
