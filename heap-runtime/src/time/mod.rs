//! Where the time of threads goes: what is read of a thread, and what it adds up to for a test.
//!
//! ```text
//!  reading (the kernel's counters of a thread) ──▶ Clock (of a thread) ──difference──▶ Ledger (of a test)
//! ```
//!
//! A reading takes two system calls. What a thread has waited for a CPU is in a file of its own, and to open that
//! takes the kernel some 30 µs the first time, longer than a thread takes to begin and to end: see [`clock`].
//!
//! Nothing here allocates, or is called by the allocator.

mod amounts;
mod clock;
mod ledger;
#[cfg_attr(not(proc_fs), path = "elsewhere.rs")]
mod reading;
#[cfg(proc_fs)]
mod text;

pub(crate) use amounts::Amounts;
pub(crate) use clock::Clock;
pub(crate) use ledger::{Ledger, Ran};
