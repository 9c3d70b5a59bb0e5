//! The project `projects/policies`, whose nextest fails tests that have passed, and lets pass what it has
//! stopped: a report says what nextest says.

use std::path::Path;

use heap_runtime::heap_tracked;
use heap_tests::damage::nextest_is_installed;
use heap_tests::project::{Project, Said};

heap_runtime::use_jemalloc!();

const HEAP: &str = env!("CARGO_BIN_EXE_heap-for-tests");

const LEFT: &str = "it_leaves_a_process: ";
const PASSED: &str = "passed for nextest, which has the last word; killed for its sidecar";

fn heap(project: &Project, arguments: &[&str]) -> Said {
    project.heap(HEAP, arguments)
}

/// Checks what is said of all four tests.
fn check(said: &Said) {
    let Said { stdout, stderr, .. } = said;
    let summary = "4 tests: 2 failed, 2 passed; 5 executions;";
    assert!(stdout.contains(summary), "{stdout}{stderr}");
    let both = format!("it_never_ends: {PASSED}");
    assert!(stdout.contains(&both), "{stdout}");
    let failed = |test: &str, why: &str| {
        let verdict = stdout.split(&format!("failed {test}")).nth(1);
        let verdict = verdict.and_then(|rest| rest.split("\n\n").next());
        let verdict = verdict.unwrap_or_else(|| panic!("{test} in {stdout}"));
        assert!(
            verdict.contains("failed for nextest (") && verdict.contains(why),
            "{verdict}"
        );
        assert!(verdict.contains("; passed for its sidecar"), "{verdict}");
    };
    failed(LEFT, "leaked handles");
    failed("it_is_flaky (attempt 2): ", "configured to fail when flaky");
    assert_eq!(said.status, Some(1), "{stderr}");
}

#[heap_tracked]
#[test]
fn a_test_is_what_nextest_says_it_is() {
    if !nextest_is_installed() {
        return;
    }
    let project = Project::copy_of("policies");
    let said = heap(&project, &["test", "--nextest"]);
    check(&said);
    // It is kept: what reads the run later says the same.
    let run = said
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("sidecars: "));
    let run = run.expect("it is named").to_owned();
    check(&heap(&project, &["report", &run]));
    let shown = heap(&project, &["show", "it_never_ends", "--run", &run]);
    assert!(shown.stdout.contains(PASSED), "{}", shown.stdout);
    assert_eq!(shown.status, Some(0), "{}", shown.stderr);

    // Where the workspace has its own place for the file, and cargo heap did not run the tests.
    let run = Project::target().join("heap/policies");
    let _ = std::fs::remove_dir_all(&run);
    let mut nextest = project.cargo(["nextest", "run", "--profile", "with-junit"]);
    let output = nextest.env("HEAP_RUN_ID", "policies").output();
    assert_eq!(output.expect("cargo starts").status.code(), Some(100));
    let run = run.to_str().expect("text");
    check(&heap(&project, &["report", run]));
    let junit = project.folder().join("target/nextest/with-junit/junit.xml");
    named(&project, run, &junit);
}

/// The file is named, and there is none beside the run.
fn named(project: &Project, run: &str, junit: &Path) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [input, output] = ["in", "out"].map(|name| folder.path().join(name));
    std::fs::copy(junit, &input).expect("nextest wrote it");
    std::fs::remove_file(junit).expect("it is there");
    let [input, output] = [&input, &output].map(|path| path.to_str().expect("text"));
    let said = heap(project, &["report", run]);
    let summary = "4 tests: 1 killed, 3 passed; 1 flaky; 5 executions;";
    assert!(said.stdout.contains(summary), "{}", said.stdout);
    check(&heap(project, &["report", run, "--junit", input, output]));
}

#[heap_tracked]
#[test]
fn what_nextest_lets_pass_fails_no_run() {
    if !nextest_is_installed() {
        return;
    }
    let project = Project::copy_of("policies");
    let arguments = [
        "test",
        "--nextest",
        "-E",
        "test(never_ends) | test(it_passes)",
    ];
    let said = heap(&project, &arguments);
    assert!(
        said.stdout.contains("2 tests: 2 passed;"),
        "{}{}",
        said.stdout,
        said.stderr
    );
    assert!(said.stdout.contains(PASSED), "{}", said.stdout);
    assert_eq!(said.status, Some(0), "{}", said.stderr);
}
