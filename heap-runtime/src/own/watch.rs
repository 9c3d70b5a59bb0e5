//! What was last seen of a test's live bytes, on the disk: for a test that is killed.

use super::sync::{AtomicI64, Mutex, MutexGuard, Ordering, yield_now};
use super::{LastSeen, Slot};

const RELAXED: Ordering = Ordering::Relaxed;

/// Nothing is written for a test that stays below that, nor again before it has grown by so much.
const STEP: i64 = 1 << 20;

/// Nor before it has grown by this part of what it had: to 8 GiB, that is some 120 times.
const PART: i64 = 16;

/// When to write what is live, and where.
pub(crate) struct Watch {
    /// What has to be live to be written: more than there is, where nothing is to be.
    next: AtomicI64,
    /// Held while the place is written. A sample runs inside the allocator
    /// and may not wait: it leaves it out.
    slot: Mutex<Option<Slot>>,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Self {
            next: AtomicI64::new(i64::MAX),
            slot: Mutex::new(None),
        }
    }

    /// Writes there, once it is started.
    pub(crate) fn set(&self, slot: Slot) {
        // What was there is freed after the lock.
        let _before = self.lock_slot().and_then(|mut held| held.replace(slot));
    }

    /// From now on, what is live is written.
    pub(crate) fn start(&self) {
        self.next.store(STEP, RELAXED);
    }

    /// From now on, nothing is. Gives back where it was.
    pub(crate) fn stop(&self) -> Option<Slot> {
        self.next.store(i64::MAX, RELAXED);
        self.lock_slot()?.take()
    }

    /// Writes what is live if it is so much more than the last time. This is what runs inside the
    /// allocator.
    pub(crate) fn sample(&self, live: i64, seen: impl FnOnce() -> LastSeen) {
        if live < self.next.load(RELAXED) {
            return;
        }
        let Ok(mut slot) = self.slot.try_lock() else {
            return;
        };
        // Another thread may have been here, or the end.
        if live < self.next.load(RELAXED) {
            return;
        }
        // Before the write, which takes some microseconds: threads that sample meanwhile are done after one load.
        self.next
            .store(live.saturating_add((live / PART).max(STEP)), RELAXED);
        if let Some(slot) = &mut *slot {
            slot.write(seen());
        }
    }

    /// Waits for a thread that is writing, but not for ever: it may have been stopped in the middle,
    /// by the test or by a scheduler that favours us. Then it is left to itself: it does not write
    /// to another file than the one that it has looked up, and by the time that we give up, any
    /// later file has a later time.
    fn lock_slot(&self) -> Option<MutexGuard<'_, Option<Slot>>> {
        for _ in 0..1000 {
            if let Ok(held) = self.slot.try_lock() {
                return Some(held);
            }
            yield_now();
        }
        later();
        self.slot.try_lock().ok()
    }
}

/// Waits until the clock of file systems, which ticks up to every 10 ms, has moved.
fn later() {
    std::thread::sleep(std::time::Duration::from_millis(20));
}
