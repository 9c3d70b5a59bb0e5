//! A thread that is started outside of all tests: it is seen to its end for jemalloc's sake alone, which an exact
//! test may have marked. See [`crate::jemalloc::rerun_exit`].

use std::ffi::{c_int, c_void};

use super::name::{Create, StartRoutine};
use crate::jemalloc;
use crate::own::thread_end;

/// What it was started for: C's memory, which is in no test's numbers.
struct StartCall {
    routine: StartRoutine,
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
    routine: StartRoutine,
    argument: *mut c_void,
) -> c_int {
    // Before anything is tracked, and where there is no memory, it is started as it is.
    if !jemalloc::handles_thread_exits() {
        // SAFETY: the caller's arguments, unchanged.
        return unsafe { real(thread, attributes, routine, argument) };
    }
    // SAFETY: it is C's, large enough and aligned for anything, and written before it is read.
    unsafe {
        let call = libc::malloc(size_of::<StartCall>()).cast::<StartCall>();
        if call.is_null() {
            return real(thread, attributes, routine, argument);
        }
        call.write(StartCall { routine, argument });
        let code = real(thread, attributes, begin, call.cast());
        if code != 0 {
            libc::free(call.cast());
        }
        code
    }
}

/// The new thread's first function.
///
/// # Safety
///
/// For the C library alone, with what `create` has passed to it.
unsafe extern "C-unwind" fn begin(call: *mut c_void) -> *mut c_void {
    // SAFETY: `create` has made it for this thread alone. Nothing is left to be dropped in this frame when the start
    // function runs, so that unwinding passes it.
    unsafe {
        let StartCall { routine, argument } = call.cast::<StartCall>().read();
        libc::free(call);
        let returned = routine(argument);
        thread_end::watch_untracked();
        returned
    }
}
