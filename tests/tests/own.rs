//! The own tier, by its known answers: exactly what a test allocated, kept and peaked at.
//!
//! The settings are read once for each process, and what is measured must not be disturbed by the
//! harness's other tests, nor disturb them. So nearly every test here runs its *subject*, a tracked
//! function of the same binary, in a process of its own, and judges the sidecars that it leaves.

heap_runtime::use_jemalloc!();

#[path = "own/arenas.rs"]
mod arenas;
#[path = "own/beside_exact.rs"]
mod beside_exact;
#[path = "own/births.rs"]
mod births;
#[path = "own/budgets.rs"]
mod budgets;
#[path = "own/carried.rs"]
mod carried;
#[path = "own/child.rs"]
mod child;
#[path = "own/destructors.rs"]
mod destructors;
#[path = "own/ends.rs"]
mod ends;
#[path = "own/epochs.rs"]
mod epochs;
#[path = "own/fallback.rs"]
mod fallback;
#[path = "own/filtered.rs"]
mod filtered;
#[path = "own/guards.rs"]
mod guards;
#[path = "own/known.rs"]
mod known;
#[path = "own/nesting.rs"]
mod nesting;
#[path = "own/noise.rs"]
mod noise;
#[path = "own/notes.rs"]
mod notes;
#[path = "own/pools.rs"]
mod pools;
#[path = "own/promised.rs"]
mod promised;
#[path = "own/reallocations.rs"]
mod reallocations;
#[path = "own/retained.rs"]
mod retained;
#[path = "own/runtimes.rs"]
mod runtimes;
#[path = "own/safety.rs"]
mod safety;
#[path = "own/time_limits.rs"]
mod time_limits;
#[path = "own/time_notes.rs"]
mod time_notes;
#[path = "own/times.rs"]
mod times;
#[path = "own/turns.rs"]
mod turns;

/// A name, and what a child process runs that is given it.
type Subject = (&'static str, fn());

const SUBJECTS: &[&[Subject]] = &[
    arenas::SUBJECTS,
    births::SUBJECTS,
    carried::SUBJECTS,
    destructors::SUBJECTS,
    epochs::SUBJECTS,
    ends::SUBJECTS,
    fallback::SUBJECTS,
    filtered::SUBJECTS,
    guards::SUBJECTS,
    known::SUBJECTS,
    nesting::SUBJECTS,
    notes::SUBJECTS,
    pools::SUBJECTS,
    promised::SUBJECTS,
    reallocations::SUBJECTS,
    retained::SUBJECTS,
    runtimes::SUBJECTS,
    safety::SUBJECTS,
    time_limits::SUBJECTS,
    time_notes::SUBJECTS,
    times::SUBJECTS,
    turns::SUBJECTS,
];

/// jemalloc's size class of a request.
fn class(bytes: usize) -> u64 {
    // SAFETY: it computes, and touches nothing.
    let class = unsafe { tikv_jemalloc_sys::nallocx(bytes, 0) };
    u64::try_from(class).unwrap()
}
