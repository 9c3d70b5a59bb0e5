//! Whatever the compiler and clippy say of a body, they say where it is tracked too; and they have
//! nothing more to say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use heap_runtime::heap_tracked;
use heap_tests::project::Project;
use serde_json::Value;

heap_runtime::use_jemalloc!();

/// A warning or an error: the lint or code, the line and column it is at, what it says, and how often
/// that was said before.
type Diagnostic = (String, u64, u64, String, usize);

/// What `cargo SUBCOMMAND --message-format=json` says of the project itself.
fn diagnostics(project: &Project, arguments: &[&str]) -> BTreeSet<Diagnostic> {
    let output = project
        .cargo(arguments)
        // Flags of an outer build are not what is tested here.
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo starts");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("one JSON message in each line"))
        .collect();
    let finished = messages
        .iter()
        .any(|message| message["reason"] == "build-finished");
    assert!(finished, "{}", String::from_utf8_lossy(&output.stderr));
    let mut said = BTreeMap::new();
    messages
        .iter()
        .filter(|message| {
            // Those of the runtime are not the project's.
            let manifest = message["manifest_path"].as_str().unwrap_or_default();
            message["reason"] == "compiler-message"
                && Path::new(manifest).starts_with(project.folder())
        })
        .map(|message| &message["message"])
        .filter_map(|message| {
            let code = message["code"]["code"].as_str().unwrap_or_default();
            let spans = message["spans"].as_array()?;
            let primary = spans.iter().find(|span| span["is_primary"] == true)?;
            let (line, column) = (
                primary["line_start"].as_u64()?,
                primary["column_start"].as_u64()?,
            );
            let text = without_numbers(message["message"].as_str()?);
            let times = said
                .entry((code, line, column, text.clone()))
                .and_modify(|times| *times += 1)
                .or_insert(0);
            Some((code.to_owned(), line, column, text, *times))
        })
        .collect()
}

/// A frame of the stack may be a few bytes larger for a call of ours.
fn without_numbers(message: &str) -> String {
    message
        .split(|character: char| character.is_ascii_digit())
        .collect()
}

/// Whether there is clippy. Where there is not, the test says so.
fn clippy() -> bool {
    let installed = Command::new("cargo")
        .args(["clippy", "--version"])
        .output()
        .is_ok_and(|output| output.status.success());
    if !installed {
        println!("skipped: clippy is not installed");
        heap_runtime::skip("clippy is not installed");
    }
    installed
}

const CLIPPY: [&str; 4] = [
    "clippy",
    "--all-targets",
    "--message-format=json",
    "--quiet",
];

/// What is not said of a tracked function: lints that compare the signature with the body, and find
/// that the body is a call of ours, which takes all arguments.
const OF_SIGNATURES: [&str; 6] = [
    "clippy::missing_const_for_fn",
    "clippy::needless_pass_by_ref_mut",
    "clippy::needless_pass_by_value",
    "clippy::unnecessary_wraps",
    "clippy::unused_async",
    "unconditional_recursion",
];

#[heap_tracked]
#[test]
fn a_body_is_warned_about_as_if_it_were_not_tracked() {
    if !clippy() {
        return;
    }
    let project = Project::copy_of("lints");
    let levels = ["--", "-Wclippy::pedantic", "-Wclippy::nursery"];
    let said =
        |features: &[&str]| diagnostics(&project, &[&CLIPPY, features, &levels[..]].concat());
    let (tracked, untracked) = (said(&["--features", "tracked"]), said(&[]));
    assert!(untracked.len() > 50, "{untracked:#?}");
    let of_signature = |(lint, ..): &&Diagnostic| OF_SIGNATURES.contains(&lint.as_str());
    let (given_up, missing): (Vec<_>, Vec<_>) =
        untracked.difference(&tracked).partition(of_signature);
    let new: Vec<_> = tracked.difference(&untracked).collect();
    assert!(
        missing.is_empty() && new.is_empty(),
        "unnoticed: {missing:#?}\nnew: {new:#?}"
    );
    // So that the list is no longer than it must be.
    let given_up: BTreeSet<_> = given_up.iter().map(|(lint, ..)| lint.as_str()).collect();
    assert_eq!(given_up, OF_SIGNATURES.into());
}

#[heap_tracked]
#[test]
fn nothing_new_is_warned_about() {
    if !clippy() {
        return;
    }
    let said = diagnostics(&Project::copy_of("clean"), &CLIPPY);
    assert!(said.is_empty(), "{said:#?}");
}

/// trybuild's programs are no tests, and there `#[test]` above ours removes the function before it
/// is looked at. Here both orders are compiled as tests.
#[test]
fn misuse_is_refused_on_either_side_of_the_test_attribute() {
    const SOURCE: &str = r#"//! Mistakes.
#[cfg(test)]
mod tests {
    use heap_runtime::heap_tracked;

    #[heap_tracked(label(a = "b"))]
    #[test]
    fn above() {}

    #[test]
    #[heap_tracked(labels())]
    fn below() {}

    #[heap_tracked]
    #[test]
    #[heap_tracked]
    fn both() {}
}
"#;
    let project = Project::new("misuse").file("src/lib.rs", SOURCE);
    let said = diagnostics(&project, &["check", "--tests", "--message-format=json"]);
    let said: Vec<_> = said
        .iter()
        .map(|(_, line, column, message, _)| (*line, *column, message.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            (
                6,
                20,
                "there is no argument `label`; did you mean `labels`? Write `labels(key = \"value\")`",
            ),
            (
                11,
                20,
                "`labels()` is empty: write `labels(key = \"value\")`, or remove it",
            ),
            (16, 7, "`#[heap_tracked]` is here twice: remove this one",),
        ]
    );
}
