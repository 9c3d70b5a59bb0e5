//! What the memory cgroups of the process use, and their limits, in either version.
//!
//! Of the own one the use is always read. Of each one with a limit, itself or above, all that tells how near the
//! limit is: any of them may be the one that binds.

use super::{Membership, Version, file};
use crate::{CgroupLevel, CgroupMemory, CgroupMemoryEvents};
use std::ffi::CString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// The memory cgroups at and above the process's own that count it, the nearest first.
pub(super) struct MemoryFiles {
    version: Version,
    groups: Vec<Group>,
    /// Whether it is known which of them have a limit.
    are_limits_known: AtomicBool,
}

/// The files of a memory cgroup.
struct Group {
    /// How many levels above the process's own cgroup it is.
    above: u32,
    current: CString,
    /// What happened to it and, in version 2, to all below it.
    events: CString,
    /// In version 2, what happened at its own limits.
    local_events: CString,
    /// In version 1, how often its limit was hit.
    failcnt: CString,
    stat: CString,
    max: CString,
    /// In version 2.
    high: CString,
    /// Whether it had a limit when its limits were last read.
    is_limited: AtomicBool,
}

const NOT_ACCOUNTED: &str = "no cgroup at or above the process's own accounts memory";

/// From here on a limit of version 1 is none: the kernel's largest, rounded down to whole pages of up to 1 MiB.
const V1_UNLIMITED: u64 = (i64::MAX as u64) & !0xF_FFFF;

/// From this share of its limit on, in percent, what a cgroup uses is looked into. To read what it is made of
/// makes the kernel add it up over all CPUs, which is too dear where there is room.
const LOOKED_INTO_PERCENT: u64 = 50;

impl Membership {
    /// How much memory the cgroup uses, how often it was short, and how near the limits are that it has had; or
    /// why that is not known.
    pub(in crate::host::source) fn memory_use(&self) -> Result<CgroupMemory, &'static str> {
        let files = self.memory_files()?;
        if !files.are_limits_known.load(Ordering::Relaxed) {
            files.limits();
        }
        let mut buffer = file::buffer();
        let limited = files.groups.iter().filter(|group| group.is_limited());
        let levels: Vec<_> = limited
            .filter_map(|group| group.level(files.version, &mut buffer))
            .collect();
        let nearest = files.groups.first().ok_or(NOT_ACCOUNTED)?;
        let own = levels.iter().find(|level| level.above == nearest.above);
        Ok(CgroupMemory {
            // Read once, so that one reading does not say two things of one cgroup.
            current_bytes: own
                .and_then(|own| own.current_bytes)
                .or_else(|| file::number(nearest.current.as_c_str(), &mut buffer)),
            events: nearest.events(files.version, &mut buffer),
            ..files.limits_of(levels)
        })
    }

    /// The limits that bind the cgroup.
    pub(in crate::host::source) fn memory_limits(&self) -> Option<CgroupMemory> {
        let files = self.memory_files().ok()?;
        Some(files.limits_of(files.limits()))
    }

    /// The nearest cgroup at or above the own that accounts memory, and those above it. Looked for again as long
    /// as there is none: the controller may yet be switched on.
    fn memory_files(&self) -> Result<&MemoryFiles, &'static str> {
        if let Some(files) = self.memory_files.get() {
            return Ok(files);
        }
        let place = self.memory.as_ref().map_err(|reason| *reason)?;
        let files =
            MemoryFiles::find(&place.directories, self.memory_version).ok_or(NOT_ACCOUNTED)?;
        Ok(self.memory_files.get_or_init(|| files))
    }
}

impl MemoryFiles {
    fn find(directories: &[String], version: Version) -> Option<Self> {
        let usage = version.usage();
        let nearest = directories
            .iter()
            .position(|directory| Path::new(&format!("{directory}{usage}")).exists())?;
        let counting = match version {
            Version::V1 => bounded(directories.get(nearest..)?),
            Version::V2 => directories.get(nearest..)?,
        };
        Self::of(counting, nearest, version)
    }

    /// Those that count, of which the first is so many levels above the process's own.
    pub(super) fn of(counting: &[String], nearest: usize, version: Version) -> Option<Self> {
        let groups = counting
            .iter()
            .zip(nearest..)
            .map(|(directory, above)| Group::of(directory, above, version));
        Some(Self {
            version,
            groups: groups.collect::<Option<_>>()?,
            are_limits_known: AtomicBool::new(false),
        })
    }

    /// How many levels above the process's own the first is, and how many there are.
    pub(super) fn levels(&self) -> (usize, usize) {
        let nearest = self.groups.first().map_or(0, |group| group.above);
        (usize::try_from(nearest).unwrap_or(0), self.groups.len())
    }

    /// The limits of each that has one.
    fn limits(&self) -> Vec<CgroupLevel> {
        let mut buffer = file::buffer();
        let limits = self
            .groups
            .iter()
            .filter_map(|group| group.limits(self.version, &mut buffer));
        let limits = limits.collect();
        self.are_limits_known.store(true, Ordering::Relaxed);
        limits
    }

    /// The lowest limits of these, and all of them.
    fn limits_of(&self, levels: Vec<CgroupLevel>) -> CgroupMemory {
        CgroupMemory {
            version: Some(self.version.number()),
            above: self.groups.first().map(|nearest| nearest.above),
            max_bytes: levels.iter().filter_map(|level| level.max_bytes).min(),
            high_bytes: levels.iter().filter_map(|level| level.high_bytes).min(),
            levels,
            ..CgroupMemory::default()
        }
    }
}

impl Version {
    fn usage(self) -> &'static str {
        match self {
            Self::V1 => "/memory.usage_in_bytes",
            Self::V2 => "/memory.current",
        }
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

impl Group {
    fn of(directory: &str, above: usize, version: Version) -> Option<Self> {
        let file = |name: &str| CString::new(format!("{directory}{name}")).ok();
        let (events, max) = match version {
            Version::V1 => ("/memory.oom_control", "/memory.limit_in_bytes"),
            Version::V2 => ("/memory.events", "/memory.max"),
        };
        Some(Self {
            above: u32::try_from(above).ok()?,
            current: file(version.usage())?,
            events: file(events)?,
            local_events: file("/memory.events.local")?,
            failcnt: file("/memory.failcnt")?,
            stat: file("/memory.stat")?,
            max: file(max)?,
            high: file("/memory.high")?,
            is_limited: AtomicBool::new(false),
        })
    }

    fn is_limited(&self) -> bool {
        self.is_limited.load(Ordering::Relaxed)
    }

    /// Its limits, if it has one.
    fn limits(&self, version: Version, buffer: &mut file::Buffer) -> Option<CgroupLevel> {
        // "max" is no number.
        let max = file::number(self.max.as_c_str(), buffer);
        let (max, high) = match version {
            Version::V1 => (max.filter(|&max| max < V1_UNLIMITED), None),
            Version::V2 => (max, file::number(self.high.as_c_str(), buffer)),
        };
        let is_limited = max.or(high).is_some();
        self.is_limited.store(is_limited, Ordering::Relaxed);
        is_limited.then(|| CgroupLevel {
            above: self.above,
            max_bytes: max,
            high_bytes: high,
            ..CgroupLevel::default()
        })
    }

    /// Its limits, if it has one, and how near they are.
    fn level(&self, version: Version, buffer: &mut file::Buffer) -> Option<CgroupLevel> {
        let mut level = self.limits(version, buffer)?;
        level.current_bytes = file::number(self.current.as_c_str(), buffer);
        level.events = match version {
            Version::V1 => self.events(version, buffer),
            // Before Linux 5.2 there is only the one that has those below in it.
            Version::V2 => file::content(self.local_events.as_c_str(), buffer)
                .map(parse_events)
                .or_else(|| self.events(version, buffer)),
        };
        if let (Some(current), Some(limit)) = (level.current_bytes, level.limit_bytes())
            && current >= limit / 100 * LOOKED_INTO_PERCENT
        {
            level.reclaimable_bytes = file::content(self.stat.as_c_str(), buffer)
                .and_then(|stat| reclaimable(stat, version))
                // Read a moment later.
                .map(|bytes| bytes.min(current));
        }
        Some(level)
    }

    fn events(&self, version: Version, buffer: &mut file::Buffer) -> Option<CgroupMemoryEvents> {
        let events = file::content(self.events.as_c_str(), buffer).map(parse_events);
        let events = match version {
            Version::V1 => CgroupMemoryEvents {
                max: file::number(self.failcnt.as_c_str(), buffer),
                oom_kill: events.and_then(|events| events.oom_kill),
                ..CgroupMemoryEvents::default()
            },
            Version::V2 => events?,
        };
        (events != CgroupMemoryEvents::default()).then_some(events)
    }
}

/// The cgroups of version 1 that count what is below them: before that was always so, a cgroup could be told
/// not to.
fn bounded(directories: &[String]) -> &[String] {
    let mut buffer = file::buffer();
    let bound = directories.iter().skip(1).position(|directory| {
        let switch = format!("{directory}/memory.use_hierarchy");
        file::number(switch.as_str(), &mut buffer) == Some(0)
    });
    bound.map_or(directories, |ancestor| &directories[..=ancestor])
}

/// What the kernel can drop at once: page cache that is on the lists of pages to evict (what is in memory file
/// systems or locked is not) and not yet to be written, and caches such as that of names.
fn reclaimable(stat: &str, version: Version) -> Option<u64> {
    let (caches, unwritten): (&[&str], [&str; 2]) = match version {
        // Those of the cgroup alone have no `total_`.
        Version::V1 => (
            &["total_inactive_file", "total_active_file"],
            ["total_dirty", "total_writeback"],
        ),
        Version::V2 => (
            &["inactive_file", "active_file", "slab_reclaimable"],
            ["file_dirty", "file_writeback"],
        ),
    };
    let (mut droppable, mut kept, mut found) = (0_u64, 0_u64, false);
    for line in stat.lines() {
        let Some((key, bytes)) = line.split_once(' ') else {
            continue;
        };
        if caches.contains(&key) {
            found = true;
            droppable = droppable.saturating_add(bytes.parse().ok()?);
        } else if unwritten.contains(&key) {
            kept = kept.saturating_add(bytes.parse().ok()?);
        }
    }
    found.then(|| droppable.saturating_sub(kept))
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
