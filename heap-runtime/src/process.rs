//! This process.

#[cfg(all(target_os = "linux", not(miri)))]
mod kept;

/// This process's number; 0 on targets that have no processes.
#[cfg(not(all(target_os = "linux", not(miri))))]
pub(crate) fn process_id() -> u32 {
    // There, to ask is to panic.
    if cfg!(target_family = "wasm") {
        0
    } else {
        std::process::id()
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
pub(crate) use kept::process_id;
