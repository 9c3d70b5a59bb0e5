//! What goes wrong with tracking itself, said on stderr.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Says once for each process and cause what went wrong. Past the harness, which would show it
/// only for tests that fail.
pub(crate) fn say_once(error: &str) {
    static SAID: LazyLock<Mutex<HashSet<String>>> = LazyLock::new(Mutex::default);
    // The cause is what stands behind the path.
    let cause = error.rsplit("`: ").next().unwrap_or(error).to_owned();
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    if said.insert(cause) {
        // With stderr closed there is nobody left to tell.
        let _ = writeln!(std::io::stderr(), "heap_tracked: {error}");
    }
}
