//! Running a tracked body, from the state before to the finished sidecar: what the attribute's
//! expansion and [`Test::run`] both come to.

use std::future::poll_fn;
use std::mem::replace;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::process::{ExitCode, Termination};
use std::task::{Context, Poll};
use std::thread::Result as Unwound;
use std::time::{Duration, Instant};

use crate::backtrace::{__rust_begin_short_backtrace, __rust_end_short_backtrace};
use crate::env::Settings;
use crate::fork;
use crate::outcome::{Ending, Verdict, verdict};
use crate::own;
use crate::scope::Scope;
use crate::test::Test;
use crate::time::Ask;
use crate::turn::Kind;
use crate::warning::{self, warn_once};

/// A body that is run once, or first a few times to warm up.
pub trait Body {
    /// What it returns.
    type Returned;
    /// Runs a copy of it, for what that leaves behind: lazily made statics, filled caches. Nothing is run
    /// where it can run only once.
    fn rehearse(&self) -> Option<Self::Returned>;
    /// Runs it.
    fn run(self) -> Self::Returned;
}

/// A body that can be run once.
#[derive(Debug)]
pub struct Once<F>(F);

/// A body that can be run again and again.
#[derive(Debug)]
pub struct Warmed<F>(F);

/// A body that is run once. The bound tells the compiler what kind of closure it is: one that may
/// give away what it has captured.
pub fn once<R, F: FnOnce() -> R>(body: F) -> Once<F> {
    Once(body)
}

/// [`once`], of a function without arguments: bodies that return the same are of the same type, so
/// that what runs them is compiled once, and not again for each test of a suite.
pub fn once_fn<R>(body: fn() -> R) -> Once<fn() -> R> {
    Once(body)
}

/// A body that is run a few times first.
pub fn warmed<R, F: FnOnce() -> R + RunAgain>(body: F) -> Warmed<F> {
    Warmed(body)
}

/// Holds for a body whose arguments can be cloned. Says so where one cannot.
#[diagnostic::on_unimplemented(
    message = "`warmup` runs the body several times, and an argument of this function can be used \
               only once",
    label = "it takes an argument that is not `Clone`",
    note = "remove `warmup`, make the argument's value in the body, or derive `Clone` for it"
)]
pub trait RunAgain: Clone {}

// The message of `RunAgain` is the one to show, not that a closure is not `Clone`.
#[diagnostic::do_not_recommend]
impl<F: Clone> RunAgain for F {}

impl<R, F: FnOnce() -> R> Body for Once<F> {
    type Returned = R;

    fn rehearse(&self) -> Option<R> {
        None
    }

    fn run(self) -> R {
        __rust_begin_short_backtrace(self.0)
    }
}

impl<R, F: FnOnce() -> R + Clone> Body for Warmed<F> {
    type Returned = R;

    fn rehearse(&self) -> Option<R> {
        Some(__rust_begin_short_backtrace(self.0.clone()))
    }

    fn run(self) -> R {
        __rust_begin_short_backtrace(self.0)
    }
}

/// Runs the body of a test.
///
/// # Panics
///
/// With the body's own payload where it panics; where it passes, and the test asked to fail for
/// what tracking found, with a message that says so.
#[track_caller]
pub fn run<B: Body>(test: &Test<'_>, body: B, verdict: fn(&B::Returned) -> Verdict) -> B::Returned {
    let settings = match tracking() {
        Ok(Some(settings)) => settings,
        Ok(None) => return body.run(),
        Err(error) => panic!("{error}"),
    };
    let mut subject = Subject::new(body, verdict);
    conclude(__rust_end_short_backtrace(|| {
        execute(test, settings, &mut subject)
    }));
    // `conclude` goes on only where the body, or a round of it, has returned.
    subject.returned.expect("it has not panicked")
}

/// [`run`], of a function without arguments. There is less to infer in a call of it.
#[track_caller]
pub fn run_fn<R>(test: &Test<'_>, body: fn() -> R, verdict: fn(&R) -> Verdict) -> R {
    run(test, once_fn(body), verdict)
}

/// [`run`], of a function that takes nothing, returns nothing and asks for nothing, as most tests are. It
/// is called with what its [`Test`] is made of, and leaves nothing for the compiler to infer: a lifetime
/// that is not `'static` would take a sixth again of the call.
#[track_caller]
pub fn run_plain(function: &'static str, body: fn()) {
    let test = Test::of_function(function);
    run(&test, once_fn(body), verdict::to_return_is_to_pass);
}

const CONFINED: &str = "HEAP_REQUIRE=1 and the test could not be tracked: its thread has put itself under a filter of \
     system calls before, which may kill it for one of ours";

/// The settings, where this process tracks.
fn tracking() -> Result<Option<&'static Settings>, &'static str> {
    // Without a file system and clocks, or with those of the interpreter alone.
    if cfg!(any(
        miri,
        all(target_family = "wasm", target_os = "unknown")
    )) {
        warn_once("no sidecars are written for this target");
        return Ok(None);
    }
    if fork::is_child() {
        fork::say_untracked();
        return Ok(None);
    }
    let settings = Settings::get()?;
    if settings.track && own::is_confined() {
        return if settings.require {
            Err(CONFINED)
        } else {
            Ok(None)
        };
    }
    Ok(Some(settings).filter(|settings| settings.track))
}

/// Gives the harness what it is to see of an execution.
#[track_caller]
fn conclude((result, complaint): (Unwound<()>, Option<String>)) {
    match (result, complaint) {
        (Ok(()), None) => {}
        (Ok(()), Some(complaint)) => panic!("{complaint}"),
        (Err(payload), _) => resume_unwind(payload),
    }
}

/// Runs the body of a test that should panic. There, a failure of ours must not be a panic: it
/// would be taken for the one that should come.
pub fn run_should_panic(test: &Test<'_>, body: impl Body<Returned = ()>) {
    let settings = match tracking() {
        Ok(Some(settings)) => settings,
        Ok(None) => return body.run(),
        Err(error) => return warning::print(error),
    };
    let mut subject = Subject::new(body, verdict::to_return_is_to_pass);
    conclude_should_panic(execute(test, settings, &mut subject));
}

/// [`conclude`], of a test that should panic.
fn conclude_should_panic((result, complaint): (Unwound<()>, Option<String>)) {
    match (result, complaint) {
        (Err(payload), None) => resume_unwind(payload),
        (_, Some(complaint)) => warning::print(&complaint),
        (Ok(()), None) => {}
    }
}

/// Runs the body of a test that returns `impl Termination`.
#[track_caller]
pub fn run_termination<B: Body>(test: &Test<'_>, body: B) -> impl Termination + use<B>
where
    B::Returned: Termination,
{
    struct Reported<B>(B);
    impl<B: Body> Body for Reported<B>
    where
        B::Returned: Termination,
    {
        type Returned = ExitCode;
        fn rehearse(&self) -> Option<ExitCode> {
            self.0.rehearse().map(Termination::report)
        }
        fn run(self) -> ExitCode {
            self.0.run().report()
        }
    }
    run(test, Reported(body), |code| verdict::of_code(*code))
}

/// Runs the body of an async test, to its end.
///
/// # Panics
///
/// As [`run`].
pub async fn run_async<R, F: Future<Output = R>, V: FnOnce(&R) -> Verdict>(
    test: &Test<'_>,
    body: F,
    verdict: V,
) -> R {
    let settings = match tracking() {
        Ok(Some(settings)) => settings,
        Ok(None) => return body.await,
        Err(error) => panic!("{error}"),
    };
    match execute_async(test, settings, body, verdict).await {
        (Ok(returned), None) => returned,
        (Ok(_), Some(complaint)) => panic!("{complaint}"),
        (Err(payload), _) => resume_unwind(payload),
    }
}

/// Runs the body of an async test that should panic: see [`run_should_panic`].
pub async fn run_async_should_panic<F: Future<Output = ()>>(test: &Test<'_>, body: F) {
    let settings = match tracking() {
        Ok(Some(settings)) => settings,
        Ok(None) => return body.await,
        Err(error) => return warning::print(error),
    };
    match execute_async(test, settings, body, |()| Verdict::Passed).await {
        (Err(payload), None) => resume_unwind(payload),
        (_, Some(complaint)) => warning::print(&complaint),
        (Ok(()), None) => {}
    }
}

/// [`execute`], of an async body.
async fn execute_async<F: Future>(
    test: &Test<'_>,
    settings: &'static Settings,
    body: F,
    verdict: impl FnOnce(&F::Output) -> Verdict,
) -> (Unwound<F::Output>, Option<String>) {
    let scope = Scope::begin(test, Kind::Future, settings);
    let body = own::unmeasured(|| Box::pin(Some(body)));
    scope.start();
    let mut begun = Begun {
        body: Some(body),
        scope: Some(scope),
        start: Instant::now(),
        unmeasured: Duration::ZERO,
    };
    let result = poll_fn(|context| begun.poll(context)).await;
    let complaint = begun.end(result.is_err(), || {
        ending(&result, |value| Ending::of_returned(value, verdict))
    });
    (result, complaint)
}

/// An async execution. Its future may be dropped at any await, and has a finished record then too.
struct Begun<'t, F> {
    // The box is ours, what is in it is the test's.
    body: Option<Pin<Box<Option<F>>>>,
    scope: Option<Scope<'t>>,
    start: Instant,
    /// How long our own code has run in it, on whichever thread.
    unmeasured: Duration,
}

impl<F: Future> Begun<'_, F> {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Unwound<F::Output>> {
        let _polled = self.scope.as_ref().map(Scope::poll);
        // An async test moves between threads: it is measured where it runs, while it runs. This guard is the last to
        // come and the first to go, so that nothing of ours is measured with the body.
        let _entered = self
            .scope
            .as_ref()
            .map(|scope| scope.enter(Ask::WhereWorthIt));
        let Some(body) = self
            .body
            .as_mut()
            .and_then(|body| body.as_mut().as_pin_mut())
        else {
            return Poll::Pending;
        };
        let unmeasured = own::time_unmeasured();
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll(context)));
        self.unmeasured = self
            .unmeasured
            .saturating_add(own::time_unmeasured().saturating_sub(unmeasured));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(returned)) => Poll::Ready(Ok(returned)),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }
}

impl<F> Begun<'_, F> {
    fn end(&mut self, threw: bool, ending: impl FnOnce() -> Ending) -> Option<String> {
        let ran_for = self.start.elapsed().saturating_sub(self.unmeasured);
        // What it still holds is freed in the test, and may panic as all that is the test's.
        let mut freed = Ok(());
        if let Some(mut body) = self.body.take() {
            let entered = self
                .scope
                .as_ref()
                .map(|scope| scope.enter(Ask::WhereWorthIt));
            freed = catch_unwind(AssertUnwindSafe(|| body.set(None)));
            drop(entered);
            own::unmeasured(|| drop(body));
        }
        let threw = threw || freed.is_err();
        let mut ending = Some(ending);
        let mut ending = || {
            let ended = ending.take().map_or(Ending::Dropped, |ending| ending());
            match (ended, replace(&mut freed, Ok(()))) {
                // The body's own panic came first.
                (ended @ Ending::Panicked(..), _) | (ended, Ok(())) => ended,
                (_, Err(payload)) => resume_unwind(payload),
            }
        };
        self.scope.take()?.end(Some(ran_for), threw, &mut ending)
    }
}

impl<F> Drop for Begun<'_, F> {
    fn drop(&mut self) {
        // Nobody is left to be told of a budget: the one who drops a test has failed it.
        let _ = self.end(false, || Ending::Dropped);
    }
}

/// Tells an `async` block what it returns, in a branch that is never taken.
#[must_use]
pub fn never_called<R>() -> R {
    unreachable!("stands behind `if false`")
}

/// How an execution ended that has thrown, or returned and so ended like this.
fn ending<R>(result: &Unwound<R>, returned: impl FnOnce(&R) -> Ending) -> Ending {
    match result {
        Ok(value) => returned(value),
        Err(payload) => Ending::of_panic(&**payload),
    }
}

/// What is executed: a body, and what is made of what it returns.
///
/// A test's body may be of a type of its own. Behind this, all that does not depend on it is
/// compiled once, and not again for each test of a suite.
trait Execute {
    /// Runs it so often, and says how the test ended if it did: a round that fails is the last, and what it
    /// has returned is what the test returns.
    fn warm_up(&mut self, rounds: u32) -> Option<Ending>;
    fn run(&mut self);
    /// How it ended that `run` has returned.
    fn ending(&self) -> Ending;
}

struct Subject<B: Body> {
    body: Option<B>,
    verdict: fn(&B::Returned) -> Verdict,
    returned: Option<B::Returned>,
}

impl<B: Body> Subject<B> {
    fn new(body: B, verdict: fn(&B::Returned) -> Verdict) -> Self {
        Self {
            body: Some(body),
            verdict,
            returned: None,
        }
    }
}

impl<B: Body> Execute for Subject<B> {
    fn warm_up(&mut self, rounds: u32) -> Option<Ending> {
        for _ in 0..rounds {
            let returned = self.body.as_ref()?.rehearse()?;
            let ending = Ending::of_returned(&returned, self.verdict);
            if !matches!(ending, Ending::Returned(Verdict::Passed, _)) {
                self.returned = Some(returned);
                return Some(ending);
            }
        }
        None
    }

    fn run(&mut self) {
        if let Some(body) = self.body.take() {
            self.returned = Some(body.run());
        }
    }

    fn ending(&self) -> Ending {
        // It is asked only where `run` has come back, and that puts it there.
        let returned = self.returned.as_ref().expect("it has not panicked");
        Ending::of_returned(returned, self.verdict)
    }
}

/// Runs the subject, and gives what it threw, and what is wrong on our side.
fn execute(
    test: &Test<'_>,
    settings: &'static Settings,
    subject: &mut dyn Execute,
) -> (Unwound<()>, Option<String>) {
    let scope = Scope::begin(test, Kind::Body, settings);
    if test.warmup > 0 {
        let warm = catch_unwind(AssertUnwindSafe(|| subject.warm_up(test.warmup)));
        let cold = match &warm {
            Ok(ended) => ended.clone(),
            Err(payload) => Some(Ending::of_panic(&**payload)),
        };
        if let Some(ending) = cold {
            let complaint = scope.end(None, warm.is_err(), &mut || ending.clone());
            return (warm.map(drop), complaint);
        }
        scope.begin_again();
    }
    scope.start();
    let (start, unmeasured) = (Instant::now(), own::time_unmeasured());
    let entered = scope.enter(Ask::Always);
    // Unwinding goes on with the same payload once the end is written, so nobody sees a broken
    // invariant who would not have seen it anyway.
    let result = catch_unwind(AssertUnwindSafe(|| subject.run()));
    drop(entered);
    let unmeasured = own::time_unmeasured().saturating_sub(unmeasured);
    let ran_for = start.elapsed().saturating_sub(unmeasured);
    let complaint = scope.end(Some(ran_for), result.is_err(), &mut || {
        ending(&result, |()| subject.ending())
    });
    (result, complaint)
}
