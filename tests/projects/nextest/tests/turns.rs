//! Tests that do something else each time.

use heap_runtime::heap_tracked;

heap_runtime::use_jemalloc!();

/// Keeps as many bytes as this is the attempt, times 1,024.
fn keep() -> u32 {
    let attempt = std::env::var("NEXTEST_ATTEMPT").map_or(1, |text| text.parse().unwrap());
    std::mem::forget(vec![0_u8; 1024 * attempt as usize]);
    attempt
}

#[heap_tracked(labels(is = "flaky"))]
#[test]
fn passes_the_third_time() -> Result<(), &'static str> {
    if keep() < 3 {
        return Err("not yet");
    }
    Ok(())
}

#[heap_tracked]
#[test]
#[ignore = "asked for by name"]
fn never_passes() -> Result<(), &'static str> {
    keep();
    Err("never")
}

#[heap_tracked]
#[test]
fn steady() {
    keep();
}
