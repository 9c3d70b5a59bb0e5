//! The scheduler: its switches, and `sched_ext`.

use super::{Source, file};
use crate::SchedExt;
use std::collections::BTreeMap;

/// A switch of the scheduler: its name and its file.
pub(super) struct Tunable {
    name: String,
    path: String,
}

impl Tunable {
    pub(super) fn of(source: &Source, name: &str) -> Self {
        Self {
            path: format!("{}/{name}", source.path(DIRECTORY)),
            name: name.to_owned(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

const DIRECTORY: &str = "/proc/sys/kernel";

impl Source {
    /// The switches that can be read. Absent where even their names cannot.
    pub(super) fn sched_tunables(&self) -> Option<BTreeMap<String, String>> {
        let mut buffer = file::buffer();
        let mut tunables = BTreeMap::new();
        for tunable in self.tunables()? {
            if let Some(value) = file::value(tunable.path.as_str(), &mut buffer) {
                tunables.insert(tunable.name.clone(), value.to_owned());
            }
        }
        Some(tunables)
    }

    /// Which switches there are, looked up once: a running kernel gets no new ones.
    fn tunables(&self) -> Option<&[Tunable]> {
        if let Some(tunables) = self.tunables.get() {
            return Some(tunables);
        }
        let names = file::names(&self.path(DIRECTORY), "sched_").ok()?;
        let tunables = names.iter().map(|name| Tunable::of(self, name)).collect();
        Some(self.tunables.get_or_init(|| tunables))
    }

    /// The loaded `sched_ext` scheduler. While one is being loaded or unloaded, the kernel's own is in charge.
    pub(super) fn sched_ext_ops(&self) -> Option<String> {
        let mut buffer = file::buffer();
        let state = file::value(&*self.path("/sys/kernel/sched_ext/state"), &mut buffer)?;
        if state != "enabled" {
            return None;
        }
        self.text("/sys/kernel/sched_ext/root/ops")
    }

    /// The state of `sched_ext`. Absent where the kernel has none.
    pub(super) fn sched_ext(&self) -> Option<SchedExt> {
        let state = self.text("/sys/kernel/sched_ext/state")?;
        let mut buffer = file::buffer();
        let mut number = |file: &str| file::number(&*self.path(file), &mut buffer);
        Some(SchedExt {
            enable_seq: number("/sys/kernel/sched_ext/enable_seq"),
            nr_rejected: number("/sys/kernel/sched_ext/nr_rejected"),
            ops: self.text("/sys/kernel/sched_ext/root/ops"),
            events: self.sched_ext_events(),
            state,
        })
    }

    fn sched_ext_events(&self) -> BTreeMap<String, u64> {
        let mut buffer = file::buffer();
        let events = self.path("/sys/kernel/sched_ext/root/events");
        let text = file::content(&*events, &mut buffer).unwrap_or_default();
        text.lines()
            .filter_map(|line| {
                let (name, count) = line.split_once(' ')?;
                Some((name.to_owned(), count.trim().parse().ok()?))
            })
            .collect()
    }
}
