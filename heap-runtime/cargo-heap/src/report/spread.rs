//! Numbers that differ from run to run by themselves: how long a test takes, and what it measures.
//!
//! Nothing of it stands in a baseline, which is committed: it is worked out of runs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::attempts::Attempts;
use super::grown::{Grown, Parts};
use super::row::{Row, TestKey};
use super::run::Run;
use super::state::State;

/// With fewer readings than that on either side, how far they spread by themselves is not known.
pub const FEWEST_READINGS: usize = 5;
/// By how much medians may differ, in percent, where that is known, without being named.
pub const SHIFTED_PERCENT: f64 = 10.0;
/// How many times as long a test has to take, or less, to be named where that is not known.
pub const SHIFTED_TIME_FACTOR: f64 = 2.0;
/// The same of a metric.
pub const SHIFTED_METRIC_FACTOR: f64 = 1.25;
/// Times that differ by less, in nanoseconds, are not named.
pub const SHORTEST_SHIFT_NS: f64 = 5e6;

/// Where the readings of a number lie.
///
/// ```
/// use cargo_heap::report::Spread;
///
/// let spread = Spread::of(&[13.0, 11.0, 12.0, 40.0, 12.0]).expect("there are some");
/// assert_eq!((spread.readings, spread.median), (5, 12.0));
/// assert_eq!((spread.lower_quartile, spread.upper_quartile), (12.0, 13.0));
/// assert_eq!(Spread::of(&[]), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Spread {
    /// How many there are.
    pub readings: usize,
    /// The least.
    pub lowest: f64,
    /// A quarter of them is not above this.
    pub lower_quartile: f64,
    /// The one in the middle.
    pub median: f64,
    /// A quarter of them is not below this.
    pub upper_quartile: f64,
    /// The most.
    pub highest: f64,
}

impl Spread {
    /// Of readings in any order. None where there are none.
    #[must_use]
    pub fn of(readings: &[f64]) -> Option<Self> {
        let mut sorted = readings.to_vec();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1)?;
        Some(Self {
            readings: sorted.len(),
            lowest: sorted[0],
            lower_quartile: sorted[last / 4],
            median: f64::midpoint(sorted[last / 2], sorted[last.div_ceil(2)]),
            upper_quartile: sorted[last - last / 4],
            highest: sorted[last],
        })
    }
}

/// A number that is not what it was, as far as its readings can tell.
///
/// ```
/// use cargo_heap::report::{Baseline, Comparison, Run, Spreads, Tolerance};
///
/// let base = Run::read(&["../sidecar/docs/runs/monday"], |_, _| ())?;
/// let mut new = Run::read(&["../sidecar/docs/runs/monday"], |_, _| ())?;
/// new.rows[0].duration_ns = Some(70_000_000);
/// let [before, after] = [&base, &new].map(|run| Baseline::of(&run.rows));
/// let comparison = Comparison::of(&before, &after, Tolerance::default())?
///     .with(&Spreads::of(&base), &Spreads::of(&new));
/// let shift = &comparison.changes[0].shifted[0];
/// assert_eq!((shift.metric.as_deref(), shift.new.median), (None, 70_000_000.0));
/// // One reading on either side says little.
/// assert!(!shift.certain && !comparison.has_regression());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Shift {
    /// The metric; absent where it is the time that the test took, in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<String>,
    /// What it was.
    pub base: Spread,
    /// What it is.
    pub new: Spread,
    /// Of a time that is longer: what of it has grown, the most first, as far as it was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grown: Vec<Grown>,
    /// Whether both sides have [enough readings](FEWEST_READINGS), and the middle halves of them lie apart.
    pub certain: bool,
}

impl Shift {
    fn of(metric: Option<&str>, base: &[f64], new: &[f64]) -> Option<Self> {
        let (base, new) = (Spread::of(base)?, Spread::of(new)?);
        let certain = base.readings.min(new.readings) >= FEWEST_READINGS;
        let by = (new.median - base.median).abs();
        let is_named = if certain {
            let apart = new.lower_quartile > base.upper_quartile
                || new.upper_quartile < base.lower_quartile;
            apart && by * 100.0 > base.median.abs() * SHIFTED_PERCENT
        } else {
            let factor = match metric {
                None => SHIFTED_TIME_FACTOR,
                Some(_) => SHIFTED_METRIC_FACTOR,
            };
            let lies_above = |high: &Spread, low: &Spread| high.lowest > low.highest * factor;
            let positive = base.lowest >= 0.0 && new.lowest >= 0.0;
            positive && (lies_above(&new, &base) || lies_above(&base, &new))
        };
        let is_long = metric.is_some() || by >= SHORTEST_SHIFT_NS;
        (is_named && is_long).then(|| Self {
            metric: metric.map(str::to_owned),
            base,
            new,
            grown: Vec::new(),
            certain,
        })
    }

    /// Whether the test certainly takes longer than it did. Which way a metric is better is not known.
    pub(super) fn is_slower(&self) -> bool {
        self.certain && self.metric.is_none() && self.new.median > self.base.median
    }

    /// Whether it certainly takes less time.
    pub(super) fn is_faster(&self) -> bool {
        self.certain && self.metric.is_none() && self.new.median < self.base.median
    }
}

/// What of a run differs from run to run by itself, and what it was made with.
///
/// See [`Shift`].
///
/// ```
/// use cargo_heap::report::{Run, Spreads};
///
/// let run = Run::read(&["../sidecar/docs/runs/monday"], |_, _| ())?;
/// assert_eq!(Spreads::of(&run), Spreads::of(&run));
/// # Ok::<(), heap_sidecar::FolderError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Spreads {
    tests: BTreeMap<[String; 3], Readings>,
    /// By what it is: what there was of it.
    pub(super) settings: BTreeMap<&'static str, BTreeSet<String>>,
}

/// Of one test.
#[derive(Debug, Clone, PartialEq)]
struct Readings {
    state: State,
    times: Vec<f64>,
    parts: Parts,
    metrics: BTreeMap<String, Vec<f64>>,
}

impl Spreads {
    /// Of a run, or of several together.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let mut spreads = Self::default();
        for test in Attempts::of(&run.rows) {
            let decides = &run.rows[test.decides];
            // What ended otherwise says nothing of how long that takes.
            let rows = test.others.iter().map(|other| &run.rows[*other]);
            let rows = rows.filter(|row| row.state == decides.state);
            for row in rows.chain([decides]) {
                spreads.add(row);
            }
        }
        for row in &run.rows {
            spreads.add_settings(row);
        }
        for record in &run.records {
            let build = record.build.as_ref();
            let mut add = |what, value: Option<String>| spreads.set(what, value);
            add("rustc", build.map(|build| build.rustc.clone()));
            add("target", build.map(|build| build.target.clone()));
            add("profile", build.map(|build| build.profile.clone()));
            add("optimisation", build.map(|build| build.opt_level.clone()));
            let assertions = build.map(|build| if build.debug_assertions { "on" } else { "off" });
            add("debug assertions", assertions.map(str::to_owned));
            add(
                "heap-runtime",
                build.map(|build| build.heap_runtime.clone()),
            );
            add("jemalloc", record.jemalloc.clone());
        }
        spreads
    }

    fn add(&mut self, row: &Row) {
        let key = [&row.package, &row.binary, &row.test].map(String::clone);
        let readings = self.tests.entry(key).or_insert_with(|| Readings {
            state: row.state,
            times: Vec::new(),
            parts: Parts::default(),
            metrics: BTreeMap::new(),
        });
        readings.state = readings.state.min(row.state);
        // Its times are not its own beside one that makes all allocations take longer.
        if !row.beside_exact {
            #[expect(
                clippy::cast_precision_loss,
                reason = "of hours, less than a microsecond"
            )]
            readings.times.extend(row.duration_ns.map(|ns| ns as f64));
            readings.parts.add(row);
        }
        for (name, value) in row.metrics.iter().flatten() {
            readings
                .metrics
                .entry(name.clone())
                .or_default()
                .push(*value);
        }
    }

    /// What a row knows that was killed, too.
    fn add_settings(&mut self, row: &Row) {
        let scheduler = row.sched_ext.as_ref().or(row.sched_ext_before.as_ref());
        self.set(
            "scheduler",
            scheduler.map(|ops| match ops.as_str() {
                "none" => "the kernel's own".to_owned(),
                ops => ops.to_owned(),
            }),
        );
        let bytes = |bytes: u64| heap_sidecar::size::Human(bytes).to_string();
        self.set("cgroup's limit on memory", row.cgroup_max_bytes.map(bytes));
        let quota = row.cgroup_quota_millicpus;
        let quota = quota.map(|quota| format!("{}.{:03} CPUs", quota / 1000, quota % 1000));
        self.set("cgroup's quota", quota);
    }

    fn set(&mut self, what: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.settings.entry(what).or_default().insert(value);
        }
    }

    /// The tests that both have, what has shifted, and how they stand.
    pub(super) fn shifts<'a>(
        &'a self,
        new: &'a Self,
    ) -> impl Iterator<Item = (TestKey<'a>, State, Vec<Shift>)> {
        self.tests.iter().filter_map(|(key, base)| {
            let new = new.tests.get(key)?;
            if base.state != new.state || new.state == State::Killed {
                return None;
            }
            let metrics = base
                .metrics
                .iter()
                .filter_map(|(name, base)| Shift::of(Some(name), base, new.metrics.get(name)?));
            let mut time = Shift::of(None, &base.times, &new.times);
            let is_longer = |time: &&mut Shift| time.new.median > time.base.median;
            if let Some(longer) = time.as_mut().filter(is_longer) {
                let median = |readings: &[f64]| Spread::of(readings).map(|spread| spread.median);
                longer.grown = base.parts.grown(&new.parts, median);
            }
            let shifts: Vec<Shift> = time.into_iter().chain(metrics).collect();
            let [package, binary, test] = key;
            (!shifts.is_empty()).then_some(((&**package, &**binary, &**test), new.state, shifts))
        })
    }
}

/// Something that the runs were made with, and that is not the same.
///
/// ```
/// use cargo_heap::report::Difference;
///
/// let text = r#"{ "what": "profile", "base": ["debug"], "new": ["release"] }"#;
/// let difference: Difference = serde_json::from_str(text)?;
/// assert_eq!(difference.to_string(), "profile was debug, and is release");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[non_exhaustive]
pub struct Difference {
    /// What it is: `profile`, `scheduler`, `rustc` and so on.
    pub what: String,
    /// What there was of it in the base.
    pub base: BTreeSet<String>,
    /// What there is in the new run.
    pub new: BTreeSet<String>,
}

impl Difference {
    /// Of what is known of both.
    pub(super) fn all_of(base: &Spreads, new: &Spreads) -> Vec<Self> {
        let both = base.settings.iter().filter_map(|(what, base)| {
            let new = new.settings.get(what)?;
            (base != new).then(|| Self {
                what: (*what).to_owned(),
                base: base.clone(),
                new: new.clone(),
            })
        });
        both.collect()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let listed = |values: &BTreeSet<String>| {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            values.join(" or ")
        };
        let (base, new) = (listed(&self.base), listed(&self.new));
        write!(f, "{} was {base}, and is {new}", self.what)
    }
}
