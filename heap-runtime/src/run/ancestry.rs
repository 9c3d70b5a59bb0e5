//! Which process started this one, as `/proc` knows it.

use super::{Runner, id};

/// The run id of the tests that the cargo process `pid` starts, or has started.
///
/// The process's start time and the kernel's boot are in it, so that a later process with the same
/// number is another run. `None` where there is no such process, or no `/proc` to ask.
#[cfg(feature = "cli")]
pub(crate) fn id_of_cargo(pid: u32) -> Option<String> {
    let stat = procfs::process::Process::new(i32::try_from(pid).ok()?)
        .ok()?
        .stat()
        .ok()?;
    Some(id(stat.pid, stat.starttime))
}

/// The nearest `cargo` among the ancestors (a doctest has `rustdoc` in between), else this process.
pub(super) fn identity() -> (String, Runner) {
    let own = procfs::process::Process::myself().and_then(|process| process.stat());
    let Ok(own) = own else {
        return (id(std::process::id().cast_signed(), 0), Runner::Other);
    };
    let mut parent = own.ppid;
    // Ancestors end at process 0; a bound guards against a /proc that lies.
    for _ in 0..64 {
        let Ok(stat) = procfs::process::Process::new(parent).and_then(|process| process.stat())
        else {
            break;
        };
        if stat.comm == "cargo" {
            return (id(stat.pid, stat.starttime), Runner::CargoTest);
        }
        parent = stat.ppid;
    }
    (id(own.pid, own.starttime), Runner::Other)
}
