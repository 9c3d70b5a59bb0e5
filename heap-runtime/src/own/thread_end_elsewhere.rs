//! The end of a thread where jemalloc does not count, and so nothing is left to be counted: a
//! destructor among the others will do.

use std::cell::Cell;

use super::member::Member;
use super::spending;
use super::this_thread::{MEMBER, REGISTRY};
use crate::time::Ask;

thread_local! {
    static END: Cell<Option<End>> = const { Cell::new(None) };
}

struct End(&'static Member);

impl Drop for End {
    fn drop(&mut self) {
        spending::stops(self.0, Ask::Always);
        MEMBER.set(None);
        REGISTRY.end(self.0);
    }
}

pub(super) fn prepare() -> bool {
    true
}

/// Ends the calling thread's membership with the thread. Says whether it will.
pub(super) fn watch(member: &'static Member) -> bool {
    END.try_with(|end| end.set(Some(End(member)))).is_ok()
}
