//! Paths and contents of the kernel's files about a thread, without an allocation.

use std::ffi::CStr;
use std::io::Write as _;

/// One tick of `/proc/PID/stat`, whatever the kernel's own are.
const TICK_NS: u64 = 10_000_000;

/// The path of a file about a thread of this process.
pub(super) struct Path([u8; 48]);

impl Path {
    pub(super) fn of(thread: u32, file: &str) -> Self {
        let mut path = [0; 48];
        let mut rest = path.as_mut_slice();
        // One that does not fit has no end, and so is none.
        let _ = write!(rest, "/proc/self/task/{thread}/{file}\0");
        Self(path)
    }

    /// Of one that may be looked up by its number alone.
    pub(super) fn of_thread(thread: u32, file: &str) -> Self {
        let mut path = [0; 48];
        let mut rest = path.as_mut_slice();
        let _ = write!(rest, "/proc/{thread}/{file}\0");
        Self(path)
    }

    pub(super) fn as_c_str(&self) -> Option<&CStr> {
        CStr::from_bytes_until_nul(&self.0).ok()
    }
}

/// `schedstat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Schedstat {
    pub(super) ran_ns: u64,
    /// Ready to run, and waiting for a CPU.
    pub(super) waited_ns: u64,
    /// How often a CPU was got.
    pub(super) slices: u64,
}

/// None where that is not counted: a thread that reads it has been on a CPU.
pub(super) fn schedstat(text: &[u8]) -> Option<Schedstat> {
    let mut words = str::from_utf8(text).ok()?.split_ascii_whitespace();
    let mut next = || words.next()?.parse::<u64>().ok();
    let counted = Schedstat {
        ran_ns: next()?,
        waited_ns: next()?,
        slices: next()?,
    };
    (counted.slices > 0).then_some(counted)
}

/// What is taken of `stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) minor_faults: u64,
    pub(super) major_faults: u64,
    pub(super) system_ns: u64,
}

/// `stat`.
pub(super) fn stat(text: &[u8]) -> Option<Stat> {
    // The thread's name is in brackets, and may have any, and what is not UTF-8.
    let end = text.iter().rposition(|byte| *byte == b')')?;
    let rest = str::from_utf8(text.get(end + 1..)?).ok()?;
    let mut words = rest.split_ascii_whitespace();
    // It begins with the third.
    let mut number = |nth: usize| words.nth(nth)?.parse::<u64>().ok();
    Some(Stat {
        minor_faults: number(7)?,
        major_faults: number(1)?,
        system_ns: number(2)?.checked_mul(TICK_NS)?,
    })
}

/// `status`: voluntary and involuntary switches.
pub(super) fn switches(text: &[u8]) -> Option<[u64; 2]> {
    let line = |key: &[u8]| {
        let value = text
            .split(|byte| *byte == b'\n')
            .find_map(|line| line.strip_prefix(key))?;
        str::from_utf8(value).ok()?.trim().parse::<u64>().ok()
    };
    Some([
        line(b"voluntary_ctxt_switches:")?,
        line(b"nonvoluntary_ctxt_switches:")?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_end() {
        let path = Path::of(u32::MAX, "schedstat");
        let expected = c"/proc/self/task/4294967295/schedstat";
        assert_eq!(path.as_c_str(), Some(expected));
        assert_eq!(Path::of(1, &"x".repeat(40)).as_c_str(), None);
    }

    #[test]
    fn files_are_read_as_the_kernel_writes_them() {
        assert_eq!(
            schedstat(b"48134691 264856304 1037\n"),
            Some(Schedstat {
                ran_ns: 48_134_691,
                waited_ns: 264_856_304,
                slices: 1037,
            })
        );
        // CONFIG_SCHED_INFO is off.
        assert_eq!(schedstat(b"0 0 0\n"), None);
        assert_eq!(schedstat(b"1 2"), None);
        let line = b"7 (a) b \xff) S 1 7 7 0 -1 4194560 321 0 5 0 12 34 0 0 20 0 3 0 1";
        let expected = Stat {
            minor_faults: 321,
            major_faults: 5,
            system_ns: 340_000_000,
        };
        assert_eq!(stat(line), Some(expected));
        assert_eq!(stat(b"7 (a"), None);
        let status = b"Name:\ta\nvoluntary_ctxt_switches:\t9\nnonvoluntary_ctxt_switches:\t2\n";
        assert_eq!(switches(status), Some([9, 2]));
        assert_eq!(switches(b"Name:\ta\n"), None);
    }
}
