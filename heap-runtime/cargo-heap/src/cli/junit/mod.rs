//! `--junit IN OUT`: nextest's `JUnit` file with our numbers as properties of its test cases.
//!
//! ```text
//! <testsuites uuid=RUN>                              sidecar
//!   <testsuite name="BINARY ID[@stress-N]">            run_id, stress_index
//!     <testcase classname="BINARY ID" name=TEST>       package, binary, test_name
//!       <properties>  ◀── heap.own_peak_bytes ...      attempt: what passed, or failed first
//!       <flakyFailure/> <rerunFailure/>                the attempts before, or after it
//! ```

mod case;
mod file;
mod parser;
pub(super) mod word;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde_json::Value;

use super::cause;
use super::error::Error;
use super::replace;
use super::report::diagnoses::Diagnoses;
use super::run_table::name;
use super::terminal;
use super::text::printable;
use crate::report::{Row, RunnerVerdict};
use case::{Case, PREFIX};
use file::JUnit;
use heap_sidecar::Outcome;

/// The columns of a row that become properties, in this order, where they are there.
const COLUMNS: [&str; 39] = [
    "attempt",
    "state",
    "sidecar_state",
    "end",
    "failure_kind",
    "skip_reason",
    "allocator",
    "heap_reason",
    "own_peak_bytes",
    "own_peak_error_bytes",
    "own_peak_source",
    "own_retained_bytes",
    "own_allocated_bytes",
    "own_deallocated_bytes",
    "own_allocations",
    "own_threads",
    "own_threads_running",
    "own_shared",
    "own_cpu_ns",
    "own_run_delay_ns",
    "own_run_delay_error_ns",
    "own_minor_faults",
    "own_major_faults",
    "body_cpu_ns",
    "body_run_delay_ns",
    "body_blocked_ns",
    "own_delays",
    "body_reclaiming_ns",
    "body_memory_wait_ns",
    "body_block_io_ns",
    "time_reason",
    "checkpoint_label",
    "checkpoint_least_peak_bytes",
    "process_allocated_delta_bytes",
    "overlap",
    "mem_available_kib",
    "psi_some_avg10_before",
    "psi_some_avg10",
    "peak_rss_bytes",
];

/// A file that was read, to be written with numbers once the sidecars are read too.
pub(super) struct Input<'a> {
    path: &'a Path,
    junit: JUnit,
}

impl<'a> Input<'a> {
    pub(super) fn read(path: &'a Path) -> Result<Self, Error> {
        let junit =
            JUnit::read(path).map_err(|error| Error::at("use as JUnit file", path, error))?;
        Ok(Self { path, junit })
    }

    /// The run that it is of.
    pub(super) fn run_id(&self) -> &str {
        &self.junit.run_id
    }

    /// What it says of the tests that these are executions of.
    pub(super) fn verdicts(&self, rows: &[Row]) -> Vec<RunnerVerdict> {
        verdicts(&self.junit, rows)
    }

    /// Writes the file with the numbers of these rows, and says which test cases have them now.
    pub(super) fn write(
        &self,
        output: &Path,
        rows: &[Row],
        diagnoses: &Diagnoses,
    ) -> Result<(), Error> {
        let run_id = self.run_id();
        if !rows.iter().any(|row| is_run(row, run_id)) {
            let runs: BTreeSet<&str> = rows.iter().map(|row| row.run_id.as_str()).collect();
            let runs: Vec<&str> = runs.into_iter().take(5).collect();
            let why = format!(
                "it is of run {}, and the sidecars are {}",
                printable(run_id),
                if runs.is_empty() {
                    "of none".to_owned()
                } else {
                    format!("of {}", printable(&runs.join(", ")))
                }
            );
            return Err(Error::at("use as JUnit file", self.path, why));
        }
        let joined = Joined::of(&self.junit, rows, diagnoses);
        let text = self.junit.with(&joined.properties);
        // Whole or not at all: it may be the input.
        replace::output(output, text.as_bytes())
            .map_err(|error| Error::at("write the JUnit file", output, error))?;
        joined.say(&self.junit, output);
        Ok(())
    }
}

/// Which test cases have which numbers.
#[derive(Debug, Default)]
struct Joined {
    /// For each test case; none where nothing is known of it.
    properties: Vec<Vec<(String, String)>>,
    without: Vec<String>,
    ambiguous: Vec<String>,
    /// Tracked tests that are in no test case.
    left: Vec<String>,
}

/// What executions are of one test case: package, binary, test, stress index, and the source file,
/// which tells a library from a program of the same name.
type Group<'a> = (&'a str, &'a str, &'a str, Option<u32>, &'a str);

/// The executions that test cases are about.
struct Cases<'a> {
    groups: BTreeMap<Group<'a>, Vec<&'a Row>>,
    /// For each test case.
    found: Vec<Vec<Group<'a>>>,
    claims: HashMap<Group<'a>, usize>,
}

impl<'a> Cases<'a> {
    fn of(junit: &JUnit, rows: &'a [Row]) -> Self {
        let mut groups: BTreeMap<Group<'_>, Vec<&Row>> = BTreeMap::new();
        for row in rows.iter().filter(|row| is_run(row, &junit.run_id)) {
            let group = (
                row.package.as_str(),
                row.binary.as_str(),
                row.test.as_str(),
                row.stress_index,
                row.source_file.as_str(),
            );
            groups.entry(group).or_default().push(row);
        }
        let mut of_test: HashMap<&str, Vec<Group<'_>>> = HashMap::new();
        for group in groups.keys() {
            of_test.entry(group.2).or_default().push(*group);
        }
        let found: Vec<Vec<Group<'_>>> = junit
            .cases
            .iter()
            .map(|case| {
                let same_name = of_test.get(case.name.as_str());
                let mut found = same_name.cloned().unwrap_or_default();
                found.retain(|group| is_of(group, case));
                found
            })
            .collect();
        let mut claims: HashMap<Group<'_>, usize> = HashMap::new();
        for group in found.iter().flatten() {
            *claims.entry(*group).or_default() += 1;
        }
        Self {
            groups,
            found,
            claims,
        }
    }

    /// The executions of the test case at this place, where no other may be meant.
    fn only(&self, place: usize) -> Option<&[&'a Row]> {
        match self.found.get(place)?.as_slice() {
            [group] if self.claims[group] == 1 => Some(&self.groups[group]),
            _ => None,
        }
    }
}

/// What nextest says in this file of the tests that these are executions of.
fn verdicts(junit: &JUnit, rows: &[Row]) -> Vec<RunnerVerdict> {
    let cases = Cases::of(junit, rows);
    let verdict = |(place, case): (usize, &Case)| {
        let row = cases.only(place)?.first()?;
        let mut verdict = RunnerVerdict::of(row);
        verdict.outcome = match &case.failed {
            Some(_) => Outcome::Failed,
            None if case.skipped => return None,
            None => Outcome::Passed,
        };
        let message = case.failed.as_deref().unwrap_or_default();
        verdict.ends.clone_from(&case.ends);
        verdict.message = message.lines().next().map(|line| bounded(line).to_owned());
        Some(verdict)
    };
    junit.cases.iter().enumerate().filter_map(verdict).collect()
}

/// How many test cases failed that none of these executions is known to be of.
fn failed_otherwise(junit: &JUnit, rows: &[Row]) -> usize {
    let cases = Cases::of(junit, rows);
    let failed = junit
        .cases
        .iter()
        .enumerate()
        .filter(|(_, case)| case.failed.is_some());
    failed
        .filter(|(place, _)| cases.only(*place).is_none())
        .count()
}

/// A line is enough of what a runner says.
fn bounded(line: &str) -> &str {
    const MAX_LINE: usize = 500;
    &line[..line.floor_char_boundary(MAX_LINE)]
}

impl Joined {
    fn of(junit: &JUnit, rows: &[Row], diagnoses: &Diagnoses) -> Self {
        let cases = Cases::of(junit, rows);
        let mut joined = Self::default();
        for (place, case) in junit.cases.iter().enumerate() {
            let properties = match cases.only(place) {
                Some(rows) => properties(case, rows, diagnoses),
                None if cases.found[place].is_empty() => {
                    joined.without.push(case_name(case));
                    Vec::new()
                }
                None => {
                    joined.ambiguous.push(case_name(case));
                    Vec::new()
                }
            };
            joined.properties.push(properties);
        }
        for (group, rows) in &cases.groups {
            if !cases.claims.contains_key(group) {
                joined.left.extend(rows.iter().map(|row| name(row, true)));
            }
        }
        joined
    }

    fn say(&self, junit: &JUnit, output: &Path) {
        let all = junit.cases.len();
        let have = self.properties.iter().filter(|list| !list.is_empty());
        terminal::note(&format!(
            "{} of {all} test case(s) have their heap numbers in {}",
            have.count(),
            printable(&output.to_string_lossy())
        ));
        if !self.without.is_empty() {
            terminal::note(&format!("without a sidecar: {}", some_of(&self.without)));
        }
        if !self.ambiguous.is_empty() {
            terminal::warn(&format!(
                "unchanged, because the file does not tell them apart by binary: {}",
                some_of(&self.ambiguous)
            ));
        }
        if !self.left.is_empty() {
            terminal::warn(&format!(
                "tracked, but not in the file: {}",
                some_of(&self.left)
            ));
        }
    }
}

/// Whether an execution is of the run that nextest calls so.
pub(super) fn is_run(row: &Row, id: &str) -> bool {
    row.runner_run_id.as_deref().unwrap_or(&row.run_id) == id
}

/// Whether a test case is of that package and binary. A binary's id has the name of its target, and
/// a sidecar that of the crate.
fn is_of(group: &Group<'_>, case: &Case) -> bool {
    let (package, binary, _, stress_index, _) = group;
    let (of_package, target) = match case.binary_id.split_once("::") {
        Some((package, target)) => (package, Some(target)),
        // The tests in the library.
        None => (case.binary_id.as_str(), None),
    };
    let is_target = target.is_none_or(|target| {
        let name = target.rsplit_once('/').map_or(target, |(_, name)| name);
        name.replace('-', "_") == *binary
    });
    *package == of_package && is_target && *stress_index == case.stress_index
}

/// The numbers of the attempt that a test case is about, then those of its others.
fn properties(case: &Case, rows: &[&Row], diagnoses: &Diagnoses) -> Vec<(String, String)> {
    let attempt = case.attempt();
    let mut attempts: BTreeMap<u32, &Row> = BTreeMap::new();
    for row in rows {
        let first = attempts.entry(row.attempt).or_insert(row);
        // A test may run its own binary: what nextest has started began first.
        if row.iteration < first.iteration {
            *first = row;
        }
    }
    let mut properties = Vec::new();
    if let Some(row) = attempts.remove(&attempt) {
        of_row(row, PREFIX, &mut properties);
        of_diagnosis(row, diagnoses, PREFIX, &mut properties);
    }
    let last = attempt.saturating_add(case.later);
    for (attempt, row) in attempts.range(..=last) {
        let prefix = format!("{PREFIX}attempt{attempt}.");
        of_row(row, &prefix, &mut properties);
        of_diagnosis(row, diagnoses, &prefix, &mut properties);
    }
    properties
}

fn of_row(row: &Row, prefix: &str, properties: &mut Vec<(String, String)>) {
    let value = serde_json::to_value(row).expect("text keys and finite numbers only");
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    for column in COLUMNS {
        if let Some(value) = value.get(column) {
            properties.push((format!("{prefix}{column}"), text(value)));
        }
    }
    for (name, samples) in row.samples.iter().flatten() {
        let numbers = [
            ("min", samples.min),
            ("max", samples.max),
            ("p50", samples.quantile(0.5)),
            ("p99", samples.quantile(0.99)),
        ];
        properties.push((
            format!("{prefix}samples.{name}.count"),
            samples.count.to_string(),
        ));
        for (number, value) in numbers {
            let value = value.map(|value| {
                (
                    format!("{prefix}samples.{name}.{number}"),
                    value.to_string(),
                )
            });
            properties.extend(value);
        }
    }
    for (column, kind) in [("labels", "label"), ("metrics", "metric")] {
        let entries = value.get(column).and_then(Value::as_object);
        for (key, value) in entries.into_iter().flatten() {
            properties.push((format!("{prefix}{kind}.{key}"), text(value)));
        }
    }
}

/// What explains an execution, where there is something to explain.
fn of_diagnosis(
    row: &Row,
    diagnoses: &Diagnoses,
    prefix: &str,
    properties: &mut Vec<(String, String)>,
) {
    let Some(found) = diagnoses.get(row) else {
        return;
    };
    let mut add = |name: &str, value: String| properties.push((format!("{prefix}{name}"), value));
    if row.state.is_bad() {
        add("confounded", found.is_confounded().to_string());
    }
    add("verdict", found.verdict().to_string());
    add("causes", cause::words(found));
}

fn case_name(case: &Case) -> String {
    printable(&format!("{} {}", case.binary_id, case.name)).into_owned()
}

/// The first few of a list.
fn some_of(names: &[String]) -> String {
    const MAX_NAMED: usize = 10;
    let listed = names[..names.len().min(MAX_NAMED)].join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
