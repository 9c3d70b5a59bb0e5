//! The cgroups of the process, of either version.

mod cpu;
mod memory;
mod place;
mod plain;
mod stall;

use super::{Source, file};
use cpu::CpuFiles;
use memory::MemoryFiles;
use place::{Mount, Place, Unseen};
use plain::Found;
pub(super) use plain::Plain;
use procfs::{FromBufRead, ProcessCGroup, ProcessCGroups};
use stall::PressureFiles;
use std::sync::{Arc, OnceLock, PoisonError};
use std::time::Instant;

/// What `/proc/self/cgroup` said, and what was found there.
pub(super) struct Membership {
    text: String,
    /// 1 where a hierarchy of that version has the memory controller, else 2.
    memory_version: Version,
    memory: Result<Place, &'static str>,
    memory_files: OnceLock<MemoryFiles>,
    cpu: Option<CpuFiles>,
    pressure: Option<PressureFiles>,
    /// What of it another process can be told.
    plain: Option<Plain>,
}

/// A version of cgroups.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Source {
    /// Where the process is now. Looked up again only when it has been moved.
    pub(super) fn membership(&self) -> Option<Arc<Membership>> {
        let mut known = self
            .membership
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((at, membership)) = &*known
            && at.elapsed() < self.membership_fresh
        {
            return Some(Arc::clone(membership));
        }
        let now = Instant::now();
        let mut buffer = file::buffer();
        let text = file::content(&*self.path("/proc/self/cgroup"), &mut buffer)?;
        let membership = match known.take() {
            Some((_, membership)) if membership.text == text => membership,
            _ => Arc::new(self.find(text)?),
        };
        *known = Some((now, Arc::clone(&membership)));
        Some(membership)
    }

    /// What is known of it, without a look.
    pub(super) fn known_membership(&self) -> Option<Arc<Membership>> {
        let known = self.membership.lock();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        known.as_ref().map(|(_, membership)| Arc::clone(membership))
    }

    fn find(&self, text: &str) -> Option<Membership> {
        if let Some(known) = self.plain.get().and_then(|plain| plain.membership(text)) {
            return Some(known);
        }
        let pid = self.pid();
        let groups = ProcessCGroups::from_buf_read(text.as_bytes()).ok()?.0;
        // Not kept: in another cgroup namespace, the same mounts are named otherwise.
        let mountinfo = file::whole(&*self.path("/proc/self/mountinfo"))?;
        let mounts = Mount::list(&String::from_utf8_lossy(&mountinfo), &self.root);
        // A controller is in one hierarchy at a time: with memory on version 1, version 2 knows nothing about it.
        let found = |controller: &'static str| {
            let has =
                |group: &&ProcessCGroup| group.controllers.iter().any(|name| name == controller);
            let (version, group) = match groups.iter().find(has) {
                Some(group) => (Version::V1, Some(group)),
                None => (
                    Version::V2,
                    groups.iter().find(|group| group.hierarchy == 0),
                ),
            };
            let place = group.map(|group| {
                let controller = (version == Version::V1).then_some(controller);
                Place::find(&mounts, controller, &group.pathname, pid)
            });
            (version, place)
        };
        let (memory_version, memory) = found("memory");
        let (cpu_version, cpu) = found("cpu");
        // No controller is called so: that of version 2 in any case.
        let (_, unified) = found("");
        let unified = unified.and_then(Result::ok);
        let own = unified.as_ref().and_then(|place| place.directories.first());
        let pressure = own.and_then(|directory| PressureFiles::new(directory));
        let cpu = cpu.and_then(Result::ok);
        let found = Found {
            memory: (
                memory_version,
                memory.as_ref().and_then(|place| place.as_ref().ok()),
            ),
            cpu: (cpu_version, cpu.as_ref()),
            unified: unified.as_ref(),
            has_pressure: pressure.is_some(),
        };
        Some(Membership {
            plain: Plain::found(text, &found),
            text: text.to_owned(),
            memory_version,
            memory: match memory {
                Some(place) => place.map_err(Unseen::reason),
                None => Err("the process is in no cgroup that could account memory"),
            },
            memory_files: OnceLock::new(),
            cpu: cpu.and_then(|place| CpuFiles::new(&place.directories, cpu_version)),
            pressure,
        })
    }

    /// This process, as its cgroup lists it.
    fn pid(&self) -> u32 {
        if self.root.is_empty() {
            std::process::id()
        } else {
            // Whose files the trees of other machines hold.
            4242
        }
    }
}

impl Unseen {
    fn reason(self) -> &'static str {
        match self {
            Self::NotMounted => {
                "the process's cgroup hierarchy is mounted nowhere that can be seen"
            }
            Self::NotBelowMount => {
                "the process's own cgroup is below no mount that can be seen: what is mounted shows others"
            }
        }
    }
}
