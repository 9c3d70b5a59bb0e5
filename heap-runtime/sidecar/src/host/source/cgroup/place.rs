//! Where the process's own cgroup is to be seen, in each hierarchy.
//!
//! `/proc/self/cgroup` and `/proc/self/mountinfo` both name cgroups as seen from the root of the process's
//! cgroup namespace, with a `..` for each level above it. A process that has left its namespace for another
//! (`unshare -C`) keeps the mounts that it had: its own cgroup is then `/`, and what is mounted `/../..`, two
//! levels above. The names of those levels are told nowhere, so the cgroup is looked for by its processes.

use procfs::process::MountInfo;

use crate::host::source::file;
use std::cmp::Reverse;
use std::fs;

/// So many cgroups are looked at where the names on the way to the own one are hidden. A host that has more
/// gives no answer rather than a late one.
const MOST_LOOKED_AT: usize = 4096;

/// A hierarchy that is mounted somewhere.
pub(super) struct Mount {
    /// The controllers of a hierarchy of version 1; none for version 2.
    controllers: Option<Vec<String>>,
    /// The cgroup that is seen at `point`.
    root: String,
    point: String,
}

/// The directories of the process's own cgroup and of all above it that can be seen, the own first.
pub(super) struct Place {
    pub(super) directories: Vec<String>,
    /// Where the hierarchy is mounted, if it is mounted from its root and the path of the cgroup leads on from there.
    pub(super) plain_point: Option<String>,
}

/// Why there is no [`Place`].
#[derive(Clone, Copy)]
pub(super) enum Unseen {
    NotMounted,
    NotBelowMount,
}

/// Whether a directory is the cgroup of the process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum IsOwn {
    Yes,
    No,
    /// Its processes cannot be listed, as in a threaded cgroup, or none of them is of this PID namespace.
    Unknown,
}

impl Mount {
    /// The mounts of cgroup hierarchies. `root` goes in front of their mount points.
    pub(super) fn list(mountinfo: &str, root: &str) -> Vec<Self> {
        let mut mounts: Vec<Self> = Vec::new();
        for line in mountinfo.lines() {
            // One strange line must not hide the others, so they are parsed one by one.
            if !line.contains(" - cgroup") {
                continue;
            }
            let Ok(info) = MountInfo::from_line(line) else {
                continue;
            };
            let controllers = match info.fs_type.as_str() {
                "cgroup" => Some(info.super_options.into_keys().collect()),
                "cgroup2" => None,
                _ => continue,
            };
            let Some(point) = info.mount_point.to_str() else {
                continue;
            };
            let point = format!("{root}{}", unescaped(point));
            // What is mounted later at the same place hides what was there.
            mounts.retain(|mount| mount.point != point);
            mounts.push(Self {
                controllers,
                root: unescaped(&info.root),
                point,
            });
        }
        mounts
    }

    /// Whether it shows the hierarchy of this controller of version 1, or that of version 2.
    fn shows(&self, controller: Option<&str>) -> bool {
        match (&self.controllers, controller) {
            (None, None) => true,
            (Some(all), Some(controller)) => all.iter().any(|name| name == controller),
            _ => false,
        }
    }

    /// Where `path` is below this mount, if it is: how many levels lead there whose names are hidden, and the
    /// names after them.
    fn way_to<'p>(&self, path: &'p str) -> Option<(usize, &'p str)> {
        let (root_above, root) = levels_above(&self.root);
        let (path_above, path) = levels_above(path);
        let hidden = root_above.checked_sub(path_above)?;
        match hidden {
            0 => Some((0, below(path, root)?)),
            // What has names beside a `..` of its own is beside the way, else it would be named by the `..`.
            _ => root.is_empty().then_some((hidden, path)),
        }
    }
}

impl Place {
    /// The place of the process `pid`, whose cgroup in a hierarchy is `path`.
    pub(super) fn find(
        mounts: &[Mount],
        controller: Option<&str>,
        path: &str,
        pid: u32,
    ) -> Result<Self, Unseen> {
        let mounts: Vec<&Mount> = mounts
            .iter()
            .filter(|mount| mount.shows(controller))
            .collect();
        if mounts.is_empty() {
            return Err(Unseen::NotMounted);
        }
        let mut ways: Vec<_> = mounts
            .iter()
            .filter_map(|mount| Some((mount.way_to(path)?, mount.point.as_str())))
            .collect();
        // A way whose names are known needs no search; of two, the longer one shows more of what is above.
        ways.sort_by_key(|((hidden, names), _)| (*hidden > 0, Reverse(names.len())));
        let inside = || {
            // Some sandboxes name a cgroup from outside and show it at the mount itself.
            let points = mounts.iter().map(|mount| mount.point.as_str());
            let mut own = points.filter(|point| is_own(point, pid) == IsOwn::Yes);
            Some(Self::at(own.next()?, ""))
        };
        let whole = path.trim_start_matches('/');
        ways.into_iter()
            .find_map(|((hidden, names), point)| {
                let mut place = Self::on_the_way(point, hidden, names, pid)?;
                let is_plain = hidden == 0 && names == whole && levels_above(path).0 == 0;
                place.plain_point = is_plain.then(|| point.to_owned());
                Some(place)
            })
            .or_else(inside)
            .ok_or(Unseen::NotBelowMount)
    }

    /// The own cgroup so many hidden levels and then these names below a mount.
    fn on_the_way(point: &str, hidden: usize, names: &str, pid: u32) -> Option<Self> {
        let relative = match hidden {
            0 => names.to_owned(),
            _ => Search::new(pid, names).below(point, "", hidden)?,
        };
        let place = Self::at(point, &relative);
        let own = place.directories.first()?;
        let there = fs::metadata(own).is_ok_and(|own| own.is_dir());
        (there && is_own(own, pid) != IsOwn::No).then_some(place)
    }

    pub(super) fn at(point: &str, relative: &str) -> Self {
        let mut relative = relative.trim_end_matches('/');
        let mut directories = Vec::new();
        while !relative.is_empty() {
            directories.push(format!("{point}/{relative}"));
            relative = relative.rsplit_once('/').map_or("", |(above, _)| above);
        }
        directories.push(point.to_owned());
        Self {
            directories,
            plain_point: None,
        }
    }
}

/// A search for the own cgroup, below levels whose names are hidden.
struct Search<'p> {
    pid: u32,
    /// What comes after the hidden levels.
    names: &'p str,
    left: usize,
}

impl<'p> Search<'p> {
    fn new(pid: u32, names: &'p str) -> Self {
        Self {
            pid,
            names,
            left: MOST_LOOKED_AT,
        }
    }

    /// The path below `point` of the own cgroup, `levels` and the known names below `relative`.
    fn below(&mut self, point: &str, relative: &str, levels: usize) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        if levels == 0 {
            let own = joined(relative, self.names);
            let is_it = is_own(&format!("{point}/{own}"), self.pid) == IsOwn::Yes;
            return is_it.then_some(own);
        }
        for entry in fs::read_dir(format!("{point}/{relative}")).ok()? {
            let Ok(entry) = entry else { continue };
            if entry.file_type().is_ok_and(|kind| kind.is_dir())
                && let Ok(name) = entry.file_name().into_string()
                && let Some(own) = self.below(point, &joined(relative, &name), levels - 1)
            {
                return Some(own);
            }
        }
        None
    }
}

/// How many levels above the root of the cgroup namespace a path begins, and the names from there, without a
/// `/` at their start.
fn levels_above(path: &str) -> (usize, &str) {
    let mut rest = path.trim_start_matches('/');
    let mut levels = 0;
    while let Some(after) = rest.strip_prefix("..")
        && (after.is_empty() || after.starts_with('/'))
    {
        levels += 1;
        rest = after.trim_start_matches('/');
    }
    (levels, rest)
}

/// What of `path` lies below `root`, without a `/` at its start.
fn below<'p>(path: &'p str, root: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(root.trim_end_matches('/'))?;
    if rest.is_empty() || root.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

fn joined(directory: &str, name: &str) -> String {
    if directory.is_empty() || name.is_empty() {
        format!("{directory}{name}")
    } else {
        format!("{directory}/{name}")
    }
}

fn is_own(directory: &str, pid: u32) -> IsOwn {
    let processes = file::whole(format!("{directory}/cgroup.procs").as_str());
    let Some(processes) = processes.and_then(|bytes| String::from_utf8(bytes).ok()) else {
        return IsOwn::Unknown;
    };
    let mut processes = processes
        .lines()
        .filter_map(|process| process.parse().ok())
        // Of another PID namespace.
        .filter(|process: &u32| *process != 0)
        .peekable();
    if processes.peek().is_none() {
        IsOwn::Unknown
    } else if processes.any(|process| process == pid) {
        IsOwn::Yes
    } else {
        IsOwn::No
    }
}

/// A path as the kernel writes it into mountinfo: blanks and backslashes, which systemd puts into names of
/// cgroups, in octal.
fn unescaped(path: &str) -> String {
    path.replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n")
        .replace("\\134", "\\")
}
