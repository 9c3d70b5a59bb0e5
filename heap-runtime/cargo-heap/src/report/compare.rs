//! What changed between two runs.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::baseline::{Baseline, Host, Measured};
use super::change::{Change, Kind, Moved, Number};
use super::row::TestKey;
use super::spread::Difference;
use super::state::State;
use heap_sidecar::Allocator;

/// How far a process difference may be from what the test did, either way, in bytes, although no
/// other tracked test overlapped: the harness's own threads allocate meanwhile, for the thread of
/// the next test, for captured output and for what they print. With libtest, up to 60 KiB was seen.
pub const HARNESS_BYTES: u64 = 64 << 10;

/// By how much a number may change before it counts, beyond what its error explains.
///
/// The larger of the two parts counts.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Run, Tolerance};
///
/// let mut run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let base = Baseline::of(&run.rows);
/// // a_burst_fits has grown, by a hundredth.
/// run.rows[0].own_peak_bytes = Some(524_288 + 5_243);
/// let new = Baseline::of(&run.rows);
/// let changes = |tolerance| Comparison::of(&base, &new, tolerance).map(|all| all.changes.len());
/// assert_eq!(changes(Tolerance::default())?, 1);
/// assert_eq!(changes(Tolerance::bytes(6000))?, 0);
/// assert_eq!(changes(Tolerance::percent(2.0))?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Tolerance {
    /// So many bytes. Does not apply to numbers of allocations.
    pub bytes: u64,
    /// So many percent of the base.
    pub percent: f64,
}

impl Tolerance {
    /// Only bytes.
    #[must_use]
    pub const fn bytes(bytes: u64) -> Self {
        Self {
            bytes,
            percent: 0.0,
        }
    }

    /// Only percent.
    #[must_use]
    pub const fn percent(percent: f64) -> Self {
        Self { bytes: 0, percent }
    }
}

/// A page: what a thread-local, or a line on stdout, makes of itself the first time.
impl Default for Tolerance {
    fn default() -> Self {
        Self::bytes(4096)
    }
}

/// What changed between two runs.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Kind, Run, Tolerance};
///
/// let read = |folder| Run::read(&[folder], |_, _| ()).map(|run| Baseline::of(&run.rows));
/// let (monday, tuesday) = (read("docs/runs/monday")?, read("docs/runs/tuesday")?);
/// let comparison = Comparison::of(&monday, &tuesday, Tolerance::percent(5.0))?;
/// let worse: Vec<&str> = comparison
///     .changes
///     .iter()
///     .filter(|change| change.kind == Kind::Regression)
///     .map(|change| change.test.as_str())
///     .collect();
/// assert_eq!(worse, ["a_burst_fits", "it_never_ends"]);
/// assert_eq!(comparison.unchanged, 1);
/// assert!(comparison.has_regression());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Comparison {
    /// What may change without being named.
    pub tolerance: Tolerance,
    /// The tests that are not as they were: regressions first, then by name.
    pub changes: Vec<Change>,
    /// How many tests are as they were.
    pub unchanged: usize,
    /// Hosts of the base, if they are not those of the new run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_hosts: Vec<Host>,
    /// Hosts of the new run, if they are not those of the base.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new_hosts: Vec<Host>,
    /// What else the runs were made with that is not the same, as far as is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
}

/// The runs had different allocators, so that their numbers mean different things.
///
/// ```
/// use heap_sidecar::Allocator;
/// use cargo_heap::report::{Baseline, Comparison, Run, Tolerance};
///
/// let mut run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let base = Baseline::of(&run.rows);
/// for row in &mut run.rows {
///     row.allocator = Allocator::Other;
/// }
/// let refused = Comparison::of(&base, &Baseline::of(&run.rows), Tolerance::default());
/// assert_eq!(refused.map_err(|different| different.new), Err(vec![Allocator::Other]));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DifferentAllocators {
    /// Those of the base.
    pub base: Vec<Allocator>,
    /// Those of the new run.
    pub new: Vec<Allocator>,
}

impl fmt::Display for DifferentAllocators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |allocators: &[Allocator]| {
            let names: Vec<&str> = allocators
                .iter()
                .map(|allocator| match allocator {
                    Allocator::Jemalloc => "jemalloc",
                    Allocator::Absent => "none that can be asked",
                    _ => "another allocator",
                })
                .collect();
            names.join(" and ")
        };
        write!(
            f,
            "the base ran with {} and the new run with {}: their numbers cannot be compared",
            names(&self.base),
            names(&self.new)
        )
    }
}

impl std::error::Error for DifferentAllocators {}

impl Comparison {
    /// Compares.
    ///
    /// # Errors
    ///
    /// Where both have tests, and of different allocators.
    pub fn of(
        base: &Baseline,
        new: &Baseline,
        tolerance: Tolerance,
    ) -> Result<Self, DifferentAllocators> {
        let known = !base.allocators.is_empty() && !new.allocators.is_empty();
        if known && base.allocators != new.allocators {
            return Err(DifferentAllocators {
                base: base.allocators.clone(),
                new: new.allocators.clone(),
            });
        }
        let mut pairs: BTreeMap<TestKey<'_>, (Option<&Measured>, Option<&Measured>)> =
            BTreeMap::new();
        for test in &base.tests {
            pairs.entry(test.key()).or_default().0 = Some(test);
        }
        for test in &new.tests {
            pairs.entry(test.key()).or_default().1 = Some(test);
        }
        let all = pairs.len();
        let mut changes: Vec<Change> = pairs
            .into_iter()
            .filter_map(|(key, (base, new))| change(key, base, new, tolerance))
            .collect();
        let unchanged = all - changes.len();
        changes.sort_by_key(|change| change.kind != Kind::Regression);
        let hosts_differ = Host::differ(&base.hosts, &new.hosts);
        let hosts = |hosts: &[Host]| {
            if hosts_differ {
                hosts.to_vec()
            } else {
                Vec::new()
            }
        };
        Ok(Self {
            tolerance,
            changes,
            unchanged,
            base_hosts: hosts(&base.hosts),
            new_hosts: hosts(&new.hosts),
            differences: Vec::new(),
        })
    }

    /// Whether anything is worse than it was.
    #[must_use]
    pub fn has_regression(&self) -> bool {
        self.changes.iter().any(Change::is_regression)
    }
}

fn change(
    (package, binary, test): TestKey<'_>,
    base: Option<&Measured>,
    new: Option<&Measured>,
    tolerance: Tolerance,
) -> Option<Change> {
    let moved = base
        .zip(new)
        .map_or_else(Vec::new, |(base, new)| moved(base, new, tolerance));
    let kind = match (base, new) {
        (None, None) => return None,
        (None, Some(_)) => Kind::New,
        (Some(_), None) => Kind::Gone,
        (Some(base), Some(new)) => {
            let grew = moved.iter().any(|moved| moved.new > moved.base);
            match (base.state.is_bad(), new.state.is_bad()) {
                (false, true) => Kind::Regression,
                // Numbers of a test that stopped half-way are no numbers of the test.
                (true, false) if new.state == State::Passed => Kind::Improvement,
                _ if grew => Kind::Regression,
                _ if base.state != new.state => Kind::Changed,
                _ if !moved.is_empty() => Kind::Improvement,
                _ => return None,
            }
        }
    };
    Some(Change {
        package: package.to_owned(),
        binary: binary.to_owned(),
        test: test.to_owned(),
        kind,
        base_state: base.map(|base| base.state),
        new_state: new.map(|new| new.state),
        moved,
        shifted: Vec::new(),
    })
}

/// The numbers that moved by more than they may. Only those of tests that came to the same end say
/// something.
fn moved(base: &Measured, new: &Measured, tolerance: Tolerance) -> Vec<Moved> {
    if base.state != new.state || new.state == State::Killed {
        return Vec::new();
    }
    let signed = |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok());
    let error = |test: &Measured| test.own_peak_error_bytes.unwrap_or(0);
    let peak_error = error(base).saturating_add(error(new));
    [
        (
            Number::Peak,
            signed(base.own_peak_bytes),
            signed(new.own_peak_bytes),
            peak_error,
        ),
        (
            Number::Retained,
            base.own_retained_bytes,
            new.own_retained_bytes,
            0,
        ),
        (
            Number::Allocated,
            signed(base.own_allocated_bytes),
            signed(new.own_allocated_bytes),
            0,
        ),
        (
            Number::Allocations,
            signed(base.own_allocations),
            signed(new.own_allocations),
            0,
        ),
        (
            Number::Process,
            base.process_allocated_delta_bytes,
            new.process_allocated_delta_bytes,
            2 * HARNESS_BYTES,
        ),
    ]
    .into_iter()
    .filter_map(|(number, base, new, error)| {
        let (base, new) = base.zip(new)?;
        let allowed = error.saturating_add(allowed(number, base, tolerance));
        (base.abs_diff(new) > allowed).then_some(Moved {
            number,
            base,
            new,
            allowed,
        })
    })
    .collect()
}

fn allowed(number: Number, base: i64, tolerance: Tolerance) -> u64 {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a tolerance needs no more digits, and the cast stops at the ends"
    )]
    let share = (base.unsigned_abs() as f64 * tolerance.percent / 100.0) as u64;
    match number {
        Number::Allocations => share,
        _ => share.max(tolerance.bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::full;

    fn comparison(change: impl Fn(&mut crate::report::Row)) -> Comparison {
        let base = full();
        let mut new = base.clone();
        change(&mut new);
        let [base, new] = [base, new].map(|row| Baseline::of(&[row]));
        Comparison::of(&base, &new, Tolerance::default()).unwrap()
    }

    #[test]
    fn a_number_counts_beyond_its_error_and_the_tolerance() {
        // Both peaks are off by up to 16 bytes.
        let comparison_of = |peak| comparison(|row| row.own_peak_bytes = Some(peak));
        assert_eq!(comparison_of(48 + 4096 + 32).changes, []);
        let more = comparison_of(48 + 4096 + 33);
        assert_eq!(more.changes[0].kind, Kind::Regression);
        assert_eq!(more.changes[0].moved[0].allowed, 4096 + 32);
        assert!(more.has_regression());

        let less = comparison(|row| row.own_retained_bytes = Some(-5000));
        assert_eq!(less.changes[0].kind, Kind::Improvement);
        assert!(!less.has_regression());
        let one = comparison(|row| row.own_allocations = Some(4));
        assert_eq!(one.changes[0].kind, Kind::Regression);
    }

    #[test]
    fn the_process_tier_counts_only_where_nothing_overlapped() {
        let grown = |overlap| {
            comparison(|row| {
                row.process_allocated_delta_bytes = Some(1 << 20);
                row.overlap = Some(overlap);
            })
        };
        assert_eq!(grown(0).changes.len(), 1);
        assert_eq!(grown(1).changes, []);
    }

    #[test]
    fn outcomes_new_and_gone_tests_are_said() {
        assert!(!comparison(|row| row.state = State::Failed).has_regression());
        assert!(!comparison(|row| row.state = State::Passed).has_regression());
        let killed = comparison(|row| row.state = State::Killed);
        assert_eq!(killed.changes[0].kind, Kind::Changed, "it failed before");
        let renamed = comparison(|row| row.test = "other".into());
        let kinds: Vec<Kind> = renamed.changes.iter().map(|change| change.kind).collect();
        assert_eq!(kinds, [Kind::Gone, Kind::New]);
        assert!(renamed.has_regression(), "the new one fails");
        assert_eq!(
            comparison(|row| row.kernel_release = Some("7.0".into()))
                .new_hosts
                .len(),
            1
        );
    }

    #[test]
    fn different_allocators_are_refused() {
        let base = Baseline::of(&[full()]);
        let mut other = full();
        other.allocator = Allocator::Other;
        let other = Baseline::of(&[other]);
        assert!(Comparison::of(&base, &other, Tolerance::default()).is_err());
        let nothing = Baseline::of(&[]);
        assert!(Comparison::of(&base, &nothing, Tolerance::default()).is_ok());
    }

    #[test]
    fn to_pass_is_what_makes_a_failure_good() {
        let with = |state| {
            let mut row = full();
            row.state = state;
            Baseline::of(&[row])
        };
        for (state, kind) in [
            (State::Passed, Kind::Improvement),
            (State::Skipped, Kind::Changed),
            (State::Running, Kind::Changed),
        ] {
            let bad = with(State::Failed);
            let comparison = Comparison::of(&bad, &with(state), Tolerance::default());
            assert_eq!(comparison.unwrap().changes[0].kind, kind, "{state:?}");
        }
    }
}
