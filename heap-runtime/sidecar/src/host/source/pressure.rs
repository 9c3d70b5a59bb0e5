//! Pressure stall information about memory: `/proc/pressure/memory`.
//!
//! Not read with procfs, whose averages are `f32`: 0.08 would be written as 0.07999999821186066.

use super::{Source, file};
use crate::{MemoryPressure, MemoryStall};

impl Source {
    /// Absent where the kernel has no PSI, and where it is switched off, which some kernels show as a file that
    /// cannot be read (`EOPNOTSUPP`).
    pub(super) fn memory_pressure(&self) -> Option<MemoryPressure> {
        let mut buffer = file::buffer();
        let text = file::content(&*self.path("/proc/pressure/memory"), &mut buffer)?;
        Some(MemoryPressure {
            some: stall(text, "some ")?,
            full: stall(text, "full ")?,
        })
    }
}

fn stall(text: &str, kind: &str) -> Option<MemoryStall> {
    let line = text.lines().find_map(|line| line.strip_prefix(kind))?;
    let value = |key| {
        line.split_ascii_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .find_map(|(name, value)| (name == key).then_some(value))
    };
    Some(MemoryStall {
        // Rust also parses "nan" and "inf", which JSON cannot say.
        avg10: value("avg10")?
            .parse()
            .ok()
            .filter(|share| (0.0..=100.0).contains(share))?,
        total: value("total")?.parse().ok()?,
    })
}
