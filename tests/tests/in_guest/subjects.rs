//! Tests to which something is done.

use std::hint::black_box;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use heap_runtime::heap_tracked;
use heap_tests::sched::clock::thread_cpu_time;

const MIB: usize = 1 << 20;

/// So much memory, written to.
fn filled(mib: usize) -> Vec<Vec<u8>> {
    (0..mib).map(|_| black_box(vec![1; MIB])).collect()
}

#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn holds_eight_mib() {
    let held = filled(8);
    heap_runtime::checkpoint("held");
    drop(held);
    // What the kernel says of the process can be had by the process alone.
    if let Some(copy) = std::env::var_os("BED_STATUS") {
        std::fs::copy("/proc/self/status", copy).expect("the case has made its folder");
    }
}

#[heap_tracked]
#[test]
#[ignore = "is killed by the kernel"]
fn takes_it_all() {
    let mut held = filled(8);
    heap_runtime::checkpoint("eight");
    loop {
        held.extend(filled(1));
    }
}

/// Comes first, and has more at its peak than the one that is killed has at its last checkpoint.
#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn had_forty_mib() {
    drop(filled(40));
}

#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn comes_after() {}

#[heap_tracked]
#[test]
#[ignore = "fails for a reason of its own"]
fn asserts_what_is_wrong() {
    assert_eq!(1 + 1, 3, "arithmetic");
}

/// Fails where its thread does not get a third of a CPU, once what is done to it has begun.
#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn gets_its_cpu() {
    const WORK: Duration = Duration::from_millis(200);
    meet();
    let began = Instant::now();
    let base = thread_cpu_time();
    while thread_cpu_time().saturating_sub(base) < WORK {}
    let took = began.elapsed();
    assert!(took < WORK * 3, "{WORK:?} of CPU took {took:?}");
}

/// Reads a file three times that does not fit into its cgroup, beside memory that leaves little.
#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn reads_more_than_fits() {
    let held = filled(24);
    let path = std::env::var_os("BED_FILE").expect("the case names a file");
    let mut buffer = vec![0; MIB];
    for _ in 0..2 {
        let mut file = std::fs::File::open(&path).expect("the case has made it");
        while file.read(&mut buffer).expect("it can be read") > 0 {}
    }
    drop(black_box(held));
}

/// Reads a file over and over that does not fit into its cgroup: twice itself, and once by a thread of its own.
#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn reads_over_and_over() {
    let read = || {
        let path = std::env::var_os("BED_FILE").expect("the case names a file");
        let mut file = std::fs::File::open(path).expect("the case has made it");
        let mut buffer = vec![0; MIB];
        while file.read(&mut buffer).expect("it can be read") > 0 {}
    };
    read();
    read();
    std::thread::scope(|scope| {
        scope.spawn(read);
    });
}

/// One test after another, on a thread that is older than both.
#[test]
#[ignore = "is for the guest of the bed"]
fn one_after_another() {
    heap_runtime::track("first", meet);
    heap_runtime::track("second", || {
        // Of this one, all is known.
        std::thread::spawn(|| drop(filled(1))).join().unwrap();
    });
}

/// Writes its way over its cgroup's soft limit, and is slowed down there, until it has lost enough.
#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn goes_over_its_soft_limit() {
    const ENOUGH: Duration = Duration::from_secs(3);
    let began = Instant::now();
    let mut held = Vec::new();
    while held.len() < 128 && began.elapsed() < ENOUGH {
        held.extend(filled(1));
    }
    drop(black_box(held));
}

/// Says that it is there, and waits until the case says to go on.
#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn waits_for_what_is_done() {
    meet();
}

#[heap_tracked]
#[test]
#[ignore = "is for the guest of the bed"]
fn waits_until_it_is_off() {
    meet();
}

#[heap_tracked]
#[test]
#[ignore = "fails for a reason of its own"]
fn is_wrong_after_what_is_done() {
    meet();
    assert_eq!(1 + 1, 3, "arithmetic");
}

#[heap_tracked]
#[test]
#[ignore = "fails for a reason of its own"]
fn waits_and_is_wrong() {
    meet();
    assert_eq!(1 + 1, 3, "arithmetic");
}

/// Where the case names a place to meet at.
fn meet() {
    let Ok(place) = std::env::var("BED_MEETING") else {
        return;
    };
    let (here, go) = (format!("{place}.here"), format!("{place}.go"));
    std::fs::File::create(here)
        .and_then(|mut file| file.write_all(b"here"))
        .expect("the place can be written");
    while !Path::new(&go).exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
}
