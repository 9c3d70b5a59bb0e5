//! `--html FILE`: a report as one page that needs nothing else.
//!
//! The page is a template, in which whatever comes out of files is escaped as HTML, and pictures are
//! SVG in the page's own colours. A policy in its head lets nothing in from outside.

mod picture;

use std::collections::HashMap;
use std::path::Path;

use minijinja::Environment;
use minijinja::value::Serde;
use serde::Serialize;

use super::across;
use super::cause;
use super::compare;
use super::error::Error;
use super::quantity::{QUANTITIES, share, time};
use super::replace;
use super::report::contents::{Diagnosed, Report};
use super::report::left_out::Unread;
use super::report::summary::summary;
use super::run_table::{both_verdicts, name, several_binaries, turn};
use super::sampled;
use super::text::{printable, printable_lines};
use crate::report::{Comparison, Diagnosis, Row, State, Totals, sidecars_of};
use heap_sidecar::Timeline;

/// A page with more timelines than that would be slow to load: then they are of the tests that
/// failed, and of those with the largest peaks.
const MAX_TIMELINES: usize = 500;

/// Writes the page.
pub(super) fn write(
    file: &Path,
    report: &Report,
    comparison: Option<&Comparison>,
) -> Result<(), Error> {
    let wrong = |error: &dyn std::fmt::Display| Error::at("write the page", file, error);
    let page = Page::of(report, comparison)?;
    let mut environment = Environment::new();
    environment
        .add_template("report.html", include_str!("report.html"))
        .map_err(|error| wrong(&error))?;
    let template = environment.get_template("report.html");
    let page = template
        .and_then(|template| template.render(Serde(&page)))
        .map_err(|error| wrong(&error))?;
    replace::output(file, page.as_bytes()).map_err(|error| wrong(&error))
}

/// The lines of the table.
fn tests(report: &Report, several: bool) -> Result<Vec<Test>, Error> {
    let timelines = timelines(report)?;
    let diagnoses: HashMap<usize, &Diagnosed> = report
        .diagnoses
        .iter()
        .map(|diagnosed| (diagnosed.test, diagnosed))
        .collect();
    let tests = report
        .places
        .iter()
        .map(|test| {
            let row = &report.tests[test.start];
            // Of a flaky test, it is about another execution.
            let why = test
                .clone()
                .find_map(|index| diagnoses.get(&index).copied());
            let cost = || report.known.get(row).filter(|_| !row.state.is_bad());
            let mut shown = Test::of(
                row,
                name(row, several),
                why.map(|why| &why.diagnosis).or_else(cost),
                timelines.get(&test.start),
            );
            shown.attempts = test
                .clone()
                .skip(1)
                .map(|i| Attempt::of(&report.tests[i]))
                .collect();
            shown
                .caveats
                .extend(why.into_iter().flat_map(|why| report.beside(why)));
            shown
        })
        .collect();
    Ok(tests)
}

/// What the template is filled with.
#[derive(Serialize)]
struct Page<'a> {
    summary: String,
    totals: &'a Totals,
    folders: Vec<String>,
    unreadable: Vec<Unread>,
    headings: [&'static str; QUANTITIES.len()],
    states: [State; 5],
    peaks: Option<String>,
    pressure: Option<String>,
    timelines_left_out: bool,
    comparison: Option<Compared>,
    across: Vec<[String; across::HEADINGS.len()]>,
    across_headings: [&'static str; across::HEADINGS.len()],
    across_note: String,
    tests: Vec<Test>,
}

impl<'a> Page<'a> {
    fn of(report: &'a Report, comparison: Option<&Comparison>) -> Result<Self, Error> {
        let several = several_binaries(&report.tests);
        let tests = tests(report, several)?;
        let several_across = several || across::several_binaries(&report.across);
        Ok(Self {
            summary: summary(report),
            totals: &report.totals,
            folders: report
                .folders
                .iter()
                .map(|folder| printable(folder).into_owned())
                .collect(),
            unreadable: report
                .unreadable
                .iter()
                .map(|unread| Unread {
                    file: printable(&unread.file).into_owned(),
                    reason: printable(&unread.reason).into_owned(),
                })
                .collect(),
            headings: QUANTITIES.each_ref().map(|quantity| quantity.heading),
            states: [
                State::Killed,
                State::Failed,
                State::Running,
                State::Skipped,
                State::Passed,
            ],
            peaks: picture::peaks(&report.tests),
            pressure: picture::pressure(&report.tests),
            timelines_left_out: report.tests.len() > MAX_TIMELINES,
            comparison: comparison.map(Compared::of),
            across: report
                .across
                .iter()
                .map(|test| across::cells(test, several_across))
                .collect(),
            across_headings: across::HEADINGS,
            across_note: across::note(),
            tests,
        })
    }
}

/// A line of the table, and what opens below it.
#[derive(Serialize)]
struct Test {
    name: String,
    state: State,
    cells: Vec<Cell>,
    verdict: Option<String>,
    evidence: Vec<String>,
    caveats: Vec<String>,
    message: Option<String>,
    facts: Vec<(&'static str, String)>,
    budgets: Vec<String>,
    timeline: Option<String>,
    spent: Vec<Spent>,
    attempts: Vec<Attempt>,
}

/// Another execution of the test.
#[derive(Serialize)]
struct Attempt {
    turn: String,
    state: State,
    cells: Vec<String>,
}

impl Attempt {
    fn of(row: &Row) -> Self {
        Self {
            turn: turn(row),
            state: row.state,
            cells: QUANTITIES
                .iter()
                .map(|quantity| (quantity.of)(row).unwrap_or_else(|| "-".into()))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct Cell {
    text: String,
    /// What the column is sorted by; absent where nothing was measured.
    value: Option<f64>,
}

impl Test {
    fn of(
        row: &Row,
        name: String,
        diagnosis: Option<&Diagnosis>,
        timeline: Option<&Timeline>,
    ) -> Self {
        let findings = diagnosis.map_or(&[][..], |diagnosis| &diagnosis.findings);
        Self {
            name,
            state: row.state,
            cells: QUANTITIES
                .iter()
                .map(|quantity| Cell {
                    text: (quantity.of)(row).unwrap_or_default(),
                    value: (quantity.value)(row),
                })
                .collect(),
            verdict: diagnosis.map(|diagnosis| diagnosis.verdict().to_string()),
            evidence: findings
                .iter()
                .flat_map(|finding| &finding.evidence)
                .map(|evidence| printable(evidence).into_owned())
                .collect(),
            caveats: diagnosis
                .iter()
                .flat_map(|diagnosis| &diagnosis.caveats)
                .map(|caveat| printable(caveat).into_owned())
                .collect(),
            message: row.failure_message.as_deref().map(printable_lines),
            facts: facts(row, diagnosis),
            budgets: row
                .budgets
                .iter()
                .flatten()
                .map(super::show::budget_words)
                .collect(),
            timeline: timeline.and_then(|timeline| picture::timeline(timeline, row.duration_ns)),
            spent: Spent::of(row),
            attempts: Vec::new(),
        }
    }
}

/// What there is to say of a test beside its numbers, each with its name.
fn facts(row: &Row, diagnosis: Option<&Diagnosis>) -> Vec<(&'static str, String)> {
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    facts.extend(diagnosis.map(|diagnosis| ("causes", cause::words(diagnosis))));
    facts.push(("source", format!("{}:{}", row.source_file, row.source_line)));
    facts.push(("started", row.started_at.clone()));
    facts.extend(both_verdicts(row).map(|both| ("judged", both)));
    facts.extend(row.skip_reason.clone().map(|reason| ("skipped", reason)));
    let unmeasured = row.heap_reason.clone();
    facts.extend(unmeasured.map(|reason| ("not measured", reason)));
    let labels = row.labels.iter().flatten();
    facts.extend(labels.map(|(key, value)| ("label", format!("{key} = {value}"))));
    let metrics = row.metrics.iter().flatten().map(|(key, value)| {
        let described = sampled::described(row, key);
        ("metric", format!("{key} = {value}{described}"))
    });
    facts.extend(metrics);
    facts.extend(sampled::lines(row).map(|line| ("samples", line)));
    for (_, fact) in &mut facts {
        *fact = printable(fact).into_owned();
    }
    facts
}

/// A part of the time that the test took, by its own thread.
#[derive(Serialize)]
struct Spent {
    name: &'static str,
    time: String,
    percent: f64,
}

impl Spent {
    fn of(row: &Row) -> Vec<Self> {
        let parts = row.time_parts();
        let whole: u64 = parts.iter().map(|(_, ns)| ns).sum();
        let parts = parts.into_iter().filter(|(_, ns)| *ns > 0);
        parts
            .map(|(name, ns)| Self {
                name,
                time: time(ns),
                percent: share(ns, whole),
            })
            .collect()
    }
}

/// The comparison's table.
#[derive(Serialize)]
struct Compared {
    summary: String,
    lines: Vec<[String; 6]>,
}

impl Compared {
    fn of(comparison: &Comparison) -> Self {
        Self {
            summary: compare::summary(comparison),
            lines: compare::table(comparison),
        }
    }
}

/// The timelines of the tests, by their place in the report.
fn timelines(report: &Report) -> Result<HashMap<usize, Timeline>, Error> {
    let mut wanted: Vec<usize> = (0..report.tests.len()).collect();
    wanted.sort_by_key(|index| {
        let row = &report.tests[*index];
        (!row.state.is_bad(), std::cmp::Reverse(row.own_peak_bytes))
    });
    wanted.truncate(MAX_TIMELINES);
    let by_execution: HashMap<_, usize> = wanted
        .into_iter()
        .map(|index| (execution(&report.tests[index]), index))
        .collect();
    let folders: Vec<&Path> = report.folders.iter().map(Path::new).collect();
    let mut timelines = HashMap::new();
    let found = sidecars_of(&folders, |row| by_execution.contains_key(&execution(row)));
    for (_, row, sidecar) in found.map_err(|error| Error::of(&error))? {
        // One that has gone meanwhile has no picture.
        let timeline = sidecar.ok().and_then(|sidecar| sidecar.heap.timeline);
        if let (Some(timeline), Some(index)) = (timeline, by_execution.get(&execution(&row))) {
            timelines.insert(*index, timeline);
        }
    }
    Ok(timelines)
}

type Execution<'a> = (
    &'a str,
    crate::report::TestKey<'a>,
    (u32, Option<u32>, u32),
    Option<&'a str>,
);

/// What no two executions share.
fn execution(row: &Row) -> Execution<'_> {
    (&row.run_id, row.key(), row.turn(), row.shard.as_deref())
}
