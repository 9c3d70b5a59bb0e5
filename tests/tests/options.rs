//! jemalloc's options that people set: the numbers of the own tier are what they are without.
//!
//! That of the process tier are asked for in `known_answers`, where no other thread allocates.

use std::hint::black_box;
use std::thread;

use heap_runtime::heap_tracked;
use heap_tests::options::{OPTIONS, VARIABLES};
use heap_tests::rerun;

heap_runtime::use_jemalloc!();

const BOXES: usize = 1000;
/// Each of 24 bytes, in blocks of 32.
const IN_BOXES: u64 = 32 * BOXES as u64;
/// A pointer to each, in a block of 8,192.
const IN_LIST: u64 = 8192;
const LARGE: u64 = 10 << 20;
const OF_THREAD: u64 = 3 << 20;

/// Holds 40,192 bytes in 1,001 blocks, and has had ten mebibytes more.
#[expect(clippy::vec_box, reason = "each is a block of its own")]
fn holds() -> Vec<Box<[u8; 24]>> {
    let mut held: Vec<Box<[u8; 24]>> = Vec::with_capacity(BOXES);
    held.extend((0..BOXES).map(|_| black_box(Box::new([1; 24]))));
    drop(black_box(Vec::<u8>::with_capacity(10 << 20)));
    held
}

#[test]
#[ignore = "run by another, as a child"]
#[heap_tracked]
fn holds_some() {
    std::mem::forget(holds());
}

#[test]
#[ignore = "run by another, as a child"]
#[heap_tracked(exact)]
fn holds_some_exactly() {
    std::mem::forget(holds());
}

#[test]
#[ignore = "run by another, as a child"]
#[heap_tracked]
fn a_thread_holds_some() {
    let held = thread::spawn(|| black_box(vec![1_u8; 3 << 20])).join();
    std::mem::forget(held.expect("it does not panic"));
}

#[test]
fn the_own_tier_is_the_same_under_each_option() {
    for option in [""].into_iter().chain(OPTIONS) {
        let variables = VARIABLES.map(|variable| (variable, option));
        for (name, is_exact) in [("holds_some", false), ("holds_some_exactly", true)] {
            let run = rerun::passing(name, &variables);
            let own = run.sidecar(name).heap.own.expect("jemalloc counts");
            let totals = (
                own.allocated_bytes,
                own.deallocated_bytes,
                own.retained_bytes,
            );
            let kept = IN_BOXES + IN_LIST;
            assert_eq!(
                totals,
                (
                    kept + LARGE,
                    LARGE,
                    i64::try_from(kept).expect("it is small")
                ),
                "{option}: {name}"
            );
            let peak = own.peak_bytes.expect("it is looked for");
            let error = own.peak_error_bytes.unwrap_or(0);
            assert!(
                peak.abs_diff(kept + LARGE) <= error,
                "{option}: {name}: {own:?}"
            );
            if is_exact {
                assert_eq!(
                    (error, own.allocations),
                    (0, Some(1002)),
                    "{option}: {own:?}"
                );
            }
            // Those that jemalloc makes for itself are not the test's.
            assert_eq!(
                (own.threads, own.threads_running),
                (1, 0),
                "{option}: {name}"
            );
        }
        let run = rerun::passing("a_thread_holds_some", &variables);
        let own = run.sidecar("a_thread_holds_some").heap.own;
        let own = own.expect("jemalloc counts");
        // What std makes of a thread is no more than some kilobytes.
        let is_right = (OF_THREAD..OF_THREAD + (64 << 10)).contains(&own.allocated_bytes);
        assert!(is_right && own.threads == 2, "{option}: {own:?}");
    }
}
