//! The name `pthread_create`, which threads of all kinds are started by.
//!
//! Others want it too: sanitizers, crash handlers, whoever counts threads. A program that has two
//! definitions does not link, so this one is weak: it is taken where there is no other. That other
//! then starts the threads, and nobody here hears of them, which is found out and said.
//!
//! A definition in the executable comes before those of libraries in the order of look-up, also
//! before preloaded ones. Those are found as the next.
//!
//! A sanitizer's is weak too, and must see every thread, or it aborts. In a program that is compiled
//! for one, ours is not weak: it comes first and goes on to the sanitizer's, which has a second name.

use std::ffi::{c_int, c_void};
use std::mem::transmute;
use std::ptr::null_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use crate::own::interpose::Interposed;

// "C-unwind", because `pthread_exit` and cancellation unwind through the frame of the first function.
pub(super) type StartRoutine = unsafe extern "C-unwind" fn(*mut c_void) -> *mut c_void;
pub(super) type Create = unsafe extern "C" fn(
    *mut libc::pthread_t,
    *const libc::pthread_attr_t,
    StartRoutine,
    *mut c_void,
) -> c_int;

fn found() -> &'static Interposed<Create> {
    // SAFETY: `interpose` has made a table of this name and this layout, in `spawn.rs`.
    unsafe extern "C" {
        static heap_runtime_pthread_create_found: Interposed<Create>;
    }
    // SAFETY: `interpose` has made it, and the interceptor is of this type.
    unsafe { &heap_runtime_pthread_create_found }
}

/// What starts a thread in truth: a sanitizer's function, a preloaded library's, the C library's.
pub(super) fn next() -> Option<Create> {
    // Looked for by whoever is first, and by each that comes meanwhile: nobody waits, as a fork might for ever.
    static NEXT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
    found().sanitizers.or_else(|| {
        let mut next = NEXT.load(Ordering::Relaxed);
        if next.is_null() {
            // SAFETY: the name ends in a nul.
            next = unsafe { libc::dlsym(libc::RTLD_NEXT, c"pthread_create".as_ptr()) };
            NEXT.store(next, Ordering::Relaxed);
        }
        // SAFETY: what is found by that name has this type, by POSIX.
        (!next.is_null()).then(|| unsafe { transmute::<*mut c_void, Create>(next) })
    })
}

/// Whether threads are started by another definition than ours: this program's own, or those of its
/// shared libraries.
pub(super) fn is_anothers() -> bool {
    static ANOTHERS: OnceLock<bool> = OnceLock::new();
    *ANOTHERS.get_or_init(|| {
        let Interposed { ours, taken, .. } = *found();
        // SAFETY: the name ends in a nul.
        let librarys = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"pthread_create".as_ptr()) };
        ours != taken || ours != librarys.cast_const()
    })
}
