//! What the kernel counts of a thread: how long it ran, how long it waited for a CPU, how often it got one.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use super::refusal::{Allowed, Refusal, allowed};

/// The calling thread's `/proc/thread-self/schedstat`, kept open.
#[derive(Debug)]
pub struct Delays {
    file: File,
}

/// One reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Time on a CPU, up to the last tick.
    pub ran: Duration,
    /// Time runnable, and waiting for a CPU.
    pub waited: Duration,
    /// How often it was given a CPU.
    pub slices: u64,
}

impl Delays {
    /// Of the calling thread, by which alone they may be read.
    ///
    /// # Errors
    ///
    /// What the kernel answers, unless it is a refusal. A kernel without these counts refuses.
    pub fn open() -> Allowed<Self> {
        const FILE: &str = "/proc/thread-self/schedstat";
        let file = match File::open(FILE) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Err(Refusal::because(FILE, &error)));
            }
            opened => match allowed(FILE, opened)? {
                Ok(file) => file,
                Err(refusal) => return Ok(Err(refusal)),
            },
        };
        Ok(Ok(Self { file }))
    }

    /// What it says now.
    ///
    /// # Errors
    ///
    /// If the kernel does not show it any more.
    pub fn read(&self) -> io::Result<Reading> {
        // Three numbers of at most 20 digits.
        let mut buffer = [0; 64];
        let length = self.file.read_at(&mut buffer, 0)?;
        let text = std::str::from_utf8(&buffer[..length]).map_err(io::Error::other)?;
        parse(text).ok_or_else(|| io::Error::other(format!("schedstat is {text:?}")))
    }
}

fn parse(text: &str) -> Option<Reading> {
    let mut numbers = text.split_whitespace().map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some(Reading {
        ran: Duration::from_nanos(next()?),
        waited: Duration::from_nanos(next()?),
        slices: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_numbers_are_a_reading() {
        let reading = parse("1500000000 2 7\n").unwrap();
        assert_eq!(reading.ran, Duration::from_millis(1500));
        assert_eq!(reading.waited, Duration::from_nanos(2));
        assert_eq!(reading.slices, 7);
        assert_eq!(parse("1 2"), None);
        assert_eq!(parse("1 2 x"), None);
    }
}
