//! What a hook of panics allocates is not the test's.
//!
//! Where `RUST_BACKTRACE` asks for a backtrace, std's hook reads the symbols of the whole program and
//! keeps them: 43 MiB for a test binary with debug information, on whichever test panics first.

use std::panic::{set_hook, take_hook};
use std::sync::Once;
use std::thread::panicking;

use crate::own;

/// From the first call on, the hook of panics runs unmeasured. One that is set later is measured again,
/// unless it calls the one that it has taken.
///
/// std has no way to do both at once: a hook that another thread sets between the two is lost. It is a moment
/// of the first tracked test alone.
pub(crate) fn leave_out_hook() {
    static ONCE: Once = Once::new();
    // A thread that panics may not touch hooks: the next test does it.
    if !panicking() {
        ONCE.call_once(|| {
            let hook = take_hook();
            set_hook(Box::new(move |panic| own::unmeasured(|| hook(panic))));
        });
    }
}
