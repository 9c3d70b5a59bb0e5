//! Each test passes or is stopped, and the runner makes something else of it.

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

#[heap_tracked]
#[test]
fn it_leaves_a_process() {
    // It has the test's standard output for so long.
    std::process::Command::new("sleep").arg("5").spawn().unwrap();
}

#[heap_tracked]
#[test]
fn it_never_ends() {
    loop {
        std::thread::park();
    }
}

#[heap_tracked]
#[test]
fn it_is_flaky() {
    assert_ne!(std::env::var("NEXTEST_ATTEMPT").as_deref(), Ok("1"));
}

#[heap_tracked]
#[test]
fn it_passes() {}
