//! A memory cgroup for the processes of a test, of version 2 or 1.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::damage;

/// A memory cgroup with a limit, removed when this is dropped.
#[derive(Debug)]
pub struct MemoryGroup {
    folder: PathBuf,
}

impl MemoryGroup {
    /// Makes one that may use so many bytes.
    ///
    /// # Errors
    ///
    /// Where this process may not, or no memory cgroup is mounted where they usually are.
    pub fn create(bytes: u64) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let (parents, limit) = parents()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("heap-tests-{}-{number}", std::process::id());
        let mut refused = io::Error::new(io::ErrorKind::NotFound, "no memory cgroup is mounted");
        for parent in parents {
            let folder = parent.join(&name);
            if let Err(error) = fs::create_dir(&folder) {
                refused = error;
                continue;
            }
            let group = Self { folder };
            // Not there where the parent hands on no memory controller.
            match write_existing(&group.folder.join(limit), &bytes.to_string()) {
                Ok(()) => {
                    // Else a host that has swap would swap, and not kill. Where there is no such
                    // file, there is no account of swap.
                    let _ = write_existing(&group.folder.join("memory.swap.max"), "0");
                    let _ = write_existing(&group.folder.join("memory.swappiness"), "0");
                    return Ok(group);
                }
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Makes one below this, without a limit of its own. No process may be in this one.
    ///
    /// # Errors
    ///
    /// Where that is not allowed.
    pub fn below(&self, name: &str) -> io::Result<Self> {
        // Version 2 hands a controller on where it is told to, version 1 always.
        let switch = self.folder.join("cgroup.subtree_control");
        if switch.exists() {
            write_existing(&switch, "+memory")?;
        }
        let folder = self.folder.join(name);
        fs::create_dir(&folder)?;
        Ok(Self { folder })
    }

    /// How many bytes it uses now, page cache included.
    ///
    /// # Errors
    ///
    /// Where that cannot be read.
    pub fn used(&self) -> io::Result<u64> {
        let files = ["memory.current", "memory.usage_in_bytes"];
        let read = |file: &&str| fs::read_to_string(self.folder.join(file)).ok();
        let used = files.iter().find_map(read);
        let used = used.and_then(|used| used.trim().parse().ok());
        used.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "no use in bytes"))
    }

    /// Starts a command in it.
    ///
    /// # Errors
    ///
    /// Where its file cannot be opened.
    pub fn enter(&self, command: &mut Command) -> io::Result<()> {
        let file = self.folder.join("cgroup.procs");
        let mut file = File::options().write(true).open(file)?;
        // Zero is the writer itself.
        // SAFETY: one write, to a file opened before.
        unsafe { damage::before(command, move || file.write_all(b"0")) };
        Ok(())
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // Who was killed is accounted for a moment longer than it is there.
        for _ in 0..50 {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Where a group may be made, and what its limit is called.
fn parents() -> io::Result<(Vec<PathBuf>, &'static str)> {
    let groups = fs::read_to_string("/proc/self/cgroup")?;
    let own = |controller: &str| {
        groups.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            let is_it = controllers.split(',').any(|name| name == controller);
            is_it.then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let below = |root: &str, path: String| {
        let root = PathBuf::from(root);
        let own = root.join(path);
        // A group of version 2 with processes in it has no groups below it, its parent may.
        let above = own.parent().filter(|above| above.starts_with(&root));
        [Some(own.as_path()), above, Some(&root)]
            .into_iter()
            .flatten()
            .map(Path::to_owned)
            .collect()
    };
    if let Some(path) = own("memory") {
        return Ok((
            below("/sys/fs/cgroup/memory", path),
            "memory.limit_in_bytes",
        ));
    }
    let path = own("").unwrap_or_default();
    Ok((below("/sys/fs/cgroup", path), "memory.max"))
}

fn write_existing(path: &Path, text: &str) -> io::Result<()> {
    File::options()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}
