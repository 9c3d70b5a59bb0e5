//! Whether this process came out of a tracked test as a fork.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::process_id;

/// How many tracked tests run in this process. No lock is taken, as in a fork one may be held by a thread
/// that is not there.
struct Count {
    /// The process, and the number. A fork begins with those of the process that it was made of.
    running: AtomicU64,
    /// The process of the test that this one is a fork of; 0 where there is none.
    fork_of: AtomicU32,
}

static COUNT: Count = Count::new();

/// A tracked test runs, until this is dropped.
pub(crate) struct Running(());

impl Running {
    pub(crate) fn begin() -> Self {
        COUNT.begin(process_id());
        Self(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        COUNT.end(process_id());
    }
}

/// The process of the test that this process is a fork of. Known once a test has begun in it.
pub(super) fn fork_of() -> Option<u32> {
    COUNT.fork_of()
}

impl Count {
    const fn new() -> Self {
        Self {
            running: AtomicU64::new(0),
            fork_of: AtomicU32::new(0),
        }
    }

    fn begin(&self, own: u32) {
        let (pid, count) = self.change(|(pid, count)| {
            let before = if pid == own { count } else { 0 };
            (own, before.saturating_add(1))
        });
        if pid != own && count > 0 {
            self.fork_of.store(pid, Ordering::Release);
        }
    }

    fn end(&self, own: u32) {
        // What ends in a fork is not the test.
        self.change(|(pid, count)| {
            let ended = u32::from(pid == own);
            (pid, count.saturating_sub(ended))
        });
    }

    fn fork_of(&self) -> Option<u32> {
        Some(self.fork_of.load(Ordering::Acquire)).filter(|pid| *pid != 0)
    }

    /// Gives what there was before.
    fn change(&self, change: impl Fn((u32, u32)) -> (u32, u32)) -> (u32, u32) {
        let mut running = self.running.load(Ordering::Acquire);
        loop {
            let changed = whole(change(parts(running)));
            let exchanged = self.running.compare_exchange_weak(
                running,
                changed,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match exchanged {
                Ok(before) => return parts(before),
                Err(since) => running = since,
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each is a half")]
fn parts(whole: u64) -> (u32, u32) {
    ((whole >> 32) as u32, whole as u32)
}

fn whole((pid, count): (u32, u32)) -> u64 {
    u64::from(pid) << 32 | u64::from(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fork_is_one_of_a_test_only_where_one_ran() {
        let count = Count::new();
        count.begin(7);
        count.begin(7);
        count.end(7);
        count.end(7);
        // Made of a process in which no test runs any more.
        count.begin(8);
        assert_eq!(count.fork_of(), None);
        // Made in a test.
        count.begin(9);
        assert_eq!(count.fork_of(), Some(8));
        // And what ran in that one does not end here.
        count.end(8);
        count.end(9);
        count.begin(9);
        assert_eq!(count.fork_of(), Some(8));
        count.begin(10);
        assert_eq!(count.fork_of(), Some(9));
    }
}
