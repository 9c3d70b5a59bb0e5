//! What `HEAP_SINK` names.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;

/// Where sidecars go in place of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SinkTarget {
    /// An open descriptor, such as 2.
    Descriptor(i32),
    /// A device, a named pipe, a file.
    Path(PathBuf),
}

impl SinkTarget {
    /// Standard error, which is the console for the first process of a guest.
    pub(crate) const CONSOLE: Self = Self::Descriptor(2);

    /// # Errors
    ///
    /// What to write instead.
    pub(crate) fn parse(text: &OsStr) -> Result<Self, &'static str> {
        let Some(number) = text.to_str().and_then(|text| text.strip_prefix("fd:")) else {
            return Ok(Self::Path(text.into()));
        };
        match number.parse() {
            Ok(number) if number >= 0 => Ok(Self::Descriptor(number)),
            _ => Err("write fd: and the number of a descriptor, or a path"),
        }
    }
}

impl fmt::Display for SinkTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Descriptor(number) => write!(f, "fd:{number}"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_behind_fd_is_a_descriptor_and_all_else_a_path() {
        let parse = |text: &str| SinkTarget::parse(text.as_ref());
        assert_eq!(parse("fd:2"), Ok(SinkTarget::Descriptor(2)));
        let port = "/dev/vport0p1";
        assert_eq!(parse(port), Ok(SinkTarget::Path(port.into())));
        for wrong in ["fd:", "fd:-1", "fd:x", "fd:99999999999"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        for text in ["fd:2", port] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
    }
}
