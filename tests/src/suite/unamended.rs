//! Suites as they are, beside ours as a dev-dependency: do they still compile?

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

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
    /// Errors that it has only beside heap-runtime.
    pub faults: BTreeSet<String>,
}

impl Unamended {
    /// Checks a package, and a copy of it that has heap-runtime among its dev-dependencies and names it once in each
    /// test binary. What is not named is not loaded, and could change nothing.
    ///
    /// # Panics
    ///
    /// Where cargo cannot be run.
    #[must_use]
    pub fn of(package: &Package) -> Self {
        let (beside, targets) = package.depending();
        let before = errors(package);
        let faults = errors(&beside).difference(&before).cloned().collect();
        Self {
            package: format!("{} {}", package.name, package.version),
            targets,
            before,
            faults,
        }
    }

    /// The headings of the table.
    #[must_use]
    pub fn headings() -> &'static str {
        "| crate | test targets | errors by itself | errors beside heap-runtime |\n|---|---|---|---|"
    }

    /// A line of it.
    #[must_use]
    pub fn line(&self) -> String {
        let Self {
            package,
            targets,
            before,
            faults,
        } = self;
        format!(
            "| {package} | {targets} | {} | {} |",
            before.len(),
            faults.len()
        )
    }
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
