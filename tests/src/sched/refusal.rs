//! What the machine does not allow.

use std::fmt;
use std::io;

use rustix::io::Errno;

/// Something that the machine does not allow, and why. It makes a test skip, not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(String);

impl Refusal {
    /// A refusal with a reason of the suite's own.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }

    /// The reason with the system's own words behind it.
    #[must_use]
    pub fn because(what: &str, error: &io::Error) -> Self {
        Self(format!("{what}: {error}"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value, or a refusal; inside an `io::Result`, whose error is a real failure.
pub type Allowed<T> = io::Result<Result<T, Refusal>>;

/// Sorts an error into refusal or failure.
///
/// Refusals are the errors of a missing capability, a sandbox, a read-only system, a kernel without the feature, and
/// of a resource that somebody else has used up.
///
/// # Errors
///
/// The error itself if it is none of those.
pub fn allowed<T>(what: &str, result: io::Result<T>) -> Allowed<T> {
    const REFUSALS: [Errno; 8] = [
        Errno::PERM,
        Errno::ACCESS,
        Errno::NOSYS,
        Errno::OPNOTSUPP,
        Errno::ROFS,
        Errno::BUSY,
        Errno::AGAIN,
        Errno::NOMEM,
    ];
    match result {
        Ok(value) => Ok(Ok(value)),
        Err(error)
            if Errno::from_io_error(&error).is_some_and(|errno| REFUSALS.contains(&errno)) =>
        {
            Ok(Err(Refusal::because(what, &error)))
        }
        Err(error) => Err(error),
    }
}
