//! Writing sidecars: whole files only.
//!
//! Nothing is synced to the disk: the records outlive the process, by whatever it is killed, not a
//! loss of power. No lock is waited for that another process may hold, and nothing is tried more than a
//! few times: what is done for a record takes so many system calls, whatever else is in the folder.
//!
//! `platform` is one of two files with the same interface: `unix.rs`, or `elsewhere.rs`, which has to
//! trust the folder and its files to stay what they are.

#[cfg_attr(posix, path = "unix.rs")]
#[cfg_attr(not(posix), path = "elsewhere.rs")]
pub(super) mod platform;

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) use platform::Folder;

use heap_sidecar::run_id::fnv1a;

use crate::process::process_id;
use crate::token::token;

/// Why a sidecar could not be written.
#[derive(Debug)]
pub(crate) struct WriteError {
    what: &'static str,
    path: PathBuf,
    error: io::Error,
}

impl WriteError {
    pub(super) fn new(what: &'static str, path: PathBuf, error: io::Error) -> Self {
        Self { what, path, error }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, path, error } = self;
        write!(f, "cannot {what} `{}`: {error}", path.display())
    }
}

/// A short name, which is made between the two snapshots of a test, and so not in the heap.
struct ShortName {
    text: [u8; Self::MAX_BYTES],
    length: usize,
}

impl ShortName {
    const MAX_BYTES: usize = 64;

    /// Made of letters and digits, each of which is one byte. What is too long is cut.
    fn of(parts: &[&[u8]]) -> Self {
        let mut text = [0; Self::MAX_BYTES];
        let mut length = 0;
        for (to, from) in text.iter_mut().zip(parts.iter().copied().flatten()) {
            *to = *from;
            length += 1;
        }
        Self { text, length }
    }

    fn as_str(&self) -> &str {
        let text = self.text.get(..self.length).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }
}

/// The digits of a number.
pub(crate) fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    // The highest first, four bits each.
    std::array::from_fn(|place| DIGITS[(number >> (60 - 4 * place) & 0xf) as usize])
}

/// The name of a file that no reader takes for a sidecar, and no other file of any process has.
fn temporary_name() -> ShortName {
    static PROCESS: OnceLock<u64> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let process = hexadecimal(*PROCESS.get_or_init(|| token(process_id())));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let number = hexadecimal(number.into());
    ShortName::of(&[b".", &process, b"-", &number, b".tmp"])
}

/// The name of a file by which a process has the right to give `name` to a record of the run: no other process of the
/// run makes it while it is there.
fn name_of_right(name: &str, run_id: &str) -> ShortName {
    let hash = fnv1a([name.as_bytes(), b"/", run_id.as_bytes()]);
    ShortName::of(&[b".", &hexadecimal(hash), b"-right.tmp"])
}

/// The run that a sidecar is of which begins like that. None for what is no sidecar of ours, which is not ours
/// to replace.
fn run_id_of(start: &[u8]) -> Option<&str> {
    // As records are written. No text has a newline in it, so at this depth it is the member itself.
    const KEY: &str = "\n  \"run_id\": \"";
    let text = match str::from_utf8(start) {
        Ok(text) => text,
        // Cut in the middle of a letter.
        Err(error) => str::from_utf8(start.get(..error.valid_up_to())?).ok()?,
    };
    let members = text.strip_prefix("{\n  \"format_version\": ")?;
    let (_, value) = members.split_once(KEY)?;
    let (run_id, _) = value.split_once('"')?;
    Some(run_id)
}

/// So much of a sidecar has its run in it: before that is the test's name, which has no more than some kilobytes.
const START: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_differ_and_are_no_sidecars() {
        let (one, other) = (temporary_name(), temporary_name());
        assert_ne!(one.as_str(), other.as_str());
        for name in [&one, &other, &name_of_right("a", "b")] {
            let name = name.as_str();
            assert!(name.starts_with('.') && !name.contains("json"), "{name}");
        }
        assert_eq!(one.as_str().len(), 1 + 16 + 1 + 16 + 4);
        assert_eq!(hexadecimal(0xfedc_ba98_7654_3210), *b"fedcba9876543210");
    }

    #[test]
    fn a_sidecar_is_of_the_run_that_it_says() {
        let start = "{\n  \"format_version\": 1,\n  \"test_name\": \"\\n  \\\"run_id\\\": \\\"x\",\n  \"run_id\": \"one\",\n";
        assert_eq!(run_id_of(start.as_bytes()), Some("one"));
        let cut = format!("{start}  \"\u{e4}");
        assert_eq!(run_id_of(&cut.as_bytes()[..cut.len() - 1]), Some("one"));
        for other in [
            "",
            "{}",
            "no sidecar",
            "\n  \"run_id\": \"one\"",
            &start[1..],
        ] {
            assert_eq!(run_id_of(other.as_bytes()), None, "{other}");
        }
        assert_eq!(run_id_of(&start.as_bytes()[..start.len() - 4]), None);
    }
}
