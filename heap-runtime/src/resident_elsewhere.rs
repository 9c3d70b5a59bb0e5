//! In place of what is resident, where nobody tells.

use heap_sidecar::ResidentSet;

#[derive(Clone, Copy)]
pub(crate) struct Before;

pub(crate) fn before() -> Option<Before> {
    None
}

pub(crate) fn since(_: Before) -> Option<ResidentSet> {
    None
}
