//! Tracking by a plain call, without the attribute.

mod hooks;
mod redaction;

use std::convert::Infallible;
use std::num::ParseIntError;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use heap_runtime::sidecar::{FailureKind, Outcome, Sidecar, Status};
use heap_runtime::{Test, track, track_async};
use heap_tests::project::Run;
use heap_tests::rerun;

heap_runtime::use_jemalloc!();

/// Allocates 64 KiB and frees them, and allocates 32 KiB and keeps them.
fn work() {
    drop(std::hint::black_box(vec![0_u8; 64 << 10]));
    std::mem::forget(std::hint::black_box(vec![0_u8; 32 << 10]));
}

#[track_caller]
fn own(sidecar: &Sidecar) -> (u64, i64) {
    let own = sidecar.heap.own.as_ref().expect("jemalloc counts");
    (own.allocated_bytes, own.retained_bytes)
}

/// The sidecar's outcome, and its failure.
#[track_caller]
fn ended(run: &Run, name: &str) -> (Outcome, Option<(FailureKind, String)>) {
    let sidecar = run.sidecar(name);
    assert_eq!(sidecar.status, Status::Finished, "{name}");
    let failure = sidecar.failure.clone();
    (
        sidecar.outcome.expect("it has ended"),
        failure.map(|failure| (failure.kind, failure.message)),
    )
}

#[test]
fn a_call_leaves_what_the_attribute_leaves() {
    let run = rerun::passing("calls", &[("CARGO_PKG_NAME", "some-package")]);
    let sidecar = run.sidecar("plain::work");
    assert_eq!(own(sidecar), (96 << 10, 32 << 10));
    // cargo says at run time which package it runs.
    assert_eq!(sidecar.package, "some-package");
    assert_eq!(sidecar.binary, "track");
    assert_eq!(sidecar.source.file, "tests/tests/track/main.rs");
    let text = include_str!("main.rs");
    let line = text
        .lines()
        .position(|line| line.contains("track(\"plain::work\""));
    assert_eq!(sidecar.source.line as usize, line.unwrap() + 1);
    assert_eq!(sidecar.heap.overlap, Some(0));
    assert_eq!(ended(&run, "plain::work"), (Outcome::Passed, None));
    assert!(sidecar.host.heap_state.is_some() && sidecar.host_before.heap_state.is_some());
}

#[test]
#[ignore = "run by a_call_leaves_what_the_attribute_leaves"]
fn calls() {
    track("plain::work", work);
}

#[test]
fn what_a_call_returns_is_its_outcome() {
    let run = rerun::ignored("outcomes");
    let failed = |kind, message: &str| (Outcome::Failed, Some((kind, message.to_owned())));
    assert_eq!(ended(&run, "ok"), (Outcome::Passed, None));
    assert_eq!(
        ended(&run, "err"),
        failed(FailureKind::Error, "ParseIntError { kind: InvalidDigit }")
    );
    let (outcome, failure) = ended(&run, "code");
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(failure.unwrap().0, FailureKind::Error);
    assert_eq!(ended(&run, "inner_code").0, Outcome::Failed);
    assert_eq!(ended(&run, "panics"), failed(FailureKind::Panic, "no"));
    assert_eq!(run.sidecar("skips").outcome, Some(Outcome::Skipped));
}

#[test]
#[ignore = "run by what_a_call_returns_is_its_outcome"]
fn outcomes() {
    track("ok", || Ok::<(), Infallible>(())).unwrap();
    let error: Result<(), ParseIntError> = track("err", || "x".parse::<u8>().map(drop));
    error.unwrap_err();
    // What is returned is given back as it is.
    assert_eq!(track("code", || ExitCode::from(3)), ExitCode::from(3));
    let inner = track("inner_code", || Ok::<_, Infallible>(ExitCode::FAILURE));
    assert_eq!(inner, Ok(ExitCode::FAILURE));
    let payload = catch_unwind(|| track::<()>("panics", || panic!("no"))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"no"));
    track("skips", || heap_runtime::skip("not here"));
}

#[test]
fn a_call_may_have_budgets_and_labels() {
    let run = rerun::ignored("budgets");
    let sidecar = run.sidecar("over");
    assert_eq!(sidecar.outcome, Some(Outcome::Failed));
    assert_eq!(sidecar.labels["kind"], "known");
    let limits: Vec<_> = (sidecar.budgets.iter())
        .map(|budget| (budget.bytes, budget.actual, budget.held))
        .collect();
    assert_eq!(
        limits,
        [
            (128 << 10, Some(64 << 10), Some(true)),
            (1024, Some(32 << 10), Some(false)),
            (96 << 10, Some(96 << 10), Some(true)),
            (2, Some(2), Some(true)),
        ]
    );
    // A name that is made at run time.
    for case in 0..3 {
        assert_eq!(
            own(run.sidecar(&format!("case::{case}"))),
            (96 << 10, 32 << 10)
        );
    }
}

#[test]
#[ignore = "run by a_call_may_have_budgets_and_labels"]
fn budgets() {
    let over = catch_unwind(|| {
        Test::new("over")
            .max_peak(128 << 10)
            .max_retained(1024)
            .max_allocated(96 << 10)
            .max_allocations(2)
            .labels(&[("kind", "known")])
            .run(work);
    });
    let message = over.unwrap_err();
    let message = message.downcast_ref::<String>().expect("it is ours");
    assert!(
        message.contains("max_retained: limit 1024 B, actual 32768 B"),
        "{message}"
    );
    for case in 0..3 {
        let (name, number) = (format!("case::{case}"), case.to_string());
        Test::new(&name).labels(&[("case", &number)]).run(work);
    }
}

#[test]
fn a_future_is_tracked_where_it_is_polled() {
    let run = rerun::ignored("futures");
    assert_eq!(own(run.sidecar("polled::twice")), (96 << 10, 32 << 10));
    assert_eq!(ended(&run, "polled::twice"), (Outcome::Passed, None));
    let (outcome, failure) = ended(&run, "polled::dropped");
    assert_eq!(outcome, Outcome::Failed);
    assert_eq!(
        failure.unwrap().1,
        "the future of the test was dropped before its end"
    );
}

#[test]
#[ignore = "run by a_future_is_tracked_where_it_is_polled"]
fn futures() {
    let mut context = Context::from_waker(Waker::noop());
    let mut polls = 0;
    let twice = track_async("polled::twice", async {
        std::future::poll_fn(|_| {
            polls += 1;
            if polls == 1 {
                drop(std::hint::black_box(vec![0_u8; 64 << 10]));
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        std::mem::forget(std::hint::black_box(vec![0_u8; 32 << 10]));
    });
    let mut twice = pin!(twice);
    assert!(twice.as_mut().poll(&mut context).is_pending());
    // Between two polls, the thread is nobody's.
    work();
    assert!(twice.as_mut().poll(&mut context).is_ready());

    let mut dropped = Box::pin(track_async("polled::dropped", std::future::pending::<()>()));
    assert!(dropped.as_mut().poll(&mut context).is_pending());
    drop(dropped);
}

#[test]
fn a_call_inside_a_tracked_test_is_in_its_numbers_too() {
    let run = rerun::ignored("outer");
    assert_eq!(own(run.sidecar("inner")), (96 << 10, 32 << 10));
    assert_eq!(own(run.sidecar("outer")), (192 << 10, 64 << 10));
}

#[heap_runtime::heap_tracked]
#[test]
#[ignore = "run by a_call_inside_a_tracked_test_is_in_its_numbers_too"]
fn outer() {
    work();
    let _ = catch_unwind(AssertUnwindSafe(|| track("inner", work)));
}

#[test]
fn what_tracking_itself_keeps_is_not_in_the_process_tier() {
    let run = rerun::ignored("nothing");
    // What the process makes once is in the first one's: 128 bytes, and none of them are a file's.
    for (name, most) in [("first", 128), ("second", 0), ("third", 0)] {
        let process = run.sidecar(name).heap.process.expect("jemalloc counts");
        let kept = process.delta.allocated_bytes.unwrap();
        assert!((0..=most).contains(&kept), "{name}: {kept}");
    }
}

#[test]
#[ignore = "is run as a child"]
fn nothing() {
    for name in ["first", "second", "third"] {
        track(name, || ());
    }
}

#[test]
fn what_a_test_has_allocated_for_its_record_goes_on_to_the_next() {
    let run = rerun::ignored("counts_what_tracking_allocates");
    let metrics = &run.sidecar("measures").metrics;
    // The record itself is some 2 KiB, and room for its text is 4.
    assert!(metrics["first_bytes"] > 4096.0, "{metrics:?}");
    assert!(metrics["one_came_without"] > 0.0, "{metrics:?}");
}

/// Less than a record takes, and more than why something in it is absent, such as delays.
const A_RECORD: u32 = 1024;

#[test]
#[ignore = "is run as a child"]
fn counts_what_tracking_allocates() {
    let allocated = tikv_jemalloc_ctl::thread::allocatedp::read().expect("jemalloc is linked");
    let one_allocates = || {
        let before = allocated.get();
        track("nothing", || ());
        u32::try_from(allocated.get() - before).expect("some kilobytes")
    };
    let first = one_allocates();
    // Whoever comes some time after the last reads the host anew. On a machine that keeps a test waiting, that may be most
    // of them, and not all of so many.
    let later = (0..10_000).map(|_| one_allocates());
    let later = later.take_while(|bytes| *bytes >= A_RECORD).count();
    track("measures", || {
        heap_runtime::metric("first_bytes", f64::from(first));
        heap_runtime::metric("one_came_without", f64::from(u8::from(later < 10_000)));
    });
}

#[test]
fn a_variable_that_is_nearly_one_of_ours_fails_the_tests() {
    let run = rerun::failing("calls", &[("HEAP_MAX_ALOCATED", "1 B")]);
    let said = format!("{}{}", run.stdout, run.stderr);
    let expected =
        "unknown environment variable HEAP_MAX_ALOCATED: did you mean HEAP_MAX_ALLOCATED?";
    assert!(said.contains(expected), "{said}");
    let off = [("HEAP_MAX_ALOCATED", "1 B"), ("HEAP_TRACK", "0")];
    assert!(rerun::passing("calls", &off).sidecars.is_empty());
    // What is another program's is nothing to us.
    let other = rerun::passing("calls", &[("HEAP_SIZE", "1 B")]);
    assert!(!other.sidecars.is_empty());
}

/// What cannot be shown: its `Debug` panics.
struct Unshowable;

impl std::fmt::Debug for Unshowable {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("it cannot be shown")
    }
}

/// What is only dropped by a panic.
struct Undroppable;

impl Drop for Undroppable {
    fn drop(&mut self) {
        panic!("it cannot be dropped");
    }
}

#[test]
fn a_test_whose_own_code_panics_at_its_end_has_ended() {
    let run = rerun::ignored("panics_at_the_end");
    let failed = |message: &str| (Outcome::Failed, Some((FailureKind::Panic, message.into())));
    assert_eq!(ended(&run, "unshowable"), failed("it cannot be shown"));
    assert_eq!(ended(&run, "undroppable"), failed("it cannot be dropped"));
    assert_eq!(ended(&run, "both"), failed("of its own"));
    // Neither is open for ever.
    assert_eq!(run.sidecar("afterwards").heap.overlap, Some(0));
}

#[test]
#[ignore = "run by a_test_whose_own_code_panics_at_its_end_has_ended"]
fn panics_at_the_end() {
    let message = |run: &mut dyn FnMut()| {
        let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        *payload.downcast_ref::<&str>().expect("a text")
    };
    let shown = message(&mut || drop(track("unshowable", || Err::<(), _>(Unshowable))));
    assert_eq!(shown, "it cannot be shown");
    let dropped = message(&mut || {
        let mut context = Context::from_waker(Waker::noop());
        let mut test = Box::pin(track_async("undroppable", async {
            let _held = Undroppable;
            std::future::pending::<()>().await;
        }));
        assert!(test.as_mut().poll(&mut context).is_pending());
    });
    assert_eq!(dropped, "it cannot be dropped");
    // What is freed with the future, after its own panic.
    let both = message(&mut || {
        let mut context = Context::from_waker(Waker::noop());
        let held = Undroppable;
        let mut test = Box::pin(track_async(
            "both",
            std::future::poll_fn(move |_| -> Poll<()> {
                let _held = &held;
                panic!("of its own")
            }),
        ));
        let _ = test.as_mut().poll(&mut context);
    });
    assert_eq!(both, "of its own");
    track("afterwards", || ());
}

#[test]
fn a_test_starts_when_it_is_warm() {
    let run = rerun::ignored("warms_up");
    let sidecar = run.sidecar("warms_up");
    let started: humantime::Timestamp = sidecar.started_at.parse().unwrap();
    let started = started.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(
        started.as_secs_f64() * 1e3 >= sidecar.metrics["warm_at_ms"],
        "{sidecar:?}"
    );
}

#[test]
fn a_test_that_fails_before_it_is_warm_says_so() {
    let run = rerun::failing("stays_cold", &[]);
    let sidecar = run.sidecar("stays_cold");
    assert_eq!((sidecar.heap.own, sidecar.duration_ns), (None, None));
    let reason = sidecar.heap.reason.as_deref();
    assert_eq!(reason, Some("the test ended in its warm-up"));
}

#[heap_runtime::heap_tracked(warmup = 1)]
#[test]
#[ignore = "run by a_test_that_fails_before_it_is_warm_says_so"]
fn stays_cold() {
    panic!("too cold");
}

#[heap_runtime::heap_tracked(warmup = 1)]
#[test]
#[ignore = "run by a_test_starts_when_it_is_warm"]
fn warms_up() {
    static WARM_AT: OnceLock<f64> = OnceLock::new();
    let now = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        (now.unwrap().as_secs_f64() * 1e3).floor()
    };
    let started = now();
    let warm_at = WARM_AT.get_or_init(|| {
        // So long that the clock of the sidecar tells them apart.
        while now() < started + 5.0 {
            std::hint::spin_loop();
        }
        now()
    });
    heap_runtime::metric("warm_at_ms", *warm_at);
}
