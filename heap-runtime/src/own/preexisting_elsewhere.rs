//! Threads are not listed here: each may have been there before a call-back.

/// Never known.
pub(super) enum PreexistingThreads {}

impl PreexistingThreads {
    pub(super) fn now() -> Option<Self> {
        None
    }

    pub(super) fn has_this_thread(&self) -> bool {
        match *self {}
    }
}
