//! Tests that fail beside untracked twins: the harness says the same of both.

use heap_tests::project::Run;

use super::project;

/// A run of the tests that fail, tracked or not.
fn failures(tracked: bool, backtrace: &str) -> Run {
    let project = project();
    let mut cargo = project.cargo(["test", "--test", "failures"]);
    if tracked {
        cargo.args(["--features", "tracked"]);
    }
    Run::of(cargo.env("RUST_BACKTRACE", backtrace))
}

/// The lines of an output that are not of one process alone.
fn comparable(output: &str) -> Vec<String> {
    output
        .lines()
        .filter(|line| !line.starts_with("test result"))
        .map(|line| {
            // "thread 'name' (4242) panicked at": the number is the thread's.
            match (line.find("' ("), line.find(") panicked at")) {
                (Some(start), Some(end)) if line.starts_with("thread '") => {
                    format!("{}{}", &line[..=start], &line[end + 1..])
                }
                _ => line.to_owned(),
            }
        })
        .collect()
}

#[test]
fn the_harness_says_the_same_of_an_untracked_twin() {
    let (tracked, untracked) = (failures(true, "0"), failures(false, "0"));
    assert_eq!(tracked.sidecars.len(), 16, "{}", tracked.stdout);
    assert!(untracked.sidecars.is_empty());
    assert_eq!(tracked.status.code(), Some(101));
    assert_eq!(tracked.status.code(), untracked.status.code());
    let sorted = |run: &Run| {
        let mut lines = comparable(&run.stdout);
        lines.sort_unstable();
        lines
    };
    assert_eq!(sorted(&tracked), sorted(&untracked));
    let cold = [
        ("fails_cold_with_an_error", "\"too cold\""),
        (
            "fails_cold_with_a_code",
            "the test returned ExitCode(unix_exit_status(3)), which is a failure",
        ),
        (
            "fails_cold_opaquely",
            "the test returned ExitCode(unix_exit_status(1)), which is a failure",
        ),
        ("fails_cold_with_a_panic", "too cold"),
    ];
    for (test, message) in cold {
        let sidecar = tracked.sidecar(test);
        let failure = sidecar.failure.as_ref().expect("it failed");
        assert_eq!(failure.message, message, "{test}");
        let reason = sidecar.heap.reason.as_deref();
        assert_eq!(reason, Some("the test ended in its warm-up"), "{test}");
        assert_eq!((sidecar.heap.own, sidecar.duration_ns), (None, None));
    }
    // Sorted lines could be any test's, so one of them in full.
    let message = "panicked at tests/failures.rs:15:5:\n2 tasks and one CPU";
    for run in [&tracked, &untracked] {
        let output = run.output("panics").expect("it failed");
        assert!(output.contains(message), "{output}");
    }
}

#[test]
fn backtraces_lead_to_the_users_line() {
    /// The places of the user's file that a backtrace leads through.
    fn places(run: &Run, test: &str) -> Vec<String> {
        let output = run.output(test).expect("it failed");
        output
            .lines()
            .filter_map(|line| line.trim().strip_prefix("at "))
            .filter(|place| place.contains("tests/failures.rs"))
            .map(str::to_owned)
            .collect()
    }
    let (tracked, untracked) = (failures(true, "1"), failures(false, "1"));
    for test in ["panics", "asserts", "panics_in_a_callee"] {
        let (tracked, untracked) = (places(&tracked, test), places(&untracked, test));
        assert!(untracked.len() >= 2, "{test}: {untracked:?}");
        // The frames up to the test function's own are the same; ours are above it.
        let own = untracked.len() - 1;
        assert_eq!(tracked[..own], untracked[..own], "{test}");
    }
}
