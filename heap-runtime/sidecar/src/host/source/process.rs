//! The memory of this process: `/proc/self/status`, and its limit.

use super::{Source, file, memory::kib};
use crate::{HostContext, Resident};
use libc::{RLIM_INFINITY, RLIMIT_AS, getrlimit, rlimit};
use std::mem::MaybeUninit;

impl Source {
    /// What of this process is resident.
    pub(in crate::host) fn resident(&self) -> Resident {
        let mut buffer = file::buffer();
        file::content(&*self.path("/proc/self/status"), &mut buffer)
            .map(parse)
            .unwrap_or_default()
    }
}

/// What the kernel lets the process have. Not by rustix, which takes a refusal for a panic: a test may have
/// given up that call. Then there is a file that says the same.
pub(crate) fn rlimits() -> HostContext {
    let mut limits = MaybeUninit::<rlimit>::uninit();
    // SAFETY: there is room for the limits.
    let address_space_limit_bytes = if unsafe { getrlimit(RLIMIT_AS, limits.as_mut_ptr()) } == 0 {
        // SAFETY: filled in, as there was an answer.
        let current = unsafe { limits.assume_init() }.rlim_cur;
        (current != RLIM_INFINITY).then_some(current)
    } else {
        let mut buffer = file::buffer();
        file::content("/proc/self/limits", &mut buffer).and_then(address_space)
    };
    HostContext {
        address_space_limit_bytes,
        ..HostContext::default()
    }
}

/// The limit in force, which stands before the one that it may be raised to; `unlimited` is none.
fn address_space(limits: &str) -> Option<u64> {
    let mut lines = limits.lines();
    let limit = lines.find_map(|line| line.strip_prefix("Max address space"))?;
    limit.split_ascii_whitespace().next()?.parse().ok()
}

/// The lines of `/proc/self/status` that matter here. They stand one behind another, and the last of them is not there
/// before Linux 4.5.
fn parse(status: &str) -> Resident {
    let mut resident = Resident::default();
    for line in status.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let place = match key {
            "VmHWM" => &mut resident.peak_bytes,
            "VmRSS" => &mut resident.bytes,
            "RssAnon" => &mut resident.anonymous_bytes,
            "RssFile" => &mut resident.file_bytes,
            "RssShmem" => &mut resident.shared_bytes,
            "VmData" => break,
            _ => continue,
        };
        *place = kib(value).and_then(|kib| kib.checked_mul(1024));
    }
    resident
}

/// How far the kernel's counts of resident pages may be off, in bytes: before Linux 6.16, `/proc` leaves out what the CPUs
/// have counted and not told yet, of each of the three kinds of pages.
pub(super) fn error_bytes(release: &str, cpus: impl FnOnce() -> u64) -> u64 {
    const KINDS: u64 = 3;
    const PAGE_BYTES: u64 = 4096;
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut number = || numbers.next().and_then(|number| number.parse::<u32>().ok());
    if (number(), number()) >= (Some(6), Some(16)) {
        return 0;
    }
    let cpus = cpus();
    // `percpu_counter_batch`.
    let batch = cpus.saturating_mul(2).max(32);
    cpus.saturating_mul(batch)
        .saturating_mul(KINDS * PAGE_BYTES)
}

#[cfg(test)]
mod tests {
    use super::{address_space, error_bytes, parse};

    #[test]
    fn the_kinds_of_pages_are_told_where_the_kernel_tells_them() {
        let status = "VmPeak:\t 900 kB\nVmHWM:\t 90 kB\nVmRSS:\t 60 kB\n";
        let old = parse(status);
        assert_eq!(
            (old.peak_bytes, old.bytes),
            (Some(90 << 10), Some(60 << 10))
        );
        assert_eq!(old.anonymous_bytes, None);
        let kinds = "RssAnon:\t 30 kB\nRssFile:\t 20 kB\nRssShmem:\t 10 kB\nVmData:\t 1 kB\n";
        let new = parse(&format!("{status}{kinds}"));
        let kinds = [new.anonymous_bytes, new.file_bytes, new.shared_bytes];
        assert_eq!(kinds, [Some(30 << 10), Some(20 << 10), Some(10 << 10)]);
    }

    #[test]
    fn the_kernel_counts_in_batches_of_each_cpu_before_6_16() {
        assert_eq!(error_bytes("6.18.44-fc-v669", || 64), 0);
        assert_eq!(error_bytes("6.16.0", || 64), 0);
        assert_eq!(error_bytes("7.0.0-rc1", || 64), 0);
        assert_eq!(error_bytes("6.12.41+deb13-amd64", || 2), 3 * 2 * 32 * 4096);
        assert_eq!(error_bytes("5.15.0", || 64), 3 * 64 * 128 * 4096);
        assert_eq!(error_bytes("", || 1), 3 * 32 * 4096);
    }

    #[test]
    fn the_limit_in_force_is_the_first_of_two() {
        let limits = |of_address_space: &str| {
            format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max locked memory         8388608              8388608              bytes     \n\
                 Max address space         {of_address_space}            bytes     \n\
                 Max file locks            unlimited            unlimited            locks     \n"
            )
        };
        let limited = limits("1073741824           unlimited");
        assert_eq!(address_space(&limited), Some(1 << 30));
        assert_eq!(
            address_space(&limits("unlimited            unlimited")),
            None
        );
        assert_eq!(address_space("Max file locks  1  1  locks"), None);
    }
}
