//! A tracked test: its name, and what it asks for. The attribute makes one at compile time.

use std::panic::Location;
use std::time::Duration;

use crate::env::{self, Settings};
use crate::sidecar::Limit;

/// A tracked test: its name, and what it asks for.
///
/// For tests that no attribute can stand on: those of a `libtest-mimic` harness, of a `main` of
/// one's own, of a property or a table of cases. `#[heap_tracked]` makes one too.
///
/// ```standalone_crate
/// heap_runtime::use_jemalloc!();
///
/// let test = heap_runtime::Test::new("numbers::a_hundred")
///     .exact()
///     .max_retained(0)
///     .max_peak(400)
///     .labels(&[("area", "numbers")]);
/// let a_hundred = |extra: usize| {
///     let numbers: Vec<u32> = Vec::with_capacity(100 + extra);
///     assert!(numbers.is_empty());
/// };
/// // 400 bytes are served from the size class of 448, so this one is over its budget.
/// let failed = std::panic::catch_unwind(|| test.run(|| a_hundred(0)));
/// assert!(failed.is_err());
/// let test = test.max_peak(448);
/// test.run(|| a_hundred(12));
///
/// // Also limited: all that it ever allocates, and how often. Nothing tracked runs beside it.
/// let alone = test.max_allocated(448).max_allocations(1).exclusive();
/// alone.run(|| a_hundred(12));
/// let failed = std::panic::catch_unwind(|| alone.max_allocations(0).run(|| a_hundred(12)));
/// assert!(failed.is_err());
///
/// // The time of its threads: on a CPU, and waiting for one.
/// use std::time::Duration;
/// let busy = || {
///     let start = std::time::Instant::now();
///     while start.elapsed() < Duration::from_millis(1) {}
/// };
/// let timed = heap_runtime::Test::new("busy").max_cpu(Duration::from_secs(1)).max_run_delay(Duration::from_secs(60));
/// timed.run(busy);
/// ```
#[derive(Debug, Clone, Copy)]
#[must_use = "a test does nothing until it is run"]
pub struct Test<'a> {
    name: Name<'a>,
    pub(crate) file: &'a str,
    pub(crate) line: u32,
    pub(crate) should_panic: Option<ShouldPanic<'a>>,
    pub(crate) labels: &'a [(&'a str, &'a str)],
    limits: [Option<u64>; LIMITS.len()],
    pub(crate) exact: bool,
    pub(crate) exclusive: bool,
    pub(crate) warmup: u32,
}

/// What a test is called.
#[derive(Debug, Clone, Copy)]
enum Name<'a> {
    /// As it is.
    Whole(&'a str),
    /// After a function: `package crate::module::function`. Where no package is known, its name is empty.
    Function(&'a str),
}

/// All that there are, in the order in which sidecars have them.
const LIMITS: [Limit; 6] = [
    Limit::MaxPeak,
    Limit::MaxRetained,
    Limit::MaxAllocated,
    Limit::MaxAllocations,
    Limit::MaxCpu,
    Limit::MaxRunDelay,
];

/// A limit for the peak below so many times the sampling distance asks for `exact`.
const MIN_SAMPLES_PER_LIMIT: u64 = 16;

/// The harness's idea of success is a panic.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShouldPanic<'a> {
    /// What the message must contain.
    pub(crate) expected: Option<&'a str>,
}

impl<'a> Test<'a> {
    /// A test of this name, such as `parser::empty_input`: the parts that `::` separates are parts
    /// of the sidecar's file name.
    ///
    /// `source` in the sidecar is the place of this call. `package` is `CARGO_PKG_NAME`, which
    /// `cargo test`, `cargo run` and nextest set for what they start, and `binary` the name of the
    /// executable without cargo's hash.
    #[track_caller]
    pub const fn new(name: &'a str) -> Self {
        let place = Location::caller();
        Self {
            name: Name::Whole(name),
            file: place.file(),
            line: place.line(),
            should_panic: None,
            labels: &[],
            limits: [None; LIMITS.len()],
            exact: false,
            exclusive: false,
            warmup: 0,
        }
    }

    /// The test that a function is, by its package and its path: `package crate::module::function`. It is
    /// where this is called.
    #[doc(hidden)]
    #[track_caller]
    pub const fn of_function(function: &'a str) -> Self {
        Self {
            name: Name::Function(function),
            ..Self::new(function)
        }
    }

    /// The test should panic, with `expected` in its message.
    #[doc(hidden)]
    pub const fn should_panic(mut self, expected: Option<&'a str>) -> Self {
        self.should_panic = Some(ShouldPanic { expected });
        self
    }

    /// Labels, each a key and a value, that go into the sidecar.
    pub const fn labels(mut self, labels: &'a [(&'a str, &'a str)]) -> Self {
        self.labels = labels;
        self
    }

    /// A budget for [`OwnTier::peak_bytes`](crate::sidecar::OwnTier::peak_bytes), in bytes. One below 16 times
    /// the sampling distance, which is 1 MiB unless `HEAP_SAMPLE_BYTES` says otherwise, implies
    /// [`exact`](Self::exact): samples could not tell whether it holds.
    pub const fn max_peak(mut self, bytes: u64) -> Self {
        self.limits[Limit::MaxPeak as usize] = Some(bytes);
        self
    }

    /// A budget for [`OwnTier::retained_bytes`](crate::sidecar::OwnTier::retained_bytes), in bytes.
    pub const fn max_retained(mut self, bytes: u64) -> Self {
        self.limits[Limit::MaxRetained as usize] = Some(bytes);
        self
    }

    /// A budget for [`OwnTier::allocated_bytes`](crate::sidecar::OwnTier::allocated_bytes), in bytes.
    pub const fn max_allocated(mut self, bytes: u64) -> Self {
        self.limits[Limit::MaxAllocated as usize] = Some(bytes);
        self
    }

    /// A budget for the number of allocations; implies [`exact`](Self::exact).
    pub const fn max_allocations(mut self, count: u64) -> Self {
        self.exact = true;
        self.limits[Limit::MaxAllocations as usize] = Some(count);
        self
    }

    /// A budget for the time that the test's threads are on a CPU, all together:
    /// [`Spent::cpu_ns`](crate::sidecar::Spent::cpu_ns). Other load on the machine hardly changes it.
    pub const fn max_cpu(mut self, limit: Duration) -> Self {
        self.limits[Limit::MaxCpu as usize] = Some(nanoseconds(limit));
        self
    }

    /// A budget for the time that the test's threads are ready to run and wait for a CPU, all together:
    /// [`Spent::run_delay_ns`](crate::sidecar::Spent::run_delay_ns).
    pub const fn max_run_delay(mut self, limit: Duration) -> Self {
        self.limits[Limit::MaxRunDelay as usize] = Some(nanoseconds(limit));
        self
    }

    /// Counts allocations, and takes the peak to the byte. While it runs, each allocation of this
    /// process costs some 30 to 80 ns more, and each free.
    pub const fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    /// Overlaps with no other tracked test of the process.
    ///
    /// It waits for its turn only on the main thread and on a thread that bears the test's name, as
    /// those of the usual harnesses do: any other may be one that a tracked test waits for. Inside another
    /// tracked test it is exclusive where that one is. Elsewhere it cannot be had: a body that passes is then
    /// failed, with a message that says why, and `heap.exclusive` in the sidecar is `false`.
    pub const fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Runs the body so often before it is measured.
    #[doc(hidden)]
    pub const fn warmup(mut self, rounds: u32) -> Self {
        self.warmup = rounds;
        self
    }

    /// The limits of the attribute, and for those that it does not set, the ones of the run.
    pub(crate) fn limits(&self, settings: &Settings) -> Vec<(Limit, u64)> {
        LIMITS
            .into_iter()
            .filter_map(|limit| Some((limit, self.limit(limit, settings)?)))
            .collect()
    }

    fn limit(&self, limit: Limit, settings: &Settings) -> Option<u64> {
        let own = self.limits.get(limit as usize).copied().flatten();
        own.or_else(|| settings.default_limit(limit))
    }

    /// Whether its peak is held to a limit.
    pub(crate) fn limits_peak(&self, settings: &Settings) -> bool {
        self.limit(Limit::MaxPeak, settings).is_some()
    }

    /// Whether its peak is taken at each allocation: where it asks for that, and where its limit is so small
    /// that samples could not tell a peak above it.
    pub(crate) fn is_exact(&self, settings: &Settings) -> bool {
        let small = settings.sample_bytes.saturating_mul(MIN_SAMPLES_PER_LIMIT);
        let limit = self.limit(Limit::MaxPeak, settings);
        self.exact || limit.is_some_and(|bytes| bytes < small)
    }

    /// The test as the harness prints it; of a function, as libtest does: its path without the crate.
    pub(crate) fn name(&self) -> &'a str {
        match self.name {
            Name::Whole(name) => name,
            Name::Function(function) => {
                let path = package_and_path(function).1;
                path.split_once("::").map_or(path, |(_, name)| name)
            }
        }
    }

    /// The package whose test this is.
    pub(crate) fn package(&self) -> &str {
        let known = match self.name {
            Name::Function(function) => Some(package_and_path(function).0),
            Name::Whole(_) => None,
        };
        known
            .filter(|package| !package.is_empty())
            .or_else(|| env::cargo_pkg_name())
            .unwrap_or("unknown")
    }

    /// The test binary, by the name of its crate.
    pub(crate) fn binary(&self) -> &str {
        let made_of = match self.name {
            Name::Function(function) => {
                let first = package_and_path(function).1.split("::").next();
                // A file called `where.rs` makes a crate called `r#where`, and a binary called `where`.
                first.map(|first| first.strip_prefix("r#").unwrap_or(first))
            }
            Name::Whole(_) => env::executable_name(),
        };
        made_of.unwrap_or("unknown")
    }
}

/// What is too long to be a limit is the longest that there is.
const fn nanoseconds(duration: Duration) -> u64 {
    let ns = duration.as_nanos();
    if ns > u64::MAX as u128 {
        u64::MAX
    } else {
        #[expect(clippy::cast_possible_truncation, reason = "it is no more than fits")]
        let ns = ns as u64;
        ns
    }
}

/// The parts of `package crate::module::function`.
fn package_and_path(function: &str) -> (&str, &str) {
    function.split_once(' ').unwrap_or(("", function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_as_the_harness_names_it() {
        let works = Test::of_function("parts scheduler::works");
        assert_eq!(works.name(), "works");
        assert_eq!((works.package(), works.binary()), ("parts", "scheduler"));
        let deeper = Test::of_function("parts scheduler::fairness::nice::works");
        assert_eq!(deeper.name(), "fairness::nice::works");
        assert_eq!((deeper.package(), deeper.binary()), ("parts", "scheduler"));
        let keyword = Test::of_function("parts r#where::r#match::works");
        assert_eq!(
            (keyword.name(), keyword.binary()),
            ("r#match::works", "where")
        );
        // Where it was not compiled by cargo.
        let alone = Test::of_function(" scheduler::works");
        assert_eq!((alone.name(), alone.binary()), ("works", "scheduler"));
    }
}
