//! What the kernel says of processes.

use std::fs;

use crate::host::source::file;
use crate::run_id::{boot_id, fnv1a};

/// Whose numbers are given again after a start of the system, and meanwhile on other machines.
pub(super) fn boot() -> Option<u64> {
    let boot = Some(boot_id()).filter(|boot| !boot.is_empty())?;
    Some(fnv1a([b"boot ".as_slice(), boot.as_bytes()]))
}

/// In another, the number is another process's.
pub(super) fn pid_namespace() -> Option<u64> {
    // `pid:[4026531836]`
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    let number = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?;
    number.parse().ok()
}

/// What is read of `/proc/PID/stat`.
pub(super) fn stat<T>(pid: &str, read: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
    let mut buffer = file::buffer();
    read(file::start(
        format!("/proc/{pid}/stat").as_str(),
        &mut buffer,
    )?)
}

/// `/proc/PID/maps`, where it may be looked at.
pub(super) fn maps(pid: i32) -> Option<Vec<u8>> {
    file::whole(format!("/proc/{pid}/maps").as_str())
}
