//! Where jemalloc has no place left for a call-back.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use heap_runtime::heap_tracked;
use heap_runtime::sidecar::PeakSource;

use crate::child::{Child, own, peaked_at};
use crate::class;

pub(crate) const SUBJECTS: &[crate::Subject] = &[("without_call_backs", || {
    take_all_places();
    alone();
    exact_is_refused();
    together();
    holds_and_starts();
    leaves_a_thread();
    paused();
})];

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

fn come_and_go(bytes: usize) {
    drop(black_box(Vec::<u8>::with_capacity(bytes)));
}

#[heap_tracked]
fn alone() {
    come_and_go(MIB_20);
}

#[heap_tracked(exact)]
fn exact_is_refused() {
    come_and_go(MIB_20);
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
        ("exact_is_refused", class, 1),
        ("together", 3 * class, 4),
        ("holds_and_starts", class, 4),
        // An inner test begins anew; of this one, all parts count.
        ("paused", class, 1),
        ("inner", 0, 1),
    ] {
        for sidecar in ran.of(name) {
            let own = own(sidecar);
            assert_eq!(own.peak_source, Some(PeakSource::ThreadPeak), "{name}");
            // Of several, nobody knows whether they peaked at once.
            let error = match threads {
                1 => Some(100_000),
                _ => own.peak_bytes,
            };
            assert_eq!(own.peak_error_bytes, error, "{name}");
            let missed = own.peak_bytes.unwrap().abs_diff(peak);
            assert!(missed <= 100_000 * threads, "{name}: {own:?}");
            assert_eq!(own.allocations, None, "{name}");
            assert_eq!(own.threads, u32::try_from(threads).unwrap(), "{name}");
        }
    }
    for sidecar in ran.of("paused") {
        let at = sidecar.heap.checkpoints[0].own.as_ref().unwrap();
        assert!(peaked_at(at, class), "{at:?}");
    }
    // Nobody can ask for the peak of a thread that runs on.
    for sidecar in ran.of("leaves_a_thread") {
        let own = own(sidecar);
        assert_eq!((own.threads, own.threads_running), (2, 1));
        assert_eq!((own.peak_bytes, own.peak_source), (None, None));
    }
}
