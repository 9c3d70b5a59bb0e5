//! Time that other processes have no part in.

/// Nanoseconds of CPU time that all threads of the process spend on `work`.
pub fn of_process(work: impl FnOnce()) -> u64 {
    let start = now();
    work();
    now() - start
}

fn now() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the clock exists, and `time` is there to be written.
    let code = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(code, 0);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap()
}
