//! How a test ended, told from what its body returned or threw.

use std::any::Any;
use std::mem::needs_drop;

use crate::jemalloc::size_class;
use crate::sidecar::{Failure, FailureKind, Outcome, failure};
use crate::test::Test;

/// How a body ended.
#[derive(Clone)]
pub(crate) enum Ending {
    /// It returned, and this is what the harness will make of the value.
    Returned(Verdict, Leftover),
    /// It panicked, with this message.
    Panicked(Option<String>, Leftover),
    /// It is an async body that was dropped before its end, by a time-out perhaps.
    Dropped,
}

/// The memory that the end itself holds on to: a panic's payload, a returned error. It is the test's by the
/// counters, and nothing that the test has kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leftover {
    /// So many bytes.
    Bytes(u64),
    /// Nobody can look into it.
    Unknown,
}

impl Leftover {
    /// In the payload of a panic. The two types that `panic!` makes are known.
    pub(crate) fn in_payload(payload: &(dyn Any + Send)) -> Self {
        let boxed = size_class(size_of_val(payload));
        if payload.is::<&str>() {
            Self::bytes(boxed)
        } else if let Some(text) = payload.downcast_ref::<String>() {
            Self::bytes(boxed + size_class(text.capacity()))
        } else {
            Self::Unknown
        }
    }

    /// In a returned value of this type.
    pub(crate) fn in_returned<R>() -> Self {
        if needs_drop::<R>() {
            Self::Unknown
        } else {
            Self::Bytes(0)
        }
    }

    fn bytes(bytes: usize) -> Self {
        u64::try_from(bytes).map_or(Self::Unknown, Self::Bytes)
    }
}

/// What a returned value means to the harness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Success.
    Passed,
    /// A failure, and what it says of itself.
    Failed(String),
}

impl Ending {
    /// That of a body that returned this.
    pub(crate) fn of_returned<R>(returned: &R, verdict: impl FnOnce(&R) -> Verdict) -> Self {
        let verdict = verdict(returned);
        // What it has passed with, it has kept.
        let left = match verdict {
            Verdict::Passed => Leftover::Bytes(0),
            Verdict::Failed(_) => Leftover::in_returned::<R>(),
        };
        Self::Returned(verdict, left)
    }

    /// That of a body that threw this.
    pub(crate) fn of_panic(payload: &(dyn Any + Send)) -> Self {
        Self::Panicked(panic_message(payload), Leftover::in_payload(payload))
    }

    /// What it holds on to.
    pub(crate) fn leftover(&self) -> Leftover {
        match self {
            Self::Returned(_, left) | Self::Panicked(_, left) => *left,
            Self::Dropped => Leftover::Bytes(0),
        }
    }

    /// The outcome as the harness sees it, and the failure if there is one.
    pub(crate) fn outcome(self, test: &Test<'_>) -> (Outcome, Option<Failure>) {
        let failure = match (self, &test.should_panic) {
            (Self::Returned(Verdict::Passed, _), None) => None,
            (Self::Returned(Verdict::Failed(message), _), None) => {
                Some(failure(FailureKind::Error, message))
            }
            (Self::Panicked(message, _), None) => Some(failure(
                FailureKind::Panic,
                message.unwrap_or_else(|| NOT_TEXT.into()),
            )),
            (Self::Dropped, _) => Some(failure(
                FailureKind::Error,
                "the future of the test was dropped before its end",
            )),
            (Self::Returned(..), Some(_)) => Some(failure(
                FailureKind::ShouldPanic,
                "the body returned, but it should have panicked",
            )),
            (Self::Panicked(message, _), Some(should_panic)) => match should_panic.expected {
                None => None,
                Some(expected) if message.as_ref().is_some_and(|text| text.contains(expected)) => {
                    None
                }
                Some(expected) => Some(failure(
                    FailureKind::ShouldPanic,
                    format!(
                        "expected a panic with `{expected}` in its message, got: {}",
                        message.as_deref().unwrap_or(NOT_TEXT)
                    ),
                )),
            },
        };
        match failure {
            Some(failure) => (Outcome::Failed, Some(failure)),
            None => (Outcome::Passed, None),
        }
    }
}

const NOT_TEXT: &str = "a panic whose payload is not a string";

/// The message of a panic: `None` where its payload is no text.
fn panic_message(payload: &(dyn Any + Send)) -> Option<String> {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
}

/// What the harness will make of a returned value, chosen by its type.
///
/// The type is known only where the attribute stands, and a bound there would refuse functions
/// that are fine. So the method is looked up on a value behind references: each `impl` below is one
/// reference nearer to it than the next, and the first that fits is taken.
pub mod verdict {
    use std::fmt::Debug;
    use std::process::{ExitCode, Termination};

    use super::Verdict;

    /// A returned value.
    #[derive(Debug)]
    pub struct Returned<'a, T>(pub &'a T);

    /// Of a test that returns nothing.
    #[must_use]
    pub fn to_return_is_to_pass((): &()) -> Verdict {
        Verdict::Passed
    }

    pub(crate) fn of_code(code: ExitCode) -> Verdict {
        if code == ExitCode::SUCCESS {
            Verdict::Passed
        } else {
            Verdict::Failed(format!("the test returned {code:?}, which is a failure"))
        }
    }

    /// `Result` of something that terminates: what is inside counts too.
    pub trait ResultOfTermination {
        #[doc(hidden)]
        fn verdict(&self) -> Verdict;
    }
    impl<T: Termination + Clone, E: Debug> ResultOfTermination for &&&&&&Returned<'_, Result<T, E>> {
        fn verdict(&self) -> Verdict {
            match self.0 {
                Ok(value) => of_code(value.clone().report()),
                Err(error) => Verdict::Failed(format!("{error:?}")),
            }
        }
    }

    /// `Result` of something that the harness will report, and that nobody can report before.
    pub trait ResultOfUsedUp {
        #[doc(hidden)]
        type Value;
        #[doc(hidden)]
        fn verdict(&self) -> Verdict
        where
            Self::Value: ReportedTwice;
    }
    impl<T: Termination, E: Debug> ResultOfUsedUp for &&&&&Returned<'_, Result<T, E>> {
        type Value = T;
        fn verdict(&self) -> Verdict
        where
            T: ReportedTwice,
        {
            Verdict::Passed
        }
    }

    /// Any other `Result` whose error can be shown.
    pub trait ResultOfAny {
        #[doc(hidden)]
        fn verdict(&self) -> Verdict;
    }
    impl<T, E: Debug> ResultOfAny for &&&&Returned<'_, Result<T, E>> {
        fn verdict(&self) -> Verdict {
            match self.0 {
                Ok(_) => Verdict::Passed,
                Err(error) => Verdict::Failed(format!("{error:?}")),
            }
        }
    }

    /// A `Result` whose error cannot be shown.
    pub trait ResultOfSilence {
        #[doc(hidden)]
        fn verdict(&self) -> Verdict;
    }
    impl<T, E> ResultOfSilence for &&&Returned<'_, Result<T, E>> {
        fn verdict(&self) -> Verdict {
            match self.0 {
                Ok(_) => Verdict::Passed,
                Err(_) => Verdict::Failed("an error without a `Debug` implementation".into()),
            }
        }
    }

    /// A value that can be reported without being used up.
    pub trait ClonedTermination {
        #[doc(hidden)]
        fn verdict(&self) -> Verdict;
    }
    impl<T: Termination + Clone> ClonedTermination for &&Returned<'_, T> {
        fn verdict(&self) -> Verdict {
            of_code(self.0.clone().report())
        }
    }

    /// A value that the harness will report, and that nobody can report before.
    ///
    /// The bound is the method's, not the `impl`'s: one that does not hold there would only have
    /// the next `impl` taken, and a failure passed for a success.
    pub trait UsedUpTermination {
        #[doc(hidden)]
        type Value;
        #[doc(hidden)]
        fn verdict(&self) -> Verdict
        where
            Self::Value: ReportedTwice;
    }
    impl<T: Termination> UsedUpTermination for &Returned<'_, T> {
        type Value = T;
        fn verdict(&self) -> Verdict
        where
            T: ReportedTwice,
        {
            Verdict::Passed
        }
    }

    /// Holds for no type: its message is what there is to say.
    #[diagnostic::on_unimplemented(
        message = "the outcome of a tracked test that returns `{Self}` cannot be seen",
        label = "reporting a `{Self}` uses it up, and the test harness has to report it too",
        note = "return `impl Termination` instead of `{Self}`, or derive `Clone` for it"
    )]
    pub trait ReportedTwice {}

    /// Any other value: the function returned, and that is all there is to know.
    pub trait Anything {
        #[doc(hidden)]
        fn verdict(&self) -> Verdict;
    }
    impl<T> Anything for Returned<'_, T> {
        fn verdict(&self) -> Verdict {
            Verdict::Passed
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{ExitCode, Termination};

    const TEST: Test<'_> = Test::new("t");

    macro_rules! verdict_of {
        ($value:expr) => {
            crate::__private::verdict!(&$value)
        };
    }

    #[derive(Clone)]
    struct Opinion(u8);
    impl Termination for Opinion {
        fn report(self) -> ExitCode {
            self.0.into()
        }
    }
    struct Silent;

    #[test]
    fn a_value_means_what_the_harness_makes_of_it() {
        let failed = |text: &str| Verdict::Failed(text.into());
        assert_eq!(verdict_of!(()), Verdict::Passed);
        assert_eq!(verdict_of!(Ok::<(), String>(())), Verdict::Passed);
        assert_eq!(verdict_of!(Err::<(), _>("no")), failed("\"no\""));
        assert_eq!(verdict_of!(Err::<Silent, _>(7)), failed("7"));
        assert_eq!(verdict_of!(Ok::<Silent, u8>(Silent)), Verdict::Passed);
        assert_eq!(
            verdict_of!(Err::<(), Silent>(Silent)),
            failed("an error without a `Debug` implementation")
        );
        assert_eq!(verdict_of!(ExitCode::SUCCESS), Verdict::Passed);
        assert!(matches!(verdict_of!(ExitCode::from(3)), Verdict::Failed(_)));
        assert!(matches!(
            verdict_of!(Ok::<_, u8>(ExitCode::FAILURE)),
            Verdict::Failed(_)
        ));
        assert_eq!(verdict_of!(Opinion(0)), Verdict::Passed);
        assert!(matches!(verdict_of!(Opinion(1)), Verdict::Failed(_)));
        assert_eq!(verdict_of!(Silent), Verdict::Passed);
        assert_eq!(verdict_of!(String::from("any value")), Verdict::Passed);
    }

    #[test]
    fn the_outcome_is_the_harnesss() {
        let kind = |ending: Ending, test: &Test| ending.outcome(test).1.map(|failure| failure.kind);
        let nothing = Leftover::Bytes(0);
        let panicked = |text: &str| Ending::Panicked(Some(text.into()), nothing);
        let returned = || Ending::Returned(Verdict::Passed, nothing);
        assert_eq!(kind(returned(), &TEST), None);
        assert_eq!(kind(panicked("x"), &TEST), Some(FailureKind::Panic));

        let any = TEST.should_panic(None);
        assert_eq!(kind(panicked("x"), &any), None);
        assert_eq!(kind(Ending::Panicked(None, nothing), &any), None);
        assert_eq!(kind(returned(), &any), Some(FailureKind::ShouldPanic));

        let some = TEST.should_panic(Some("overflow"));
        assert_eq!(kind(panicked("an overflow"), &some), None);
        assert_eq!(kind(panicked("x"), &some), Some(FailureKind::ShouldPanic));
        assert_eq!(
            kind(Ending::Panicked(None, nothing), &some),
            Some(FailureKind::ShouldPanic)
        );
    }
}
