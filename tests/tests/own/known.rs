//! Known answers, each a thousand times among noisy neighbours, none wrong.

use std::hint::black_box;
use std::mem;
use std::panic::resume_unwind;
use std::sync::{Barrier, Mutex};
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::{Outcome, PeakSource};

use crate::child::{Child, peaked_at};
use crate::class;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("empty", empty),
    ("one_box", one_box),
    ("thousand_boxes", thousand_boxes),
    ("fifty_mib", fifty_mib),
    ("fifty_mib_exactly", fifty_mib_exactly),
    ("small_exactly", small_exactly),
    ("four_children", four_children),
    ("four_children_exactly", four_children_exactly),
    ("grandchild", grandchild),
    ("handed_over", handed_over),
    ("panics", panics),
    ("errs", || assert!(errs().is_err())),
    ("should_panic", should_panic),
];

/// How far one thread's part in a peak may be off.
const INTERVAL: u64 = 64 << 10;

/// A block that was given another size below this may be counted twice.
const SMALL_REALLOCATION: u64 = 4 << 10;

const MIB_50: usize = 50 << 20;
const FIVE_MILLION: usize = 5_000_000;

fn leak<T>(value: T) {
    mem::forget(black_box(Box::new(value)));
}

#[heap_tracked]
fn empty() {}

#[test]
fn an_empty_body_has_done_nothing() {
    let ran = Child::of("empty").thousand_times_in_noise().run();
    ran.each_of_thousand("empty", |own| {
        (own.allocated_bytes, own.deallocated_bytes) == (0, 0)
            && own.retained_bytes == 0
            && (own.peak_bytes, own.peak_error_bytes) == (Some(0), Some(0))
            && (own.threads, own.threads_running) == (1, 0)
    });
    // The noise was there.
    assert!(
        ran.of("empty")
            .iter()
            .all(|sidecar| sidecar.heap.overlap >= Some(1))
    );
    assert!(
        ran.of("neighbour").iter().all(|sidecar| sidecar
            .heap
            .own
            .as_ref()
            .unwrap()
            .allocated_bytes
            > 1 << 20)
    );
}

#[heap_tracked]
fn one_box() {
    leak([1_u8; 24]);
}

#[test]
fn a_leaked_box_is_its_size_class() {
    assert_eq!(class(24), 32);
    let ran = Child::of("one_box").thousand_times_in_noise().run();
    ran.each_of_thousand("one_box", |own| {
        (own.allocated_bytes, own.deallocated_bytes) == (32, 0)
            && own.retained_bytes == 32
            && (own.peak_bytes, own.peak_error_bytes) == (Some(32), Some(0))
    });
}

#[heap_tracked]
fn thousand_boxes() {
    for _ in 0..1000 {
        leak([1_u8; 24]);
    }
}

#[test]
fn a_thousand_boxes_are_a_thousand_times_as_much() {
    let ran = Child::of("thousand_boxes").thousand_times_in_noise().run();
    ran.each_of_thousand("thousand_boxes", |own| {
        (own.allocated_bytes, own.retained_bytes) == (32_000, 32_000)
            && own.peak_bytes == Some(32_000)
    });
}

#[heap_tracked]
fn fifty_mib() {
    drop(black_box(Vec::<u8>::with_capacity(MIB_50)));
}

#[heap_tracked(exact)]
fn fifty_mib_exactly() {
    drop(black_box(Vec::<u8>::with_capacity(MIB_50)));
}

#[test]
fn what_came_and_went_is_in_the_peak() {
    let ran = Child::of("fifty_mib").thousand_times_in_noise().run();
    ran.each_of_thousand("fifty_mib", |own| {
        own.allocated_bytes == class(MIB_50)
            && own.retained_bytes == 0
            && own.peak_source == Some(PeakSource::ThreadEvent)
            // More than was ever allocated was never live.
            && own.peak_error_bytes <= Some(SMALL_REALLOCATION)
            && peaked_at(own, 52_428_800)
            && own.allocations.is_none()
    });
}

#[test]
fn exact_is_to_the_byte() {
    let ran = Child::of("fifty_mib_exactly")
        .thousand_times_in_noise()
        .run();
    ran.each_of_thousand("fifty_mib_exactly", |own| {
        own.retained_bytes == 0
            && own.peak_source == Some(PeakSource::Exact)
            && (own.peak_bytes, own.peak_error_bytes) == (Some(52_428_800), Some(0))
            && own.allocations == Some(1)
    });
}

#[heap_tracked(exact)]
fn small_exactly() {
    let first = black_box(Box::new([1_u8; 8]));
    let second = black_box(Box::new([1_u8; 100]));
    drop(first);
    drop(black_box(Box::new([1_u8; 16])));
    drop(second);
}

#[test]
fn exact_sees_each_small_allocation() {
    let peak = class(8) + class(100) + class(16) - class(8);
    let ran = Child::of("small_exactly").thousand_times_in_noise().run();
    ran.each_of_thousand("small_exactly", |own| {
        own.retained_bytes == 0 && own.allocations == Some(3) && own.peak_bytes == Some(peak)
    });
}

fn hold_at_once() {
    let all_hold = Barrier::new(4);
    thread::scope(|scope| {
        let children = [(); 4].map(|()| {
            scope.spawn(|| {
                let held = black_box(Vec::<u8>::with_capacity(FIVE_MILLION));
                all_hold.wait();
                drop(held);
            })
        });
        // A scope waits for its closures only. Who joins waits for the thread's end.
        for child in children {
            child.join().unwrap();
        }
    });
}

#[heap_tracked]
fn four_children() {
    hold_at_once();
}

#[heap_tracked(exact)]
fn four_children_exactly() {
    hold_at_once();
}

/// What std itself has at once for four threads that it starts, at the most.
const FOR_FOUR_THREADS: u64 = 4096;

#[test]
fn children_peak_together() {
    let held = 4 * class(FIVE_MILLION);
    assert_eq!(held, 4 * 5_001_216);
    let ran = Child::of("four_children").thousand_times_in_noise().run();
    ran.each_of_thousand("four_children", |own| {
        // std's handles keep nothing: they are freed by the end of the join.
        own.retained_bytes == 0
            && (own.threads, own.threads_running) == (5, 0)
            && own.peak_error_bytes <= Some(5 * INTERVAL)
            && peaked_at(own, held)
    });
    let ran = Child::of("four_children_exactly").run();
    let own = ran.own("four_children_exactly");
    assert_eq!(own.retained_bytes, 0);
    let above = own.peak_bytes.unwrap().checked_sub(held).unwrap();
    assert!(above <= FOR_FOUR_THREADS, "{above} bytes above");
}

#[heap_tracked]
fn grandchild() {
    let child = thread::spawn(|| {
        let grandchild = thread::spawn(|| thread::spawn(|| leak([1_u8; 4096])).join().unwrap());
        grandchild.join().unwrap();
    });
    child.join().unwrap();
}

#[test]
fn three_levels_down_is_inside() {
    let ran = Child::of("grandchild").thousand_times_in_noise().run();
    ran.each_of_thousand("grandchild", |own| {
        own.retained_bytes == 4096 && (own.threads, own.threads_running) == (4, 0)
    });
}

static HANDED: Mutex<Option<Box<[u8; 3000]>>> = Mutex::new(None);

#[heap_tracked]
fn gives() {
    *HANDED.lock().unwrap() = Some(Box::new([1; 3000]));
}

#[heap_tracked]
fn takes() {
    loop {
        // A statement of its own: the lock is given back before the buffer is freed.
        let taken = HANDED.lock().unwrap().take();
        if taken.is_some() {
            return;
        }
        thread::yield_now();
    }
}

fn handed_over() {
    thread::scope(|scope| {
        scope.spawn(takes);
        scope.spawn(gives);
    });
}

/// Who allocates is charged, and who frees gets the credit, be it below zero.
#[test]
fn memory_that_is_handed_over_is_kept_by_one_and_freed_by_the_other() {
    let bytes = i64::try_from(class(3000)).unwrap();
    let ran = Child::of("handed_over").thousand_times_in_noise().run();
    ran.each_of_thousand("gives", |own| {
        own.retained_bytes == bytes && own.deallocated_bytes == 0
    });
    ran.each_of_thousand("takes", |own| {
        own.retained_bytes == -bytes && own.allocated_bytes == 0 && own.peak_bytes == Some(0)
    });
}

#[heap_tracked]
fn panics() {
    leak([1_u8; 24]);
    // Of no size: its box is no allocation. What std unwinds with is one, which it frees.
    resume_unwind(Box::new(()));
}

#[heap_tracked]
fn errs() -> Result<(), &'static str> {
    leak([1_u8; 24]);
    Err("as it should")
}

#[heap_tracked]
#[should_panic(expected = "on purpose")]
fn should_panic() {
    leak([1_u8; 24]);
    let message = "on purpose";
    // As `panic!` throws it, but without a word on standard error a thousand times.
    resume_unwind(Box::new(message));
}

#[test]
fn a_failing_body_has_its_own_tier_too() {
    // The panic's payload is alive when the body has ended: it goes on to the harness.
    let payload = i64::try_from(class(size_of::<&str>())).unwrap();
    for (subject, outcome, kept) in [
        ("panics", Outcome::Failed, 32),
        ("errs", Outcome::Failed, 32),
        ("should_panic", Outcome::Passed, 32 + payload),
    ] {
        let ran = Child::of(subject).thousand_times_in_noise().run();
        ran.each_of_thousand(subject, |own| {
            own.retained_bytes == kept
                && own.allocated_bytes == own.deallocated_bytes + kept.unsigned_abs()
                // An `Err` unwinds nothing, and what unwinding takes is freed.
                && (subject != "errs" || own.deallocated_bytes == 0)
        });
        for sidecar in ran.of(subject) {
            assert_eq!(sidecar.outcome, Some(outcome));
        }
    }
}
