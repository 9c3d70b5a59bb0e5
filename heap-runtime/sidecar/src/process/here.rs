//! What the kernel says of processes.

use std::fs;

use super::{Mark, Stat};
use crate::host::source::file;
use crate::run_id::fnv1a;

/// Whose numbers are given again after a start of the system, and meanwhile on other machines.
pub(super) fn boot() -> Option<u64> {
    let mut buffer = file::buffer();
    let boot = file::content("/proc/sys/kernel/random/boot_id", &mut buffer)?;
    Some(fnv1a([b"boot ".as_slice(), boot.trim().as_bytes()]))
}

/// In another, the number is another process's.
pub(super) fn pid_namespace() -> Option<u64> {
    // `pid:[4026531836]`
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    let number = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?;
    number.parse().ok()
}

/// What `/proc/PID/stat` says.
pub(super) fn stat(pid: &str) -> Option<Stat> {
    let mut buffer = file::buffer();
    Stat::of_text(file::start(
        format!("/proc/{pid}/stat").as_str(),
        &mut buffer,
    )?)
}

/// The mark on a process, where it has one and may be looked at.
pub(super) fn mark_of(pid: i32) -> Option<Mark> {
    let maps = file::whole(format!("/proc/{pid}/maps").as_str())?;
    // Paths need not be text.
    Mark::of_maps(&String::from_utf8_lossy(&maps))
}
