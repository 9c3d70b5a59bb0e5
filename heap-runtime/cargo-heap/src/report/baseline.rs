//! What is kept of a run to compare later ones with.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::row::{Row, TestKey};
use super::state::State;
use heap_sidecar::{Allocator, Limit};

/// The version of a baseline file that is written, and the newest that is read.
pub const BASELINE_VERSION: u32 = 1;

/// A run, by test: small, in the order of names, without anything that differs from run to run by
/// itself, such as times, so that it can be committed and reviewed.
///
/// ```
/// use cargo_heap::report::{Baseline, Run};
///
/// let run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let baseline = Baseline::of(&run.rows);
/// assert_eq!(baseline.tests[0].test, "a_burst_fits");
/// assert_eq!(baseline.tests[0].own_peak_bytes, Some(512 << 10));
/// // What `cargo heap baseline save` writes.
/// let text = serde_json::to_string_pretty(&baseline)?;
/// assert_eq!(serde_json::from_str::<Baseline>(&text)?, baseline);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Baseline {
    /// [`BASELINE_VERSION`].
    pub baseline_version: u32,
    /// The allocators of the processes; one, unless something is odd.
    pub allocators: Vec<Allocator>,
    /// The hosts that the tests ran on.
    pub hosts: Vec<Host>,
    /// The tests.
    pub tests: Vec<Measured>,
}

/// What of a host may change numbers.
///
/// ```
/// use cargo_heap::report::{Baseline, Run};
///
/// let run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let hosts = Baseline::of(&run.rows).hosts;
/// assert_eq!(hosts.len(), 1);
/// assert_eq!((hosts[0].arch.as_deref(), hosts[0].online_cpus), (Some("x86_64"), Some(2)));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[non_exhaustive]
pub struct Host {
    /// [`Row::arch`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// [`Row::cpu_model`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// [`Row::online_cpus`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online_cpus: Option<u64>,
    /// [`Row::kernel_release`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel_release: Option<String>,
}

impl Host {
    fn of(row: &Row) -> Self {
        Self {
            arch: row.arch.clone(),
            cpu_model: row.cpu_model.clone(),
            online_cpus: row.online_cpus,
            kernel_release: row.kernel_release.clone(),
        }
    }

    /// The hosts that these are readings of, each once. A reading may lack what another has, as of a test
    /// that was killed: that is no other host.
    fn all_of(mut readings: Vec<Self>) -> Vec<Self> {
        readings.sort_unstable();
        readings.dedup();
        // The most telling first.
        readings.sort_by_key(|host| Reverse(host.known()));
        let mut hosts: Vec<Self> = Vec::new();
        for reading in readings {
            if reading.known() > 0 && !hosts.iter().any(|host| host.may_be(&reading)) {
                hosts.push(reading);
            }
        }
        hosts.sort_unstable();
        hosts
    }

    /// Whether nothing that is known of both differs.
    fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(a: Option<&T>, b: Option<&T>) -> bool {
            a.zip(b).is_none_or(|(a, b)| a == b)
        }
        agree(self.arch.as_ref(), other.arch.as_ref())
            && agree(self.cpu_model.as_ref(), other.cpu_model.as_ref())
            && agree(self.online_cpus.as_ref(), other.online_cpus.as_ref())
            && agree(self.kernel_release.as_ref(), other.kernel_release.as_ref())
    }

    fn known(&self) -> usize {
        let texts = [&self.arch, &self.cpu_model, &self.kernel_release];
        let texts = texts.into_iter().flatten().count();
        texts + usize::from(self.online_cpus.is_some())
    }

    /// Whether either has a host that is none of the other's.
    pub(super) fn differ(base: &[Self], new: &[Self]) -> bool {
        let all_in = |hosts: &[Self], others: &[Self]| {
            let is_there = |host: &Self| others.iter().any(|other| other.may_be(host));
            hosts.iter().all(is_there)
        };
        // Of a side that says nothing of its hosts, they are not known to be others.
        let known = !base.is_empty() && !new.is_empty();
        known && !(all_in(base, new) && all_in(new, base))
    }
}

/// A test of a run, all its executions together, without the bad ones that a later attempt of nextest's
/// has repeated: how the worst stands, and the largest of each number.
///
/// ```
/// use cargo_heap::report::{Baseline, Run, State};
///
/// let run = Run::read(&["docs/runs/monday"], |_, _| ())?;
/// let baseline = Baseline::of(&run.rows);
/// let drained = &baseline.tests[1];
/// assert_eq!(drained.key(), ("queues", "queue", "a_queue_is_drained"));
/// assert_eq!(drained.state, State::Passed);
/// assert_eq!((drained.own_retained_bytes, drained.own_allocations), (Some(0), Some(1)));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Measured {
    /// The package.
    pub package: String,
    /// The test binary.
    pub binary: String,
    /// The test.
    pub test: String,
    /// How it stands.
    pub state: State,
    /// [`Row::own_peak_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_peak_bytes: Option<u64>,
    /// [`Row::own_peak_error_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_peak_error_bytes: Option<u64>,
    /// [`Row::own_retained_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_retained_bytes: Option<i64>,
    /// [`Row::own_allocated_bytes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_allocated_bytes: Option<u64>,
    /// [`Row::own_allocations`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_allocations: Option<u64>,
    /// [`Row::process_allocated_delta_bytes`], where no other tracked test overlapped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process_allocated_delta_bytes: Option<i64>,
}

impl Measured {
    /// Package, binary and test.
    #[must_use]
    pub fn key(&self) -> TestKey<'_> {
        (&self.package, &self.binary, &self.test)
    }

    fn of(row: &Row) -> Self {
        // What is not known is compared with nothing.
        let is_known = |limit| row.not_known(limit).is_none();
        Self {
            package: row.package.clone(),
            binary: row.binary.clone(),
            test: row.test.clone(),
            state: row.state,
            own_peak_bytes: row.own_peak_bytes.filter(|_| is_known(Limit::MaxPeak)),
            own_peak_error_bytes: row
                .own_peak_error_bytes
                .filter(|_| is_known(Limit::MaxPeak)),
            own_retained_bytes: row
                .own_retained_bytes
                .filter(|_| is_known(Limit::MaxRetained)),
            own_allocated_bytes: row
                .own_allocated_bytes
                .filter(|_| is_known(Limit::MaxAllocated)),
            own_allocations: row
                .own_allocations
                .filter(|_| is_known(Limit::MaxAllocations)),
            process_allocated_delta_bytes: row
                .process_allocated_delta_bytes
                .filter(|_| row.overlap == Some(0)),
        }
    }

    fn with(&mut self, other: &Self) {
        self.state = self.state.min(other.state);
        self.own_peak_bytes = self.own_peak_bytes.max(other.own_peak_bytes);
        self.own_peak_error_bytes = self.own_peak_error_bytes.max(other.own_peak_error_bytes);
        self.own_retained_bytes = self.own_retained_bytes.max(other.own_retained_bytes);
        self.own_allocated_bytes = self.own_allocated_bytes.max(other.own_allocated_bytes);
        self.own_allocations = self.own_allocations.max(other.own_allocations);
        self.process_allocated_delta_bytes = self
            .process_allocated_delta_bytes
            .max(other.process_allocated_delta_bytes);
    }
}

impl Baseline {
    /// What these executions come to, test by test.
    #[must_use]
    pub fn of(rows: &[Row]) -> Self {
        let mut last_attempt = BTreeMap::new();
        for row in rows.iter().filter(|row| row.attempt > 1) {
            let last = last_attempt.entry(row.round()).or_insert(0);
            *last = row.attempt.max(*last);
        }
        let mut tests: BTreeMap<TestKey<'_>, Measured> = BTreeMap::new();
        for row in rows {
            let ended_well = matches!(row.state, State::Passed | State::Skipped);
            if !ended_well && last_attempt.get(&row.round()) > Some(&row.attempt) {
                continue;
            }
            let measured = Measured::of(row);
            tests
                .entry(row.key())
                .and_modify(|all| all.with(&measured))
                .or_insert(measured);
        }
        let hosts = Host::all_of(rows.iter().map(Host::of).collect());
        let allocators = [Allocator::Jemalloc, Allocator::Other, Allocator::Absent]
            .into_iter()
            .filter(|allocator| rows.iter().any(|row| row.allocator == *allocator))
            .collect();
        Self {
            baseline_version: BASELINE_VERSION,
            allocators,
            hosts,
            tests: tests.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{full, killed};

    #[test]
    fn a_retry_stands_for_its_test_and_the_worst_of_several_for_all() {
        let mut first = killed("t");
        first.pid = 1;
        let mut retry = full();
        retry.test = "t".into();
        (retry.run_id, retry.stress_index) = (first.run_id.clone(), first.stress_index);
        retry.shard = None;
        retry.attempt = 2;
        retry.state = State::Passed;
        assert_eq!(
            Baseline::of(&[first, retry.clone()]).tests[0].state,
            State::Passed
        );
        let mut again = retry.clone();
        again.iteration = 1;
        again.state = State::Failed;
        again.own_peak_bytes = Some(1);
        let both = Baseline::of(&[retry.clone(), again.clone()]);
        assert_eq!(both.tests.len(), 1);
        assert_eq!(both.tests[0].state, State::Failed);
        assert_eq!(both.tests[0].own_peak_bytes, Some(48));
        // A first attempt of another run is no earlier one of this.
        again.run_id = "another".into();
        again.attempt = 1;
        assert_eq!(Baseline::of(&[retry, again]).tests[0].state, State::Failed);
    }

    #[test]
    fn a_reading_that_lacks_something_is_no_other_host() {
        // Of a test that was killed, and of one of which nothing was recorded.
        let mut killed = full();
        (killed.online_cpus, killed.cpu_model) = (None, None);
        let mut nothing = killed.clone();
        (nothing.arch, nothing.kernel_release) = (None, None);
        let whole = Baseline::of(&[full()]).hosts;
        let both = [killed.clone(), full(), nothing.clone()];
        assert_eq!(Baseline::of(&both).hosts, whole);
        let lacks = Baseline::of(&[killed]).hosts;
        assert!(lacks.len() == 1 && !Host::differ(&lacks, &whole));
        assert!(!Host::differ(&Baseline::of(&[nothing]).hosts, &whole));
        let mut other = full();
        other.online_cpus = Some(64);
        let two = Baseline::of(&[full(), other.clone()]).hosts;
        assert!(two.len() == 2 && Host::differ(&two, &whole));
        assert!(Host::differ(&whole, &Baseline::of(&[other]).hosts));
    }

    #[test]
    fn each_round_of_a_stress_run_has_attempts_of_its_own() {
        let row = |stress_index, attempt, state, peak| {
            let mut row = full();
            (row.stress_index, row.attempt, row.state) = (Some(stress_index), attempt, state);
            row.own_peak_bytes = Some(peak);
            row
        };
        let baseline = Baseline::of(&[
            row(0, 1, State::Passed, 900),
            row(1, 1, State::Failed, 1000),
            row(1, 2, State::Passed, 1),
        ]);
        assert_eq!(baseline.tests.len(), 1);
        assert_eq!(baseline.tests[0].state, State::Passed);
        assert_eq!(baseline.tests[0].own_peak_bytes, Some(900));
    }
}
