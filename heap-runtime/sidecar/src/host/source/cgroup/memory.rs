//! The memory cgroup of the process, of either version.

use super::{Membership, Source, file};
use crate::{CgroupMemory, CgroupMemoryEvents};
use std::ffi::CString;
use std::path::Path;

/// The files of a memory cgroup, and the limits of it and its ancestors.
pub(super) enum MemoryFiles {
    V1 {
        usage: CString,
        failcnt: CString,
        oom_control: CString,
        limits: Vec<CString>,
    },
    V2 {
        current: CString,
        events: CString,
        max: Vec<CString>,
        high: Vec<CString>,
    },
}

/// From here on a limit of version 1 is none: the kernel's largest, rounded down to whole pages of up to 1 MiB.
const V1_UNLIMITED: u64 = (i64::MAX as u64) & !0xF_FFFF;

impl Source {
    /// How much memory the cgroup uses, and how often it was short.
    pub(in crate::host::source) fn cgroup_use(&self) -> Option<CgroupMemory> {
        let membership = self.membership()?;
        let files = membership.memory_files().ok()?;
        let mut buffer = file::buffer();
        let memory = match files {
            MemoryFiles::V1 {
                usage,
                failcnt,
                oom_control,
                ..
            } => CgroupMemory {
                version: Some(1),
                current_bytes: file::number(usage.as_c_str(), &mut buffer),
                events: present(CgroupMemoryEvents {
                    max: file::number(failcnt.as_c_str(), &mut buffer),
                    oom_kill: file::content(oom_control.as_c_str(), &mut buffer)
                        .and_then(|text| parse_events(text).oom_kill),
                    ..CgroupMemoryEvents::default()
                }),
                ..CgroupMemory::default()
            },
            MemoryFiles::V2 {
                current, events, ..
            } => CgroupMemory {
                version: Some(2),
                current_bytes: file::number(current.as_c_str(), &mut buffer),
                events: file::content(events.as_c_str(), &mut buffer)
                    .and_then(|text| present(parse_events(text))),
                ..CgroupMemory::default()
            },
        };
        Some(memory)
    }

    /// The limits that bind the cgroup.
    pub(in crate::host::source) fn cgroup_limits(&self) -> Option<CgroupMemory> {
        let membership = self.membership()?;
        let mut buffer = file::buffer();
        let mut lowest = |files: &[CString]| {
            files
                .iter()
                // "max" is no number.
                .filter_map(|limit| file::number(limit.as_c_str(), &mut buffer))
                .min()
        };
        let memory = match membership.memory_files().ok()? {
            MemoryFiles::V1 { limits, .. } => CgroupMemory {
                version: Some(1),
                max_bytes: lowest(limits).filter(|&limit| limit < V1_UNLIMITED),
                ..CgroupMemory::default()
            },
            MemoryFiles::V2 { max, high, .. } => CgroupMemory {
                version: Some(2),
                max_bytes: lowest(max),
                high_bytes: lowest(high),
                ..CgroupMemory::default()
            },
        };
        Some(memory)
    }

    /// Why the memory cgroup is not known.
    pub(in crate::host::source) fn cgroup_memory_reason(&self) -> Option<String> {
        let membership = self.membership()?;
        membership.memory_files().err().map(str::to_owned)
    }
}

impl Membership {
    /// The nearest cgroup at or above the own that accounts memory. Looked for again as long as there is none:
    /// the controller may yet be switched on.
    fn memory_files(&self) -> Result<&MemoryFiles, &'static str> {
        if let Some(files) = self.memory_files.get() {
            return Ok(files);
        }
        let place = self.memory.as_ref().map_err(|reason| *reason)?;
        let files = MemoryFiles::find(&place.directories, self.memory_version)
            .ok_or("no cgroup at or above the process's own accounts memory")?;
        Ok(self.memory_files.get_or_init(|| files))
    }
}

impl MemoryFiles {
    fn find(directories: &[String], version: u8) -> Option<Self> {
        let usage = match version {
            1 => "/memory.usage_in_bytes",
            _ => "/memory.current",
        };
        let nearest = directories
            .iter()
            .position(|directory| Path::new(&format!("{directory}{usage}")).exists())?;
        let directories = directories.get(nearest..)?;
        let own = directories.first()?;
        Some(match version {
            1 => Self::V1 {
                usage: joined(own, usage)?,
                failcnt: joined(own, "/memory.failcnt")?,
                oom_control: joined(own, "/memory.oom_control")?,
                limits: existing(bounded(directories), "/memory.limit_in_bytes"),
            },
            _ => Self::V2 {
                current: joined(own, usage)?,
                events: joined(own, "/memory.events")?,
                max: existing(directories, "/memory.max"),
                high: existing(directories, "/memory.high"),
            },
        })
    }
}

/// The cgroups of version 1 whose limits count here: before that was always so, a cgroup could be told not to
/// count what is below it.
fn bounded(directories: &[String]) -> &[String] {
    let mut buffer = file::buffer();
    let bound = directories.iter().skip(1).position(|directory| {
        let switch = format!("{directory}/memory.use_hierarchy");
        file::number(switch.as_str(), &mut buffer) == Some(0)
    });
    bound.map_or(directories, |ancestor| &directories[..=ancestor])
}

fn joined(directory: &str, file: &str) -> Option<CString> {
    CString::new(format!("{directory}{file}")).ok()
}

/// `file` of each directory that has it. The root of version 2 has no limit.
fn existing(directories: &[String], file: &str) -> Vec<CString> {
    directories
        .iter()
        .map(|directory| format!("{directory}{file}"))
        .filter(|path| std::fs::exists(path).unwrap_or(false))
        .filter_map(|path| CString::new(path).ok())
        .collect()
}

fn parse_events(text: &str) -> CgroupMemoryEvents {
    let mut events = CgroupMemoryEvents::default();
    for line in text.lines() {
        let Some((key, count)) = line.split_once(' ') else {
            continue;
        };
        let count = count.trim().parse().ok();
        match key {
            "low" => events.low = count,
            "high" => events.high = count,
            "max" => events.max = count,
            "oom" => events.oom = count,
            "oom_kill" => events.oom_kill = count,
            _ => {}
        }
    }
    events
}

fn present(events: CgroupMemoryEvents) -> Option<CgroupMemoryEvents> {
    (events != CgroupMemoryEvents::default()).then_some(events)
}
