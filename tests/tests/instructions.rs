//! The guard of the numbers: instructions, which are the same on a busy machine and an idle one. Times are for
//! `cargo bench -p heap-tests`.
//!
//! Each side is this test binary again, under callgrind; where valgrind is not installed, the tests say that they are
//! skipped.

use std::hint::black_box;
use std::path::Path;
use std::process::Command;

use heap_runtime::heap_tracked;
use heap_tests::rerun;
use heap_tests::scratch;

heap_runtime::use_jemalloc!();

const ALLOCATIONS: usize = 100_000;

/// 64 bytes, allocated and freed. Callgrind is told the name.
#[inline(never)]
#[unsafe(no_mangle)]
extern "C" fn heap_tests_counted_loop() {
    for _ in 0..ALLOCATIONS {
        drop(black_box(Vec::<u8>::with_capacity(black_box(64))));
    }
}

#[test]
#[ignore = "run by the others, under callgrind"]
#[heap_tracked]
fn a_loop_of_allocations() {
    heap_tests_counted_loop();
}

#[heap_tracked(exact)]
fn counts_each_allocation() {
    drop(black_box(Box::new(0)));
}

#[test]
#[ignore = "run by the others, under callgrind"]
fn a_loop_after_an_exact_test() {
    counts_each_allocation();
    heap_tests_counted_loop();
}

#[test]
fn an_exact_test_leaves_nothing_behind_that_costs() {
    let Some(bare) = instructions("a_loop_after_an_exact_test", "0") else {
        return;
    };
    let after = instructions("a_loop_after_an_exact_test", "1").expect("valgrind is there");
    let limit = bare + bare / 50;
    assert!(
        after <= limit,
        "{ALLOCATIONS} allocations and deallocations take {after} instructions after an exact test, {bare} without it"
    );
}

#[test]
fn nothing_is_added_to_an_allocation_but_a_seldom_call_back() {
    let Some(bare) = instructions("a_loop_of_allocations", "0") else {
        return;
    };
    let tracked =
        instructions("a_loop_of_allocations", "1").expect("valgrind was there a moment ago");
    // All that is executed in the loop, jemalloc's own events and our call-back among it: one each 64 KiB, which is
    // one in 1,024 allocations. A wrapper of three instructions would be 3 % and more.
    let limit = bare + bare / 50;
    assert!(
        tracked <= limit,
        "{ALLOCATIONS} allocations and deallocations take {tracked} instructions when tracked, {bare} when not"
    );
}

/// How many instructions the loop takes in that test, with `HEAP_TRACK` set to that. `None` without valgrind.
fn instructions(test: &str, track: &str) -> Option<u64> {
    let found = Command::new("valgrind").arg("--version").output();
    if !found.is_ok_and(|output| output.status.success()) {
        println!("skipped: valgrind is not installed");
        return None;
    }
    let folder = scratch::folder();
    let file = folder.path().join("callgrind.out");
    let victim = rerun::victim(test, folder.path());
    let output = under_callgrind(&victim, &file)
        .env("HEAP_TRACK", track)
        .output()
        .expect("valgrind can be started");
    assert!(output.status.success(), "{output:?}");
    let counts = std::fs::read_to_string(&file).expect("callgrind leaves a file");
    let total = counts
        .lines()
        .find_map(|line| {
            line.strip_prefix("totals: ")
                .or(line.strip_prefix("summary: "))
        })
        .expect("callgrind gives a total");
    let total: u64 = total.trim().parse().expect("a number");
    assert!(
        total > 10 * ALLOCATIONS as u64,
        "the loop was counted: {total}"
    );
    Some(total)
}

fn under_callgrind(victim: &Command, file: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .args([
            "--tool=callgrind",
            "--toggle-collect=heap_tests_counted_loop",
        ])
        .arg(format!("--callgrind-out-file={}", file.display()))
        .arg(victim.get_program())
        .args(victim.get_args());
    for (name, value) in victim.get_envs() {
        match value {
            Some(value) => valgrind.env(name, value),
            None => valgrind.env_remove(name),
        };
    }
    valgrind
}
