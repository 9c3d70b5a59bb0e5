//! A tracked test, as the attribute describes it at compile time.

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
}

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
