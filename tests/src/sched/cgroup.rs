//! Cgroups of the suite's own, to limit the CPU time of single threads.
//!
//! Both versions take threads. Version 1 does so by itself. In version 2 the new group is made `threaded`, which makes
//! the group that the process lives in the root of a threaded domain. There processes and groups may stand side
//! by side, so it works also where the process is in a leaf.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use rustix::thread::gettid;

use super::clock::now;
use super::contest::Entry;
use super::cpu::MachineLock;
use super::refusal::{Allowed, Refusal, allowed};

/// How long a thread that has ended may still be seen in its group.
const LEAVING: Duration = Duration::from_secs(2);

/// A cgroup with the CPU controller, removed when this is dropped.
#[derive(Debug)]
pub struct CpuGroup {
    folder: PathBuf,
    version: Version,
    /// In version 2: the file in which this group switched the controller on, to switch it off again.
    switched_on: Option<PathBuf>,
    /// In version 2 a file of the parent is changed, so only one test does it at a time. A sibling relies on the first's.
    _lock: Option<MachineLock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

/// How often a group was held back, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// Periods in which the quota was used up.
    pub periods: usize,
    /// How long threads that wanted to run were not let.
    pub time: Duration,
}

impl CpuGroup {
    /// Makes a group below the one that this process is in.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    pub fn create() -> Allowed<Self> {
        let Some((parent, version)) = home()? else {
            return Ok(Err(Refusal::new(
                "this process is in no mounted cgroup with the cpu controller",
            )));
        };
        let lock = match version {
            Version::One => None,
            Version::Two => Some(MachineLock::wait("cgroup")?),
        };
        Self::create_in(&parent, version, lock)
    }

    /// Makes a group beside this one. It must be dropped before this one.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    pub fn sibling(&self) -> Allowed<Self> {
        let parent = self.folder.parent().ok_or(io::ErrorKind::InvalidInput)?;
        Self::create_in(parent, self.version, None)
    }

    fn create_in(parent: &Path, version: Version, lock: Option<MachineLock>) -> Allowed<Self> {
        let folder = parent.join(unused_name());
        if let Err(refusal) = allowed(
            &format!("mkdir {}", folder.display()),
            fs::create_dir(&folder),
        )? {
            return Ok(Err(refusal));
        }
        // From here on it is removed also when the rest fails.
        let mut group = Self {
            folder,
            version,
            switched_on: None,
            _lock: lock,
        };
        if version == Version::Two
            && let Err(refusal) = group.make_threaded(parent)?
        {
            return Ok(Err(refusal));
        }
        Ok(Ok(group))
    }

    /// Lets the group use `quota` of CPU time in each `period`.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    pub fn limit(&self, quota: Duration, period: Duration) -> Allowed<()> {
        let (quota, period) = (quota.as_micros(), period.as_micros());
        match self.version {
            Version::One => {
                if let Err(refusal) = self.write("cpu.cfs_period_us", &period.to_string())? {
                    return Ok(Err(refusal));
                }
                self.write("cpu.cfs_quota_us", &quota.to_string())
            }
            Version::Two => self.write("cpu.max", &format!("{quota} {period}")),
        }
    }

    /// Gives the group this part of the default weight, in percent.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal.
    pub fn weigh(&self, percent: u32) -> Allowed<()> {
        match self.version {
            Version::One => self.write("cpu.shares", &(1024 * percent / 100).to_string()),
            Version::Two => self.write("cpu.weight", &percent.to_string()),
        }
    }

    /// How often the group was held back.
    ///
    /// # Errors
    ///
    /// If the kernel does not show it.
    pub fn throttled(&self) -> io::Result<Throttled> {
        let text = fs::read_to_string(self.folder.join("cpu.stat"))?;
        let value = |key: &str| stat_value(&text, key);
        let missing = || io::Error::other("cpu.stat lacks the throttling counters");
        let time = match self.version {
            Version::One => value("throttled_time").map(Duration::from_nanos),
            Version::Two => value("throttled_usec").map(Duration::from_micros),
        };
        Ok(Throttled {
            periods: value("nr_throttled")
                .and_then(|periods| periods.try_into().ok())
                .ok_or_else(missing)?,
            time: time.ok_or_else(missing)?,
        })
    }

    fn make_threaded(&mut self, parent: &Path) -> Allowed<()> {
        if let Err(refusal) = self.write("cgroup.type", "threaded")? {
            return Ok(Err(refusal));
        }
        let switches = parent.join("cgroup.subtree_control");
        if fs::read_to_string(&switches)?
            .split_whitespace()
            .any(|name| name == "cpu")
        {
            return Ok(Ok(()));
        }
        let on = allowed(
            &format!("+cpu in {}", switches.display()),
            fs::write(&switches, "+cpu"),
        )?;
        if on.is_ok() {
            self.switched_on = Some(switches);
        }
        Ok(on)
    }

    fn write(&self, file: &str, value: &str) -> Allowed<()> {
        let path = self.folder.join(file);
        allowed(
            &format!("write {value} to {}", path.display()),
            fs::write(&path, value),
        )
    }
}

impl Entry for CpuGroup {
    fn enter(&self) -> Allowed<()> {
        let file = match self.version {
            Version::One => "tasks",
            Version::Two => "cgroup.threads",
        };
        self.write(file, &gettid().as_raw_nonzero().to_string())
    }
}

impl Drop for CpuGroup {
    fn drop(&mut self) {
        // A thread that was joined leaves its group a moment later. Nothing tells when.
        let give_up = now() + LEAVING;
        while let Err(error) = fs::remove_dir(&self.folder) {
            if error.kind() != io::ErrorKind::ResourceBusy || now() > give_up {
                eprintln!("{} stays: {error}", self.folder.display());
                return;
            }
            thread::yield_now();
        }
        if let Some(switches) = &self.switched_on
            && let Err(error) = fs::write(switches, "-cpu")
        {
            eprintln!("{} keeps +cpu: {error}", switches.display());
        }
    }
}

/// In how many periods the cgroup of this process was held back, or one above it that can be seen; 0 where there is no
/// such account.
///
/// # Errors
///
/// If the kernel does not tell which cgroup it is.
pub fn throttled_periods_of_this_process() -> io::Result<usize> {
    let Some((home, _)) = home()? else {
        return Ok(0);
    };
    let of_each = home.ancestors().map_while(|folder| {
        let stat = fs::read_to_string(folder.join("cpu.stat")).ok()?;
        // The root has no such line.
        Some(stat_value(&stat, "nr_throttled").unwrap_or(0))
    });
    usize::try_from(of_each.sum::<u64>()).map_err(io::Error::other)
}

fn stat_value(stat: &str, key: &str) -> Option<u64> {
    stat.lines()
        .filter_map(|line| line.split_once(' '))
        .find(|(name, _)| *name == key)
        .and_then(|(_, value)| value.parse().ok())
}

fn unused_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!(
        "heap-tests-{}-{}",
        std::process::id(),
        MADE.fetch_add(1, Relaxed)
    )
}

/// The folder of the cgroup with the CPU controller that this process is in.
fn home() -> io::Result<Option<(PathBuf, Version)>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    // `9:cpu,cpuacct:/user` in version 1, `0::/user` in version 2.
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (_, Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let one = controllers.split(',').any(|name| name == "cpu");
        if !one && !controllers.is_empty() {
            continue;
        }
        let version = if one { Version::One } else { Version::Two };
        let Some(folder) = folder_of(&mounts, version, path) else {
            continue;
        };
        let has_controller = one
            || fs::read_to_string(folder.join("cgroup.controllers"))
                .is_ok_and(|names| names.split_whitespace().any(|name| name == "cpu"));
        if has_controller {
            return Ok(Some((folder, version)));
        }
    }
    Ok(None)
}

/// Where a group is seen in the file system; a container may have mounted only a part of the tree.
fn folder_of(mounts: &str, version: Version, path: &str) -> Option<PathBuf> {
    // `31 23 0:26 /root /mount/point rw shared:9 - cgroup cgroup rw,cpu`
    mounts.lines().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, point) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        let (kind, options) = (after.next()?, after.nth(1)?);
        let fits = match version {
            Version::One => kind == "cgroup" && options.split(',').any(|name| name == "cpu"),
            Version::Two => kind == "cgroup2",
        };
        if !fits {
            return None;
        }
        let inside = Path::new(path).strip_prefix(root).ok()?;
        Some(Path::new(point).join(inside)).filter(|folder| folder.is_dir())
    })
}
