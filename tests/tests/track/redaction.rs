//! What `HEAP_REDACT` names stands in no sidecar.

use std::panic::catch_unwind;

use heap_runtime::sidecar::{FailureKind, Outcome};
use heap_runtime::track;
use heap_tests::project::Run;
use heap_tests::rerun;

#[test]
fn what_is_to_be_left_out_stands_nowhere() {
    let host = |run: &Run| {
        let sidecar = run.sidecar("plain::work");
        let json = [&sidecar.host, &sidecar.host_before].map(serde_json::to_value);
        let objects = json.map(|json| json.unwrap().as_object().unwrap().clone());
        let process = sidecar.heap.process.expect("jemalloc counts");
        (objects, process.delta.allocated_bytes)
    };
    let ([after, before], delta) = host(&rerun::passing("calls", &[]));
    assert!(after.contains_key("heap_state") && before.contains_key("heap_state"));
    let keys: Vec<&str> = after.keys().map(String::as_str).collect();
    let run = rerun::passing("calls", &[("HEAP_REDACT", &keys.join(","))]);
    let ([after, before], still) = host(&run);
    assert!(
        after.is_empty() && before.is_empty(),
        "{after:?} {before:?}"
    );
    // What the test has changed is no reading of the host.
    assert_eq!(delta, still);
    // All but one: that one stays.
    let run = rerun::passing("calls", &[("HEAP_REDACT", &keys[1..].join(","))]);
    let ([after, _], _) = host(&run);
    assert_eq!(after.keys().collect::<Vec<_>>(), [keys[0]]);
}

#[test]
fn what_a_test_says_is_left_out_where_that_is_asked_for() {
    let left_out = |keys: &str| {
        rerun::passing(
            "redaction::says_what_it_should_not",
            &[("HEAP_REDACT", keys)],
        )
    };
    let has = |run: &Run, text: &str| {
        let whole = serde_json::to_string(&run.sidecars).expect("they can be written");
        whole.contains(text)
    };
    let secrets = [
        "in-a-label",
        "in-a-message",
        "in-a-reason",
        "in-a-checkpoint",
        "7777.5",
    ];
    let run = left_out("");
    for secret in secrets {
        assert!(has(&run, secret), "{secret}");
    }
    let run = left_out("labels.*, metrics, failure.message, skip_reason, checkpoints, process");
    for secret in secrets {
        assert!(!has(&run, secret), "{secret}");
    }
    let failed = run.sidecar("fails");
    assert_eq!(
        failed.failure.as_ref().expect("it failed").kind,
        FailureKind::Panic
    );
    assert_eq!(failed.process, None);
    // It is told by a reason that it was skipped.
    assert_eq!(run.sidecar("skips").outcome, Some(Outcome::Skipped));
    assert!(run.sidecar("fails").heap.checkpoints.is_empty());

    let run = left_out("failure, labels.secret");
    assert!(!has(&run, "in-a-message") && !has(&run, "in-a-label"));
    let failed = run.sidecar("fails");
    assert_eq!(
        (failed.outcome, &failed.failure),
        (Some(Outcome::Failed), &None)
    );
    assert_eq!(failed.labels["scheduler"], "eevdf");
    assert!(has(&run, "in-a-reason"));
}

#[test]
#[ignore = "run by what_a_test_says_is_left_out_where_that_is_asked_for"]
fn says_what_it_should_not() {
    let fails = || -> () {
        heap_runtime::label("secret", "in-a-label");
        heap_runtime::label("scheduler", "eevdf");
        heap_runtime::metric("secret", 7777.5);
        heap_runtime::checkpoint("in-a-checkpoint");
        panic!("in-a-message");
    };
    catch_unwind(|| track("fails", fails)).unwrap_err();
    track("skips", || heap_runtime::skip("in-a-reason"));
}
