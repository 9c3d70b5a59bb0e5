//! Which process started this one, where there is no `/proc`: the parent's number is all there is, and
//! not everywhere that.

use heap_sidecar::Runner;
use heap_sidecar::run_id::of_process as id;

pub(super) fn identity() -> (String, Runner) {
    #[cfg(unix)]
    let starter = std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let starter = super::process_id();
    (id(starter.cast_signed(), 0), Runner::Other)
}
