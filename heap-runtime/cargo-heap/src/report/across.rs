//! What the failures of a test have in common over all its executions, in one run or in several.
//!
//! A test that both failed and passed is the one that people argue about. Its executions are two
//! groups, and the question is whether the failed ones had more pressure, or a larger own peak, than
//! those that passed. The answer is the share of all pairs, a failed and a passed one, in which the
//! failed one had more: Mann-Whitney's U, divided by the number of pairs. It assumes no distribution,
//! takes executions for independent of each other, and says nothing of causes.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::row::{Row, TestKey};
use super::state::State;

/// Fewer readings than that, of those that failed or of those that passed, are too few to say
/// anything.
pub const FEWEST_READINGS: usize = 5;
/// In so many of a hundred pairs the failed one has to have more. At [`FEWEST_READINGS`] on either
/// side, chance alone comes so far in fewer than one of twenty tests (U of at most 2 of 25, two-sided
/// 5 %), and with more readings in fewer still. Who looks at hundreds of tests will still see it.
pub const SHARE_PERCENT: usize = 92;

/// A test that both failed and passed.
///
/// ```
/// use cargo_heap::report::{Across, Association, Run};
///
/// let both = Run::read(&["docs/runs/monday", "docs/runs/tuesday"], |_, _| ())?;
/// let across = Across::of(&both.rows);
/// assert_eq!(across[0].test, "a_burst_fits");
/// assert_eq!(across[0].executions(), 2);
/// assert_eq!(across[0].passed.median_peak_bytes, Some(512 << 10));
/// assert_eq!(across[0].failed.median_peak_bytes, Some(5 << 20));
/// // Once each: that says nothing yet.
/// assert_eq!(across[0].peak, Association::TooFew);
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Across {
    /// The package.
    pub package: String,
    /// The test binary.
    pub binary: String,
    /// The test.
    pub test: String,
    /// The runs that it failed or passed in.
    pub runs: usize,
    /// Those of its executions that passed.
    pub passed: Side,
    /// Those that failed or were killed.
    pub failed: Side,
    /// Whether pressure went with failure.
    pub pressure: Association,
    /// Whether a larger own peak went with failure.
    pub peak: Association,
}

/// Executions with the same end.
///
/// ```
/// use cargo_heap::report::{Across, Run};
///
/// let both = Run::read(&["docs/runs/monday", "docs/runs/tuesday"], |_, _| ())?;
/// // Of the test that was killed, the end was never measured.
/// let killed = &Across::of(&both.rows)[1];
/// assert_eq!((killed.passed.with_peak, killed.failed.with_peak), (1, 0));
/// assert_eq!(killed.failed.median_peak_bytes, None);
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Side {
    /// How many.
    pub executions: usize,
    /// Those with a reading of PSI.
    pub with_pressure: usize,
    /// The median of [`Row::pressure`], in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_pressure: Option<f64>,
    /// Those with an own peak. A test that was killed has none.
    pub with_peak: usize,
    /// The median of [`Row::own_peak_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_peak_bytes: Option<u64>,
}

/// Whether more of something went with failure.
///
/// ```
/// use cargo_heap::report::{Across, Association, Run};
///
/// let both = Run::read(&["docs/runs/monday", "docs/runs/tuesday"], |_, _| ())?;
/// assert_eq!(Across::of(&both.rows)[0].peak, Association::TooFew);
/// // If it had gone on like that for five weeks:
/// let mut rows = both.rows;
/// for week in 1..5 {
///     let again: Vec<_> = rows[..6].iter().cloned().map(|mut row| {
///         row.run_id = format!("{}-{week}", row.run_id);
///         row
///     }).collect();
///     rows.extend(again);
/// }
/// assert_eq!(Across::of(&rows)[0].peak, Association::MoreWhenFailed);
/// assert_eq!(Across::of(&rows)[0].pressure.to_string(), "none seen");
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Association {
    /// There are fewer than [`FEWEST_READINGS`] on a side.
    TooFew,
    /// The failed ones had more in at least [`SHARE_PERCENT`] of the pairs.
    MoreWhenFailed,
    /// They had not.
    NoneSeen,
}

impl fmt::Display for Association {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::TooFew => "n too small",
            Self::MoreWhenFailed => "more when it failed",
            Self::NoneSeen => "none seen",
        })
    }
}

impl Across {
    /// The tests among these executions that both failed and passed, by name.
    #[must_use]
    pub fn of(rows: &[Row]) -> Vec<Self> {
        // Of many tests, few fail.
        let mut tests: BTreeMap<TestKey<'_>, Vec<&Row>> = rows
            .iter()
            .filter(|row| row.state.is_bad())
            .map(|row| (row.key(), Vec::new()))
            .collect();
        if tests.is_empty() {
            return Vec::new();
        }
        for row in rows {
            if (row.state.is_bad() || row.state == State::Passed)
                && let Some(executions) = tests.get_mut(&row.key())
            {
                executions.push(row);
            }
        }
        tests.into_values().filter_map(|rows| one(&rows)).collect()
    }

    /// Executions that failed or passed.
    #[must_use]
    pub fn executions(&self) -> usize {
        self.passed.executions + self.failed.executions
    }
}

fn one(rows: &[&Row]) -> Option<Across> {
    let (failed, passed): (Vec<&Row>, Vec<&Row>) =
        rows.iter().copied().partition(|row| row.state.is_bad());
    let first = failed.first().filter(|_| !passed.is_empty())?;
    let pressures =
        |rows: &[&Row]| sorted(rows.iter().filter_map(|row| row.pressure()), f64::total_cmp);
    let peaks = |rows: &[&Row]| sorted(rows.iter().filter_map(|row| row.own_peak_bytes), u64::cmp);
    let (failed_pressures, passed_pressures) = (pressures(&failed), pressures(&passed));
    let (failed_peaks, passed_peaks) = (peaks(&failed), peaks(&passed));
    let mut runs: Vec<&str> = rows.iter().map(|row| row.run_id.as_str()).collect();
    runs.sort_unstable();
    runs.dedup();
    let side = |rows: &[&Row], pressures: &[f64], peaks: &[u64]| Side {
        executions: rows.len(),
        with_pressure: pressures.len(),
        median_pressure: middle(pressures).map(|(a, b)| f64::midpoint(a, b)),
        with_peak: peaks.len(),
        median_peak_bytes: middle(peaks).map(|(a, b)| u64::midpoint(a, b)),
    };
    Some(Across {
        package: first.package.clone(),
        binary: first.binary.clone(),
        test: first.test.clone(),
        runs: runs.len(),
        passed: side(&passed, &passed_pressures, &passed_peaks),
        failed: side(&failed, &failed_pressures, &failed_peaks),
        pressure: association(&failed_pressures, &passed_pressures),
        peak: association(&failed_peaks, &passed_peaks),
    })
}

fn sorted<T>(values: impl Iterator<Item = T>, by: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_by(by);
    values
}

/// The two values in the middle; of an odd number, the one twice.
fn middle<T: Copy>(sorted: &[T]) -> Option<(T, T)> {
    let last = sorted.len().checked_sub(1)?;
    Some((sorted[last / 2], sorted[last.div_ceil(2)]))
}

/// Both are in order, the smallest first.
fn association<T: PartialOrd>(failed: &[T], passed: &[T]) -> Association {
    if failed.len().min(passed.len()) < FEWEST_READINGS {
        return Association::TooFew;
    }
    // In halves of a pair: one that is equal is half won.
    let won: usize = failed
        .iter()
        .map(|value| {
            let fewer = passed.partition_point(|other| other < value);
            let not_more = passed.partition_point(|other| other <= value);
            fewer + not_more
        })
        .sum();
    if won * 100 >= 2 * failed.len() * passed.len() * SHARE_PERCENT {
        Association::MoreWhenFailed
    } else {
        Association::NoneSeen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{calm, killed};

    fn rows(state: State, readings: &[(f64, u64)]) -> Vec<Row> {
        let row = |(index, (pressure, peak)): (usize, &(f64, u64))| {
            let mut row = calm("t");
            row.run_id = format!("{index}");
            row.state = state;
            row.psi_some_avg10_before = None;
            row.psi_some_avg10 = Some(*pressure);
            row.own_peak_bytes = Some(*peak);
            row
        };
        readings.iter().enumerate().map(row).collect()
    }

    fn across(failed: &[(f64, u64)], passed: &[(f64, u64)]) -> Vec<Across> {
        let all = [rows(State::Failed, failed), rows(State::Passed, passed)];
        Across::of(&all.concat())
    }

    #[test]
    fn only_tests_that_did_both_are_there() {
        assert_eq!(across(&[(1.0, 1)], &[]), []);
        assert_eq!(across(&[], &[(1.0, 1)]), []);
        let one = across(&[(1.0, 1)], &[(1.0, 1)]);
        assert_eq!((one.len(), one[0].executions(), one[0].runs), (1, 2, 1));
    }

    #[test]
    fn there_is_no_verdict_at_small_n() {
        let high = [(50.0, 9); FEWEST_READINGS];
        let low = [(1.0, 9); FEWEST_READINGS];
        let enough = &across(&high, &low)[0];
        assert_eq!(enough.pressure, Association::MoreWhenFailed);
        assert_eq!(enough.peak, Association::NoneSeen, "all are the same");
        for (failed, passed) in [(&high[1..], &low[..]), (&high[..], &low[1..])] {
            let too_few = &across(failed, passed)[0];
            assert_eq!(too_few.pressure, Association::TooFew);
            assert_eq!(too_few.peak, Association::TooFew);
        }
    }

    #[test]
    fn the_share_of_pairs_is_where_it_is_documented() {
        let passed = [(1.0, 10), (1.0, 20), (1.0, 30), (1.0, 40), (1.0, 50)];
        let peak = |failed: [u64; 5]| across(&failed.map(|peak| (1.0, peak)), &passed)[0].peak;
        // 23 of 25 pairs, and half a pair less.
        assert_eq!(peak([60, 60, 60, 60, 35]), Association::MoreWhenFailed);
        assert_eq!(peak([60, 60, 60, 50, 35]), Association::NoneSeen);
        // Less when it failed is no reason to fail.
        assert_eq!(peak([1, 1, 1, 1, 1]), Association::NoneSeen);
    }

    #[test]
    fn medians_are_of_what_was_read() {
        let mut all = rows(State::Passed, &[(1.0, 10), (2.0, 20), (4.0, 40), (9.0, 90)]);
        all.extend([killed("t"), killed("t")]);
        let across = &Across::of(&all)[0];
        assert_eq!(across.passed.median_pressure, Some(3.0));
        assert_eq!(across.passed.median_peak_bytes, Some(30));
        assert_eq!((across.failed.executions, across.failed.with_peak), (2, 0));
        assert_eq!(across.failed.median_peak_bytes, None);
    }
}
