//! Suites as they are, beside ours as a dev-dependency: do they still compile, and say the same?

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use serde_json::Value;

use super::comparison::Tally;
use super::execution;
use super::package::Package;

/// What the compiler says of a package's tests, before and after it depends on heap-runtime.
#[derive(Debug)]
pub struct Unamended {
    /// Its name and version.
    pub package: String,
    /// Targets whose tests were compiled.
    pub targets: usize,
    /// Errors that it has by itself, so that nothing can be said of it.
    pub before: BTreeSet<String>,
    /// What it has only beside heap-runtime: errors, and verdicts that are others.
    pub faults: BTreeSet<String>,
    /// How its tests ended beside heap-runtime, where they were run.
    pub ran: Option<Tally>,
    original: Package,
    beside: Package,
}

impl Unamended {
    /// Checks a copy of the package that has heap-runtime among its dev-dependencies and names it once in each
    /// test binary; and where that has errors, the package itself. What is not named is not loaded, and could change nothing.
    ///
    /// # Panics
    ///
    /// Where cargo cannot be run.
    #[must_use]
    pub fn of(package: &Package) -> Self {
        let (beside, targets) = package.depending();
        let after = errors(&beside);
        let before = if after.is_empty() {
            BTreeSet::new()
        } else {
            errors(package)
        };
        Self {
            package: format!("{} {}", package.name, package.version),
            targets,
            faults: after.difference(&before).cloned().collect(),
            before,
            ran: None,
            original: package.clone(),
            beside,
        }
    }

    /// Its tests linked and run beside heap-runtime, if they compile; where one fails, by themselves as well.
    ///
    /// # Panics
    ///
    /// Where a test binary cannot be linked or started.
    #[must_use]
    pub fn run(mut self) -> Self {
        if !self.before.is_empty() || !self.faults.is_empty() {
            return self;
        }
        let after = verdicts(&self.beside);
        let mut ran = Tally::default();
        ran.add(&after);
        if ran.failed > 0 {
            self.faults = others(&verdicts(&self.original), &after);
        }
        self.ran = Some(ran);
        self
    }

    /// The headings of the table.
    #[must_use]
    pub fn headings() -> &'static str {
        "| crate | test targets | errors by itself | faults beside heap-runtime | passed, failed, ignored |\n\
         |---|---|---|---|---|"
    }

    /// A line of it.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            package, targets, ..
        } = self;
        let ran = self.ran.map_or_else(
            || "compiled".into(),
            |Tally {
                 passed,
                 failed,
                 ignored,
             }| format!("{passed}, {failed}, {ignored}"),
        );
        format!(
            "| {package} | {targets} | {} | {} | {ran} |",
            self.before.len(),
            self.faults.len()
        )
    }
}

/// What the harness says of each test of each binary.
fn verdicts(package: &Package) -> BTreeMap<String, String> {
    let binaries = execution::build(package);
    let of_binary = |binary: execution::Binary| {
        let verdicts = binary.run().verdicts.into_iter();
        verdicts.map(move |(test, verdict)| (format!("{} {test}", binary.target), verdict))
    };
    binaries.into_iter().flat_map(of_binary).collect()
}

/// Tests that end otherwise than before.
fn others(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> BTreeSet<String> {
    let is_other = |(test, verdict): &(&String, &String)| before.get(*test) != Some(*verdict);
    let others = after.iter().filter(is_other);
    others
        .map(|(test, verdict)| match before.get(test) {
            Some(was) => format!("{test}: was {was}, is {verdict}"),
            None => format!("{test}: was not there, is {verdict}"),
        })
        .collect()
}

/// The errors of a package's tests, with where they are.
fn errors(package: &Package) -> BTreeSet<String> {
    let output = package
        .cargo("check")
        .args(["--lib", "--bins", "--tests", "--keep-going"])
        .arg("--message-format=json")
        .stderr(Stdio::piped())
        .output()
        .expect("cargo starts");
    let messages = String::from_utf8_lossy(&output.stdout);
    let errors: BTreeSet<String> = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|message| message["message"].clone())
        .filter(|message| message["level"] == "error" && !message["spans"][0].is_null())
        .map(|message| {
            let span = &message["spans"][0];
            let (file, line) = (&span["file_name"], &span["line_start"]);
            let text = message["message"].as_str().unwrap_or_default();
            format!("{}:{line}: {text}", file.as_str().unwrap_or_default())
        })
        .collect();
    if errors.is_empty() && !output.status.success() {
        // It did not come as far as to the compiler.
        let said = String::from_utf8_lossy(&output.stderr);
        return BTreeSet::from([said.into_owned()]);
    }
    errors
}
