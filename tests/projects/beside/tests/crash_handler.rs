//! crash-handler has a definition of `pthread_create`, to prepare each thread for its crash.

use crash_handler::{CrashContext, CrashEventResult, CrashHandler, make_crash_event};
use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked]
#[test]
fn starts_a_thread() {
    // SAFETY: it does nothing.
    let event = unsafe { make_crash_event(|_: &CrashContext| CrashEventResult::Handled(false)) };
    let _attached = CrashHandler::attach(event).unwrap();
    std::thread::spawn(|| ()).join().unwrap();
}
