//! Failures as annotations of GitHub's, at the line of the test.
//!
//! They go to stderr, which the runner reads as well: standard output may be the step's summary.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::io::Write;

use super::error::Error;
use super::report::Report;
use super::text::acts;
use crate::report::Row;
use crate::sidecar::Limit;
use crate::size::{Human, Signed};

pub(super) fn annotate(report: &Report, out: &mut impl Write) -> Result<(), Error> {
    for row in &report.tests {
        for budget in row.broken_budgets() {
            let (limit, unit) = limit_words(budget.limit);
            let amount = |value: i64| match budget.limit {
                Limit::MaxAllocations => value.to_string(),
                _ if value < 0 => Signed(value).to_string(),
                _ => Human(value.unsigned_abs()).to_string(),
            };
            let actual = budget.actual.map_or_else(|| "more".into(), amount);
            let most = amount(i64::try_from(budget.bytes).unwrap_or(i64::MAX));
            let message = format!("{unit} {actual}, and {limit} is {most}");
            error(row, "budget", &message, out)?;
        }
    }
    for diagnosed in &report.diagnoses {
        let row = &report.tests[diagnosed.test];
        if row.broken_budgets().next().is_some() {
            continue;
        }
        let mut message = diagnosed.diagnosis.verdict().to_string();
        for finding in &diagnosed.diagnosis.findings {
            for evidence in &finding.evidence {
                message.push('\n');
                message.push_str(evidence);
            }
        }
        error(row, row.state.as_str(), &message, out)?;
    }
    Ok(())
}

/// The limit as the attribute calls it, and what it limits.
pub(super) fn limit_words(limit: Limit) -> (&'static str, &'static str) {
    match limit {
        Limit::MaxPeak => ("max_peak", "peak"),
        Limit::MaxRetained => ("max_retained", "retained"),
        Limit::MaxAllocated => ("max_allocated", "allocated"),
        Limit::MaxAllocations => ("max_allocations", "allocations"),
    }
}

fn error(row: &Row, what: &str, message: &str, out: &mut impl Write) -> Result<(), Error> {
    writeln!(
        out,
        "::error file={},line={},title={}::{}",
        property(&row.source_file),
        row.source_line,
        property(&format!("{}: {what}", row.test)),
        data(message)
    )?;
    Ok(())
}

fn data(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '%' => escaped.push_str("%25"),
            '\r' => escaped.push_str("%0D"),
            '\n' => escaped.push_str("%0A"),
            c if acts(c) => escaped.extend(c.escape_unicode()),
            c => escaped.push(c),
        }
    }
    escaped
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
