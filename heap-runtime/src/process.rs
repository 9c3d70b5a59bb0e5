//! This process.

#[cfg(proc_fs)]
mod kept;

/// This process's number; 0 on targets that have no processes.
#[cfg(not(proc_fs))]
pub(crate) fn process_id() -> u32 {
    // There, to ask is to panic.
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}

#[cfg(proc_fs)]
pub(crate) use kept::process_id;
