//! Tracked functions of every form, run for real in the project `projects/forms`.

#[path = "forms/names.rs"]
mod names;
#[path = "forms/untracked.rs"]
mod untracked;
#[path = "forms/variables.rs"]
mod variables;

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use heap_runtime::sidecar::{FailureKind, Outcome, Sidecar, Status};
use heap_tests::project::{Project, Run};

/// The project is one for all tests here, and each command in it a test's own.
fn project() -> MutexGuard<'static, Project> {
    static PROJECT: LazyLock<Mutex<Project>> =
        LazyLock::new(|| Mutex::new(Project::copy_of("forms")));
    PROJECT.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All of `projects/forms/tests/forms.rs`, run once for each process of this test binary.
fn forms() -> &'static Run {
    static FORMS: LazyLock<Run> =
        LazyLock::new(|| project().test(&["--features", "tracked", "--test", "forms"]));
    &FORMS
}

/// A test or function of the project, and what must come of it.
#[track_caller]
fn passed(test: &str) -> &'static Sidecar {
    ended(test, Outcome::Passed, None)
}

#[track_caller]
fn failed(test: &str, kind: FailureKind, message: &str) -> &'static Sidecar {
    ended(test, Outcome::Failed, Some((kind, message)))
}

#[track_caller]
fn ended(test: &str, outcome: Outcome, failure: Option<(FailureKind, &str)>) -> &'static Sidecar {
    let sidecar = forms().sidecar(test);
    is_whole(sidecar);
    assert_eq!(sidecar.outcome, Some(outcome), "{test}");
    assert_eq!(
        sidecar
            .failure
            .as_ref()
            .map(|failure| (failure.kind, failure.message.as_str())),
        failure,
        "{test}"
    );
    sidecar
}

/// What is in every finished sidecar of the project.
#[track_caller]
fn is_whole(sidecar: &Sidecar) {
    assert_eq!(sidecar.status, Status::Finished);
    assert_eq!(sidecar.package, "forms");
    assert_eq!(sidecar.binary, "forms");
    let source = (&*sidecar.source.file, sidecar.source.line);
    assert_eq!(source, source_of(&sidecar.test_name));
    assert_eq!(sidecar.attempt, 1);
    assert!(sidecar.duration_ns.is_some(), "{}", sidecar.test_name);
    assert!(sidecar.host.heap_state.is_some(), "{}", sidecar.test_name);
    assert!(sidecar.heap.process.is_some(), "{}", sidecar.test_name);
}

/// The sources of the project: the module that a file is, its name, and its text.
const SOURCES: [(&str, &str, &str); 2] = [
    (
        "asynchronous::",
        "tests/forms/asynchronous.rs",
        include_str!("../projects/forms/tests/forms/asynchronous.rs"),
    ),
    (
        "",
        "tests/forms.rs",
        include_str!("../projects/forms/tests/forms.rs"),
    ),
];

/// The file of a function, and the line of its name, from 1.
fn source_of(test: &str) -> (&'static str, u32) {
    let function = test.rsplit("::").next().unwrap_or(test);
    let starts = [
        format!("fn {function}("),
        format!("fn {function}<"),
        // Made by the macro of the project.
        format!("{function} {{"),
    ];
    let (_, file, source) = SOURCES
        .iter()
        .find(|(module, ..)| test.starts_with(module))
        .expect("the last takes all");
    let line_with = |start: &String| {
        let mut lines = source.lines();
        lines.position(|line| line.trim_start().contains(start))
    };
    let line = starts.iter().find_map(line_with);
    let line = line.expect("the function is in the source");
    (file, u32::try_from(line + 1).expect("a short file"))
}

/// The harness must say so too: a sidecar is no verdict.
#[track_caller]
fn harness_says(verdict: &str, tests: &[&str]) {
    for test in tests {
        assert_eq!(forms().verdict(test), Some(verdict), "{test}");
    }
}

fn metrics(sidecar: &Sidecar) -> Vec<(&str, f64)> {
    sidecar
        .metrics
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect()
}

#[test]
fn a_function_that_returns_nothing() {
    let sidecar = passed("returns_nothing");
    assert_eq!(metrics(sidecar), [("tasks", 3.0)]);
    let labels = [("cpus", "2"), ("form", "unit"), ("type", "plain")];
    let labels = labels.map(|(key, value)| (key.to_owned(), value.to_owned()));
    assert_eq!(sidecar.labels, BTreeMap::from(labels));
    harness_says("ok", &["returns_nothing"]);
}

#[test]
fn a_test_as_most_are() {
    assert_eq!(metrics(passed("as_most_are")), [("helped", 1.0)]);
    passed("as_most_are_by_a_macro");
    harness_says("ok", &["as_most_are", "as_most_are_by_a_macro"]);
}

#[test]
fn results() {
    passed("returns_ok");
    failed("returns_err", FailureKind::Error, "\"no CPU left\"");
    failed("returns_err_early", FailureKind::Error, "\"early\"");
    failed(
        "question_mark",
        FailureKind::Error,
        "ParseIntError { kind: InvalidDigit }",
    );
    let code = "the test returned ExitCode(unix_exit_status(4)), which is a failure";
    failed("ok_of_a_failure", FailureKind::Error, code);
    harness_says("ok", &["returns_ok"]);
    harness_says(
        "FAILED",
        &[
            "returns_err",
            "returns_err_early",
            "question_mark",
            "ok_of_a_failure",
        ],
    );
}

#[test]
fn values_that_report_an_exit_code() {
    let passing = [
        "exit_code_of_success",
        "opaque_termination_of_success",
        "own_termination_of_success",
    ];
    for test in passing {
        passed(test);
    }
    let failing = [
        ("exit_code_of_failure", 3),
        ("opaque_termination_of_failure", 6),
        ("own_termination_of_failure", 5),
    ];
    for (test, code) in failing {
        let message =
            format!("the test returned ExitCode(unix_exit_status({code})), which is a failure");
        failed(test, FailureKind::Error, &message);
        harness_says("FAILED", &[test]);
    }
    harness_says("ok", &passing);
}

#[test]
fn an_early_return_ends_the_body_and_not_the_tracking() {
    assert_eq!(metrics(passed("returns_early")), [("early", 1.0)]);
}

#[test]
fn a_skipped_test_says_so() {
    let sidecar = ended("skips", Outcome::Skipped, None);
    assert_eq!(sidecar.skip_reason.as_deref(), Some("needs CAP_SYS_NICE"));
    harness_says("ok", &["skips"]);
}

#[test]
fn a_panic_is_a_failure_with_its_message() {
    failed("panics", FailureKind::Panic, "no CPU left");
    harness_says("FAILED", &["panics"]);
}

#[test]
fn should_panic_is_judged_as_the_harness_judges_it() {
    let passing = [
        "should_panic_and_does",
        "should_panic_as_expected",
        "should_panic_as_expected_in_the_other_spelling",
    ];
    for test in passing {
        passed(test);
    }
    let kind = FailureKind::ShouldPanic;
    failed(
        "should_panic_and_does_not",
        kind,
        "the body returned, but it should have panicked",
    );
    failed(
        "should_panic_and_does_with_another_message",
        kind,
        "expected a panic with `overflow` in its message, got: an underflow",
    );
    failed(
        "should_panic_and_has_no_message",
        kind,
        "expected a panic with `overflow` in its message, got: a panic whose payload is not a string",
    );
    harness_says("ok", &passing);
    harness_says(
        "FAILED",
        &[
            "should_panic_and_does_not",
            "should_panic_and_does_with_another_message",
            "should_panic_and_has_no_message",
        ],
    );
}

#[test]
fn an_ignored_test_leaves_nothing() {
    assert_eq!(
        forms().verdict("is_ignored"),
        Some("ignored, it takes long")
    );
    assert!(forms().sidecars_of("is_ignored").is_empty());
}

#[test]
fn an_ignored_test_that_is_asked_for_is_tracked() {
    let run = project()
        .test(&[
            "--features",
            "tracked",
            "--test",
            "forms",
            "--",
            "--ignored",
        ])
        .success();
    assert_eq!(run.sidecars.len(), 1);
    assert_eq!(run.sidecar("is_ignored").outcome, Some(Outcome::Passed));
}

#[test]
fn the_attribute_stands_above_or_below_the_others() {
    passed("above_the_test_attribute");
    passed("below_the_test_attribute");
    // Once each: a `#[test]` that is emitted again runs the test twice.
    let lines = |name: &str| {
        let line = format!("test {name} ... ok");
        forms()
            .stdout
            .lines()
            .filter(|other| **other == line)
            .count()
    };
    assert_eq!(lines("above_the_test_attribute"), 1);
    assert_eq!(lines("below_the_test_attribute"), 1);
}

#[test]
fn arguments_generics_and_lifetimes() {
    harness_says(
        "ok",
        &[
            "arguments",
            "exclusive_references",
            "generics",
            "lifetimes",
            "opaque_types",
            "unsafe_functions",
            "drop_order",
        ],
    );
    for function in [
        "by_value", "pushed", "sum_of", "longer", "shown", "read", "drops",
    ] {
        passed(function);
    }
}

#[test]
fn a_function_that_never_returns() {
    harness_says("ok", &["never_returning_functions"]);
    failed("diverges", FailureKind::Panic, "it never returns");
}

#[test]
fn async_functions() {
    harness_says("ok", &["asynchronous::async_functions"]);
    let [first, second] = forms().sidecars_of("asynchronous::later")[..] else {
        panic!("two executions of `later`");
    };
    let both = [("after_the_pause", 2.0), ("before_the_pause", 1.0)];
    assert_eq!((metrics(first), first.iteration), (both.to_vec(), 0));
    assert_eq!((metrics(second), second.iteration), (both.to_vec(), 1));
    assert_eq!(first.outcome, Some(Outcome::Passed));
    let failure = second.failure.as_ref().expect("the second returned Err");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::Error, "\"too many\"")
    );
    is_whole(first);
    is_whole(second);
    passed("asynchronous::later_and_opaque");
    failed(
        "asynchronous::later_and_termination",
        FailureKind::Error,
        "the test returned ExitCode(unix_exit_status(6)), which is a failure",
    );
    failed(
        "asynchronous::later_and_panics",
        FailureKind::Panic,
        "later",
    );
    failed("asynchronous::later_and_never", FailureKind::Panic, "never");
}

#[test]
fn a_future_that_is_dropped_has_a_finished_record_too() {
    failed(
        "asynchronous::later_and_dropped",
        FailureKind::Error,
        "the future of the test was dropped before its end",
    );
}

#[test]
fn inner_attributes_of_the_body_still_count() {
    passed("inner_attributes");
}

#[test]
fn tests_made_by_a_macro() {
    let sidecar = passed("from_a_macro");
    assert_eq!(metrics(sidecar), [("made", 1.0)]);
    assert_eq!(sidecar.labels["from"], "a macro");
    passed("from_a_macro_and_should_panic");
    harness_says("ok", &["from_a_macro", "from_a_macro_and_should_panic"]);
}

#[test]
fn nested_executions_keep_their_notes_apart() {
    assert_eq!(metrics(passed("outer")), [("after", 3.0), ("before", 1.0)]);
    assert_eq!(metrics(passed("inner")), [("where", 2.0)]);
}

#[test]
fn a_function_that_is_called_twice_has_two_sidecars() {
    let [first, second] = forms().sidecars_of("twice")[..] else {
        panic!("two executions of `twice`");
    };
    // In the order of their file names.
    let by_iteration = |sidecar: &Sidecar| (sidecar.iteration, sidecar.metrics["round"]);
    let mut rounds = [by_iteration(first), by_iteration(second)];
    rounds.sort_by_key(|(iteration, _)| *iteration);
    assert_eq!(rounds, [(0, 1.0), (1, 2.0)]);
}

#[test]
fn a_panic_keeps_its_payload() {
    harness_says("ok", &["payloads"]);
    failed(
        "throws",
        FailureKind::Panic,
        "a panic whose payload is not a string",
    );
}

#[test]
fn nothing_else_is_left() {
    let mut executions: Vec<_> = forms()
        .sidecars
        .iter()
        .map(|sidecar| (&sidecar.test_name, sidecar.iteration))
        .collect();
    executions.sort_unstable();
    executions.dedup();
    assert_eq!(executions.len(), forms().sidecars.len());
    let tracked = |text: &str| {
        text.matches("heap_tracked]\n").count() + text.matches("heap_tracked(").count()
    };
    let tracked: usize = SOURCES.iter().map(|(.., text)| tracked(text)).sum();
    // Two come from the macro's one, two functions run twice, and one is ignored.
    assert_eq!(executions.len(), tracked + 1 + 2 - 1);
}
