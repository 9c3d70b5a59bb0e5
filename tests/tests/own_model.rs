//! A model of threads that are spawned, die and are taken over, over the registry itself: loom runs it
//! in every order that its threads may take.
//!
//! The counters of a thread that has ended hold nonsense, as its memory does: who reads them then
//! is found by wrong totals.

#[expect(dead_code, reason = "the runtime uses more of it")]
#[path = "../../heap-runtime/src/own/alive_elsewhere.rs"]
mod alive;
/// The model has no arenas.
mod arenas {
    pub(crate) struct Before;

    impl Before {
        pub(super) fn new() -> Self {
            Self
        }
    }
}
#[expect(
    clippy::field_reassign_with_default,
    reason = "in the runtime it is of another crate, and may have more fields"
)]
#[expect(dead_code, reason = "the runtime uses more of it")]
#[path = "../../heap-runtime/src/own/group.rs"]
mod group;
#[path = "../../heap-runtime/src/own/interval.rs"]
mod interval;
#[path = "../../heap-runtime/src/own/lists.rs"]
mod lists;
#[expect(dead_code, reason = "the runtime uses more of it")]
#[path = "../../heap-runtime/src/own/member.rs"]
mod member;
#[path = "../../heap-runtime/src/own/moved.rs"]
mod moved;
#[path = "own_model/orders.rs"]
mod orders;
#[expect(dead_code, reason = "the runtime uses more of it")]
#[path = "../../heap-runtime/src/own/registry.rs"]
mod registry;
#[path = "../../heap-runtime/src/own/shared.rs"]
mod shared;
#[path = "../../heap-runtime/src/own/stack.rs"]
mod stack;
#[path = "own_model/sync.rs"]
mod sync;
#[expect(dead_code, reason = "the runtime uses more of it")]
#[path = "../../heap-runtime/src/own/timeline.rs"]
mod timeline;
#[path = "../../heap-runtime/src/own/totals.rs"]
mod totals;
#[path = "../../heap-runtime/src/own/unmodelled.rs"]
mod unmodelled;
#[path = "../../heap-runtime/src/own/unreported.rs"]
mod unreported;
#[expect(dead_code, reason = "the runtime uses more of it")]
#[path = "../../heap-runtime/src/own/watch.rs"]
mod watch;

/// As in the runtime, where it is jemalloc's: nothing is reallocated here.
const SMALL_REALLOCATION: usize = 4 << 10;

/// No clocks are read.
struct Clock;

impl Clock {
    fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as where there is something to do")]
    fn forget(&self) {}
}

struct Ledger;

impl Ledger {
    fn new() -> Self {
        Self
    }
}

/// Where what is last seen would be written.
struct Slot(Option<LastSeen>);

impl Slot {
    fn write(&mut self, seen: LastSeen) {
        self.0 = Some(seen);
    }
}

#[derive(Default)]
struct LastSeen {
    at_ns: u64,
    live_bytes: u64,
    error_bytes: u64,
}

/// Time stands still.
mod now {
    pub(super) fn now_ns() -> u64 {
        0
    }
}
