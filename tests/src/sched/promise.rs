//! What the scheduler in charge promises.
//!
//! The kernel's own fair class keeps every promise here. A BPF scheduler (`sched_ext`) in its place is free to share the
//! CPU as it likes, and the kernel does not show which of its callbacks it has. So it is asked for no more than what it is
//! declared to keep.

use std::fs;
use std::path::Path;

use super::refusal::Refusal;

/// Declares what the running BPF scheduler keeps: words of [`Promise`], with commas between them.
pub const HONOURS: &str = "SCHEDULER_HONOURS";

const SCHED_EXT: &str = "/sys/kernel/sched_ext";

/// Something that a scheduler may leave to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// Weights of threads, that is nice values and `SCHED_IDLE`. Equal weights get equal shares.
    Nice,
    /// `cpu.weight` of cgroups.
    GroupWeight,
    /// `cpu.max` of cgroups.
    Bandwidth,
    /// That `sched_yield(2)` lets another thread run.
    Yield,
}

impl Promise {
    /// As [`HONOURS`] has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Nice => "nice",
            Self::GroupWeight => "cpu.weight",
            Self::Bandwidth => "cpu.max",
            Self::Yield => "yield",
        }
    }

    /// Whether the scheduler in charge keeps it.
    ///
    /// # Errors
    ///
    /// A refusal if a BPF scheduler decides that is not declared to keep it.
    pub fn holds(self) -> Result<(), Refusal> {
        let declared = std::env::var(HONOURS).unwrap_or_default();
        self.held_by(bpf_scheduler().as_deref(), &declared)
    }

    fn held_by(self, scheduler: Option<&str>, declared: &str) -> Result<(), Refusal> {
        let word = self.as_str();
        match scheduler {
            Some(name) if !declared.split(',').any(|one| one.trim() == word) => {
                Err(Refusal::new(format!(
                    "sched_ext runs {name}, which need not honour {word} ({HONOURS}={word} would say that it does)"
                )))
            }
            _ => Ok(()),
        }
    }
}

/// Who decides, and the how many-th BPF scheduler since boot that is: another one may have the same name. One that the kernel
/// is throwing out has its name still, and is no more in charge: the kernel passes it over before it says so
/// (`scx_bypass` in `kernel/sched/ext.c`). For people, and to be compared.
#[must_use]
pub fn in_charge() -> String {
    in_charge_by(Path::new(SCHED_EXT))
}

fn in_charge_by(folder: &Path) -> String {
    let read = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    match bpf_scheduler_in(folder) {
        Some(name) => {
            let (state, loaded, events) = (read("state"), read("enable_seq"), read("root/events"));
            let (state, loaded) = (state.trim(), loaded.trim());
            let passed_over = (events.lines())
                .find_map(|line| line.strip_prefix("SCX_EV_BYPASS_ACTIVATE "))
                .map_or_else(String::new, |times| format!(", passed over {times} times"));
            format!("{name}, loaded as number {loaded}, {state}{passed_over}")
        }
        None => "the kernel's own".to_owned(),
    }
}

/// The name of the BPF scheduler that decides about this process's threads, or its state if it has none yet.
#[must_use]
pub fn bpf_scheduler() -> Option<String> {
    bpf_scheduler_in(Path::new(SCHED_EXT))
}

fn bpf_scheduler_in(folder: &Path) -> Option<String> {
    let read = |file: &str| {
        Some(
            fs::read_to_string(folder.join(file))
                .ok()?
                .trim()
                .to_owned(),
        )
    };
    let state = read("state").filter(|state| state != "disabled")?;
    // A partial scheduler takes the threads that ask for SCHED_EXT, which the suite's do not.
    if state == "enabled" && read("switch_all").is_some_and(|all| all == "0") {
        return None;
    }
    Some(
        read("root/ops")
            .filter(|name| !name.is_empty())
            .unwrap_or(state),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_own_class_keeps_everything() {
        assert_eq!(Promise::Bandwidth.held_by(None, ""), Ok(()));
    }

    #[test]
    fn a_bpf_scheduler_keeps_what_is_declared() {
        let declared = "nice, cpu.max";
        assert_eq!(Promise::Bandwidth.held_by(Some("x"), declared), Ok(()));
        let refusal = Promise::GroupWeight
            .held_by(Some("x"), declared)
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "sched_ext runs x, which need not honour cpu.weight (SCHEDULER_HONOURS=cpu.weight would say that it does)"
        );
    }

    #[test]
    fn who_is_in_charge_is_read_from_the_kernel() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let read = || bpf_scheduler_in(folder.path());
        assert_eq!(read(), None, "a kernel without sched_ext");
        write("state", "disabled\n");
        assert_eq!(read(), None);
        write("state", "enabling\n");
        assert_eq!(read().as_deref(), Some("enabling"));
        write("state", "enabled\n");
        write("root/ops", "simple\n");
        write("switch_all", "1\n");
        assert_eq!(read().as_deref(), Some("simple"));
        let in_charge = in_charge_by(folder.path());
        write("root/events", "SCX_EV_BYPASS_ACTIVATE 1\n");
        assert_ne!(in_charge_by(folder.path()), in_charge);
        let in_charge = in_charge_by(folder.path());
        write("state", "disabling\n");
        assert_ne!(in_charge_by(folder.path()), in_charge);
        write("state", "enabled\n");
        write("root/events", "SCX_EV_BYPASS_ACTIVATE 2\n");
        assert_ne!(in_charge_by(folder.path()), in_charge);
        write("switch_all", "0\n");
        assert_eq!(read(), None);
    }
}
