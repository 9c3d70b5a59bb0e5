//! Epochs of jemalloc, which the process tier takes: alone, a test has its own; tests that overlap share them,
//! and nothing that a test did is missed.

use std::hint::black_box;
use std::mem::forget;
use std::sync::{Barrier, mpsc};
use std::thread;

use heap_runtime::heap_tracked;

use crate::child::{Child, Ran};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("epochs_of_one", epochs_of_one),
    ("epochs_beside_another", epochs_beside_another),
    ("epochs_of_many", epochs_of_many),
];

/// Far more than all that harness, tracking and threads' caches come to meanwhile.
const LEAKED: u32 = 8 << 20;
const NOISE: i64 = 1 << 20;

const TIMES: u32 = 50;
const THREADS: u32 = 16;

#[heap_tracked]
fn leaks() {
    forget(black_box(Vec::<u8>::with_capacity(LEAKED as usize)));
}

#[heap_tracked]
fn stays(meanwhile: &dyn Fn()) {
    meanwhile();
}

#[heap_tracked]
fn leaks_with_others(all: &Barrier) {
    all.wait();
    forget(black_box(Vec::<u8>::with_capacity(LEAKED as usize)));
    all.wait();
}

/// How often the statistics were brought up to date meanwhile, by anybody.
fn advances(meanwhile: impl FnOnce()) -> u64 {
    let now = || tikv_jemalloc_ctl::epoch::read().unwrap();
    let before = now();
    meanwhile();
    now() - before
}

fn epochs_of_one() {
    assert_eq!(advances(|| _ = heap_runtime::collect()), 1);
    for _ in 0..TIMES {
        assert_eq!(advances(leaks), 2);
    }
}

fn epochs_beside_another() {
    let (begun, begins) = mpsc::channel::<()>();
    let (end, ends) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        stays(&|| {
            begun.send(()).unwrap();
            let _ended = ends.recv();
        });
    });
    begins.recv().unwrap();
    let all: Vec<u64> = (0..TIMES).map(|_| advances(leaks)).collect();
    // One is older than it may be where this thread was kept waiting.
    assert!(
        all.iter().all(|advances| [1, 2].contains(advances)),
        "{all:?}"
    );
    assert!(all.contains(&1), "{all:?}");
    // Whoever asks for a snapshot itself has one of that moment.
    assert_eq!(advances(|| _ = heap_runtime::collect()), 1);
    drop(end);
    other.join().unwrap();
}

fn epochs_of_many() {
    let all = Barrier::new(THREADS as usize);
    let advances = advances(|| {
        thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| leaks_with_others(&all));
            }
        });
    });
    assert!(advances <= u64::from(2 * THREADS), "{advances}");
}

fn run(subject: &str) -> Ran {
    let ran = Child::of(subject).env("HEAP_PROCESS", "1").run();
    assert!(
        ran.status.success() && !ran.said.contains("panicked"),
        "{}",
        ran.said
    );
    ran
}

/// What the process tiers of the executions of a test say of what is allocated.
fn deltas(ran: &Ran, name: &str) -> Vec<i64> {
    let tiers = ran.of(name).into_iter().map(|sidecar| sidecar.heap.process);
    tiers
        .map(|tier| tier.unwrap().delta.allocated_bytes.unwrap())
        .collect()
}

#[test]
fn who_is_alone_takes_both_of_its_epochs() {
    let ran = run("epochs_of_one");
    for delta in deltas(&ran, "leaks") {
        assert!((delta - i64::from(LEAKED)).abs() < NOISE, "{delta}");
    }
}

#[test]
fn who_overlaps_may_begin_with_a_recent_one_and_ends_with_a_new_one() {
    let ran = run("epochs_beside_another");
    for delta in deltas(&ran, "leaks") {
        assert!((delta - i64::from(LEAKED)).abs() < NOISE, "{delta}");
    }
    let all = i64::from(TIMES) * i64::from(LEAKED);
    assert!((deltas(&ran, "stays")[0] - all).abs() < NOISE);
}

#[test]
fn of_those_who_end_together_each_has_all_that_it_did() {
    let ran = run("epochs_of_many");
    let deltas = deltas(&ran, "leaks_with_others");
    assert_eq!(deltas.len(), THREADS as usize);
    for delta in deltas {
        // As all of them leak before one ends.
        assert!(
            (delta - i64::from(THREADS * LEAKED)).abs() < i64::from(THREADS) * NOISE,
            "{delta}"
        );
    }
}
