//! What the kernel is asked about this process, and may refuse to say: a test may have given it up, by a
//! seccomp filter.
//!
//! Not by rustix, which takes a refusal of these calls for a panic. They allocate nothing, and leave
//! `errno` alone, as they are asked inside the allocator too.

use std::mem::MaybeUninit;

use libc::{RLIM_INFINITY, RLIMIT_FSIZE, c_int, getrlimit, rlimit};

/// This process's number.
#[cfg(target_os = "linux")]
pub(crate) fn process_id() -> i32 {
    // SAFETY: it takes nothing, and touches nothing.
    leaving_errno(|| unsafe { libc::getpid() })
}

/// The calling thread's number.
#[cfg(proc_fs)]
pub(crate) fn thread_id() -> i32 {
    // Not every C library of today has a function for it.
    // SAFETY: it takes nothing, and touches nothing.
    let number = leaving_errno(|| unsafe { libc::syscall(libc::SYS_gettid) });
    i32::try_from(number).unwrap_or(-1)
}

/// Nanoseconds by the clock that is never set.
pub(crate) fn monotonic_ns() -> Option<u64> {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `now` gives room for the time.
    let ask = || unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) };
    if leaving_errno(ask) != 0 {
        return None;
    }
    // SAFETY: filled in, as there was an answer.
    let now = unsafe { now.assume_init() };
    let (seconds, ns) = (
        u64::try_from(now.tv_sec).ok()?,
        u64::try_from(now.tv_nsec).ok()?,
    );
    seconds.checked_mul(1_000_000_000)?.checked_add(ns)
}

/// How many bytes a file may have that is written to; `u64::MAX` where that is not limited. To write
/// beyond it is answered with a signal that kills. Nothing where the process may not ask.
pub(crate) fn file_size_limit() -> Option<u64> {
    // SAFETY: `soft` gives room for the limits.
    soft(|limits| unsafe { getrlimit(RLIMIT_FSIZE, limits) })
}

/// The limit in force.
fn soft(ask: impl FnOnce(*mut rlimit) -> c_int) -> Option<u64> {
    let mut limits = MaybeUninit::<rlimit>::uninit();
    if leaving_errno(|| ask(limits.as_mut_ptr())) != 0 {
        return None;
    }
    // SAFETY: filled in, as there was an answer.
    let current = unsafe { limits.assume_init() }.rlim_cur;
    if current == RLIM_INFINITY {
        return Some(u64::MAX);
    }
    // Signed on some systems.
    u64::try_from(i128::from(current)).ok()
}

#[cfg(target_os = "linux")]
fn leaving_errno<T>(ask: impl FnOnce() -> T) -> T {
    // SAFETY: it is the calling thread's, and always there.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    let answer = ask();
    // SAFETY: as above.
    unsafe { *errno = before };
    answer
}

/// On Linux alone is anything asked inside the allocator.
#[cfg(not(target_os = "linux"))]
fn leaving_errno<T>(ask: impl FnOnce() -> T) -> T {
    ask()
}
