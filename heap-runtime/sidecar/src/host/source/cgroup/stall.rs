//! How long tasks of the process's own cgroup waited.

use super::{Membership, file};
use crate::CgroupPressure;
use crate::host::source::pressure;
use std::ffi::CString;
use std::path::Path;

/// The three files of the own cgroup of version 2.
pub(super) struct PressureFiles {
    memory: CString,
    cpu: CString,
    io: CString,
}

impl PressureFiles {
    /// None of the root, of which the files, where it has them, are those of the host. It alone has no
    /// `cgroup.events`.
    pub(super) fn new(directory: &str) -> Option<Self> {
        if !Path::new(&format!("{directory}/cgroup.events")).exists() {
            return None;
        }
        Self::of(directory)
    }

    /// Of one that is not the root.
    pub(super) fn of(directory: &str) -> Option<Self> {
        let file = |name: &str| CString::new(format!("{directory}/{name}.pressure")).ok();
        Some(Self {
            memory: file("memory")?,
            cpu: file("cpu")?,
            io: file("io")?,
        })
    }
}

impl Membership {
    /// How long tasks of the own cgroup have waited.
    pub(in crate::host::source) fn stalls(&self) -> Option<CgroupPressure> {
        let files = self.pressure.as_ref()?;
        let mut buffer = file::buffer();
        let mut read = |path: &CString| pressure::read(path.as_c_str(), &mut buffer);
        let pressure = CgroupPressure {
            memory: read(&files.memory),
            cpu: read(&files.cpu),
            io: read(&files.io),
        };
        (pressure != CgroupPressure::default()).then_some(pressure)
    }
}
