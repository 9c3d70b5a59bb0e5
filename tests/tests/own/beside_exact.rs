//! A test that runs beside one with `exact` says so, as it pays for it; others do not.

use heap_runtime::heap_tracked;
use heap_tests::{damage, rerun, scratch};

mod victims {
    use std::sync::Barrier;

    use heap_runtime::heap_tracked;

    static BOTH: Barrier = Barrier::new(2);
    static BOTH_AGAIN: Barrier = Barrier::new(2);

    #[heap_tracked]
    #[test]
    #[ignore = "is run as a child"]
    fn pays() {
        BOTH.wait();
        BOTH_AGAIN.wait();
    }

    #[heap_tracked(exact)]
    #[test]
    #[ignore = "is run as a child"]
    fn is_exact() {
        BOTH.wait();
        BOTH_AGAIN.wait();
    }
}

#[heap_tracked(exact)]
fn is_first_and_exact() {}

#[heap_tracked]
fn is_later() {}

#[test]
#[ignore = "is run as a child"]
fn one_after_the_other() {
    is_first_and_exact();
    is_later();
}

#[test]
fn who_runs_beside_an_exact_test_says_so() {
    let folder = scratch::folder();
    let output = damage::output(&mut rerun::victims(
        "beside_exact::victims::",
        folder.path(),
    ));
    assert!(output.status.success(), "{output:?}");
    let mut all: Vec<_> = damage::sidecars(folder.path())
        .into_iter()
        .map(|sidecar| (sidecar.test_name, sidecar.heap.beside_exact))
        .collect();
    all.sort();
    let named = |name: &str| format!("beside_exact::victims::{name}");
    assert_eq!(all, [(named("is_exact"), false), (named("pays"), true)]);
}

#[test]
fn who_runs_after_an_exact_test_does_not() {
    let run = rerun::ignored("beside_exact::one_after_the_other");
    assert_eq!(run.sidecars.len(), 2);
    for sidecar in &run.sidecars {
        assert!(!sidecar.heap.beside_exact, "{}", sidecar.test_name);
    }
}
