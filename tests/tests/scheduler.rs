//! Tests of the running kernel's scheduler, by real system calls.
//!
//! Fairness is about who gets how much of a CPU, latency about how soon, policy about who comes first, affinity about
//! where, bandwidth about how much at most, and lifetime about threads that come and go. Progress is about what every
//! scheduler owes to all of its threads, on all CPUs.
//!
//! A test that needs a CPU for itself takes it with `OwnedCpu`, so they may run in any number of threads and
//! processes. What the machine does not allow is skipped with the reason.

heap_runtime::use_jemalloc!();

/// The value, or the end of the test as skipped, with the reason.
macro_rules! or_skip {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(refusal) => {
                heap_runtime::skip(&refusal.to_string());
                return Ok(());
            }
        }
    };
}

#[path = "scheduler/affinity.rs"]
mod affinity;
#[path = "scheduler/bandwidth.rs"]
mod bandwidth;
#[path = "scheduler/fairness.rs"]
mod fairness;
#[path = "scheduler/idle_cpu.rs"]
mod idle_cpu;
#[path = "scheduler/latency.rs"]
mod latency;
#[path = "scheduler/lifetime.rs"]
mod lifetime;
#[path = "scheduler/policy.rs"]
mod policy;
#[path = "scheduler/progress.rs"]
mod progress;
