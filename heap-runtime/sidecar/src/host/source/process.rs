//! The memory of this process: `/proc/self/status`, and its limit.

use super::{Source, file, memory::kib};
use crate::HostContext;
use libc::{RLIM_INFINITY, RLIMIT_AS, getrlimit, rlimit};
use std::mem::MaybeUninit;

/// The lines of `/proc/self/status` that matter here, in bytes.
#[derive(Default)]
pub(super) struct Process {
    pub(super) rss_bytes: Option<u64>,
    pub(super) peak_rss_bytes: Option<u64>,
}

impl Source {
    pub(super) fn process(&self) -> Process {
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

fn parse(status: &str) -> Process {
    let bytes = |value| kib(value)?.checked_mul(1024);
    let mut process = Process::default();
    for line in status.lines() {
        if let Some(value) = line.strip_prefix("VmHWM:") {
            process.peak_rss_bytes = bytes(value);
        } else if let Some(value) = line.strip_prefix("VmRSS:") {
            process.rss_bytes = bytes(value);
            // It stands right behind the other.
            break;
        }
    }
    process
}

#[cfg(test)]
mod tests {
    use super::address_space;

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
