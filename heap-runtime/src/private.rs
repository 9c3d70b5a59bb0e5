//! What the attribute's expansion calls. Not public API: it changes with the macro crate, whose
//! version is locked to this one.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
pub use std::process::Termination;
use std::task::Poll;
use std::thread::Result as Unwound;
use std::time::Instant;

use crate::env::Settings;
pub use crate::outcome::verdict;
use crate::outcome::{Ending, Verdict, panic_message};
use crate::scope::Scope;
pub use crate::test::Test;
pub use crate::verdict;
pub use tikv_jemallocator::Jemalloc;

/// What the harness will make of a returned value: see [`crate::outcome::verdict`].
#[doc(hidden)]
#[macro_export]
macro_rules! verdict {
    ($returned:expr) => {{
        use $crate::__private::verdict::*;
        (&&&&&&&Returned($returned)).verdict()
    }};
}

/// Runs the body of a test.
///
/// # Panics
///
/// With the body's own payload where it panics; where it passes, and the test asked to fail for
/// what tracking found, with a message that says so.
#[track_caller]
pub fn run<R>(
    test: &'static Test,
    body: impl FnOnce() -> R,
    verdict: impl FnOnce(&R) -> Verdict,
) -> R {
    let settings = match Settings::get() {
        Ok(settings) if settings.track => settings,
        Ok(_) => return body(),
        Err(error) => panic!("{error}"),
    };
    match execute(test, settings, body, verdict) {
        (Ok(returned), None) => returned,
        (Ok(_), Some(complaint)) => panic!("{complaint}"),
        (Err(payload), _) => resume_unwind(payload),
    }
}

/// Runs the body of a test that should panic. There, a failure of ours must not be a panic: it
/// would be taken for the one that should come.
pub fn run_should_panic(test: &'static Test, body: impl FnOnce()) {
    let settings = match Settings::get() {
        Ok(settings) if settings.track => settings,
        Ok(_) => return body(),
        Err(error) => return eprintln!("{error}"),
    };
    match execute(test, settings, body, |()| Verdict::Passed) {
        (Err(payload), None) => resume_unwind(payload),
        (_, Some(complaint)) => eprintln!("{complaint}"),
        (Ok(()), None) => {}
    }
}

/// Runs the body of a test that returns `impl Termination`.
#[track_caller]
pub fn run_termination<T: Termination>(
    test: &'static Test,
    body: impl FnOnce() -> T,
) -> impl Termination {
    run(test, || body().report(), |code| verdict::of_code(*code))
}

/// Runs the body of an async test, to its end.
///
/// # Panics
///
/// As [`run`].
pub async fn run_async<R, F: Future<Output = R>, V: FnOnce(&R) -> Verdict>(
    test: &'static Test,
    body: F,
    verdict: V,
) -> R {
    let settings = match Settings::get() {
        Ok(settings) if settings.track => settings,
        Ok(_) => return body.await,
        Err(error) => panic!("{error}"),
    };
    match execute_async(test, settings, body, verdict).await {
        (Ok(returned), None) => returned,
        (Ok(_), Some(complaint)) => panic!("{complaint}"),
        (Err(payload), _) => resume_unwind(payload),
    }
}

/// Runs the body of an async test that should panic, as [`run_should_panic`] does.
pub async fn run_async_should_panic<F: Future<Output = ()>>(test: &'static Test, body: F) {
    let settings = match Settings::get() {
        Ok(settings) if settings.track => settings,
        Ok(_) => return body.await,
        Err(error) => return eprintln!("{error}"),
    };
    match execute_async(test, settings, body, |()| Verdict::Passed).await {
        (Err(payload), None) => resume_unwind(payload),
        (_, Some(complaint)) => eprintln!("{complaint}"),
        (Ok(()), None) => {}
    }
}

/// Tells an `async` block what it returns, in a branch that is never taken.
#[must_use]
pub fn never_called<R>() -> R {
    unreachable!("stands behind `if false`")
}

fn ending<R>(result: &Unwound<R>, verdict: impl FnOnce(&R) -> Verdict) -> Ending {
    match result {
        Ok(returned) => Ending::Returned(verdict(returned)),
        Err(payload) => Ending::Panicked(panic_message(&**payload)),
    }
}

/// Runs the body, and gives what it returned or threw, and what is wrong on our side.
fn execute<R>(
    test: &'static Test,
    settings: &'static Settings,
    body: impl FnOnce() -> R,
    verdict: impl FnOnce(&R) -> Verdict,
) -> (Unwound<R>, Option<String>) {
    let scope = Scope::begin(test, settings);
    let entered = scope.enter();
    let start = Instant::now();
    // The unwinding goes on with the same payload once the end is written, so nobody sees a broken
    // invariant who would not have seen it anyway.
    let result = catch_unwind(AssertUnwindSafe(body));
    let ran_for = start.elapsed();
    drop(entered);
    let complaint = scope.end(ran_for, || ending(&result, verdict));
    (result, complaint)
}

/// Runs the body to its end, and gives what [`execute`] gives.
async fn execute_async<R>(
    test: &'static Test,
    settings: &'static Settings,
    body: impl Future<Output = R>,
    verdict: impl FnOnce(&R) -> Verdict,
) -> (Unwound<R>, Option<String>) {
    let mut body = Box::pin(body);
    let scope = Scope::begin(test, settings);
    let start = Instant::now();
    let result = poll_fn(|context| {
        // A test moves between threads, and its notes with it.
        let _entered = scope.enter();
        match catch_unwind(AssertUnwindSafe(|| body.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(returned)) => Poll::Ready(Ok(returned)),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    })
    .await;
    let ran_for = start.elapsed();
    let complaint = scope.end(ran_for, || ending(&result, verdict));
    (result, complaint)
}
