//! The own tier: what a test itself allocates, kept and peaked at, whatever else the process does.
//!
//! ```text
//!  scope ──open──▶ Own ──enter──▶ registry ◀──sample── sampler (inside the allocator)
//!                                    ▲
//!        spawn (pthread_create) ─────┴───── end (the thread's last destructors)
//! ```
//!
//! Nothing here is on the allocation path but one call-back of jemalloc's each
//! [`SAMPLE_BYTES`](crate::env::SAMPLE_BYTES) bytes of a thread's traffic.
//!
//! What it cannot know:
//!
//! - Whether a large block that was given another size has stayed in its place, where Rust's allocator is not that of
//!   [`use_jemalloc!`](crate::use_jemalloc) or C's is jemalloc too. Then the peak has it once, and its error twice.
//! - In the rounds of a thread's last destructors after jemalloc's own, totals are exact, but
//!   `exact` counts no allocations. In the last round, those of `pthread` keys that come after ours are missed:
//!   of a program with some five hundred keys.
//! - The C library's own threads (`timer_create`, `getaddrinfo_a`) are not started through
//!   `pthread_create`'s public name, and belong to nobody.
//! - What `arena.N.reset` and `arena.N.destroy` free, nobody counts. Where something has happened meanwhile in
//!   arenas that were made by hand, nothing is told: see [`arenas`].
//! - What std makes once and keeps is the test's that happened to be first: `warmup` is for that. What
//!   a panic's hook makes is nobody's ([`crate::panics`]).

// A static C library has no next definition to go on to.
#[cfg_attr(not(spawns), path = "alive_elsewhere.rs")]
mod alive;
mod arenas;
#[cfg_attr(not(spawns), path = "confined_elsewhere.rs")]
mod confined;
mod ending;
mod group;
mod handle;
mod hooks;
mod instrumented;
#[cfg(spawns)]
mod interpose;
mod interval;
mod lists;
mod lost;
mod measurement;
#[cfg_attr(
    not(spawns),
    expect(dead_code, reason = "spawned threads use more of it")
)]
mod member;
mod membership;
mod moved;
mod now;
mod per_thread;
#[cfg_attr(not(proc_fs), path = "preexisting_elsewhere.rs")]
mod preexisting;
#[cfg_attr(
    not(spawns),
    expect(dead_code, reason = "spawned threads use more of it")
)]
mod registry;
#[cfg(test)]
mod registry_tests;
mod sampler;
mod shared;
mod shared_record;
#[cfg(test)]
mod shared_tests;
#[cfg_attr(not(spawns), path = "spawn_elsewhere.rs")]
mod spawn;
mod spending;
mod stack;
#[cfg_attr(not(spawns), path = "std_map_elsewhere.rs")]
mod std_map;
mod sync;
mod this_thread;
#[cfg_attr(not(posix), path = "thread_end_elsewhere.rs")]
mod thread_end;
mod timeline;
#[cfg(test)]
mod timeline_tests;
mod totals;
mod unmeasured;
mod unmodelled;
mod unreported;
mod watch;

pub(crate) use confined::{by_aide, has_aide, is_confined};
pub use handle::{Entered as EnteredHandle, Handle, current, nobody};
pub use instrumented::Instrumented;

pub(crate) use lost::{LOST_A_THREAD, has_lost_a_thread};
pub(crate) use measurement::{Entered, Measured, Own, missing};
pub(crate) use sampler::Wanted;
#[cfg(jemalloc)]
pub(crate) use sampler::reallocated;
pub(crate) use shared::ExecutionId;
pub(crate) use this_thread::{current_attachment, is_measured};
pub(crate) use unmeasured::{time_unmeasured, unmeasured};

// What the model of all orders in heap-tests has in its own way: see `tests/tests/own_model.rs`.
use crate::jemalloc::SMALL_REALLOCATION;
use crate::sidecar::{LastSeen, Slot};
use crate::time::{Clock, Ledger};
