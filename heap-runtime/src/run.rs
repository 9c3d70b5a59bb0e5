//! Which run this process belongs to: all test binaries of one `cargo test`, or of one
//! `cargo nextest run`, are one run.

#[cfg_attr(
    not(all(target_os = "linux", not(any(miri, heap_runtime_elsewhere)))),
    path = "run/elsewhere.rs"
)]
mod ancestry;

use std::sync::OnceLock;

use heap_sidecar::Runner;
use heap_sidecar::run_id::sanitised;

use crate::env::Nextest;

/// The run of this process, and the turn of its tests in it.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) runner: Runner,
    /// From 1; more under nextest's retries.
    pub(crate) attempt: u32,
    /// From 0; under nextest's stress runs.
    pub(crate) stress_index: Option<u32>,
}

impl Run {
    /// The run of this process, found out once.
    pub(crate) fn get() -> &'static Self {
        static RUN: OnceLock<Run> = OnceLock::new();
        RUN.get_or_init(|| {
            if let Some(nextest) = Nextest::get() {
                return Self {
                    id: sanitised(&nextest.run_id),
                    runner: Runner::Nextest,
                    attempt: nextest.attempt,
                    stress_index: nextest.stress_index,
                };
            }
            let (id, runner) = ancestry::identity();
            Self {
                id,
                runner,
                attempt: 1,
                stress_index: None,
            }
        })
    }
}

/// This process's number; 0 on targets that have no processes.
pub(crate) fn process_id() -> u32 {
    // There, to ask is to panic.
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}
