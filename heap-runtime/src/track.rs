//! Tracking by a call, where no attribute can stand.

use std::fmt::Debug;
use std::process::ExitCode;

use crate::execution;
use crate::outcome::{Verdict, verdict};
use crate::test::Test;

/// Tracks a closure as the test of this name, and gives what it returns: the attribute as a plain
/// call, for harnesses and `main`s of one's own. [`Test`] also takes budgets and labels.
///
/// ```standalone_crate
/// heap_runtime::use_jemalloc!();
///
/// heap_runtime::track("queue::is_drained", || {
///     let mut queue: Vec<u64> = (0..1000).collect();
///     queue.clear();
///     assert!(queue.is_empty());
/// });
/// ```
///
/// A test of a [`libtest-mimic`](https://docs.rs/libtest-mimic) harness:
///
/// ```ignore
/// Trial::test(name.clone(), move || heap_runtime::track(&name, || check(&case)))
/// ```
///
/// # Panics
///
/// As [`Test::run`].
#[track_caller]
pub fn track<R: TestResult>(name: &str, body: impl FnOnce() -> R) -> R {
    Test::new(name).run(body)
}

/// Tracks a future as the test of this name, to its end: see [`track`].
///
/// It is measured where it is polled, while it is polled, together with the threads that it starts;
/// the tasks that it spawns run, and are measured, where their runtime runs them: a runtime that is
/// made inside the test is the test's.
///
/// ```standalone_crate
/// # use std::pin::pin;
/// # use std::task::{Context, Waker};
/// heap_runtime::use_jemalloc!();
///
/// let test = heap_runtime::track_async("answers", async { assert_eq!(6 * 7, 42) });
/// # assert!(pin!(test).poll(&mut Context::from_waker(Waker::noop())).is_ready());
/// ```
///
/// # Panics
///
/// As [`Test::run`].
#[track_caller]
pub fn track_async<R: TestResult>(
    name: &str,
    body: impl Future<Output = R>,
) -> impl Future<Output = R> {
    let test = Test::new(name);
    async move { test.run_async(body).await }
}

impl Test<'_> {
    /// Runs the body, tracked, and gives what it returns. Its sidecar is there from just before
    /// the body to after its end, whatever that end is.
    ///
    /// # Panics
    ///
    /// With the body's own payload where the body panics. Where it passes and breaks a budget, or
    /// cannot be tracked under `HEAP_REQUIRE=1`, with a message that says so.
    #[track_caller]
    pub fn run<R: TestResult>(&self, body: impl FnOnce() -> R) -> R {
        execution::run(self, execution::once(body), judge)
    }

    /// Runs the future to its end, tracked: see [`track_async`].
    ///
    /// ```
    /// use std::pin::pin;
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let test = heap_runtime::Test::new("numbers::are_parsed");
    /// let mut parsed = pin!(test.run_async(async { "42".parse::<u8>().map(drop) }));
    /// // Any executor will do; this future waits for nothing.
    /// let polled = parsed.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    /// assert_eq!(polled, Poll::Ready(Ok(())));
    /// ```
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub async fn run_async<R: TestResult>(&self, body: impl Future<Output = R>) -> R {
        execution::run_async(self, body, judge).await
    }
}

fn judge<R: TestResult>(returned: &R) -> Verdict {
    match returned.failure() {
        None => Verdict::Passed,
        Some(message) => Verdict::Failed(message),
    }
}

/// What the body of a tracked call returns: a value that says whether the test has failed.
///
/// It is what the sidecar's `outcome` is made of, so it should say what the harness will make of
/// the value.
///
/// ```
/// use heap_runtime::{TestResult, track};
///
/// /// How many of a table's cases were wrong.
/// struct Wrong(u32);
///
/// impl TestResult for Wrong {
///     fn failure(&self) -> Option<String> {
///         (self.0 > 0).then(|| format!("{} case(s) were wrong", self.0))
///     }
/// }
///
/// let wrong = track("table::of_squares", || Wrong((2 * 2 != 4).into()));
/// assert_eq!(wrong.failure(), None);
/// assert_eq!(Wrong(2).failure().as_deref(), Some("2 case(s) were wrong"));
/// ```
#[diagnostic::on_unimplemented(
    message = "a tracked body that returns `{Self}` does not say whether its test has failed",
    label = "this is not a test result",
    note = "return `()`, a `Result<(), _>` or an `ExitCode`, or implement `TestResult` for `{Self}`"
)]
pub trait TestResult {
    /// Why the test has failed; `None` where it has passed.
    fn failure(&self) -> Option<String>;
}

/// To return is to pass.
impl TestResult for () {
    fn failure(&self) -> Option<String> {
        None
    }
}

/// An error is a failure; what is inside `Ok` counts too.
impl<T: TestResult, E: Debug> TestResult for Result<T, E> {
    fn failure(&self) -> Option<String> {
        match self {
            Ok(value) => value.failure(),
            Err(error) => Some(format!("{error:?}")),
        }
    }
}

/// Any code but [`ExitCode::SUCCESS`] is a failure.
impl TestResult for ExitCode {
    fn failure(&self) -> Option<String> {
        match verdict::of_code(*self) {
            Verdict::Passed => None,
            Verdict::Failed(message) => Some(message),
        }
    }
}
