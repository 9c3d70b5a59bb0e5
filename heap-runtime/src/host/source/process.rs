//! The memory of this process: `/proc/self/status`, and its limit.

use super::{Source, file, memory::kib};
use crate::{HostContext, kernel};

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

/// What getrlimit(2) says of the process.
pub(crate) fn rlimits() -> HostContext {
    HostContext {
        address_space_limit_bytes: kernel::address_space_limit().filter(|bytes| *bytes != u64::MAX),
        ..HostContext::default()
    }
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
