//! Threads that end without another call of jemalloc's, while exact tests have their hooks put in and taken out.

use std::ffi::c_void;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use heap_runtime::heap_tracked;

use crate::child::Child;

pub(crate) const SUBJECTS: &[crate::Subject] = &[
    ("bystanders_end_silently", || {
        // Before the first test, nobody looks at threads.
        exactly();
        end_silently();
    }),
    ("threads_of_a_test_end_silently", around_silent_ends),
];

const TIMES: usize = 50;

static IS_READY: AtomicBool = AtomicBool::new(false);
static MAY_END: AtomicBool = AtomicBool::new(false);

/// A thread of C's, so that nothing is freed after this.
extern "C" fn allocates_and_waits(_: *mut c_void) -> *mut c_void {
    drop(black_box(Box::new(1_u64)));
    IS_READY.store(true, Ordering::SeqCst);
    while !MAY_END.load(Ordering::SeqCst) {
        thread::yield_now();
    }
    null_mut()
}

#[heap_tracked(exact)]
fn exactly() {
    std::mem::forget(black_box(Vec::<u8>::with_capacity(24)));
}

fn end_silently() {
    for _ in 0..TIMES {
        IS_READY.store(false, Ordering::SeqCst);
        MAY_END.store(false, Ordering::SeqCst);
        let mut silent = MaybeUninit::uninit();
        // SAFETY: the function is of the type that is asked for, and takes anything.
        let code = unsafe {
            libc::pthread_create(silent.as_mut_ptr(), null(), allocates_and_waits, null_mut())
        };
        assert_eq!(code, 0);
        while !IS_READY.load(Ordering::SeqCst) {
            thread::yield_now();
        }
        exactly();
        MAY_END.store(true, Ordering::SeqCst);
        // SAFETY: the thread was started, and is joined once.
        let code = unsafe { libc::pthread_join(silent.assume_init(), null_mut()) };
        assert_eq!(code, 0);
    }
}

#[heap_tracked]
fn around_silent_ends() {
    end_silently();
}

#[test]
fn a_thread_that_ends_after_hooks_have_come_or_gone_is_off_jemallocs_list() {
    for (subject, times) in [
        ("bystanders_end_silently", TIMES + 1),
        ("threads_of_a_test_end_silently", TIMES),
    ] {
        let ran = Child::of(subject).run();
        assert!(
            ran.status.success(),
            "{subject}: {} {}",
            ran.status,
            ran.said
        );
        let all = ran.of("exactly");
        assert_eq!(all.len(), times, "{subject}");
        for sidecar in all {
            let own = crate::child::own(sidecar);
            assert_eq!((own.retained_bytes, own.allocations), (32, Some(1)));
        }
    }
}
