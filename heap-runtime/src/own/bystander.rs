//! A thread that is started outside of all tests: it is seen to its end for jemalloc's sake alone, which an exact
//! test may have marked. See [`crate::jemalloc::end_again`].

use std::ffi::{c_int, c_void};

use super::name::{Create, Start};
use crate::jemalloc;
use crate::own::thread_end;

/// What it was started for: C's memory, which is in no test's numbers.
struct Errand {
    start: Start,
    argument: *mut c_void,
}

/// Starts it.
///
/// # Safety
///
/// As the C library's.
pub(super) unsafe fn create(
    real: Create,
    thread: *mut libc::pthread_t,
    attributes: *const libc::pthread_attr_t,
    start: Start,
    argument: *mut c_void,
) -> c_int {
    // Before anything is tracked, and where there is no memory, it is started as it is.
    if !jemalloc::knows_ends() {
        // SAFETY: the caller's arguments, unchanged.
        return unsafe { real(thread, attributes, start, argument) };
    }
    // SAFETY: it is C's, large enough and aligned for anything, and written before it is read.
    unsafe {
        let errand = libc::malloc(size_of::<Errand>()).cast::<Errand>();
        if errand.is_null() {
            return real(thread, attributes, start, argument);
        }
        errand.write(Errand { start, argument });
        let code = real(thread, attributes, begin, errand.cast());
        if code != 0 {
            libc::free(errand.cast());
        }
        code
    }
}

/// The new thread's first function.
///
/// # Safety
///
/// For the C library alone, with what `create` has passed to it.
unsafe extern "C-unwind" fn begin(errand: *mut c_void) -> *mut c_void {
    // SAFETY: `create` has made it for this thread alone. Nothing is left to be dropped in this frame when the start
    // function runs, so that unwinding passes it.
    unsafe {
        let Errand { start, argument } = errand.cast::<Errand>().read();
        libc::free(errand);
        let returned = start(argument);
        thread_end::see_off();
        returned
    }
}
