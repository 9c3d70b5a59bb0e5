//! The memory of this process: `/proc/self/status`.

use super::{Source, file, memory::kib};

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
