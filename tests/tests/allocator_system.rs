//! The system allocator: jemalloc is linked, and what it counts is not this process's memory.

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

#[test]
fn what_requires_jemalloc_fails_without_it() {
    let run = rerun::failing("holds_a_mebibyte", &[("HEAP_REQUIRE", "1")]);
    let output = run.output("holds_a_mebibyte").expect("it failed");
    assert!(output.contains("HEAP_REQUIRE=1"), "{output}");
    assert!(output.contains("use_jemalloc!"), "{output}");

    // A panic of ours would pass for the one that should come.
    let run = rerun::failing("panics_as_it_should", &[("HEAP_REQUIRE", "1")]);
    let output = run.output("panics_as_it_should").expect("it failed");
    assert!(output.contains("HEAP_REQUIRE=1"), "{output}");
    let failure = run.sidecar("panics_as_it_should").failure.as_ref();
    let failure = failure.expect("it failed");
    assert!(failure.message.contains("HEAP_REQUIRE=1"), "{failure:?}");
}
