//! Pressure stall information: `/proc/pressure`, and the same files of the process's cgroup.
//!
//! Not read with procfs, whose averages are `f32`: 0.08 would be written as 0.07999999821186066.

use super::{Source, file};
use crate::{HostContext, Pressure, Stall};
use rustix::path::Arg;

impl Source {
    /// How long tasks of the whole host waited, for memory, a CPU and block devices.
    pub(super) fn pressure(&self) -> HostContext {
        let mut buffer = file::buffer();
        let mut of = |file: &str| read(&*self.path(file), &mut buffer);
        HostContext {
            memory_pressure: of("/proc/pressure/memory"),
            // Newer kernels print a line of zeros for it.
            cpu_pressure: of("/proc/pressure/cpu").map(|cpu| Pressure { full: None, ..cpu }),
            io_pressure: of("/proc/pressure/io"),
            ..HostContext::default()
        }
    }
}

/// Absent where the kernel has no PSI, and where it is switched off, which some kernels show as a file that
/// cannot be read (`EOPNOTSUPP`).
pub(super) fn read(path: impl Arg + Copy, buffer: &mut file::Buffer) -> Option<Pressure> {
    let text = file::content(path, buffer)?;
    Some(Pressure {
        some: stall(text, "some ")?,
        full: stall(text, "full "),
    })
}

fn stall(text: &str, kind: &str) -> Option<Stall> {
    let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
    let value = |key| {
        line.split_ascii_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(name, value)| (name == key).then_some(value))
    };
    Some(Stall {
        // Rust also parses "nan" and "inf", which JSON cannot say.
        avg10: value("avg10")?
            .parse()
            .ok()
            .filter(|share| (0.0..=100.0).contains(share))?,
        total: value("total")?.parse().ok()?,
    })
}
