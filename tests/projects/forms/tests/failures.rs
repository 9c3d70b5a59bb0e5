//! Tests that fail, or nearly: tracked with the feature `tracked`, and else their untracked twins.
//! The harness must say the same of both.

#[cfg(feature = "tracked")]
use heap_runtime::heap_tracked;
use std::process::{ExitCode, Termination};
use std::sync::atomic::{AtomicU32, Ordering};

heap_runtime::use_jemalloc!();

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn panics() {
    let tasks = [1, 2];
    panic!("{} tasks and one CPU", tasks.len());
}

#[test]
#[cfg_attr(feature = "tracked", heap_tracked)]
fn asserts() {
    let share = 1024 / 335;
    assert_eq!(share, 4, "nice 0 against nice 5");
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn panics_in_a_callee() {
    fn callee(index: usize) -> u32 {
        [1, 2, 3][index]
    }
    callee(std::env::args().count() + 5);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn panics_with_a_payload() {
    std::panic::panic_any(3_u32);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn panics_at_its_caller() {
    Option::<u32>::None.expect("a task");
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn returns_err() -> Result<(), String> {
    Err("no CPU left".into())
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn exit_code() -> ExitCode {
    ExitCode::from(3)
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
#[should_panic]
fn should_panic_and_does_not() {}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
#[should_panic(expected = "overflow")]
fn should_panic_and_does_otherwise() {
    panic!("an underflow");
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
#[should_panic(expected = "overflow")]
fn should_panic_and_has_no_message() {
    std::panic::panic_any(3_u32);
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn prints_and_panics() {
    println!("on standard output");
    eprintln!("on standard error");
    panic!("after both");
}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
#[ignore = "it takes long"]
fn is_ignored() {}

#[cfg_attr(feature = "tracked", heap_tracked)]
#[test]
fn passes() {}

/// Whether it is called for the first time with this counter.
fn is_first(rounds: &AtomicU32) -> bool {
    rounds.fetch_add(1, Ordering::Relaxed) == 0
}

// Its second round would pass, and is not come to.
#[cfg_attr(feature = "tracked", heap_tracked(warmup = 1))]
#[test]
fn fails_cold_with_an_error() -> Result<(), String> {
    static ROUNDS: AtomicU32 = AtomicU32::new(0);
    if is_first(&ROUNDS) {
        Err("too cold".into())
    } else {
        Ok(())
    }
}

#[cfg_attr(feature = "tracked", heap_tracked(warmup = 3))]
#[test]
fn fails_cold_with_a_code() -> ExitCode {
    static ROUNDS: AtomicU32 = AtomicU32::new(0);
    if is_first(&ROUNDS) {
        ExitCode::from(3)
    } else {
        ExitCode::SUCCESS
    }
}

#[cfg_attr(feature = "tracked", heap_tracked(warmup = 1))]
#[test]
fn fails_cold_opaquely() -> impl Termination {
    static ROUNDS: AtomicU32 = AtomicU32::new(0);
    if is_first(&ROUNDS) {
        Err("too cold")
    } else {
        Ok(())
    }
}

#[cfg_attr(feature = "tracked", heap_tracked(warmup = 1))]
#[test]
fn fails_cold_with_a_panic() {
    static ROUNDS: AtomicU32 = AtomicU32::new(0);
    assert!(!is_first(&ROUNDS), "too cold");
}
