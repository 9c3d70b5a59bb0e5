//! The host's memory: `/proc/meminfo` and `/proc/vmstat`.

use super::{Source, file};

/// The lines of `/proc/meminfo` that matter here.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) total_kib: Option<u64>,
    pub(super) available_kib: Option<u64>,
    pub(super) swap_free_kib: Option<u64>,
    pub(super) hugepages_total: Option<u64>,
    pub(super) hugepages_free: Option<u64>,
    pub(super) hugepages_size_kib: Option<u64>,
}

impl Source {
    pub(super) fn memory(&self) -> Memory {
        let mut buffer = file::buffer();
        file::content(&*self.path("/proc/meminfo"), &mut buffer)
            .map(parse)
            .unwrap_or_default()
    }

    /// Processes killed for want of memory since boot.
    pub(super) fn oom_kills(&self) -> Option<u64> {
        let mut buffer = file::buffer();
        let vmstat = self.path("/proc/vmstat");
        file::number_after("\noom_kill ", &self.oom_kill_end, &*vmstat, &mut buffer)
    }
}

fn parse(meminfo: &str) -> Memory {
    let mut memory = Memory::default();
    for line in meminfo.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        match key {
            "MemTotal" => memory.total_kib = kib(value),
            "MemAvailable" => memory.available_kib = kib(value),
            "SwapFree" => memory.swap_free_kib = kib(value),
            "HugePages_Total" => memory.hugepages_total = value.trim().parse().ok(),
            "HugePages_Free" => memory.hugepages_free = value.trim().parse().ok(),
            "Hugepagesize" => memory.hugepages_size_kib = kib(value),
            _ => {}
        }
    }
    memory
}

/// A size as /proc prints it. Its `kB` are KiB.
pub(super) fn kib(value: &str) -> Option<u64> {
    value.trim().strip_suffix(" kB")?.trim_end().parse().ok()
}
