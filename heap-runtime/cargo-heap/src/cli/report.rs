//! `cargo heap report`: what a run, or several, came to.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::ops::Range;

use serde::Serialize;

use super::Status;
use super::across;
use super::args;
use super::error::{Chain, Error};
use super::github;
use super::html;
use super::junit;
use super::markdown;
use super::quantity::{bytes, difference, time};
use super::run_table::{both_verdicts, name, run_table, several_binaries, turn};
use super::runs::Runs;
use super::terminal::{self, Terminal};
use super::text::{printable, printable_json};
use crate::report::{
    Across, Comparison, Context, Diagnosis, Order, Row, Run, RunPressure, State, Totals, Verdict,
};
use heap_sidecar::Allocator;
use heap_sidecar::Unreadable;

/// How reports are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Table,
    /// One JSON document
    Json,
    /// For a pull request, or `$GITHUB_STEP_SUMMARY`
    Markdown,
    /// A line of JSON for each test
    Ndjson,
}

impl Format {
    /// How a comparison is printed beside such a report.
    pub(super) fn of_comparison(self) -> args::TableJsonMarkdown {
        match self {
            Self::Table => args::TableJsonMarkdown::Table,
            Self::Json | Self::Ndjson => args::TableJsonMarkdown::Json,
            Self::Markdown => args::TableJsonMarkdown::Markdown,
        }
    }
}

pub(super) fn run(command: &args::Report, terminal: &mut Terminal) -> Result<Status, Error> {
    let junit = command.junit.as_deref();
    let run = match junit {
        Some([input, output]) => {
            let input = junit::Input::read(input)?;
            let mut run = Runs::default().read_run(&command.runs, input.run_id())?;
            let verdicts = input.verdicts(&run.rows);
            run.hear(verdicts);
            input.write(output, &run.rows)?;
            run
        }
        _ => Runs::default().read(&command.runs)?,
    };
    print(run, &command.selection, &command.output, None, terminal)
}

/// Prints the part of a run that was asked for. The status is that of all that the filter takes.
pub(super) fn print(
    run: Run,
    selection: &args::Selection,
    output: &args::Output,
    comparison: Option<&Comparison>,
    terminal: &mut Terminal,
) -> Result<Status, Error> {
    if let Some(filter) = &selection.filter
        && !run.rows.iter().any(|row| filter.takes(row.key()))
    {
        return Err(Error::new(
            "no tracked test of the run is one that --filter takes: without it, all of them are listed",
        ));
    }
    let report = Report::of(run, selection);
    match output.format {
        Format::Table => for_people(&report, terminal)?,
        Format::Json => json(&report, terminal)?,
        Format::Markdown => markdown::report(&report, terminal)?,
        Format::Ndjson => {
            ndjson(&report.tests, terminal)?;
            unreadable(&report.unreadable);
            say_children(report.children);
        }
    }
    if let Some(file) = &output.html {
        html::write(file, &report, comparison)?;
        terminal::note(&format!(
            "the page is {}",
            printable(&file.to_string_lossy())
        ));
    }
    if output.github {
        github::annotate(&report, &mut io::stderr().lock())?;
    }
    if report.totals.is_bad() {
        Ok(Status::Bad)
    } else {
        Ok(Status::Good)
    }
}

/// Everything that a report says.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) folders: Vec<String>,
    /// Of all that the filter takes.
    pub(super) totals: Totals,
    /// Whether the largest peak in them is only known to be at least so large.
    #[serde(skip)]
    largest_is_least: bool,
    /// The executions, those of one test behind each other.
    pub(super) tests: Vec<Row>,
    /// Of each test, the place in `tests` of the execution that it stands as.
    deciding: Vec<usize>,
    #[serde(skip)]
    pub(super) places: Vec<Range<usize>>,
    /// Tests that a filter or `--top` left out.
    pub(super) not_shown: usize,
    /// Executions below tests, in processes that they have started: they are in nothing else here.
    pub(super) children: usize,
    pub(super) diagnoses: Vec<Diagnosed>,
    /// Tests that both failed and passed.
    pub(super) across: Vec<Across>,
    /// The readings around the runs, where `cargo heap test` took some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) run_pressure: Vec<RunPressure>,
    pub(super) unreadable: Vec<Unread>,
}

impl Report {
    /// What there is to say of the part of a run that was asked for.
    pub(super) fn of(mut run: Run, selection: &args::Selection) -> Self {
        // Among all of its run, also those that are not shown.
        let known = diagnoses(&run);
        let mut across = Across::of(&run.rows);
        if let Some(filter) = &selection.filter {
            across.retain(|across| filter.takes((&across.package, &across.binary, &across.test)));
        }
        let all = Totals::of(&run.rows).tests;
        if let Some(filter) = &selection.filter {
            run.rows.retain(|row| filter.takes(row.key()));
        }
        // Of `--top` too: what is not printed has failed all the same.
        let totals = Totals::of(&run.rows);
        let largest = totals.largest_own_peak_bytes;
        let largest_is_least =
            largest.is_some() && (run.rows.iter()).any(|row| row.own_peak_at_least() == largest);
        let places = order(&mut run.rows, selection);
        Self {
            folders: run
                .folders
                .iter()
                .map(|folder| folder.to_string_lossy().into_owned())
                .collect(),
            totals,
            largest_is_least,
            diagnoses: of_shown(&run.rows, &places, &known),
            deciding: places.iter().map(|test| test.start).collect(),
            across,
            not_shown: all - places.len(),
            children: run.children.len(),
            run_pressure: run.pressure,
            unreadable: unread(&run.unreadable),
            tests: run.rows,
            places,
        }
    }

    /// The executions of each test, the one that it stands as first.
    pub(super) fn by_test(&self) -> impl Iterator<Item = &[Row]> {
        self.places.iter().map(|test| &self.tests[test.clone()])
    }

    /// All executions, and whether each is the one that its test stands as.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&Row, bool)> {
        self.by_test()
            .flat_map(|rows| rows.iter().enumerate())
            .map(|(index, row)| (row, index == 0))
    }

    /// The tests that have passed for their runner, and not for their sidecars, and what both say.
    pub(super) fn let_pass(&self) -> impl Iterator<Item = (&Row, String)> {
        let passed = self.tests.iter().filter(|row| !row.state.is_bad());
        passed.filter_map(|row| Some((row, both_verdicts(row)?)))
    }

    /// What is to be said of a test's executions beside the one that its verdict is about.
    pub(super) fn beside(&self, diagnosed: &Diagnosed) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(both_verdicts(&self.tests[diagnosed.test]));
        if diagnosed.flaky {
            lines.push("it is flaky: a later attempt was good".to_owned());
        }
        for other in &diagnosed.others {
            let row = &self.tests[other.test];
            let (turn, state, verdict) = (turn(row), row.state, other.verdict);
            lines.push(format!("{turn} was another matter, {state}: {verdict}"));
        }
        lines
    }
}

/// A test that failed or was killed, if only before an attempt that passed.
#[derive(Debug, Serialize)]
pub(super) struct Diagnosed {
    /// The place in `tests` of the execution that this is about: of several that ended badly, the last.
    pub(super) test: usize,
    /// Whether a later attempt has made it good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) flaky: bool,
    #[serde(flatten)]
    pub(super) diagnosis: Diagnosis,
    /// What there is to say of its other executions that ended badly, where that is something else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<Other>,
}

/// Another execution of a test that has a diagnosis.
#[derive(Debug, Serialize)]
pub(super) struct Other {
    /// Its place in `tests`.
    pub(super) test: usize,
    pub(super) verdict: Verdict,
}

#[derive(Debug, Serialize)]
pub(super) struct Unread {
    pub(super) file: String,
    pub(super) reason: String,
}

/// Sorts the rows, and leaves out what is not to be printed. Gives where each test begins and ends.
fn order(rows: &mut Vec<Row>, selection: &args::Selection) -> Vec<Range<usize>> {
    let order = selection.sort.unwrap_or_default();
    let mut tests = order.sort_tests(rows, |_| false);
    if let Some(top) = selection.top
        && top < tests.len()
    {
        tests.truncate(top);
        rows.truncate(tests.last().map_or(0, |test| test.end));
    }
    // What was killed is named first in any order.
    if order != Order::Outcome {
        let is_first = |row: &Row| matches!(row.state, State::Killed | State::Running);
        tests = order.sort_tests(rows, is_first);
    }
    tests
}

/// The diagnosis of each test that failed or was killed, by what no two executions share.
fn diagnoses(run: &Run) -> HashMap<OwnedExecution, Diagnosis> {
    if !run.rows.iter().any(|row| row.state.is_bad()) {
        return HashMap::new();
    }
    let context = Context::of_run(run);
    run.rows
        .iter()
        .filter(|row| row.state.is_bad())
        .map(|row| (execution(row), Diagnosis::of(row, &context)))
        .collect()
}

fn of_shown(
    rows: &[Row],
    tests: &[Range<usize>],
    known: &HashMap<OwnedExecution, Diagnosis>,
) -> Vec<Diagnosed> {
    if known.is_empty() {
        return Vec::new();
    }
    tests
        .iter()
        .filter_map(|test| of_test(rows, test.clone(), known))
        .collect()
}

/// The one verdict on a test: of the execution that it stands as, or of the last that a later one has made
/// good.
fn of_test(
    rows: &[Row],
    test: Range<usize>,
    known: &HashMap<OwnedExecution, Diagnosis>,
) -> Option<Diagnosed> {
    let is_bad = |index: &usize| rows[*index].state.is_bad();
    let decides = test.start;
    let flaky = !is_bad(&decides);
    let last = || test.clone().rev().find(is_bad);
    let about = if flaky { last()? } else { decides };
    let diagnosis = known.get(&execution(&rows[about]))?.clone();
    let others = test.filter(|index| is_bad(index) && *index != about);
    let others = others.filter_map(|test| {
        let verdict = known.get(&execution(&rows[test]))?.verdict();
        (verdict != diagnosis.verdict()).then_some(Other { test, verdict })
    });
    Some(Diagnosed {
        test: about,
        flaky,
        others: others.collect(),
        diagnosis,
    })
}

type OwnedExecution = (String, [String; 3], (u32, Option<u32>, u32), Option<String>);

fn execution(row: &Row) -> OwnedExecution {
    let test = [&row.package, &row.binary, &row.test].map(String::clone);
    (row.run_id.clone(), test, row.turn(), row.shard.clone())
}

pub(super) fn json(value: &impl Serialize, out: &mut impl Write) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    writeln!(out, "{}", printable_json(&text))?;
    Ok(())
}

pub(super) fn ndjson<T: Serialize>(values: &[T], out: &mut impl Write) -> Result<(), Error> {
    for value in values {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        writeln!(out, "{}", printable_json(&text))?;
    }
    Ok(())
}

pub(super) fn for_people(report: &Report, terminal: &mut Terminal) -> Result<(), Error> {
    let several = several_binaries(&report.tests);
    if !report.tests.is_empty() {
        for part in run_table(&report.tests, &report.places, terminal.width()) {
            writeln!(terminal, "{}", part.trim_fmt())?;
        }
        writeln!(terminal)?;
    }
    for doubt in doubts(&report.tests, several) {
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
    const NAMED: usize = 10;
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
    let mut unsure = rows.iter().flat_map(|row| {
        let unsure = row.budgets.iter().flatten();
        let unsure = unsure.filter(|budget| budget.held == Some(true) && budget.note.is_some());
        unsure.map(move |budget| (row, budget))
    });
    for (row, budget) in unsure.by_ref().take(NAMED) {
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
    doubts
}

/// How much of a failure's message is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message {
    FirstLine,
    Whole,
}

/// The verdict on one test, with the numbers and the doubts.
pub(super) fn diagnosis(
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
    for (index, finding) in diagnosis.findings.iter().enumerate() {
        if index > 0 {
            writeln!(terminal, "  also {}", finding.verdict)?;
        }
        for evidence in &finding.evidence {
            writeln!(terminal, "  - {}", printable(evidence))?;
        }
    }
    for caveat in &diagnosis.caveats {
        writeln!(terminal, "  {dim}? {}{dim:#}", printable(caveat))?;
    }
    Ok(())
}

/// `12 tests: 1 killed, 2 failed, 9 passed; ...`
pub(super) fn summary(report: &Report) -> String {
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
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join("; ")
}

/// Says what of a run is not in an output that has no place to say it.
pub(super) fn warn_of_left_out(run: &Run) {
    unreadable(&unread(&run.unreadable));
    say_children(run.children.len());
}

fn say_children(count: usize) {
    if count > 0 {
        terminal::note(&format!(
            "{count} execution(s) below tests, in processes that they have started, are left out"
        ));
    }
}

fn unread(files: &[Unreadable]) -> Vec<Unread> {
    files
        .iter()
        .map(|file| Unread {
            file: file.path.to_string_lossy().into_owned(),
            reason: Chain(&file.error).to_string(),
        })
        .collect()
}

/// Names the files that are none of ours; many of them say no more than a few.
fn unreadable(files: &[Unread]) {
    const NAMED: usize = 10;
    for file in files.iter().take(NAMED) {
        terminal::warn(&format!(
            "`{}` is left out: {}",
            printable(&file.file),
            printable(&file.reason)
        ));
    }
    if files.len() > NAMED {
        terminal::warn(&format!("{} more files are left out", files.len() - NAMED));
    }
}
