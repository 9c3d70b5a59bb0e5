//! What the kernel says of processes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};

use procfs::FromRead as _;
use procfs::process::Stat;

use super::Mark;
use crate::run_id::fnv1a;

/// Whose numbers are given again after a start of the system, and meanwhile on other machines.
pub(super) fn boot() -> Option<u64> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(fnv1a([b"boot ".as_slice(), boot.trim().as_bytes()]))
}

/// In another, the number is another process's.
pub(super) fn pid_namespace() -> Option<u64> {
    // `pid:[4026531836]`
    let link = fs::read_link("/proc/self/ns/pid").ok()?;
    let number = link.to_str()?.strip_prefix("pid:[")?.strip_suffix(']')?;
    number.parse().ok()
}

/// When a process was started, in ticks since the boot. None where it is gone: a zombie has ended, and waits
/// only to be asked how.
pub(super) fn start_ticks(pid: &str) -> Option<u64> {
    let stat = Stat::from_file(format!("/proc/{pid}/stat")).ok()?;
    (!matches!(stat.state, 'Z' | 'X')).then_some(stat.starttime)
}

/// The mark on a process, where it has one and may be looked at.
pub(super) fn mark_of(pid: i32) -> Option<Mark> {
    let maps = BufReader::new(File::open(format!("/proc/{pid}/maps")).ok()?);
    let mut lines = maps.split(b'\n').map_while(Result::ok);
    // Paths need not be text.
    lines.find_map(|line| Mark::of_line(str::from_utf8(&line).ok()?))
}

/// The process that has started another.
pub(super) fn parent_of(pid: Option<i32>) -> Option<i32> {
    let pid = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let stat = Stat::from_file(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.ppid).filter(|parent| *parent > 0)
}
