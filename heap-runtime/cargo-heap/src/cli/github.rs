//! Failures as annotations of GitHub's, at the line of the test.
//!
//! They go to stderr, which the runner reads as well: standard output may be the step's summary.
//! <https://docs.github.com/actions/reference/workflow-commands-for-github-actions>

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::cause;
use super::error::Error;
use super::report::contents::{Diagnosed, Report};
use super::text::acts;
use super::workspace::Workspace;
use crate::report::Row;
use crate::report::diagnosis::broken_words;
use heap_sidecar::FailureKind;

pub(super) fn annotate(report: &Report, out: &mut impl Write) -> Result<(), Error> {
    for row in report.by_test().filter_map(|executions| executions.first()) {
        for budget in row.broken_budgets() {
            annotation("error", row, "budget", &broken_words(budget), out)?;
        }
    }
    for diagnosed in &report.diagnoses {
        let row = &report.tests[diagnosed.test];
        // Said already, with the amounts.
        if !diagnosed.flaky && row.failure_kind == Some(FailureKind::Budget) {
            continue;
        }
        let message = message(report, diagnosed, row);
        let level = if diagnosed.flaky { "warning" } else { "error" };
        annotation(level, row, row.state.as_str(), &message, out)?;
    }
    Ok(())
}

/// What the test said comes first: who reads the annotation knows that.
fn message(report: &Report, diagnosed: &Diagnosed, row: &Row) -> String {
    const LINES: usize = 20;
    let diagnosis = &diagnosed.diagnosis;
    let said = row.failure_message.as_deref().unwrap_or_default();
    let mut lines: Vec<String> = said.lines().take(LINES).map(str::to_owned).collect();
    if said.lines().nth(LINES).is_some() {
        lines.push("…".to_owned());
    }
    lines.push(diagnosis.verdict().to_string());
    lines.push(format!("causes: {}", cause::words(diagnosis)));
    let evidence = diagnosis
        .findings
        .iter()
        .flat_map(|finding| &finding.evidence);
    lines.extend(evidence.cloned());
    lines.extend(report.beside(diagnosed));
    lines.join("\n")
}

fn annotation(
    level: &str,
    row: &Row,
    what: &str,
    message: &str,
    out: &mut impl Write,
) -> Result<(), Error> {
    // What the compiler was given by its whole path is elsewhere.
    let is_below = Path::new(&row.source_file).is_relative();
    let below = if is_below { below_repository() } else { "" };
    let file = format!("{below}{}", row.source_file);
    writeln!(
        out,
        "::{level} file={},line={},title={}::{}",
        property(&file),
        row.source_line,
        property(&format!("{}: {what}", row.test)),
        data(message)
    )?;
    Ok(())
}

/// Where the workspace is in the repository that GitHub has checked out: files are named from there.
fn below_repository() -> &'static str {
    static BELOW: OnceLock<String> = OnceLock::new();
    let below = || {
        let repository = PathBuf::from(env::var_os("GITHUB_WORKSPACE")?);
        let workspace = Workspace::of(&[]).ok()?;
        let root = workspace.root().canonicalize().ok()?;
        let below = root.strip_prefix(repository.canonicalize().ok()?).ok()?;
        let parts = below
            .iter()
            .map(|part| format!("{}/", part.to_string_lossy()));
        Some(parts.collect::<String>())
    };
    BELOW.get_or_init(|| below().unwrap_or_default())
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
