//! The cgroups of the process, of either version.

mod memory;
mod place;

use super::{Source, file};
use memory::{MemoryFiles, Version};
use place::{Mount, Place, Unseen};
use procfs::{FromBufRead, ProcessCGroups};
use std::sync::{Arc, OnceLock, PoisonError};

/// What `/proc/self/cgroup` said, and what was found there.
pub(super) struct Membership {
    text: String,
    /// 1 where a hierarchy of that version has the memory controller, else 2.
    memory_version: Version,
    memory: Result<Place, &'static str>,
    memory_files: OnceLock<MemoryFiles>,
}

impl Source {
    /// Where the process is now. Looked up again only when it has been moved.
    fn membership(&self) -> Option<Arc<Membership>> {
        let mut buffer = file::buffer();
        let text = file::content(&*self.path("/proc/self/cgroup"), &mut buffer)?;
        let mut known = self
            .membership
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match &*known {
            Some(membership) if membership.text == text => Some(Arc::clone(membership)),
            _ => {
                let membership = Arc::new(self.find(text)?);
                Some(Arc::clone(known.insert(membership)))
            }
        }
    }

    fn find(&self, text: &str) -> Option<Membership> {
        let groups = ProcessCGroups::from_buf_read(text.as_bytes()).ok()?.0;
        // Not kept: in another cgroup namespace, the same mounts are named otherwise.
        let mountinfo = std::fs::read(&*self.path("/proc/self/mountinfo")).ok()?;
        let mounts = Mount::list(&String::from_utf8_lossy(&mountinfo), &self.root);
        let v1 = groups
            .iter()
            .find(|group| group.controllers.iter().any(|name| name == "memory"));
        // A controller is in one hierarchy at a time: with memory on version 1, version 2 knows nothing about it.
        let (memory_version, controller) = match v1 {
            Some(_) => (Version::V1, Some("memory")),
            None => (Version::V2, None),
        };
        let own = v1.or_else(|| groups.iter().find(|group| group.hierarchy == 0));
        let memory = match own {
            Some(own) => {
                Place::find(&mounts, controller, &own.pathname, self.pid()).map_err(Unseen::reason)
            }
            None => Err("the process is in no cgroup that could account memory"),
        };
        Some(Membership {
            text: text.to_owned(),
            memory_version,
            memory,
            memory_files: OnceLock::new(),
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
