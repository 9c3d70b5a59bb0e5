//! Whether the process that wrote a sidecar is still there.

use crate::sidecar::Sidecar;

/// Whether the process of a `running` sidecar still runs, here and now.
///
/// Numbers of processes are used again, so a process that was started after the test does not
/// count. Where there is no `/proc`, or the sidecar is from another machine, nobody can tell: there,
/// it is taken to be gone unless a process of that number happens to be as old.
#[cfg(target_os = "linux")]
pub(super) fn is_alive(sidecar: &Sidecar) -> bool {
    let started_at = humantime::parse_rfc3339(&sidecar.started_at)
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let stat = i32::try_from(sidecar.pid)
        .ok()
        .and_then(|pid| procfs::process::Process::new(pid).ok())
        .and_then(|process| process.stat().ok());
    let (Some(started_at), Some(stat)) = (started_at, stat) else {
        return false;
    };
    // A zombie has ended and waits only to be asked how.
    if matches!(stat.state, 'Z' | 'X') {
        return false;
    }
    let Ok(boot) = procfs::boot_time_secs() else {
        return true;
    };
    let born = boot + stat.starttime / procfs::ticks_per_second();
    // Both clocks are rounded to a second, and the boot time moves with the wall clock.
    born <= started_at.as_secs() + 2
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_alive(_: &Sidecar) -> bool {
    false
}
