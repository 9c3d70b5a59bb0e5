//! This process.

/// This process's number; 0 on targets that have no processes.
pub(crate) fn process_id() -> u32 {
    // There, to ask is to panic.
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}
