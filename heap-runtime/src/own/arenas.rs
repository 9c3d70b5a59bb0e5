//! Whether what a group's threads have moved is all that was freed: see [`ByHand`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::jemalloc::ByHand;

const RELAXED: Ordering = Ordering::Relaxed;

/// What had happened in arenas made by hand when a group's test began.
pub(crate) struct Before {
    known: AtomicBool,
    events: AtomicU64,
    small_bytes: AtomicU64,
}

impl Before {
    pub(super) fn new() -> Self {
        Self {
            known: AtomicBool::new(false),
            events: AtomicU64::new(0),
            small_bytes: AtomicU64::new(0),
        }
    }

    /// The test begins now, and so much has happened in them, if that is known.
    pub(super) fn start(&self, now: Option<ByHand>) {
        let ByHand {
            events,
            small_bytes,
        } = now.unwrap_or_default();
        self.known.store(now.is_some(), RELAXED);
        self.events.store(events, RELAXED);
        self.small_bytes.store(small_bytes, RELAXED);
    }

    /// Whether nothing has happened in them since.
    pub(super) fn is(&self, now: Option<ByHand>) -> bool {
        let before = ByHand {
            events: self.events.load(RELAXED),
            small_bytes: self.small_bytes.load(RELAXED),
        };
        self.known.load(RELAXED) && now == Some(before)
    }
}
