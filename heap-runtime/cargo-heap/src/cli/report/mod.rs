//! `cargo heap report`: what a run, or several, came to.

pub(super) mod contents;
pub(super) mod diagnoses;
pub(super) mod left_out;
pub(super) mod people;
pub(super) mod summary;

use std::io;

use schemars::JsonSchema;
use serde::Serialize;

use super::args;
use super::error::Error;
use super::format::Format;
use super::github;
use super::html;
use super::json::{json, lines as print_lines};
use super::junit;
use super::markdown;
use super::runs::Runs;
use super::status::Status;
use super::terminal::{self, Terminal};
use super::text::printable;
use crate::report::diagnosis::Cause;
use crate::report::{Comparison, Diagnosis, Row, Run, Totals, Verdict};

use contents::Report;
use diagnoses::Diagnoses;
use left_out::{say_children, say_other_runs, unreadable};
use people::for_people;

pub(super) fn run(command: &args::Report, terminal: &mut Terminal) -> Result<Status, Error> {
    let junit = command.junit.as_deref();
    let run = match junit {
        Some([input, output]) => {
            let input = junit::Input::read(input)?;
            let mut run = Runs::default().read_run(&command.runs, input.run_id())?;
            let verdicts = input.verdicts(&run.rows);
            run.hear(verdicts);
            input.write(output, &run.rows, &Diagnoses::of(&run))?;
            run
        }
        _ => Runs::default().read(&command.runs)?,
    };
    let judged = print(run, &command.selection, &command.output, None, terminal)?;
    Ok(command.output.fail_on.status(judged.status))
}

/// What a report comes to.
pub(super) struct Judged {
    /// Of all that the filter takes.
    pub(super) status: Status,
    /// The tests that failed as the machine explains.
    pub(super) confounded: Vec<[String; 3]>,
}

/// Prints the part of a run that was asked for.
pub(super) fn print(
    run: Run,
    selection: &args::Selection,
    output: &args::Output,
    comparison: Option<&Comparison>,
    terminal: &mut Terminal,
) -> Result<Judged, Error> {
    if let Some(filter) = &selection.filter
        && !run.rows.iter().any(|row| filter.takes(row.key()))
    {
        return Err(Error::new(
            "--filter matches no tracked test of the run: without it, all of them are listed",
        ));
    }
    let report = Report::of(run, selection);
    match output.format {
        Format::Table => for_people(&report, terminal)?,
        Format::Json => json(&report, terminal)?,
        Format::Markdown => markdown::report(&report, terminal)?,
        Format::Ndjson => {
            print_lines(lines(&report), terminal)?;
            unreadable(&report.unreadable);
            say_children(report.children);
            say_other_runs(report.foreign_runs, report.other_runs);
        }
    }
    if let Some(file) = &output.html {
        html::write(file, &report, comparison)?;
        terminal::note(&format!(
            "wrote the page {}",
            printable(&file.to_string_lossy())
        ));
    }
    if output.github {
        github::annotate(&report, &mut io::stderr().lock())?;
    }
    let Totals { killed, failed, .. } = report.totals;
    let status = match killed + failed {
        0 => Status::Good,
        bad if bad == report.confounded => Status::Confounded,
        _ => Status::Bad,
    };
    Ok(Judged {
        status,
        confounded: report.confounded_tests,
    })
}

/// An execution, and what explains it where it failed, or passed although the machine has cost it time.
#[derive(Serialize, JsonSchema)]
pub(super) struct Line<'a> {
    #[serde(flatten)]
    row: &'a Row,
    #[serde(skip_serializing_if = "Option::is_none")]
    verdict: Option<Verdict>,
    /// Of one that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    confounded: Option<bool>,
    #[serde(skip_serializing_if = "<[Cause]>::is_empty")]
    causes: &'a [Cause],
}

fn lines(report: &Report) -> Vec<Line<'_>> {
    let line = |row| {
        let diagnosis = report.known.get(row);
        let of_bad = diagnosis.filter(|_| row.state.is_bad());
        Line {
            row,
            verdict: diagnosis.map(Diagnosis::verdict),
            confounded: of_bad.map(Diagnosis::is_confounded),
            causes: diagnosis.map_or(&[], |diagnosis| &diagnosis.causes),
        }
    };
    report.tests.iter().map(line).collect()
}
