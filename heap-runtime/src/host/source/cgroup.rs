//! The memory cgroup of the process, of either version.

use super::{Source, file};
use crate::host::{CgroupMemory, CgroupMemoryEvents};
use procfs::process::MountInfo;
use procfs::{FromBufRead, ProcessCGroups};
use std::ffi::CString;
use std::sync::{Arc, PoisonError};

/// Where the hierarchies that can account memory are mounted.
pub(super) struct Mounts {
    v1: Vec<Mount>,
    v2: Vec<Mount>,
}

struct Mount {
    /// The cgroup that is seen at `point`.
    root: String,
    point: String,
}

/// What `/proc/self/cgroup` said, and what was found there.
pub(super) struct Membership {
    text: String,
    files: Files,
}

/// The files of a memory cgroup, and the limits of it and its ancestors.
enum Files {
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
    pub(super) fn cgroup_use(&self) -> Option<CgroupMemory> {
        let membership = self.membership()?;
        let mut buffer = file::buffer();
        let memory = match &membership.files {
            Files::V1 {
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
            Files::V2 {
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
    pub(super) fn cgroup_limits(&self) -> Option<CgroupMemory> {
        let membership = self.membership()?;
        let mut buffer = file::buffer();
        let mut lowest = |files: &[CString]| {
            files
                .iter()
                // "max" is no number.
                .filter_map(|limit| file::number(limit.as_c_str(), &mut buffer))
                .min()
        };
        let memory = match &membership.files {
            Files::V1 { limits, .. } => CgroupMemory {
                version: Some(1),
                max_bytes: lowest(limits).filter(|&limit| limit < V1_UNLIMITED),
                ..CgroupMemory::default()
            },
            Files::V2 { max, high, .. } => CgroupMemory {
                version: Some(2),
                max_bytes: lowest(max),
                high_bytes: lowest(high),
                ..CgroupMemory::default()
            },
        };
        Some(memory)
    }

    /// Where the process is now. Looked up again only when it has been moved.
    fn membership(&self) -> Option<Arc<Membership>> {
        let mut buffer = file::buffer();
        let text = file::content(&*self.path("/proc/self/cgroup"), &mut buffer)?;
        let mut known = self
            .membership
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(membership) if membership.text == text => Some(Arc::clone(membership)),
            _ => {
                let membership = Arc::new(Membership {
                    text: text.to_owned(),
                    files: self.find(text)?,
                });
                Some(Arc::clone(known.insert(membership)))
            }
        }
    }

    fn find(&self, membership: &str) -> Option<Files> {
        let groups = ProcessCGroups::from_buf_read(membership.as_bytes()).ok()?;
        let v1 = groups
            .0
            .iter()
            .find(|group| group.controllers.iter().any(|name| name == "memory"));
        let mounts = self.mounts()?;
        // A controller is in one hierarchy at a time: with memory on version 1, version 2 knows nothing about it.
        if let Some(group) = v1 {
            let mut directories = visible(&mounts.v1, &group.pathname, "/memory.usage_in_bytes")?;
            let mut buffer = file::buffer();
            // Before it was always on, a cgroup could be told not to count what is below it.
            let bound = directories.iter().skip(1).position(|directory| {
                let switch = format!("{directory}/memory.use_hierarchy");
                file::number(switch.as_str(), &mut buffer) == Some(0)
            });
            directories.truncate(bound.map_or(directories.len(), |ancestor| ancestor + 1));
            let own = directories.first()?;
            Some(Files::V1 {
                usage: joined(own, "/memory.usage_in_bytes")?,
                failcnt: joined(own, "/memory.failcnt")?,
                oom_control: joined(own, "/memory.oom_control")?,
                limits: existing(&directories, "/memory.limit_in_bytes"),
            })
        } else {
            let group = groups.0.iter().find(|group| group.hierarchy == 0)?;
            let directories = visible(&mounts.v2, &group.pathname, "/memory.current")?;
            let own = directories.first()?;
            Some(Files::V2 {
                current: joined(own, "/memory.current")?,
                events: joined(own, "/memory.events")?,
                max: existing(&directories, "/memory.max"),
                high: existing(&directories, "/memory.high"),
            })
        }
    }

    /// The mounts, read once.
    fn mounts(&self) -> Option<&Mounts> {
        if let Some(mounts) = self.mounts.get() {
            return Some(mounts);
        }
        let mountinfo = std::fs::read(&*self.path("/proc/self/mountinfo")).ok()?;
        let mut mounts = Mounts {
            v1: Vec::new(),
            v2: Vec::new(),
        };
        for line in String::from_utf8_lossy(&mountinfo).lines() {
            // One strange line must not hide the others, so they are parsed one by one.
            if !line.contains(" - cgroup") {
                continue;
            }
            let Ok(info) = MountInfo::from_line(line) else {
                continue;
            };
            let Some(point) = info.mount_point.to_str() else {
                continue;
            };
            let mount = Mount {
                root: unescaped(&info.root),
                point: self.path(&unescaped(point)).into_owned(),
            };
            match info.fs_type.as_str() {
                "cgroup" if info.super_options.contains_key("memory") => mounts.v1.push(mount),
                "cgroup2" => mounts.v2.push(mount),
                _ => {}
            }
        }
        Some(self.mounts.get_or_init(|| mounts))
    }
}

/// The directories from the nearest cgroup at or above `path` that has `file` up to the mount's root.
fn visible(mounts: &[Mount], path: &str, file: &str) -> Option<Vec<String>> {
    // Outside of what this cgroup namespace can see: whatever is mounted, it is not above this process.
    if path.split('/').any(|name| name == "..") {
        return None;
    }
    mounts
        .iter()
        .filter_map(|mount| Some((mount, below(path, &mount.root)?)))
        .find_map(|(mount, relative)| accounted(mount, relative, file))
        .or_else(|| mounts.iter().find_map(|mount| accounted(mount, "", file)))
}

/// What of `path` lies below `root`, without a `/` at its start.
fn below<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(root.trim_end_matches('/'))?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

fn accounted(mount: &Mount, relative: &str, file: &str) -> Option<Vec<String>> {
    let mut relative = relative.trim_end_matches('/');
    let mut directories = Vec::new();
    loop {
        let directory = if relative.is_empty() {
            mount.point.clone()
        } else {
            format!("{}/{relative}", mount.point)
        };
        if !directories.is_empty() || std::fs::exists(format!("{directory}{file}")).ok()? {
            directories.push(directory);
        }
        if relative.is_empty() {
            break;
        }
        relative = relative.rsplit_once('/').map_or("", |(above, _)| above);
    }
    (!directories.is_empty()).then_some(directories)
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

/// A path as the kernel writes it into mountinfo: blanks and backslashes, which systemd puts into names of
/// cgroups, in octal.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
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
