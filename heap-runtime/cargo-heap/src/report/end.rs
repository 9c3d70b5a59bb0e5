//! How a test's process ended in the middle of it, as somebody knows who saw that.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a process ended.
///
/// ```
/// use cargo_heap::report::End;
///
/// assert_eq!(End::of_nextest("test timeout", None), Some(End::TimedOut));
/// let message = "process aborted with signal 6 (SIGABRT)";
/// let aborted = End::of_nextest("test abort", Some(message)).expect("it says so");
/// assert_eq!(aborted, End::Signal(6));
/// assert_eq!(aborted.to_string(), "signal 6 (SIGABRT)");
/// assert_eq!(serde_json::to_string(&aborted)?, r#"{"signal":6}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum End {
    /// Its runner ended it, because it took too long.
    TimedOut,
    /// A signal ended it.
    Signal(i32),
    /// It exited by itself, with this status.
    Exit(i32),
}

/// The signals that end a process where nobody has said otherwise, as POSIX numbers them or all systems do.
const SIGNALS: [(i32, &str); 12] = [
    (1, "SIGHUP"),
    (2, "SIGINT"),
    (3, "SIGQUIT"),
    (4, "SIGILL"),
    (5, "SIGTRAP"),
    (6, "SIGABRT"),
    (8, "SIGFPE"),
    (9, "SIGKILL"),
    (11, "SIGSEGV"),
    (13, "SIGPIPE"),
    (14, "SIGALRM"),
    (15, "SIGTERM"),
];

impl End {
    /// What nextest's `JUnit` file says of an attempt that failed, where it says how its process ended.
    #[must_use]
    pub fn of_nextest(kind: &str, message: Option<&str>) -> Option<Self> {
        if kind == "test timeout" {
            return Some(Self::TimedOut);
        }
        if let Some(code) = kind.strip_prefix("test failure with exit code ") {
            return code.parse().ok().map(Self::Exit);
        }
        if kind != "test abort" {
            return None;
        }
        let (_, signal) = message?.split_once(" signal ")?;
        let number = signal.split_once(' ').map_or(signal, |(number, _)| number);
        number.parse().ok().map(Self::Signal)
    }

    /// Whether somebody has asked it to end: by a terminal, or as a job is cancelled.
    pub(crate) fn is_from_outside(self) -> bool {
        matches!(self, Self::Signal(1 | 2 | 3 | 15))
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("time-out"),
            Self::Exit(code) => write!(f, "exit status {code}"),
            Self::Signal(number) => {
                write!(f, "signal {number}")?;
                match SIGNALS.iter().find(|(known, _)| known == number) {
                    Some((_, name)) => write!(f, " ({name})"),
                    None => Ok(()),
                }
            }
        }
    }
}
