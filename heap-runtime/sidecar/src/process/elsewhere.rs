//! Without `/proc`, nothing tells a process from others of its number.

use super::{Mark, Stat};

pub(super) fn boot() -> Option<u64> {
    None
}

pub(super) fn pid_namespace() -> Option<u64> {
    None
}

pub(super) fn stat(_: &str) -> Option<Stat> {
    None
}

pub(super) fn mark_of(_: i32) -> Option<Mark> {
    None
}
