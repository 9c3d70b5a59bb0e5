//! A test case of a `JUnit` file, and where in its text properties go.

use std::ops::Range;

use crate::report::Ended;

/// How the names of all our properties begin.
pub(super) const PREFIX: &str = "heap.";

/// A `<testcase>`.
#[derive(Debug)]
pub(super) struct Case {
    /// The test.
    pub(super) name: String,
    /// The id of its binary, as nextest writes it: `package`, `package::test`, `package::bin/name`.
    pub(super) binary_id: String,
    /// Which round of a stress run its suite is.
    pub(super) stress_index: Option<u32>,
    /// Attempts that failed before the one that this is about, which passed.
    pub(super) earlier: u32,
    /// Attempts that failed after the one that this is about, which failed too.
    pub(super) later: u32,
    /// Why it failed for the runner.
    pub(super) failed: Option<String>,
    /// Whether it did not run.
    pub(super) skipped: bool,
    /// How the processes of attempts ended, of those of which it says so.
    pub(super) ends: Vec<Ended>,
    pub(super) place: Place,
    /// What stands before it on its line, if that is nothing but blanks.
    pub(super) indent: Option<String>,
}

impl Case {
    /// The attempt that this is about.
    pub(super) fn attempt(&self) -> u32 {
        self.earlier.saturating_add(1)
    }

    /// A new line, so many steps further in than the test case, where that has a line of its own.
    pub(super) fn line(&self, depth: usize) -> String {
        self.indent.as_ref().map_or_else(String::new, |indent| {
            format!("\n{indent}{}", "    ".repeat(depth))
        })
    }
}

/// Where the properties of a test case go.
#[derive(Debug)]
pub(super) enum Place {
    /// Behind its start tag: there are none yet.
    Start(usize),
    /// In place of the end of an empty element, `/>`, of this name.
    Empty(Range<usize>),
    /// Before the end tag of its `<properties>`.
    Properties(usize),
    /// In place of the end of its empty `<properties/>`.
    EmptyProperties(Range<usize>),
}
