//! What the destructors of a thread do when it ends is the test's, also in their later rounds.

use std::cell::RefCell;
use std::ffi::c_void;
use std::hint::black_box;
use std::sync::OnceLock;
use std::thread;

use heap_runtime::heap_tracked;

use crate::births::leak;
use crate::child::{Child, Ran, own};

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("destructors", destructors),
    ("tracks_at_the_end", tracks_at_the_end),
    // In the later rounds, std knows of the thread no more, and panics where it is asked.
    ("tracks_after_the_end", ends_with_tests),
];

/// Leaks and frees when its thread ends, and starts a thread then.
struct AtTheEnd(Box<[u8; 1000]>);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        leak(4096);
        thread::spawn(|| leak(4096)).join().unwrap();
        black_box(&self.0);
    }
}

thread_local! {
    static AT_THE_END: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

/// A key of a thread's own values, each of which `destructor` is given at the thread's end.
fn new_key(destructor: extern "C" fn(*mut c_void)) -> libc::pthread_key_t {
    let mut key = 0;
    // SAFETY: the key is written, and the destructors here take any value for a number.
    let code = unsafe { libc::pthread_key_create(&raw mut key, Some(destructor)) };
    assert_eq!(code, 0);
    key
}

/// Has the key's destructor called with this number, and again in a later round if it sets it again.
fn set(key: libc::pthread_key_t, rounds: usize) {
    // SAFETY: the key is there, and its destructor takes a number for what it is.
    let code = unsafe { libc::pthread_setspecific(key, rounds as *const c_void) };
    assert_eq!(code, 0);
}

/// The key of a destructor that leaks in so many rounds as it is set to. It is made after the first tracked
/// test's start.
fn leaking_key() -> libc::pthread_key_t {
    extern "C" fn leaks(rounds: *mut c_void) {
        leak(4096);
        let left = rounds as usize - 1;
        if left > 0 {
            set(leaking_key(), left);
        }
    }
    static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
    *KEY.get_or_init(|| new_key(leaks))
}

#[heap_tracked]
fn destructors() {
    let child = thread::spawn(|| {
        AT_THE_END.set(Some(AtTheEnd(Box::new([1; 1000]))));
        set(leaking_key(), 4);
    });
    child.join().unwrap();
}

#[test]
fn the_last_destructors_of_a_thread_are_counted() {
    let ran = Child::of("destructors").times(100).run();
    for sidecar in ran.of("destructors") {
        let own = own(sidecar);
        assert_eq!(own.retained_bytes, (2 + 4) * 4096);
        assert_eq!((own.threads, own.threads_running), (3, 0));
    }
}

#[heap_tracked]
fn in_a_destructor() {
    leak(4096);
}

/// The same of one that runs a test in each of its rounds.
fn tracking_key() -> libc::pthread_key_t {
    extern "C" fn tracks(rounds: *mut c_void) {
        in_a_destructor();
        let left = rounds as usize - 1;
        if left > 0 {
            set(tracking_key(), left);
        }
    }
    static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();
    *KEY.get_or_init(|| new_key(tracks))
}

/// A thread at whose end four tests run.
fn ends_with_tests() {
    thread::spawn(|| set(tracking_key(), 4)).join().unwrap();
}

#[heap_tracked]
fn tracks_at_the_end() {
    ends_with_tests();
}

#[track_caller]
fn each_kept_a_page(ran: &Ran) {
    let inner = ran.of("in_a_destructor");
    assert_eq!(inner.len(), 4 * 20);
    for sidecar in inner {
        assert_eq!(own(sidecar).retained_bytes, 4096);
    }
}

#[test]
fn a_test_in_a_destructor_of_a_thread_is_measured() {
    let ran = Child::of("tracks_at_the_end").times(20).run();
    each_kept_a_page(&ran);
    for sidecar in ran.of("tracks_at_the_end") {
        assert_eq!(own(sidecar).retained_bytes, 4 * 4096);
    }
}

#[test]
fn a_test_may_begin_when_its_thread_has_ended_to_std() {
    let ran = Child::of("tracks_after_the_end").times(20).run();
    assert!(ran.status.success(), "{}", ran.said);
    assert!(!ran.said.contains("panicked"), "{}", ran.said);
    each_kept_a_page(&ran);
}
