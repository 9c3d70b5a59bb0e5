//! Tests that never end, one of which does not let itself be ended by SIGTERM.

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

fn hang() {
    std::mem::forget(std::hint::black_box(vec![0_u8; 1 << 20]));
    heap_runtime::checkpoint("before the end");
    loop {
        std::thread::park();
    }
}

#[heap_tracked]
#[test]
fn hangs() {
    hang();
}

#[heap_tracked]
#[test]
fn hangs_and_ignores_sigterm() {
    // SAFETY: to ignore a signal runs no code of ours when it comes.
    let before = unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR);
    hang();
}

#[heap_tracked]
#[test]
fn ends() {}
