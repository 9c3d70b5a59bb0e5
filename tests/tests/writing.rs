//! Sidecars that cannot be written, or that somebody wants written elsewhere: no verdict changes,
//! each process says each cause once, and no link is followed.
//!
//! The victims are tests of this binary that are ignored, run by it as a child.

heap_runtime::use_jemalloc!();

#[path = "writing/checkpoints.rs"]
mod checkpoints;
#[path = "writing/clocks.rs"]
mod clocks;
#[path = "writing/crowd.rs"]
mod crowd;
#[path = "writing/faults.rs"]
mod faults;
#[path = "writing/links.rs"]
mod links;
#[path = "writing/names.rs"]
mod names;
#[path = "writing/refusals.rs"]
mod refusals;
#[path = "writing/secrets.rs"]
mod secrets;
