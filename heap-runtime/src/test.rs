//! A tracked test, as the attribute describes it at compile time.

use crate::env::Settings;
use crate::sidecar::Limit;

/// What the attribute knows of a test. Made by its expansion, in a constant.
#[derive(Debug)]
pub struct Test {
    function: &'static str,
    module_path: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    package: Option<&'static str>,
    binary: Option<&'static str>,
    pub(crate) should_panic: Option<ShouldPanic>,
    pub(crate) labels: &'static [(&'static str, &'static str)],
    limits: [Option<u64>; LIMITS.len()],
    pub(crate) exact: bool,
    pub(crate) exclusive: bool,
    pub(crate) warmup: u32,
}

const LIMITS: [Limit; 4] = [
    Limit::MaxPeak,
    Limit::MaxRetained,
    Limit::MaxAllocated,
    Limit::MaxAllocations,
];

/// The harness's idea of success is a panic.
#[derive(Debug)]
pub(crate) struct ShouldPanic {
    /// What the message must contain.
    pub(crate) expected: Option<&'static str>,
}

impl Test {
    /// A test without options.
    #[must_use]
    pub const fn new(
        function: &'static str,
        module_path: &'static str,
        file: &'static str,
        line: u32,
        package: Option<&'static str>,
        binary: Option<&'static str>,
    ) -> Self {
        Self {
            function,
            module_path,
            file,
            line,
            package,
            binary,
            should_panic: None,
            labels: &[],
            limits: [None; LIMITS.len()],
            exact: false,
            exclusive: false,
            warmup: 0,
        }
    }

    /// The test should panic, with `expected` in its message.
    #[must_use]
    pub const fn should_panic(mut self, expected: Option<&'static str>) -> Self {
        self.should_panic = Some(ShouldPanic { expected });
        self
    }

    /// The labels of the attribute.
    #[must_use]
    pub const fn labels(mut self, labels: &'static [(&'static str, &'static str)]) -> Self {
        self.labels = labels;
        self
    }

    /// `max_peak`, in bytes.
    #[must_use]
    pub const fn max_peak(mut self, bytes: u64) -> Self {
        self.limits[0] = Some(bytes);
        self
    }

    /// `max_retained`, in bytes.
    #[must_use]
    pub const fn max_retained(mut self, bytes: u64) -> Self {
        self.limits[1] = Some(bytes);
        self
    }

    /// `max_allocated`, in bytes.
    #[must_use]
    pub const fn max_allocated(mut self, bytes: u64) -> Self {
        self.limits[2] = Some(bytes);
        self
    }

    /// `max_allocations`, a number.
    #[must_use]
    pub const fn max_allocations(mut self, count: u64) -> Self {
        self.limits[3] = Some(count);
        self
    }

    /// Counts allocations, and takes the peak to the byte.
    #[must_use]
    pub const fn exact(mut self) -> Self {
        self.exact = true;
        self
    }

    /// Overlaps with no other tracked test of the process.
    #[must_use]
    pub const fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Runs the body so often before it is measured.
    #[must_use]
    pub const fn warmup(mut self, rounds: u32) -> Self {
        self.warmup = rounds;
        self
    }

    /// The limits of the attribute, and for those that it does not set, the ones of the run.
    pub(crate) fn limits(&self, settings: &Settings) -> Vec<(Limit, u64)> {
        LIMITS
            .into_iter()
            .zip(self.limits)
            .filter_map(|(limit, own)| {
                Some((limit, own.or_else(|| settings.default_limit(limit))?))
            })
            .collect()
    }

    /// The test as libtest prints it: the module path without the crate, then the function.
    pub(crate) fn name(&self) -> String {
        match self.module_path.split_once("::") {
            Some((_, modules)) => format!("{modules}::{}", self.function),
            None => self.function.to_owned(),
        }
    }

    /// The package; a build without cargo has none.
    pub(crate) fn package(&self) -> &'static str {
        self.package.unwrap_or("unknown")
    }

    /// The crate that the test is in.
    pub(crate) fn binary(&self) -> &'static str {
        self.binary
            .or_else(|| self.module_path.split("::").next())
            .unwrap_or("unknown")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_named_as_the_harness_names_it() {
        let test = |module_path| Test::new("works", module_path, "tests/a.rs", 1, None, None);
        assert_eq!(test("scheduler").name(), "works");
        assert_eq!(
            test("scheduler::fairness::nice").name(),
            "fairness::nice::works"
        );
        assert_eq!(test("scheduler::fairness").binary(), "scheduler");
    }
}
