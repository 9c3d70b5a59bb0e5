//! The system allocator: jemalloc is linked, and what it counts is not this process's memory.

#![expect(
    clippy::should_panic_without_expect,
    reason = "a panic of ours must not pass, and an expected message would refuse it too"
)]

use heap_runtime::sidecar::Outcome;
use heap_runtime::{Allocator, heap_tracked};
use heap_tests::rerun;

#[heap_tracked]
#[test]
#[ignore = "run by the test below, which reads its sidecar"]
fn holds_a_mebibyte() {
    Vec::leak(vec![1_u8; 1 << 20]);
}

#[heap_tracked]
#[test]
#[should_panic]
#[ignore = "run by a test below"]
fn panics_as_it_should() {
    panic!("as it should");
}

#[heap_tracked]
#[should_panic]
async fn panics_later() {
    panic!("as it should");
}

// As the macros of async runtimes write it.
#[test]
#[should_panic]
#[ignore = "run by a test below"]
fn panics_later_as_it_should() {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = std::pin::pin!(panics_later()).poll(&mut context);
}

#[test]
fn the_system_allocator() {
    assert_eq!(heap_runtime::allocator(), Allocator::Other);
    // jemalloc has counters all the same, and they are not zero: their size proves nothing.
    let before = heap_runtime::collect();
    assert!(before.allocated_bytes.is_some_and(|bytes| bytes > 0));
    let held = vec![1_u8; 1 << 20];
    let delta = heap_runtime::collect().since(&before);
    assert_eq!(delta.allocated_bytes, Some(0), "{}", held.len());

    let run = rerun::ignored("holds_a_mebibyte");
    let sidecar = run.sidecar("holds_a_mebibyte");
    assert_eq!(sidecar.heap.allocator, Allocator::Other);
    assert_eq!(sidecar.host.heap_state, None);
    assert_eq!(sidecar.host_before.heap_state, None);
    assert_eq!(sidecar.heap.process, None);
    assert_eq!(sidecar.heap.own, None);
    let reason = sidecar.heap.reason.as_deref().expect("it says why");
    assert!(reason.contains("jemalloc is not the allocator"), "{reason}");
    assert!(reason.contains("use_jemalloc!"), "{reason}");
}

#[heap_tracked]
#[test]
#[ignore = "run by the test below"]
fn reads_its_record() {
    heap_runtime::checkpoint("now");
    let folder = std::env::var_os("HEAP_SIDECAR_DIR").expect("the caller sets it");
    let (records, unreadable) = heap_sidecar::read_run(folder).unwrap();
    assert!(unreadable.is_empty(), "{unreadable:?}");
    let heap = &records[0].heap;
    assert_eq!((records.len(), heap.checkpoints.len()), (1, 1));
    assert_eq!(heap.checkpoints[0].label, "now");
    assert_eq!(heap.last_seen, None);
}

#[test]
fn what_nobody_sees_is_no_zero() {
    let run = rerun::ignored("reads_its_record");
    let sidecar = run.sidecar("reads_its_record");
    assert_eq!(sidecar.outcome, Some(Outcome::Passed));
    assert_eq!(sidecar.heap.checkpoints[0].own, None);
}

#[test]
fn what_requires_jemalloc_fails_without_it() {
    let run = rerun::failing("holds_a_mebibyte", &[("HEAP_REQUIRE", "1")]);
    let output = run.output("holds_a_mebibyte").expect("it failed");
    assert!(output.contains("HEAP_REQUIRE=1"), "{output}");
    assert!(output.contains("use_jemalloc!"), "{output}");

    // A panic of ours would pass for the one that should come.
    for (test, function) in [
        ("panics_as_it_should", "panics_as_it_should"),
        ("panics_later_as_it_should", "panics_later"),
    ] {
        let run = rerun::failing(test, &[("HEAP_REQUIRE", "1")]);
        let output = run.output(test).expect("it failed");
        assert!(output.contains("HEAP_REQUIRE=1"), "{output}");
        let failure = run.sidecar(function).failure.as_ref();
        let failure = failure.expect("it failed");
        assert!(failure.message.contains("HEAP_REQUIRE=1"), "{failure:?}");
        // And without it, all is as it should be.
        let run = rerun::ignored(test);
        assert_eq!(run.sidecar(function).outcome, Some(Outcome::Passed));
    }
}
