//! All forms again, with a variable of the environment that concerns every test.

use heap_tests::project::Run;

use super::{forms, project};

fn forms_with(variable: &str, value: &str) -> Run {
    let project = project();
    let arguments = ["test", "--features", "tracked", "--test", "forms"];
    Run::of(project.cargo(arguments).env(variable, value))
}

#[test]
fn without_tracking_all_runs_and_nothing_is_written() {
    let run = forms_with("HEAP_TRACK", "0");
    assert!(run.sidecars.is_empty());
    let verdicts = |run: &Run| {
        let mut lines: Vec<_> = run
            .stdout
            .lines()
            .filter(|line| line.starts_with("test ") && !line.starts_with("test result"))
            .map(str::to_owned)
            .collect();
        lines.sort_unstable();
        lines
    };
    assert!(!verdicts(&run).is_empty(), "{}", run.stderr);
    assert_eq!(verdicts(&run), verdicts(forms()));
    assert_eq!(run.status.code(), forms().status.code());
}

#[test]
fn a_variable_that_means_nothing_fails_the_tests_and_is_named() {
    let run = forms_with("HEAP_REQUIRE", "yes");
    assert!(run.sidecars.is_empty());
    let message = "the environment variable HEAP_REQUIRE is `yes`: set it to 0 or 1, or unset it";
    // Where a panic is a success, it must not be ours.
    for test in [
        "returns_nothing",
        "returns_ok",
        "opaque_termination_of_success",
        "asynchronous::async_functions",
        "should_panic_and_does",
    ] {
        assert_eq!(run.verdict(test), Some("FAILED"), "{test}");
        let output = run.output(test).expect("it failed");
        assert!(output.contains(message), "{test}: {output}");
    }
}
