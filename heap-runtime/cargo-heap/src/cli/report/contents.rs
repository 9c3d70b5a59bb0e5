//! Everything that a report says.

use std::collections::BTreeSet;
use std::ops::Range;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::args;
use super::super::run_table::{both_verdicts, turn};
use super::diagnoses::Diagnoses;
use super::left_out::{Unread, unread};
use crate::report::{Across, Diagnosis, Order, Row, Run, RunPressure, State, Totals, Verdict};

/// Everything that a report says.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Report {
    pub(in super::super) folders: Vec<String>,
    /// Of all that the filter takes.
    pub(in super::super) totals: Totals,
    /// How many tests failed or were killed, and the machine explains it.
    pub(in super::super) confounded: usize,
    /// Which ones.
    #[serde(skip)]
    pub(super) confounded_tests: Vec<[String; 3]>,
    /// Whether the largest peak in them is only known to be at least so large.
    #[serde(skip)]
    pub(super) largest_is_least: bool,
    /// The executions, those of one test behind each other.
    pub(in super::super) tests: Vec<Row>,
    /// Of each test, the place in `tests` of the execution that it stands as.
    deciding: Vec<usize>,
    #[serde(skip)]
    pub(in super::super) places: Vec<Range<usize>>,
    /// Tests that a filter or `--top` left out.
    pub(in super::super) not_shown: usize,
    /// The shards that the tests are of, where they are of some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) shards: Vec<String>,
    /// Tests that ran in more than one shard of a run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) in_several_shards: Vec<InSeveralShards>,
    /// Executions below tests, in processes that they have started: they are in nothing else here.
    pub(in super::super) children: usize,
    /// Runs that were there beside these, and are not in it.
    pub(super) other_runs: usize,
    /// Newer ones of other workspaces.
    pub(super) foreign_runs: usize,
    pub(in super::super) diagnoses: Vec<Diagnosed>,
    /// Tests that passed, and that the machine has cost time all the same.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) slowed: Vec<Slowed>,
    /// Of every execution that there is one of.
    #[serde(skip)]
    pub(in super::super) known: Diagnoses,
    /// Tests that both failed and passed.
    pub(in super::super) across: Vec<Across>,
    /// The readings around the runs, where `cargo heap test` took some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) run_pressure: Vec<RunPressure>,
    pub(in super::super) unreadable: Vec<Unread>,
}

impl Report {
    /// What there is to say of the part of a run that was asked for.
    pub(in super::super) fn of(mut run: Run, selection: &args::Selection) -> Self {
        // Among all of its run, also those that are not shown.
        let known = Diagnoses::of(&run);
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
        let order = selection.sort.unwrap_or_default();
        let places = order.sort_tests(&mut run.rows, |_| false);
        let confounded_tests = confounded(&run.rows, &places, &known);
        let places = top(&mut run.rows, places, order, selection.top);
        Self {
            folders: run
                .folders
                .iter()
                .map(|folder| folder.to_string_lossy().into_owned())
                .collect(),
            totals,
            confounded: confounded_tests.len(),
            confounded_tests,
            largest_is_least,
            diagnoses: of_shown(&run.rows, &places, &known),
            slowed: slowed(&run.rows, &places, &known),
            known,
            deciding: places.iter().map(|test| test.start).collect(),
            across,
            not_shown: all - places.len(),
            shards: shards(&run.rows).into_iter().map(str::to_owned).collect(),
            in_several_shards: in_several_shards(&run.rows, &places),
            children: run.children.len(),
            other_runs: run.other_runs,
            foreign_runs: run.foreign_runs,
            run_pressure: run.pressure,
            unreadable: unread(&run.unreadable),
            tests: run.rows,
            places,
        }
    }

    /// The executions of each test, the one that it stands as first.
    pub(in super::super) fn by_test(&self) -> impl Iterator<Item = &[Row]> {
        self.places.iter().map(|test| &self.tests[test.clone()])
    }

    /// All executions, and whether each is the one that its test stands as.
    pub(in super::super) fn in_order(&self) -> impl Iterator<Item = (&Row, bool)> {
        self.by_test()
            .flat_map(|rows| rows.iter().enumerate())
            .map(|(index, row)| (row, index == 0))
    }

    /// The tests that have passed for their runner, and not for their sidecars, and what both say.
    pub(in super::super) fn let_pass(&self) -> impl Iterator<Item = (&Row, String)> {
        let passed = self.tests.iter().filter(|row| !row.state.is_bad());
        passed.filter_map(|row| Some((row, both_verdicts(row)?)))
    }

    /// What is to be said of a test's executions beside the one that its verdict is about.
    pub(in super::super) fn beside(&self, diagnosed: &Diagnosed) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(both_verdicts(&self.tests[diagnosed.test]));
        if diagnosed.flaky {
            lines.push("it is flaky: a later attempt was good".to_owned());
        }
        for other in &diagnosed.others {
            let row = &self.tests[other.test];
            let (turn, state, verdict) = (turn(row), row.state, other.verdict);
            lines.push(format!("{turn} had another cause ({state}): {verdict}"));
        }
        lines
    }
}

/// A test that failed or was killed, if only before an attempt that passed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Diagnosed {
    /// The place in `tests` of the execution that this is about: of several that ended badly, the last.
    pub(in super::super) test: usize,
    /// Whether a later attempt has made it good.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(in super::super) flaky: bool,
    /// Whether the machine explains how it ended.
    pub(in super::super) confounded: bool,
    #[serde(flatten)]
    pub(in super::super) diagnosis: Diagnosis,
    /// What there is to say of its other executions that ended badly, where that is something else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in super::super) others: Vec<Other>,
}

/// A test that passed, and what the machine has cost it.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Slowed {
    /// The place in `tests` of the execution that it stands as.
    pub(in super::super) test: usize,
    #[serde(flatten)]
    pub(in super::super) diagnosis: Diagnosis,
}

/// A test that ran in more than one shard, and should have in one: its shards overlap.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct InSeveralShards {
    /// The place in `tests` of the execution that it stands as.
    pub(super) test: usize,
    pub(super) shards: Vec<String>,
}

/// Another execution of a test that has a diagnosis.
#[derive(Debug, Serialize, JsonSchema)]
pub(in super::super) struct Other {
    /// Its place in `tests`.
    pub(in super::super) test: usize,
    pub(in super::super) verdict: Verdict,
}

fn shards(rows: &[Row]) -> BTreeSet<&str> {
    rows.iter().filter_map(|row| row.shard.as_deref()).collect()
}

fn in_several_shards(rows: &[Row], tests: &[Range<usize>]) -> Vec<InSeveralShards> {
    let of_test = |test: &Range<usize>| {
        let shards = shards(&rows[test.clone()]);
        (shards.len() > 1).then(|| InSeveralShards {
            test: test.start,
            shards: shards.into_iter().map(str::to_owned).collect(),
        })
    };
    tests.iter().filter_map(of_test).collect()
}

/// The tests that failed, and of which the machine explains every execution that did.
fn confounded(rows: &[Row], tests: &[Range<usize>], known: &Diagnoses) -> Vec<[String; 3]> {
    let explained = |row: &Row| known.get(row).is_some_and(Diagnosis::is_confounded);
    tests
        .iter()
        .map(|test| &rows[test.clone()])
        .filter(|executions| {
            let mut bad = executions.iter().filter(|row| row.state.is_bad());
            executions[0].state.is_bad() && bad.all(explained)
        })
        .map(|executions| {
            let Row {
                package,
                binary,
                test,
                ..
            } = &executions[0];
            [package, binary, test].map(String::clone)
        })
        .collect()
}

/// Leaves out of the sorted rows what is not to be printed. Gives where each test begins and ends.
fn top(
    rows: &mut Vec<Row>,
    mut tests: Vec<Range<usize>>,
    order: Order,
    top: Option<usize>,
) -> Vec<Range<usize>> {
    if let Some(top) = top
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

fn of_shown(rows: &[Row], tests: &[Range<usize>], known: &Diagnoses) -> Vec<Diagnosed> {
    tests
        .iter()
        .filter_map(|test| of_test(rows, test.clone(), known))
        .collect()
}

/// The one verdict on a test: of the execution that it stands as, or of the last that a later one has made
/// good.
fn of_test(rows: &[Row], test: Range<usize>, known: &Diagnoses) -> Option<Diagnosed> {
    let is_bad = |index: &usize| rows[*index].state.is_bad();
    let decides = test.start;
    let flaky = !is_bad(&decides);
    let last = || test.clone().rev().find(is_bad);
    let about = if flaky { last()? } else { decides };
    let diagnosis = known.get(&rows[about])?.clone();
    let others = test.filter(|index| is_bad(index) && *index != about);
    let others = others.filter_map(|test| {
        let verdict = known.get(&rows[test])?.verdict();
        (verdict != diagnosis.verdict()).then_some(Other { test, verdict })
    });
    Some(Diagnosed {
        test: about,
        flaky,
        confounded: diagnosis.is_confounded(),
        others: others.collect(),
        diagnosis,
    })
}

/// The tests that stand as an execution that passed, and what the machine has cost it.
fn slowed(rows: &[Row], tests: &[Range<usize>], known: &Diagnoses) -> Vec<Slowed> {
    let passed = tests.iter().map(|test| test.start);
    let passed = passed.filter(|test| !rows[*test].state.is_bad());
    passed
        .filter_map(|test| {
            let diagnosis = known.get(&rows[test])?.clone();
            Some(Slowed { test, diagnosis })
        })
        .collect()
}
