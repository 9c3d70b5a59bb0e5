//! Which process started this one, where there is no `/proc`: the parent's number is all there is, and
//! not everywhere that.

use heap_sidecar::process::{Mark, Stat};
use heap_sidecar::run_id::of_process as id;

/// What was found above this process: nothing.
#[derive(Debug, Default)]
pub(super) struct Ancestry {
    pub(super) of_cargo: Option<String>,
    pub(super) partition: Option<String>,
    pub(super) runner: Option<i32>,
    pub(super) marked: Option<Mark>,
    pub(super) is_nextest_alone: bool,
}

impl Ancestry {
    pub(super) fn look(_: &Stat) -> Self {
        Self::default()
    }
}

pub(super) fn by_itself(_: Option<&Stat>) -> String {
    #[cfg(unix)]
    let starter = std::os::unix::process::parent_id();
    #[cfg(not(unix))]
    let starter = super::process_id();
    id(starter.cast_signed(), 0)
}

pub(super) fn command_of(_runner: i32) -> Vec<String> {
    Vec::new()
}
