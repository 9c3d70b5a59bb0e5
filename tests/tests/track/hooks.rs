//! What the hook of a panic allocates and reads is not the test's, nor that of the tests after it.

use std::panic::{catch_unwind, set_hook, take_hook};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use heap_runtime::sidecar::Sidecar;
use heap_runtime::{HeapDelta, track, track_async};
use heap_tests::rerun;

use super::own;

#[test]
fn what_the_hook_of_a_panic_allocates_is_not_the_tests() {
    let run = rerun::passing("hooks::panics_first", &[("RUST_BACKTRACE", "1")]);
    let (allocated, retained) = own(run.sidecar("catches"));
    // The panic's payload, and not the symbols of the whole program.
    assert!(
        allocated < 4096 && retained < 4096,
        "{allocated} {retained}"
    );
    let hooks = run.sidecar("has_a_hook");
    assert_eq!(hooks.metrics["told"].to_string(), "1");
}

#[test]
#[ignore = "run by what_the_hook_of_a_panic_allocates_is_not_the_tests"]
fn panics_first() {
    track("catches", || {
        catch_unwind(|| panic!("the first of the process")).unwrap_err();
    });
    // Hooks come and go as ever.
    track("has_a_hook", || {
        static TOLD: AtomicU32 = AtomicU32::new(0);
        let before = take_hook();
        set_hook(Box::new(|_| {
            TOLD.fetch_add(1, Ordering::Relaxed);
        }));
        catch_unwind(|| panic!("told to the hook")).unwrap_err();
        set_hook(before);
        heap_runtime::metric("told", TOLD.load(Ordering::Relaxed).into());
    });
}

/// How much more the process had resident after a test than before it, by the sidecar.
fn grown(sidecar: &Sidecar) -> u64 {
    let resident = |host: &heap_runtime::HostContext| host.rss_bytes.max(host.peak_rss_bytes);
    let before = resident(&sidecar.host_before).expect("Linux says");
    let after = resident(&sidecar.host).expect("Linux says");
    after - before
}

/// What a test's process has had of a hook's symbols is told apart, in its heap and in what is resident.
fn is_told_apart(sidecar: &Sidecar) {
    let process = sidecar.heap.process.expect("jemalloc counts");
    let panics = process.panics.expect("a hook has read symbols");
    let grown = |delta: HeapDelta| delta.allocated_bytes.expect("jemalloc says");
    let (all, of_panics) = (grown(process.delta), grown(panics.delta));
    let name = &sidecar.test_name;
    assert!(all > 1 << 20, "{name}: {process:?}");
    assert!(all.abs_diff(of_panics) < 256 << 10, "{name}: {process:?}");
    assert!(
        panics.rss_bytes > Some(SYMBOLS.cast_signed()),
        "{name}: {process:?}"
    );
    assert_eq!(sidecar.unseen(), None, "{name}: {process:?}");
}

/// Symbols take more than that, whatever the binary.
const SYMBOLS: u64 = 8 << 20;

#[test]
#[cfg(target_os = "linux")]
fn the_host_of_a_test_that_panics_is_as_it_was_before_the_hook() {
    for name in ["panics", "panics_inside", "panics_in_a_future"] {
        let run = rerun::failing(
            &format!("hooks::dear_hooks::{name}"),
            &[("RUST_BACKTRACE", "1")],
        );
        for sidecar in &run.sidecars {
            let grown = grown(sidecar);
            assert!(grown < SYMBOLS, "{}: {grown}", sidecar.test_name);
            assert!(sidecar.host.kernel_release.is_some());
            is_told_apart(sidecar);
        }
    }
    // The hook does read symbols, and a test that goes on has them.
    let run = rerun::passing("hooks::dear_hooks::catches", &[("RUST_BACKTRACE", "1")]);
    let grown = grown(run.sidecar("hooks::dear_hooks::catches"));
    assert!(grown > SYMBOLS, "{grown}");
    is_told_apart(run.sidecar("hooks::dear_hooks::catches"));
    // What was noted then is of no later panic.
    let run = rerun::failing(
        "hooks::dear_hooks::catches_first",
        &[("RUST_BACKTRACE", "1")],
    );
    let grown = self::grown(run.sidecar("hooks::dear_hooks::catches_first"));
    assert!(grown > SYMBOLS + (64 << 20), "{grown}");
}

/// Tests of a process in which another has panicked have its symbols, and it is said how much that is.
#[test]
#[cfg(target_os = "linux")]
fn later_tests_are_told_what_they_have_of_an_earlier_panic() {
    let run = rerun::passing("hooks::dear_hooks::are_three", &[("RUST_BACKTRACE", "1")]);
    let before = &run.sidecar("before").heap;
    assert_eq!(
        (before.panic_rss_bytes, before.panic_peak_rss_bytes),
        (None, None)
    );
    let after = run.sidecar("after");
    // It has done nothing itself.
    assert_eq!(after.heap.process.expect("jemalloc counts").panics, None);
    let resident = |sidecar: &Sidecar| {
        let (host, heap) = (&sidecar.host, &sidecar.heap);
        [
            host.rss_bytes.unwrap() - heap.panic_rss_bytes.unwrap_or(0),
            host.peak_rss_bytes.unwrap() - heap.panic_peak_rss_bytes.unwrap_or(0),
        ]
    };
    assert!(
        after.heap.panic_rss_bytes > Some(SYMBOLS),
        "{:?}",
        after.heap
    );
    let (earlier, later) = (resident(run.sidecar("before")), resident(after));
    for (earlier, later) in earlier.into_iter().zip(later) {
        assert!(later.abs_diff(earlier) < SYMBOLS / 2, "{earlier} {later}");
    }
}

mod dear_hooks {
    use super::*;

    #[test]
    #[ignore = "run by later_tests_are_told_what_they_have_of_an_earlier_panic"]
    fn are_three() {
        track("before", || {});
        catch_unwind(|| track("panics", || -> () { panic!("and is caught") })).unwrap_err();
        track("after", || {});
    }

    #[heap_runtime::heap_tracked]
    #[test]
    #[ignore = "run by the_host_of_a_test_that_panics_is_as_it_was_before_the_hook"]
    fn panics() {
        panic!("on this thread");
    }

    #[heap_runtime::heap_tracked]
    #[test]
    #[ignore = "run by the_host_of_a_test_that_panics_is_as_it_was_before_the_hook"]
    fn panics_inside() {
        track("inner", || -> () { panic!("of both") });
    }

    #[test]
    #[ignore = "run by the_host_of_a_test_that_panics_is_as_it_was_before_the_hook"]
    fn panics_in_a_future() {
        let future = pin!(track_async("future", async { panic!("when it is polled") }));
        let _never: Poll<()> = future.poll(&mut Context::from_waker(Waker::noop()));
    }

    #[heap_runtime::heap_tracked]
    #[test]
    #[ignore = "run by the_host_of_a_test_that_panics_is_as_it_was_before_the_hook"]
    fn catches() {
        catch_unwind(|| panic!("nothing to it")).unwrap_err();
    }

    #[heap_runtime::heap_tracked]
    #[test]
    #[ignore = "run by the_host_of_a_test_that_panics_is_as_it_was_before_the_hook"]
    fn catches_first() {
        catch_unwind(|| panic!("nothing to it")).unwrap_err();
        let held = std::hint::black_box(vec![1_u8; 64 << 20]);
        panic!("{} bytes", held.len());
    }
}

#[test]
fn a_short_backtrace_has_the_frames_of_the_test_and_of_who_called_it() {
    let frames = |backtrace| {
        rerun::failing(
            "hooks::fails_inside",
            &[("RUST_BACKTRACE", backtrace), ("HEAP_PROCESS", "0")],
        )
        .stdout
    };
    let short = frames("1");
    for own in [
        "hooks::fails_inside",
        "hooks::calls_one",
        "hooks::fails_at_last",
    ] {
        assert!(short.contains(own), "{own}: {short}");
    }
    for ours in ["execution::execute", "execution::Subject", "scope::"] {
        assert!(!short.contains(ours), "{ours}: {short}");
    }
    assert!(frames("full").contains("execution::execute"));
}

#[heap_runtime::heap_tracked]
#[test]
#[ignore = "run by a_short_backtrace_has_the_frames_of_the_test_and_of_who_called_it"]
fn fails_inside() {
    calls_one();
}

#[inline(never)]
fn calls_one() {
    track("inner", fails_at_last);
}

#[inline(never)]
fn fails_at_last() {
    panic!("at last");
}
