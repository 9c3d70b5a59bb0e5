//! Budgets of time.

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{Limit, Outcome};

use crate::child::Child;
use crate::times::{MS, assert_near, everywhere, run_for};

pub(crate) const SUBJECTS: &[crate::Subject] = &[("limited", limited)];

#[heap_tracked(max_cpu = "5 ms", max_run_delay = "600 s")]
fn limited() {
    run_for(20);
}

#[test]
fn a_test_that_ran_for_longer_than_it_may_fails() {
    everywhere("limited", |sidecars, _| {
        let sidecar = &sidecars
            .iter()
            .find(|it| it.test_name.ends_with("limited"))
            .unwrap();
        let held: Vec<_> = sidecar
            .budgets
            .iter()
            .map(|it| (it.limit, it.held))
            .collect();
        let expected = [
            (Limit::MaxCpu, Some(false)),
            (Limit::MaxRunDelay, Some(true)),
        ];
        assert_eq!(held, expected);
        assert_near(
            sidecar.budgets[0].actual.map(i64::unsigned_abs),
            20 * MS,
            10,
        );
        let failure = sidecar.failure.as_ref().expect("it has failed");
        assert!(
            failure.message.contains("is over its time budget"),
            "{}",
            failure.message
        );
        assert!(
            failure.message.contains("max_cpu: limit 5ms, actual 2"),
            "{}",
            failure.message
        );
    });
}

#[test]
fn a_limit_of_the_run_is_every_tests() {
    let ran = Child::of("sleeps").env("HEAP_MAX_CPU", "1 s").run();
    assert_eq!(ran.only("sleeps").budgets[0].held, Some(true));
    let ran = Child::of("ten_threads").env("HEAP_MAX_CPU", "0.1 s").run();
    assert_eq!(ran.only("ten_threads").outcome, Some(Outcome::Failed));
}

#[test]
fn a_limit_that_cannot_be_checked_is_said_and_is_a_failure_where_that_is_asked_for() {
    let limited = || Child::of("limited").env("HEAP_TIME", "0");
    let ran = limited().run();
    let sidecar = ran.only("limited");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    assert_eq!(
        (sidecar.budgets[0].actual, sidecar.budgets[0].held),
        (None, None)
    );
    assert!(
        ran.said.contains("max_cpu was not checked: HEAP_TIME=0"),
        "{}",
        ran.said
    );
    let ran = limited().env("HEAP_REQUIRE", "1").run();
    assert_eq!(ran.only("limited").outcome, Some(Outcome::Failed));
}
