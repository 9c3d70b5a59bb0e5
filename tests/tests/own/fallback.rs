//! Where jemalloc has no place left for a call-back, or for a hook.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::PeakSource;
use heap_tests::resizes::{self, Global, Sizes};

use crate::child::{Child, own, peaked_at};
use crate::class;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("without_call_backs", || {
        take_all_places();
        alone();
        shrinks();
        exact();
        together();
        holds_and_starts();
        leaves_a_thread();
        paused();
    }),
    ("without_any", || {
        take_all_places();
        take_all_hooks();
        exact();
        paused();
    }),
    ("without_hooks", || {
        take_all_hooks();
        alone();
        for sizes in resizes::KINDS {
            exactly(*sizes);
        }
    }),
];

const MIB_20: usize = 20 << 20;

/// What jemalloc takes: see its `user_hook_object_t`.
#[derive(Clone, Copy)]
#[repr(C)]
struct CallBack {
    function: extern "C" fn(bool, u64, u64),
    interval: u64,
    is_alloc_only: bool,
}

fn take_all_places() {
    // Four that differ: the same one again takes no place.
    extern "C" fn nothing<const N: usize>(_: bool, _: u64, _: u64) {
        black_box(N);
    }
    for function in [nothing::<0>, nothing::<1>, nothing::<2>, nothing::<3>] {
        let event = CallBack {
            function,
            interval: 1 << 30,
            is_alloc_only: true,
        };
        // SAFETY: the layout is jemalloc's, and the function lives for ever.
        unsafe { tikv_jemalloc_ctl::raw::write(b"experimental.hooks.thread_event\0", event) }
            .unwrap();
    }
}

/// As many as jemalloc takes, which do nothing.
fn take_all_hooks() {
    let none: [*const (); 4] = [std::ptr::null(); 4];
    let mut taken = 0;
    loop {
        let mut handle = std::ptr::null::<()>();
        let mut length = size_of_val(&handle);
        // SAFETY: the layout is jemalloc's, of whose functions each may be absent.
        let code = unsafe {
            tikv_jemalloc_sys::mallctl(
                c"experimental.hooks.install".as_ptr(),
                (&raw mut handle).cast(),
                &raw mut length,
                none.as_ptr().cast_mut().cast(),
                size_of_val(&none),
            )
        };
        if code != 0 {
            break;
        }
        taken += 1;
    }
    assert_eq!(taken, 4);
}

fn come_and_go(bytes: usize) {
    drop(black_box(Vec::<u8>::with_capacity(bytes)));
}

#[heap_tracked]
fn alone() {
    come_and_go(MIB_20);
}

/// jemalloc's own peak has it twice.
#[heap_tracked]
fn shrinks() {
    let mut held = Vec::<u8>::with_capacity(MIB_20);
    let before = held.as_ptr();
    held.shrink_to(MIB_20 / 2);
    assert_eq!(black_box(&held).as_ptr(), before);
}

#[heap_tracked(exact)]
fn exact() {
    come_and_go(MIB_20);
}

#[heap_tracked(exact)]
fn exactly(sizes: Sizes) {
    resizes::say(&resizes::through::<Global>(sizes, resizes::class));
}

#[heap_tracked]
fn together() {
    let all_hold = Barrier::new(3);
    thread::scope(|scope| {
        let children = [(); 3].map(|()| {
            scope.spawn(|| {
                let held = black_box(Vec::<u8>::with_capacity(MIB_20));
                all_hold.wait();
                drop(held);
            })
        });
        for child in children {
            child.join().unwrap();
        }
    });
}

/// What is held while a thread starts counts once.
#[heap_tracked]
fn holds_and_starts() {
    let held = black_box(Vec::<u8>::with_capacity(MIB_20));
    for _ in 0..3 {
        thread::spawn(|| ()).join().unwrap();
    }
    drop(held);
}

#[heap_tracked]
fn leaves_a_thread() {
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    thread::spawn(move || receiver.recv());
    std::mem::forget(sender);
}

// The same peak again is no larger one.
#[heap_tracked(max_peak = "30 MiB")]
fn paused() {
    come_and_go(MIB_20);
    heap_runtime::checkpoint("peaked");
    come_and_go(MIB_20);
    heap_runtime::label("peaked", "twice");
    inner();
    come_and_go(1000);
}

#[heap_tracked]
fn inner() {
    come_and_go(1000);
}

#[test]
fn without_call_backs_the_peak_is_each_threads() {
    let ran = Child::of("without_call_backs").times(20).run();
    let class = class(MIB_20);
    for (name, peak, threads) in [
        ("alone", class, 1),
        ("together", 3 * class, 4),
        ("holds_and_starts", class, 4),
        ("inner", 0, 1),
    ] {
        for sidecar in ran.of(name) {
            let own = own(sidecar);
            assert_eq!(own.peak_source, Some(PeakSource::ThreadPeak), "{name}");
            let error = own.peak_error_bytes.unwrap();
            if threads == 1 {
                assert_eq!(error, 100_000, "{name}");
            } else {
                // Of several, nobody knows whether they peaked at once; but what is left was live.
                let left = own.peak_bytes.unwrap() - error;
                assert_eq!(left, own.retained_bytes.unsigned_abs(), "{name}");
            }
            let missed = own.peak_bytes.unwrap().abs_diff(peak);
            assert!(missed <= 100_000 * threads, "{name}: {own:?}");
            assert_eq!(own.allocations, None, "{name}");
            assert_eq!(own.threads, u32::try_from(threads).unwrap(), "{name}");
        }
    }
    for sidecar in ran.of("shrinks") {
        let own = own(sidecar);
        assert_eq!(own.peak_bytes, Some(class + class / 2));
        assert_eq!(own.peak_error_bytes, Some(class / 2));
    }
    // Nobody can ask for the peak of a thread that runs on.
    for sidecar in ran.of("leaves_a_thread") {
        let own = own(sidecar);
        assert_eq!((own.threads, own.threads_running), (2, 1));
        assert_eq!((own.peak_bytes, own.peak_source), (None, None));
    }
    // There are hooks: for who asks, and for a limit, which nothing else could be held to. An inner test begins
    // anew; of this one, all parts count.
    for name in ["exact", "paused"] {
        for sidecar in ran.of(name) {
            let own = own(sidecar);
            assert_eq!(own.peak_source, Some(PeakSource::Exact), "{name}");
            assert_eq!(own.peak_bytes, Some(class), "{name}");
            assert_eq!(own.peak_error_bytes, Some(0), "{name}");
        }
    }
}

#[test]
fn with_neither_exact_is_refused() {
    let ran = Child::of("without_any").run();
    let class = class(MIB_20);
    let own = ran.own("exact");
    assert_eq!(own.peak_source, Some(PeakSource::ThreadPeak));
    assert!(peaked_at(own, class) && own.allocations.is_none());
    let own = ran.own("paused");
    assert_eq!(own.peak_source, Some(PeakSource::ThreadPeak));
    assert!(peaked_at(own, class), "{own:?}");
    let at = ran.only("paused").heap.checkpoints[0].own.as_ref().unwrap();
    assert!(peaked_at(at, class), "{at:?}");
    let budget = &ran.only("paused").budgets[0];
    assert_eq!((budget.held, &budget.note), (Some(true), &None));
}

/// Without hooks, each allocation is looked at by a call-back, which stays.
#[test]
fn without_hooks_exact_is_exact_too() {
    let ran = Child::of("without_hooks").run();
    for sidecar in ran.of("exactly") {
        let (own, known) = (own(sidecar), resizes::said(sidecar));
        assert_eq!(own.peak_source, Some(PeakSource::Exact));
        // What is small and reallocated in its place is told in two halves.
        assert!(own.peak_error_bytes <= Some(4096));
        assert!(peaked_at(own, known.peak), "{known:?} {own:?}");
        assert_eq!(own.allocations, Some(known.times));
    }
    assert!(ran.said.contains("no free slot for hooks"), "{}", ran.said);
    assert!(peaked_at(ran.own("alone"), class(MIB_20)));
}
