//! What a command has cost: its time, and that of all it started.

use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

use std::os::unix::process::ExitStatusExt as _;

/// What became of a command that has ended.
pub(crate) struct Spent {
    pub(crate) status: ExitStatus,
    pub(crate) wall_s: f64,
    /// User and system time.
    pub(crate) cpu_s: f64,
    /// The most memory that one of its processes had resident.
    pub(crate) peak_kib: f64,
}

/// Runs a command to its end, with nothing to read and nobody to read what it prints.
pub(crate) fn run(command: &mut Command) -> Spent {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let start = Instant::now();
    #[expect(clippy::zombie_processes, reason = "it is waited for by `wait4`")]
    let child = command.spawn().expect("the command can be started");
    let pid = i32::try_from(child.id()).expect("a process number");
    let mut status = 0;
    // SAFETY: all zeros is a value of this plain structure of numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the child is ours and not waited for yet; both places are there to be written.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, &raw mut usage) };
    let wall_s = start.elapsed().as_secs_f64();
    assert_eq!(waited, pid, "the command is waited for");
    Spent {
        status: ExitStatus::from_raw(status),
        wall_s,
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_kib: crate::rounds::number(u64::try_from(usage.ru_maxrss).unwrap_or_default()),
    }
}

fn seconds(time: libc::timeval) -> f64 {
    let whole = u64::try_from(time.tv_sec).unwrap_or_default();
    let micros = u64::try_from(time.tv_usec).unwrap_or_default();
    crate::rounds::number(whole) + crate::rounds::number(micros) / 1e6
}
