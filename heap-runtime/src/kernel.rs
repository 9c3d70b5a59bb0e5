//! What the kernel is asked about this process, and may refuse to say: a test may have given it up, by a
//! seccomp filter.
//!
//! Not by rustix, which takes a refusal of these calls for a panic. They allocate nothing, and leave
//! `errno` alone, as they are asked inside the allocator too.

use std::cell::Cell;
use std::mem::MaybeUninit;

use libc::{RLIM_INFINITY, RLIMIT_FSIZE, c_int, getrlimit, rlimit};

thread_local! {
    /// Whether nothing is to be asked on the calling thread. Without a destructor, as it is asked inside the allocator.
    static CONFINED: Cell<bool> = const { Cell::new(false) };
}

/// Whether nothing is asked on the calling thread from here on, as though all was refused: it may be killed for a question.
#[cfg(spawns)]
pub(crate) fn set_confined(confined: bool) {
    CONFINED.set(confined);
}

/// See `set_confined`.
pub(crate) fn is_confined() -> bool {
    CONFINED.get()
}

/// The calling thread's number; 0 where it may not be asked.
#[cfg(proc_fs)]
pub(crate) fn thread_id() -> i32 {
    if is_confined() {
        return 0;
    }
    // Not every C library of today has a function for it.
    // SAFETY: it takes nothing, and touches nothing.
    let number = leaving_errno(|| unsafe { libc::syscall(libc::SYS_gettid) });
    i32::try_from(number).unwrap_or(-1)
}

/// Nanoseconds by the clock that is never set.
pub(crate) fn monotonic_ns() -> Option<u64> {
    clock_ns(libc::CLOCK_MONOTONIC)
}

fn clock_ns(clock: libc::clockid_t) -> Option<u64> {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `now` gives room for the time.
    let ask = || unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) };
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

/// Nanoseconds that a thread has been on a CPU: the calling one, or another of this process.
#[cfg(proc_fs)]
pub(crate) fn thread_cpu_ns(thread: Option<i32>) -> Option<u64> {
    /// `CPUCLOCK_PERTHREAD_MASK | CPUCLOCK_SCHED`, of the kernel's interface.
    const OF_A_THREAD: libc::clockid_t = 6;
    if is_confined() {
        return None;
    }
    let clock = thread.map_or(libc::CLOCK_THREAD_CPUTIME_ID, |thread| {
        (!thread << 3) | OF_A_THREAD
    });
    clock_ns(clock)
}

/// What the calling thread has used, since it was born.
#[cfg(proc_fs)]
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThreadUsage {
    pub(crate) user_ns: u64,
    pub(crate) system_ns: u64,
    pub(crate) minor_faults: u64,
    pub(crate) major_faults: u64,
    pub(crate) voluntary_switches: u64,
    pub(crate) involuntary_switches: u64,
}

/// See [`ThreadUsage`]. Nothing where it may not be asked.
#[cfg(proc_fs)]
pub(crate) fn thread_usage() -> Option<ThreadUsage> {
    let usage = usage(libc::RUSAGE_THREAD)?;
    let ns = |time: libc::timeval| {
        let (seconds, us) = (
            u64::try_from(time.tv_sec).ok()?,
            u64::try_from(time.tv_usec).ok()?,
        );
        seconds
            .checked_mul(1_000_000_000)?
            .checked_add(us.checked_mul(1000)?)
    };
    let number = |number: libc::c_long| u64::try_from(number).ok();
    Some(ThreadUsage {
        user_ns: ns(usage.ru_utime)?,
        system_ns: ns(usage.ru_stime)?,
        minor_faults: number(usage.ru_minflt)?,
        major_faults: number(usage.ru_majflt)?,
        voluntary_switches: number(usage.ru_nvcsw)?,
        involuntary_switches: number(usage.ru_nivcsw)?,
    })
}

/// What the calling thread, or all of them, has used. Nothing where it may not be asked.
#[cfg(proc_fs)]
fn usage(of: c_int) -> Option<libc::rusage> {
    if is_confined() {
        return None;
    }
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: `usage` gives room for the answer.
    let ask = || unsafe { libc::getrusage(of, usage.as_mut_ptr()) };
    if leaving_errno(ask) != 0 {
        return None;
    }
    // SAFETY: filled in, as there was an answer.
    Some(unsafe { usage.assume_init() })
}

/// Page faults of this process so far, those that had to wait for a device included. Nothing where it may not ask.
#[cfg(proc_fs)]
pub(crate) fn page_faults() -> Option<u64> {
    let usage = usage(libc::RUSAGE_SELF)?;
    u64::try_from(i128::from(usage.ru_minflt) + i128::from(usage.ru_majflt)).ok()
}

/// How large a page is, in bytes.
#[cfg(proc_fs)]
pub(crate) fn page_bytes() -> u64 {
    // SAFETY: it takes a number, and touches nothing.
    let bytes = leaving_errno(|| unsafe { libc::sysconf(libc::_SC_PAGESIZE) });
    u64::try_from(bytes).unwrap_or(4096)
}

/// How many bytes a file may have that is written to; `u64::MAX` where that is not limited. To write
/// beyond it is answered with a signal that kills. Nothing where the process may not ask.
pub(crate) fn file_size_limit() -> Option<u64> {
    if is_confined() {
        return None;
    }
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
