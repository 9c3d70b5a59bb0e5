//! Budgets of tests that fail for another reason, or panic as they should.

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{FailureKind, Limit, Outcome};

use super::{budget, come_and_go, leak};
use crate::child::Ran;

/// Runs one test of this file, and says whether its harness passed it.
fn run(name: &str) -> (Ran, bool) {
    super::run(&format!("failures::{name}"))
}

#[heap_tracked(max_retained = 0)]
#[test]
#[ignore = "run by a_failed_body_keeps_its_own_failure"]
fn panics_over_budget() {
    leak(4096);
    panic!("of its own");
}

#[heap_tracked(max_retained = 0)]
#[test]
#[ignore = "run by a_failed_body_keeps_its_own_failure"]
fn errs_over_budget() -> Result<(), &'static str> {
    leak(4096);
    Err("of its own")
}

#[test]
fn a_failed_body_keeps_its_own_failure() {
    for (name, kind) in [
        ("panics_over_budget", FailureKind::Panic),
        ("errs_over_budget", FailureKind::Error),
    ] {
        let (ran, passed) = run(name);
        assert!(!passed);
        assert!(!ran.said.contains("over its heap budget"), "{}", ran.said);
        let sidecar = ran.only(name);
        let failure = sidecar.failure.as_ref().unwrap();
        assert_eq!(failure.kind, kind);
        assert!(failure.message.contains("of its own"));
        let (_, _, held, _) = budget(Limit::MaxRetained, &sidecar.budgets);
        assert_eq!(held, Some(false));
    }
}

#[heap_tracked(max_retained = 2048)]
#[test]
#[should_panic(expected = "on purpose")]
#[ignore = "run by a_panic_that_should_come_does_not_hide_a_broken_limit"]
fn should_panic_over_budget() {
    leak(4096);
    panic!("on purpose");
}

#[heap_tracked(max_retained = "1 MiB")]
#[test]
#[should_panic(expected = "on purpose")]
#[ignore = "run by a_panic_that_should_come_does_not_hide_a_broken_limit"]
fn should_panic_within_budget() {
    leak(4096);
    panic!("on purpose");
}

// As `#[tokio::test]` expands.
#[test]
#[should_panic(expected = "on purpose")]
#[ignore = "run by a_panic_that_should_come_does_not_hide_a_broken_limit"]
fn async_over_budget() {
    #[heap_tracked(max_retained = 2048)]
    #[should_panic(expected = "on purpose")]
    async fn async_over_budget() {
        leak(4096);
        tokio::task::yield_now().await;
        panic!("on purpose");
    }
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.build().unwrap();
    runtime.block_on(async_over_budget());
}

#[test]
fn a_panic_that_should_come_does_not_hide_a_broken_limit() {
    for name in ["should_panic_over_budget", "async_over_budget"] {
        let (ran, passed) = run(name);
        assert!(!passed, "{}", ran.said);
        assert!(ran.said.contains("is over its heap budget"), "{}", ran.said);
        let sidecar = ran.only(name);
        assert_eq!(sidecar.outcome, Some(Outcome::Failed));
        let failure = sidecar.failure.as_ref().unwrap();
        assert_eq!(failure.kind, FailureKind::Budget);
    }
    let (ran, passed) = run("should_panic_within_budget");
    assert!(passed, "{}", ran.said);
    let sidecar = ran.only("should_panic_within_budget");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
}

/// What the message of `asserts_long` is made of.
const NUMBERS: u32 = 100_000;

#[heap_tracked(max_retained = "0 B", max_allocations = 0)]
#[test]
#[ignore = "run by what_a_failure_is_made_of_is_not_its_cause"]
fn asserts() {
    assert_eq!(1 + 1, 3);
}

#[heap_tracked(max_retained = "0 B", max_peak = "64 KiB", max_allocated = "64 KiB")]
#[test]
#[ignore = "run by what_a_failure_is_made_of_is_not_its_cause"]
fn asserts_long() {
    // Numbers that are there already: the text alone is allocated.
    static MANY: [u32; NUMBERS as usize] = [7; NUMBERS as usize];
    assert!(MANY.is_empty(), "{MANY:?}");
}

#[heap_tracked(max_retained = "0 B")]
#[test]
#[ignore = "run by what_a_failure_is_made_of_is_not_its_cause"]
fn returns_what_it_made() -> Result<(), String> {
    "64 B"
        .parse::<u32>()
        .map(drop)
        .map_err(|_| "of its own".to_owned())
}

#[heap_tracked(max_retained = "0 B")]
#[test]
#[ignore = "run by what_a_failure_is_made_of_is_not_its_cause"]
fn throws_what_it_made() {
    std::panic::panic_any(vec![7_u32; 1000]);
}

#[test]
fn what_a_failure_is_made_of_is_not_its_cause() {
    let maybe = Some("not judged: the excess may be memory of the failure itself");
    let unseen = Some("not judged: the excess may be in what the test threw or returned");
    let retained = |name: &str, actual, held, note| {
        let (ran, passed) = run(name);
        assert!(!passed, "{}", ran.said);
        let budgets = ran.only(name).budgets.clone();
        let told = budget(Limit::MaxRetained, &budgets);
        assert_eq!(told, (0, Some(actual), held, note), "{name}");
        budgets
    };
    let budgets = retained("asserts", 0, Some(true), None);
    let (_, actual, held, note) = budget(Limit::MaxAllocations, &budgets);
    assert!(actual.unwrap() > 0);
    assert_eq!((held, note), (None, maybe));

    let budgets = retained("asserts_long", 0, Some(true), None);
    for limit in [Limit::MaxPeak, Limit::MaxAllocated] {
        let (_, actual, held, note) = budget(limit, &budgets);
        // Each number, a comma and a blank.
        assert!(actual.unwrap() > i64::from(3 * NUMBERS));
        assert_eq!((held, note), (None, maybe));
    }
    retained("returns_what_it_made", 16, None, unseen);
    // The vector, its 24 bytes in a box, and the 4,000 that it holds.
    retained("throws_what_it_made", 32 + 4096, None, unseen);
}

#[heap_tracked(max_retained = "0 B", max_peak = "64 KiB", max_allocated = "64 KiB")]
#[test]
#[ignore = "run by a_failed_test_that_was_over_its_budget_says_so"]
fn is_over_all_before_it_fails() {
    leak(64);
    come_and_go(1 << 20);
    panic!("{} tasks", 2);
}

#[test]
fn a_failed_test_that_was_over_its_budget_says_so() {
    let (ran, passed) = run("is_over_all_before_it_fails");
    assert!(!passed);
    let sidecar = ran.only("is_over_all_before_it_fails");
    assert_eq!(
        budget(Limit::MaxRetained, &sidecar.budgets),
        (0, Some(64), Some(false), None)
    );
    for limit in [Limit::MaxPeak, Limit::MaxAllocated] {
        let (_, _, held, note) = budget(limit, &sidecar.budgets);
        assert_eq!((held, note), (Some(false), None));
    }
}

#[heap_tracked(max_retained = "0 B")]
#[test]
#[should_panic(expected = "2 tasks")]
#[ignore = "run by the_payload_of_a_panic_that_should_come_is_not_kept"]
fn should_panic_and_keeps_nothing() {
    panic!("{} tasks", 2);
}

#[heap_tracked(max_retained = "0 B")]
#[test]
#[should_panic]
#[expect(clippy::should_panic_without_expect, reason = "its payload is no text")]
#[ignore = "run by the_payload_of_a_panic_that_should_come_is_not_kept"]
fn should_panic_and_throws_what_it_made() {
    std::panic::panic_any(vec![7_u32; 1000]);
}

#[test]
fn the_payload_of_a_panic_that_should_come_is_not_kept() {
    for name in [
        "should_panic_and_keeps_nothing",
        "should_panic_and_throws_what_it_made",
    ] {
        let (ran, passed) = run(name);
        assert!(passed, "{}", ran.said);
        assert_eq!(ran.only(name).outcome, Some(Outcome::Passed));
    }
}
