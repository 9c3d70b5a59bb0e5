//! The scheduler: its switches, and the `sched_ext` scheduler in charge.

use super::{Source, file};
use std::collections::BTreeMap;

/// A switch of the scheduler: its name and its file.
pub(super) struct Tunable {
    name: String,
    path: String,
}

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
        let directory = self.path("/proc/sys/kernel");
        let tunables = file::names(&directory, "sched_").ok()?;
        let tunables = tunables.into_iter().map(|name| Tunable {
            path: format!("{directory}/{name}"),
            name,
        });
        let tunables = tunables.collect();
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
}
