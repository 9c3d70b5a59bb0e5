//! What tracking changed of a suite, and what two runs of it do not agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cargo_heap::__cli::Additions;
use heap_runtime::Allocator;
use heap_runtime::sidecar::{Outcome, OwnTier, Sidecar, Status};

use super::execution::{self, Binary, Execution};
use super::package::Package;
use crate::scratch;

/// A binary that runs for longer is timed once.
const LONG: Duration = Duration::from_secs(5);

/// How often a binary is timed; the least time counts, which is the one least disturbed.
const ROUNDS: u32 = 3;

/// What came of one package.
#[derive(Debug, Default)]
pub struct Comparison {
    /// Its name and version.
    pub package: String,
    /// What was put into it.
    pub additions: Additions,
    /// Tests that passed, failed and were not run, without tracking.
    pub before: Tally,
    /// The same with it.
    pub after: Tally,
    /// Sidecars.
    pub sidecars: usize,
    /// Of those, how many say that the allocator is not jemalloc.
    pub of_other_allocators: usize,
    /// What must not be: a verdict that changed, a test without its one sidecar.
    pub faults: Vec<String>,
    /// Tests whose own numbers are not the same in two runs, and how they differ.
    pub differing: Vec<String>,
    /// How long the test binaries run as they are, with the attribute but `HEAP_TRACK=0`, tracked.
    pub times: [Duration; 3],
}

/// How many tests ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Passed.
    pub passed: usize,
    /// Failed.
    pub failed: usize,
    /// Ignored.
    pub ignored: usize,
}

impl Tally {
    pub(super) fn add(&mut self, verdicts: &BTreeMap<String, String>) {
        for verdict in verdicts.values() {
            match verdict.as_str() {
                "ok" => self.passed += 1,
                "ignored" => self.ignored += 1,
                _ => self.failed += 1,
            }
        }
    }
}

/// Builds a package as it is and tracked, runs both, and compares.
///
/// # Panics
///
/// Where one of them cannot be built or started.
#[must_use]
pub fn of(package: &Package) -> Comparison {
    let (tracked, additions) = package.tracked();
    let mut comparison = Comparison {
        package: format!("{} {}", package.name, package.version),
        additions,
        ..Comparison::default()
    };
    let originals = execution::build(package);
    let binaries = execution::build(&tracked);
    let targets = |binaries: &[Binary]| -> BTreeSet<String> {
        binaries
            .iter()
            .map(|binary| binary.target.clone())
            .collect()
    };
    assert_eq!(targets(&originals), targets(&binaries));
    for binary in &binaries {
        let is_it = |original: &&Binary| original.target == binary.target;
        let original = originals.iter().find(is_it).expect("both have it");
        comparison.add(original, binary);
    }
    comparison
}

impl Comparison {
    fn add(&mut self, original: &Binary, binary: &Binary) {
        let start = Instant::now();
        let before = original.run();
        let rounds = if start.elapsed() > LONG { 1 } else { ROUNDS };
        let (first, second) = (binary.run(), binary.run());
        self.before.add(&before.verdicts);
        self.after.add(&first.verdicts);
        self.sidecars += first.sidecars.len();
        let other = |sidecar: &&Sidecar| sidecar.heap.allocator == Allocator::Other;
        self.of_other_allocators += first.sidecars.iter().filter(other).count();
        self.judge(&binary.target, &before, &first);
        self.judge(&binary.target, &before, &second);
        self.compare(&binary.target, &first, &second);
        let folder = scratch::folder();
        for (time, (binary, track)) in
            self.times
                .iter_mut()
                .zip([(original, false), (binary, false), (binary, true)])
        {
            *time += binary.least_time(rounds, track, folder.path());
        }
    }

    /// The same verdicts, and for each test that ran one sidecar, which says the same.
    fn judge(&mut self, target: &str, before: &Execution, after: &Execution) {
        let mut fault = |test: &str, what: &str| {
            self.faults.push(format!("{target} {test}: {what}"));
        };
        for (test, verdict) in &before.verdicts {
            match after.verdicts.get(test) {
                Some(now) if now == verdict => {}
                Some(now) => fault(test, &format!("was {verdict}, is {now}")),
                None => fault(test, "is gone"),
            }
        }
        for (test, verdict) in &after.verdicts {
            let of_test = |sidecar: &&Sidecar| sidecar.test_name == *test;
            let sidecars: Vec<_> = after.sidecars.iter().filter(of_test).collect();
            match (verdict.as_str(), sidecars.as_slice()) {
                ("ignored", []) => {}
                ("ok", [sidecar]) if sidecar.outcome == Some(Outcome::Passed) => {}
                ("FAILED", [sidecar]) if sidecar.outcome == Some(Outcome::Failed) => {}
                (verdict, [sidecar]) => {
                    let outcome = sidecar.outcome;
                    fault(test, &format!("is {verdict}, its sidecar says {outcome:?}"));
                }
                (_, sidecars) => fault(test, &format!("has {} sidecars", sidecars.len())),
            }
        }
        for sidecar in &after.sidecars {
            let test = &sidecar.test_name;
            if !after.verdicts.contains_key(test) {
                fault(test, "is no test of the harness's");
            }
            let measured = sidecar.heap.own.is_some();
            if sidecar.status != Status::Finished
                || measured != (sidecar.heap.allocator == Allocator::Jemalloc)
            {
                fault(test, "has a sidecar that lacks something");
            }
        }
    }

    fn compare(&mut self, target: &str, first: &Execution, second: &Execution) {
        for sidecar in &first.sidecars {
            let again = second
                .sidecars
                .iter()
                .find(|other| other.test_name == sidecar.test_name);
            let tiers = again.and_then(|again| sidecar.heap.own.zip(again.heap.own));
            let Some((one, other)) = tiers else { continue };
            let differences = differences(&one, &other);
            if !differences.is_empty() {
                let test = &sidecar.test_name;
                self.differing
                    .push(format!("{target} {test}: {differences}"));
            }
        }
    }

    /// The headings of [`line`](Self::line)s.
    #[must_use]
    pub fn headings() -> String {
        let mut text = String::from(
            "| crate | attributes | test binaries | tests: passed, failed, ignored | tracked | \
             sidecars | faults | numbers that differ | time | `HEAP_TRACK=0` | tracked | \
             added for each test |\n",
        );
        text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|");
        text
    }

    /// The package's line of the table.
    #[must_use]
    pub fn line(&self) -> String {
        let Additions {
            attributes,
            allocators,
            own_allocators,
            ..
        } = self.additions;
        let tally = |tally: Tally| format!("{}, {}, {}", tally.passed, tally.failed, tally.ignored);
        let milliseconds = |time: Duration| format!("{} ms", time.as_millis());
        let [as_it_is, untracked, tracked] = self.times;
        let each = u32::try_from(self.sidecars.max(1)).map_or(Duration::ZERO, |tests| {
            tracked.saturating_sub(untracked) / tests
        });
        let mut line = format!("| {} | {attributes} | ", self.package);
        let _ = match own_allocators {
            0 => write!(line, "{allocators} | "),
            own => write!(
                line,
                "{allocators}, and {own} with an allocator of its own | "
            ),
        };
        let _ = match (self.before == self.after, self.of_other_allocators) {
            (true, _) => write!(line, "{} | the same | ", tally(self.before)),
            (false, _) => write!(line, "{} | {} | ", tally(self.before), tally(self.after)),
        };
        let _ = match self.of_other_allocators {
            0 => write!(line, "{} | ", self.sidecars),
            other => write!(line, "{}, {other} without numbers | ", self.sidecars),
        };
        let _ = write!(
            line,
            "{} | {} | {} | {} | {} | {} µs |",
            self.faults.len(),
            self.differing.len(),
            milliseconds(as_it_is),
            milliseconds(untracked),
            milliseconds(tracked),
            each.as_micros(),
        );
        line
    }
}

/// Which of the own numbers differ. Peaks do where they are further apart than both may be wrong.
fn differences(one: &OwnTier, other: &OwnTier) -> String {
    let mut differences = Vec::new();
    let mut differ = |what: &str, is: bool, values: [i128; 2]| {
        if is {
            differences.push(format!("{what} {} or {} B", values[0], values[1]));
        }
    };
    for (what, values) in [
        ("allocated", [one.allocated_bytes, other.allocated_bytes]),
        ("freed", [one.deallocated_bytes, other.deallocated_bytes]),
    ] {
        differ(what, values[0] != values[1], values.map(i128::from));
    }
    let retained = [one.retained_bytes, other.retained_bytes];
    differ(
        "retained",
        retained[0] != retained[1],
        retained.map(i128::from),
    );
    if let (Some(one_peak), Some(other_peak)) = (one.peak_bytes, other.peak_bytes) {
        let errors = [one, other].map(|tier| tier.peak_error_bytes.unwrap_or(0));
        let apart = one_peak.abs_diff(other_peak);
        let peaks = [one_peak, other_peak].map(i128::from);
        differ("peak", apart > errors[0] + errors[1], peaks);
    }
    differences.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn execution(verdicts: &[(&str, &str)]) -> Execution {
        let verdicts = verdicts
            .iter()
            .map(|(test, verdict)| ((*test).to_owned(), (*verdict).to_owned()));
        Execution {
            verdicts: verdicts.collect(),
            sidecars: Vec::new(),
            output: String::new(),
        }
    }

    #[test]
    fn what_must_not_be_is_found() {
        let before = execution(&[("a", "ok"), ("b", "ok"), ("c", "ignored")]);
        let after = execution(&[("a", "FAILED"), ("c", "ignored")]);
        let mut comparison = Comparison::default();
        comparison.judge("binary", &before, &after);
        assert_eq!(
            comparison.faults,
            [
                "binary a: was ok, is FAILED",
                "binary b: is gone",
                "binary a: has 0 sidecars"
            ]
        );
    }

    #[test]
    fn numbers_differ_where_they_are_further_apart_than_their_error() {
        let tier = |allocated: u64, peak: u64| -> OwnTier {
            let text = format!(
                r#"{{"allocated_bytes": {allocated}, "deallocated_bytes": 0, "retained_bytes": 7,
                    "peak_bytes": {peak}, "peak_error_bytes": 100, "threads": 1,
                    "threads_running": 0}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        assert_eq!(differences(&tier(1, 300), &tier(1, 500)), "");
        assert_eq!(
            differences(&tier(1, 300), &tier(2, 501)),
            "allocated 1 or 2 B, peak 300 or 501 B"
        );
    }
}
