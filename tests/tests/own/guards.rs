//! A thread joins a test by a handle's guard, and leaves it with the guard.

use std::cell::RefCell;
use std::hint::black_box;
use std::thread;

use heap_runtime::{EnteredHandle, Handle, heap_tracked};

use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("out_of_order", out_of_order),
    ("own_thread", own_thread),
    ("after_the_end", after_the_end),
    ("outlives_its_thread", outlives_its_thread),
];

fn leak(bytes: usize) {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(bytes)));
}

#[heap_tracked]
fn hands_out(handles: &mut Vec<Handle>) {
    handles.push(heap_runtime::current());
}

/// Two tests, open at once, and their handles.
#[heap_tracked]
fn first(work: &dyn Fn(&Handle, &Handle)) {
    let first = heap_runtime::current();
    thread::scope(|scope| {
        let helper = scope.spawn(|| {});
        helper.join().unwrap();
    });
    second(&first, work);
}

#[heap_tracked]
fn second(first: &Handle, work: &dyn Fn(&Handle, &Handle)) {
    let second = heap_runtime::current();
    work(first, &second);
}

/// `second` is inside `first`, so what a thread does for it is in both. The thread is older than
/// both, so it is in them by its guards alone.
fn out_of_order() {
    let (to_thread, jobs) = std::sync::mpsc::sync_channel::<(Handle, Handle)>(1);
    let (done, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let older = thread::spawn(move || {
        for (first, second) in jobs {
            enter_out_of_order(&first, &second);
            done.send(()).unwrap();
        }
    });
    first(&|first, second| {
        let before = black_box((first.clone(), second.clone()));
        to_thread.send(before).unwrap();
        wait.recv().unwrap();
    });
    drop(to_thread);
    older.join().unwrap();
}

fn enter_out_of_order(first: &Handle, second: &Handle) {
    let in_first = first.enter();
    leak(4096);
    let in_second = second.enter();
    leak(8192);
    drop(in_first);
    leak(16_384);
    let in_first = first.enter();
    leak(32_768);
    drop(in_second);
    leak(65_536);
    drop(in_first);
    // Nobody's.
    leak(1 << 20);
}

#[test]
fn guards_may_be_dropped_in_any_order() {
    let ran = Child::of("out_of_order").run();
    let [first, second] = ["first", "second"].map(|name| ran.own(name));
    // What the channels took is below the smallest leak.
    let leaks = |retained: i64| retained - retained.rem_euclid(4096);
    assert_eq!(leaks(second.retained_bytes), 8192 + 16_384);
    assert_eq!(
        leaks(first.retained_bytes),
        4096 + 8192 + 16_384 + 32_768 + 65_536
    );
    assert_eq!((first.threads, second.threads), (3, 2));
    assert_eq!((first.threads_running, second.threads_running), (0, 0));
}

#[heap_tracked]
fn own_thread() {
    let test = heap_runtime::current();
    let again = test.enter();
    leak(4096);
    let and_again = test.clone();
    let inner = and_again.enter();
    leak(4096);
    drop(again);
    leak(4096);
    drop(inner);
    leak(4096);
}

#[test]
fn the_tests_own_thread_may_enter_too() {
    let ran = Child::of("own_thread").run();
    let own = ran.own("own_thread");
    assert_eq!(own.retained_bytes, 4 * 4096);
    assert_eq!((own.threads, own.threads_running), (1, 0));
}

#[heap_tracked]
fn comes_later(handle: &Handle) {
    let _entered = handle.enter();
    leak(4096);
}

#[heap_tracked]
fn and_then() {
    leak(8192);
}

fn after_the_end() {
    let mut handles = Vec::with_capacity(1);
    hands_out(&mut handles);
    let handle = handles.pop().unwrap();
    comes_later(&handle);
    let entered = handle.enter();
    leak(4096);
    // Inside a closed test, a new one is on its own.
    and_then();
    drop(entered);
    drop(handle);
    // Nothing is taken from a test that uses the same space again.
    and_then();
}

#[test]
fn after_the_tests_end_a_handle_charges_nobody() {
    let ran = Child::of("after_the_end").run();
    assert_eq!(ran.own("hands_out").allocated_bytes, 0);
    // There, the thread had left it for the closed one.
    assert_eq!(ran.own("comes_later").allocated_bytes, 0);
    for sidecar in ran.of("and_then") {
        assert_eq!(crate::child::own(sidecar).allocated_bytes, 8192);
        assert_eq!(sidecar.heap.overlap, Some(0));
    }
}

thread_local! {
    static KEPT: RefCell<Option<EnteredHandle<'static>>> = const { RefCell::new(None) };
}

#[heap_tracked]
fn keeps_a_guard() {
    let handle: &'static Handle = Box::leak(Box::new(heap_runtime::current()));
    let older = thread::spawn(move || {
        KEPT.set(Some(handle.enter()));
        // A guard that is never dropped.
        std::mem::forget(handle.enter());
        leak(4096);
    });
    older.join().unwrap();
    // In the space of the thread that has ended.
    thread::spawn(|| leak(4096)).join().unwrap();
}

fn outlives_its_thread() {
    for _ in 0..10 {
        keeps_a_guard();
    }
}

#[test]
fn a_guard_that_is_never_dropped_ends_with_its_thread() {
    let ran = Child::of("outlives_its_thread").run();
    for sidecar in ran.of("keeps_a_guard") {
        let own = crate::child::own(sidecar);
        let handle = i64::try_from(crate::class(size_of::<Handle>())).unwrap();
        assert_eq!(own.retained_bytes, 2 * 4096 + handle);
        assert_eq!((own.threads, own.threads_running), (3, 0));
    }
}
