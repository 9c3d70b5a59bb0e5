//! What is left of a case, in a folder that both sides have.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use heap_sidecar::{Sidecar, read_run};
use serde_json::{Value, json};

use super::group::Group;

/// The files of the kernel that tell about the whole guest.
const OF_THE_HOST: [&str; 19] = [
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/vmstat",
    "/proc/cmdline",
    "/proc/sys/kernel/ostype",
    "/proc/sys/kernel/osrelease",
    "/proc/sys/kernel/task_delayacct",
    "/proc/pressure/memory",
    "/proc/pressure/cpu",
    "/proc/pressure/io",
    "/sys/devices/system/cpu/online",
    "/sys/devices/system/node/online",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/sys/kernel/mm/transparent_hugepage/defrag",
    "/sys/kernel/sched_ext/state",
    "/sys/kernel/sched_ext/root/ops",
    "/sys/kernel/sched_ext/enable_seq",
    "/sys/kernel/sched_ext/nr_rejected",
];

/// The files of a cgroup.
const OF_A_GROUP: [&str; 10] = [
    "memory.current",
    "memory.max",
    "memory.high",
    "memory.events",
    "memory.events.local",
    "memory.pressure",
    "cpu.pressure",
    "io.pressure",
    "cpu.stat",
    "cpu.max",
];

/// The switches of the scheduler.
fn tunables() -> io::Result<Vec<PathBuf>> {
    let paths = fs::read_dir("/proc/sys/kernel")?.map(|entry| Ok(entry?.path()));
    let paths: io::Result<Vec<PathBuf>> = paths.collect();
    Ok(paths?
        .into_iter()
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"sched_"))
        })
        .collect())
}

/// A case: what was done in the guest under this name.
#[derive(Debug)]
pub struct Case {
    folder: PathBuf,
}

/// How a step of a case ended.
#[derive(Debug)]
pub struct End {
    /// Its exit status, if it exited.
    pub code: Option<i32>,
    /// The signal that it was killed by.
    pub signal: Option<i32>,
    /// What it printed, on both ways.
    pub output: String,
}

impl Case {
    /// The case of this name in a share.
    #[must_use]
    pub fn of(share: &Path, name: &str) -> Self {
        Self {
            folder: share.join(name),
        }
    }

    /// Where its sidecars are.
    #[must_use]
    pub fn sidecars_folder(&self) -> PathBuf {
        self.folder.join("sidecars")
    }

    /// A file of its own.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// In the guest: makes its folders.
    ///
    /// # Errors
    ///
    /// Where they cannot be made.
    pub fn begin(&self) -> io::Result<()> {
        fs::create_dir_all(self.sidecars_folder())
    }

    /// In the guest: copies what the kernel says now, of itself and of a cgroup. What there is no file of is left out.
    ///
    /// # Errors
    ///
    /// Where a copy cannot be written.
    pub fn observe(&self, moment: &str, group: Option<&Group>) -> io::Result<()> {
        let folder = self.folder.join(moment);
        let group = group.map(Group::folder);
        let of_the_group = OF_A_GROUP
            .iter()
            .filter_map(|file| Some((group?.join(file), folder.join(file))));
        let of_the_host = OF_THE_HOST
            .iter()
            .map(PathBuf::from)
            .chain(tunables()?)
            .map(|path| {
                let copy = folder.join(path.strip_prefix("/").unwrap_or(&path));
                (path, copy)
            });
        for (from, to) in of_the_host.chain(of_the_group) {
            if let Ok(contents) = fs::read(from) {
                fs::create_dir_all(to.parent().unwrap_or(&folder))?;
                fs::write(to, contents)?;
            }
        }
        Ok(())
    }

    /// In the guest: runs a command to its end as a step of the case.
    ///
    /// # Errors
    ///
    /// Where it cannot be started, or its end not be written down.
    pub fn step(&self, name: &str, command: &mut Command) -> io::Result<ExitStatus> {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let end = json!({
            "code": status.code(),
            "signal": status.signal(),
            "output": text(&stdout) + &text(&stderr),
        });
        fs::write(self.file(&format!("{name}.end")), end.to_string())?;
        Ok(status)
    }

    /// How a step ended.
    ///
    /// # Panics
    ///
    /// Where it did not.
    #[must_use]
    pub fn end_of(&self, step: &str) -> End {
        let path = self.file(&format!("{step}.end"));
        let text = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let end: Value = serde_json::from_slice(&text).expect("it was written as JSON");
        let number = |key: &str| end[key].as_i64().and_then(|number| number.try_into().ok());
        End {
            code: number("code"),
            signal: number("signal"),
            output: end["output"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// What a file of the guest's kernel said at a moment, such as `before` and `proc/meminfo`.
    #[must_use]
    pub fn said(&self, moment: &str, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.join(moment).join(file)).ok()
    }

    /// All its sidecars, every one of them whole.
    ///
    /// # Panics
    ///
    /// Where one is not.
    #[must_use]
    pub fn sidecars(&self) -> Vec<Sidecar> {
        let (sidecars, unreadable) =
            read_run(self.sidecars_folder()).expect("the folder can be read");
        assert!(unreadable.is_empty(), "{unreadable:?}");
        sidecars
    }

    /// The one sidecar of a test.
    ///
    /// # Panics
    ///
    /// Where there is none, or more than one.
    #[must_use]
    pub fn sidecar(&self, test: &str) -> Sidecar {
        let mut sidecars = self.sidecars();
        sidecars.retain(|sidecar| sidecar.test_name == test);
        let [sidecar] = <[Sidecar; 1]>::try_from(sidecars)
            .unwrap_or_else(|others| panic!("{} sidecars of {test}", others.len()));
        sidecar
    }
}
