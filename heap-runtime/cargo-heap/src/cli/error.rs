//! Why an invocation could not do what was asked: the exit status is 2 then.

use std::error;
use std::fmt::{self, Display};
use std::io;
use std::path::Path;

#[derive(Debug)]
pub(super) enum Error {
    /// What happened, to what, and what to do.
    Message(String),
    /// The other end of the pipe has been closed.
    NobodyReads,
}

impl Error {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Message(message.into())
    }

    /// An error of the library, whose text is that of [`Chain`].
    pub(super) fn of(error: &(dyn error::Error + 'static)) -> Self {
        Self::new(Chain(error).to_string())
    }

    /// `cannot <do what> <path>: <why>`.
    pub(super) fn at(what: &str, path: &Path, why: impl Display) -> Self {
        Self::Message(format!("cannot {what} `{}`: {why}", path.display()))
    }
}

/// An error and what caused it, each once: `cannot read the sidecars in `x`: permission denied`.
pub(super) struct Chain<'a>(pub(super) &'a (dyn error::Error + 'static));

impl Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message(message) => f.write_str(message),
            Self::NobodyReads => f.write_str("the output was closed"),
        }
    }
}

/// An error of writing what is printed; other errors are told with what they happened to.
impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NobodyReads,
            _ => Self::Message(format!("cannot write the output: {error}")),
        }
    }
}
