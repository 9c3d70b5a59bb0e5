//! What this machine lets this user measure, by the files of its kernel.

use std::fs;
use std::path::{Path, PathBuf};

use super::check::Check;

/// The files, below a folder: the root, but in tests.
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    pub(super) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(super) fn checks(&self) -> Vec<Check> {
        vec![
            self.proc(),
            self.run_delay(),
            self.delay_accounting(),
            self.privilege(),
            self.pressure(),
            self.cgroup(),
            self.sched_ext(),
        ]
    }

    fn read(&self, path: &str) -> Option<String> {
        // Of a kernel that was booted without it, such a file may be there and refuse to be read.
        fs::read_to_string(self.root.join(path)).ok()
    }

    fn proc(&self) -> Check {
        let (name, measures) = ("proc", "the host, run delay, who started a test");
        match self.read("proc/self/status") {
            Some(_) => Check::good(name, measures, "/proc can be read"),
            None => Check::missing(
                name,
                measures,
                "/proc is not there",
                "mount -t proc proc /proc",
            ),
        }
    }

    fn run_delay(&self) -> Check {
        let (name, measures) = ("run-delay", "how long threads wait for a CPU");
        let said = self.read("proc/self/schedstat").unwrap_or_default();
        let slices = said.split_whitespace().nth(2).unwrap_or("0");
        if slices == "0" {
            let found = "/proc/self/schedstat counts nothing";
            Check::missing(name, measures, found, "a kernel with CONFIG_SCHED_INFO")
        } else {
            Check::good(name, measures, "/proc/thread-self/schedstat")
        }
    }

    fn delay_accounting(&self) -> Check {
        const MEASURES: &str = "reclaim, swap-in, thrashing and block I/O of each thread";
        let name = "delay-accounting";
        let switch = self.read("proc/sys/kernel/task_delayacct");
        match switch.as_deref().map(str::trim) {
            Some("1") => Check::good(name, MEASURES, "kernel.task_delayacct is 1"),
            Some(_) => Check::missing(
                name,
                MEASURES,
                "kernel.task_delayacct is 0",
                "sudo sysctl kernel.task_delayacct=1",
            ),
            None => Check::missing(
                name,
                MEASURES,
                "there is no kernel.task_delayacct",
                "a kernel of 5.14 or later with CONFIG_TASK_DELAY_ACCT",
            ),
        }
    }

    fn privilege(&self) -> Check {
        const NET_ADMIN: u64 = 1 << 12;
        let (name, measures) = ("taskstats", "the same: whether it is told to this user");
        let status = self.read("proc/self/status").unwrap_or_default();
        let mut lines = status.lines();
        let set = lines.find_map(|line| line.strip_prefix("CapEff:"));
        let set = set.and_then(|set| u64::from_str_radix(set.trim(), 16).ok());
        // In a user namespace, it is there and worth nothing here. A kernel without them has no such file.
        let ids = self.read("proc/self/uid_map");
        let is_everywhere =
            ids.is_none_or(|ids| ids.split_whitespace().nth(2) == Some("4294967295"));
        if set.is_some_and(|set| set & NET_ADMIN != 0) && is_everywhere {
            return Check::good(name, measures, "CAP_NET_ADMIN is there");
        }
        let found = if is_everywhere {
            "CAP_NET_ADMIN is wanting"
        } else {
            "this is a user namespace, whose privileges are none here"
        };
        let mend = "sudo -E cargo heap test, or in a container of root's `--cap-add NET_ADMIN`";
        Check::missing(name, measures, found, mend)
    }

    fn pressure(&self) -> Check {
        let (name, measures) = ("pressure", "how short memory, CPUs and devices were (PSI)");
        let missing: Vec<&str> = ["memory", "cpu", "io"]
            .into_iter()
            .filter(|of| self.read(&format!("proc/pressure/{of}")).is_none())
            .collect();
        if missing.is_empty() {
            return Check::good(name, measures, "/proc/pressure has memory, cpu and io");
        }
        let found = format!("/proc/pressure does not say: {}", missing.join(", "));
        Check::missing(
            name,
            measures,
            found,
            "psi=1 on the kernel's command line, and CONFIG_PSI",
        )
    }

    fn cgroup(&self) -> Check {
        let (name, measures) = ("cgroup", "limits of memory and CPU time, and their kills");
        let groups = self.read("proc/self/cgroup").unwrap_or_default();
        let mut lines = groups
            .lines()
            .map(|line| line.splitn(3, ':').collect::<Vec<_>>());
        let of_v1 = |wanted: &str| {
            let mut lines = groups.lines().filter_map(|line| line.split(':').nth(1));
            lines.any(|line| line.split(',').any(|controller| controller == wanted))
        };
        if of_v1("memory") && of_v1("cpu") {
            return Check::good(name, measures, "version 1, with memory and cpu");
        }
        let own = lines.find(|line| matches!(line[..], ["0", "", _]));
        let own = own.map_or("", |line| line[2].trim_start_matches('/'));
        let folder = Path::new("sys/fs/cgroup").join(own);
        let controllers = fs::read_to_string(self.root.join(&folder).join("cgroup.controllers"))
            .or_else(|_| fs::read_to_string(self.root.join("sys/fs/cgroup/cgroup.controllers")));
        let Ok(controllers) = controllers else {
            return Check::missing(
                name,
                measures,
                "no cgroup can be read",
                "mount -t cgroup2 cgroup2 /sys/fs/cgroup",
            );
        };
        let missing: Vec<&str> = ["memory", "cpu"]
            .into_iter()
            .filter(|wanted| !controllers.split_whitespace().any(|has| has == *wanted))
            .collect();
        if missing.is_empty() {
            return Check::good(name, measures, "version 2, with memory and cpu");
        }
        Check::missing(
            name,
            measures,
            format!("version 2, without {}", missing.join(" and ")),
            "systemd-run --user --scope -p MemoryAccounting=yes -p CPUAccounting=yes cargo heap test",
        )
    }

    fn sched_ext(&self) -> Check {
        let (name, measures) = ("sched_ext", "which BPF scheduler was in charge");
        match self.read("sys/kernel/sched_ext/state") {
            Some(state) => Check::good(
                name,
                measures,
                format!("the kernel has it, {}", state.trim()),
            ),
            None => Check::missing(
                name,
                measures,
                "there is no /sys/kernel/sched_ext",
                "a kernel of 6.12 or later with CONFIG_SCHED_CLASS_EXT",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn states(root: &Path) -> Vec<(&'static str, State)> {
        let checks = Machine::at(root).checks();
        for check in &checks {
            assert_eq!(
                check.mend.is_none(),
                check.state == State::Good,
                "{check:?}"
            );
        }
        checks
            .iter()
            .map(|check| (check.name, check.state))
            .collect()
    }

    /// A machine that lets root measure everything.
    fn whole() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("proc/self/status", "Name:\tx\nCapEff:\t0000000000001000\n"),
            ("proc/self/uid_map", "         0          0 4294967295\n"),
            ("proc/self/schedstat", "1 2 3\n"),
            ("proc/sys/kernel/task_delayacct", "1\n"),
            ("proc/pressure/memory", "some"),
            ("proc/pressure/cpu", "some"),
            ("proc/pressure/io", "some"),
            ("proc/self/cgroup", "0::/ci/job\n"),
            ("sys/fs/cgroup/ci/job/cgroup.controllers", "cpu io memory\n"),
            ("sys/kernel/sched_ext/state", "disabled\n"),
        ] {
            write(root.path(), path, text);
        }
        root
    }

    #[test]
    fn a_machine_that_has_all_is_good() {
        let root = whole();
        let wrong: Vec<_> = states(root.path())
            .into_iter()
            .filter(|(_, state)| *state != State::Good)
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }

    #[test]
    fn each_thing_that_is_missing_is_told_and_nothing_else() {
        for (name, path, text) in [
            ("run-delay", "proc/self/schedstat", "0 0 0\n"),
            ("delay-accounting", "proc/sys/kernel/task_delayacct", "0\n"),
            (
                "taskstats",
                "proc/self/status",
                "CapEff:\t00000000a80425fb\n",
            ),
            (
                "cgroup",
                "sys/fs/cgroup/ci/job/cgroup.controllers",
                "cpu pids\n",
            ),
        ] {
            let root = whole();
            write(root.path(), path, text);
            let missing: Vec<_> = states(root.path())
                .into_iter()
                .filter(|(_, state)| *state == State::Missing)
                .map(|(name, _)| name)
                .collect();
            assert_eq!(missing, [name]);
        }
        for (name, path) in [
            ("pressure", "proc/pressure/io"),
            ("sched_ext", "sys/kernel/sched_ext/state"),
            ("delay-accounting", "proc/sys/kernel/task_delayacct"),
        ] {
            let root = whole();
            fs::remove_file(root.path().join(path)).unwrap();
            let missing = states(root.path());
            assert!(missing.contains(&(name, State::Missing)), "{missing:?}");
        }
    }

    #[test]
    fn version_1_is_a_cgroup_too() {
        let root = whole();
        write(
            root.path(),
            "proc/self/cgroup",
            "4:memory:/\n2:cpu,cpuacct:/\n0::/\n",
        );
        fs::remove_dir_all(root.path().join("sys/fs/cgroup")).unwrap();
        assert!(states(root.path()).contains(&("cgroup", State::Good)));
    }

    #[test]
    fn where_there_is_nothing_all_is_missing() {
        let root = tempfile::tempdir().unwrap();
        for (name, state) in states(root.path()) {
            assert_eq!(state, State::Missing, "{name}");
        }
    }
}
