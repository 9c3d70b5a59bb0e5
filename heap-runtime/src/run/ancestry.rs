//! Which process started this one, as `/proc` knows it.

use heap_sidecar::Runner;
use heap_sidecar::run_id::of_process as id;

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
