//! The mark on a process in which a tracked test has begun, for the processes below it.

use std::iter::successors;

use super::here;
use super::stat::Stat;

/// What a process in which a tracked test has begun is known by to those below it: it has a mapping of a
/// file in memory with [this name](Self::name), which is seen in its `/proc/PID/maps`.
///
/// ```
/// use heap_sidecar::process::Mark;
///
/// let mark = Mark { pid: 4242, base: 0xabc, run_id: "45f3fc9c".into() };
/// assert_eq!(mark.name(), "heap_tracked 4242 0000000000000abc 45f3fc9c");
/// // Nothing has been tracked in this process, nor in those that have started it.
/// assert_eq!(Mark::of_process(std::process::id().cast_signed()), None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "it is what its name says, and no more"
)]
pub struct Mark {
    /// The process.
    pub pid: u32,
    /// A hash of the folder that its sidecars are in, or are below.
    pub base: u64,
    /// Its run.
    pub run_id: String,
}

impl Mark {
    const NAME: &str = "heap_tracked";

    /// The name of the file in memory.
    #[must_use]
    pub fn name(&self) -> String {
        let Self { pid, base, run_id } = self;
        format!("{} {pid} {base:016x} {run_id}", Self::NAME)
    }

    /// The mark on a process, where it has one and may be looked at.
    #[must_use]
    pub fn of_process(pid: i32) -> Option<Self> {
        // Paths need not be text.
        Self::of_maps(&String::from_utf8_lossy(&here::maps(pid)?))
    }

    /// The mark on the nearest process above this one that has one.
    ///
    /// ```
    /// use heap_sidecar::process::Mark;
    ///
    /// // Below a tracked test, it is the test's.
    /// let run = Mark::above().map(|mark| mark.run_id);
    /// # let _ = run;
    /// ```
    #[must_use]
    pub fn above() -> Option<Self> {
        let ancestors = successors(parent_of("self"), |pid| parent_of(&pid.to_string()));
        // They end at process 0; a bound guards against a /proc that lies.
        ancestors.take(64).find_map(Self::of_process)
    }

    /// The first in `/proc/PID/maps`, where it ends a line.
    fn of_maps(maps: &str) -> Option<Self> {
        maps.split("/memfd:").skip(1).find_map(|rest| {
            let line = rest.split('\n').next()?;
            let mut words = line.strip_prefix(Self::NAME)?.split_ascii_whitespace();
            Some(Self {
                pid: words.next()?.parse().ok()?,
                base: u64::from_str_radix(words.next()?, 16).ok()?,
                run_id: words.next()?.to_owned(),
            })
        })
    }
}

/// The process that has started another.
fn parent_of(pid: &str) -> Option<i32> {
    Some(Stat::of_process(pid)?.parent).filter(|parent| *parent > 0)
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_mark_is_found_among_the_mappings() {
        let mark = Mark {
            pid: 7,
            base: 0xab,
            run_id: "r".into(),
        };
        let maps = format!(
            "1-2 r--p 0 00:01 5 /memfd:other (deleted)\n3-4 ---p 0 00:01 6 /memfd:{} (deleted)\n5-6 rw-p 0\n",
            mark.name()
        );
        assert_eq!(Mark::of_maps(&maps), Some(mark));
        assert_eq!(Mark::of_maps("1-2 r--p /memfd:heap_tracked 7\n"), None);
        assert_eq!(Mark::of_maps(""), None);
    }
}
