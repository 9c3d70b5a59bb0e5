//! Where the cgroups of a process are to be seen on most hosts: each hierarchy is mounted from its root, at one place,
//! and what `/proc/self/cgroup` says leads on from there.
//!
//! That is found out by going through all mounts, and all processes of the cgroup. Another process whose
//! `/proc/self/cgroup` says the same, and which has the same namespaces, can be told.

use super::{Membership, MemoryFiles, Place, PressureFiles, Version};
use crate::host::source::cgroup::cpu::CpuFiles;
use crate::host::source::known::{Pairs, Text};
use crate::run_id::fnv1a;
use std::sync::OnceLock;

/// See above.
#[derive(Clone)]
pub(in crate::host::source) struct Plain {
    /// Of what `/proc/self/cgroup` said.
    text: u64,
    memory: Point,
    /// How many levels above the own cgroup the nearest is that counts memory, and how many count it: nothing where
    /// that was not asked, or none did.
    counting: Option<(usize, usize)>,
    cpu: Option<Point>,
    /// Where version 2 is mounted, and the own cgroup is not its root.
    pressure: Option<Point>,
}

/// Where a hierarchy of a version is mounted.
#[derive(Clone)]
pub(super) struct Point {
    pub(super) version: Version,
    pub(super) path: String,
}

/// What the three lookups of [`Source::find`](super::Source::find) have found: the hierarchies of memory, of CPU
/// time, and of version 2.
pub(super) struct Found<'a> {
    pub(super) memory: (Version, Option<&'a Place>),
    pub(super) cpu: (Version, Option<&'a Place>),
    pub(super) unified: Option<&'a Place>,
    pub(super) has_pressure: bool,
}

impl Plain {
    /// Nothing where memory, or anything else that was found, is not as it mostly is.
    pub(super) fn found(text: &str, found: &Found<'_>) -> Option<Self> {
        let point = |version, place: &Place| {
            let path = place.plain_point.clone()?;
            Some(Point { version, path })
        };
        let (version, memory) = found.memory;
        let cpu = match found.cpu {
            (version, Some(place)) => Some(point(version, place)?),
            (_, None) => None,
        };
        let pressure = match found.unified.filter(|_| found.has_pressure) {
            Some(place) => Some(point(Version::V2, place)?),
            None => None,
        };
        Some(Self {
            text: fnv1a([text.as_bytes()]),
            memory: point(version, memory?)?,
            counting: None,
            cpu,
            pressure,
        })
    }

    /// The membership of a process that is where this one was.
    pub(super) fn membership(&self, text: &str) -> Option<Membership> {
        if self.text != fnv1a([text.as_bytes()]) {
            return None;
        }
        let place = |point: &Point, controller| {
            let names = path_in(text, point.version, controller)?.trim_start_matches('/');
            Some(Place::at(&point.path, names))
        };
        let memory = place(&self.memory, "memory")?;
        let memory_files = OnceLock::new();
        if let Some((nearest, levels)) = self.counting {
            let end = nearest.checked_add(levels)?;
            let counting = memory.directories.get(nearest..end)?;
            let files = MemoryFiles::of(counting, nearest, self.memory.version)?;
            let _ = memory_files.set(files);
        }
        let cpu = match &self.cpu {
            Some(point) => CpuFiles::new(&place(point, "cpu")?.directories, point.version),
            None => None,
        };
        let pressure = match &self.pressure {
            Some(point) => PressureFiles::of(place(point, "")?.directories.first()?),
            None => None,
        };
        Some(Membership {
            text: text.to_owned(),
            memory_version: self.memory.version,
            memory: Ok(memory),
            memory_files,
            cpu,
            pressure,
            plain: Some(self.clone()),
        })
    }

    pub(in crate::host::source) fn put(&self, text: &mut Text) {
        text.put("cgroup", self.text);
        let mut put = |key, point: &Point| {
            text.put(
                key,
                format_args!("{} {}", point.version.number(), point.path),
            );
        };
        put("cgroup_memory", &self.memory);
        self.cpu.iter().for_each(|point| put("cgroup_cpu", point));
        self.pressure
            .iter()
            .for_each(|point| put("cgroup_pressure", point));
        if let Some((nearest, levels)) = self.counting {
            text.put("cgroup_nearest", nearest);
            text.put("cgroup_levels", levels);
        }
    }

    pub(in crate::host::source) fn of(known: Pairs<'_>) -> Option<Self> {
        let point = |key| {
            let (version, path) = known.one(key)?.split_once(' ')?;
            let version = match version {
                "1" => Version::V1,
                "2" => Version::V2,
                _ => return None,
            };
            let path = path.to_owned();
            Some(Point { version, path })
        };
        let nearest = known.number("cgroup_nearest");
        Some(Self {
            text: known.number("cgroup")?,
            memory: point("cgroup_memory")?,
            counting: nearest.zip(known.number("cgroup_levels")),
            cpu: point("cgroup_cpu"),
            pressure: point("cgroup_pressure"),
        })
    }
}

impl Membership {
    /// What another process can be told of it.
    pub(in crate::host::source) fn plain(&self) -> Option<Plain> {
        let mut plain = self.plain.clone()?;
        plain.counting = self.memory_files.get().map(MemoryFiles::levels);
        Some(plain)
    }
}

/// What `/proc/self/cgroup` says of a hierarchy: `number:controllers:path`.
fn path_in<'t>(text: &'t str, version: Version, controller: &str) -> Option<&'t str> {
    let mut lines = text.lines().filter_map(|line| {
        let (number, rest) = line.split_once(':')?;
        let (controllers, path) = rest.split_once(':')?;
        Some((number, controllers, path))
    });
    let has = |controllers: &str| controllers.split(',').any(|name| name == controller);
    let found = lines.find(|(number, controllers, _)| match version {
        Version::V1 => has(controllers),
        Version::V2 => *number == "0",
    });
    Some(found?.2)
}
