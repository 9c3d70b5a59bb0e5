//! Whether the process that wrote a sidecar is still there.

/// Whether the process `pid`, in which a test started at `started_at`, still runs, here and now.
///
/// Numbers of processes are used again, so one that was started after the test does not count. For a
/// sidecar from another machine, and where there is no `/proc`, nobody can tell: it is taken to be
/// gone.
#[cfg(target_os = "linux")]
pub(super) fn is_alive(pid: u32, started_at: &str) -> bool {
    let started_at = humantime::parse_rfc3339(started_at)
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    let stat = i32::try_from(pid)
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
pub(super) fn is_alive(_: u32, _: &str) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::is_alive;

    #[test]
    fn a_process_counts_only_if_it_is_as_old_as_the_test() {
        let own = std::process::id();
        let now = humantime::format_rfc3339_millis(std::time::SystemTime::now()).to_string();
        assert!(is_alive(own, &now));
        assert!(!is_alive(own, "2001-01-01T00:00:00.000Z"));
        assert!(!is_alive(u32::MAX, &now));
        assert!(!is_alive(own, "a while ago"));
    }
}
