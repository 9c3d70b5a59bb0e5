//! Where the time of threads goes: what is read of a thread, and what it adds up to for a test.
//!
//! ```text
//!  reading (the kernel's counters of a thread) ──▶ Clock (of a thread) ──difference──▶ Ledger (of a test)
//!  taskstats (what it was made to wait for)    ──▶ Delayed (of a thread) ────────────▶
//! ```
//!
//! A reading takes two system calls. What a thread has waited for a CPU is in a file of its own, and to open that
//! takes the kernel some 30 µs the first time, longer than a thread takes to begin and to end: see [`clock`].
//!
//! Nothing here allocates, or is called by the allocator.

mod amounts;
mod clock;
#[cfg(proc_fs)]
mod copied_page;
mod delayed;
mod delays;
#[cfg(proc_fs)]
mod kept;
mod ledger;
#[cfg_attr(not(proc_fs), path = "elsewhere.rs")]
mod reading;
mod reasons;
#[cfg_attr(not(proc_fs), path = "taskstats_elsewhere.rs")]
mod taskstats;
#[cfg(proc_fs)]
mod text;
mod why;

pub(crate) use clock::{Clock, Since};
pub(crate) use delayed::Ask;
pub(crate) use ledger::{Ledger, Ran};
