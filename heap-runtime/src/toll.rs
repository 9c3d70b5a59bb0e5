//! What the hooks of panics have brought into this process, and what of it is theirs in a later reading.
//!
//! Symbols that are read for a backtrace stay for as long as the process lives: the tests after the one that
//! panicked have them too, and did nothing for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use heap_sidecar::{HeapDelta, HostHeapState, PanicToll, Resident};

/// The process just before a hook, or just after it.
#[derive(Default)]
pub(crate) struct ProcessState {
    pub(crate) heap: Option<HostHeapState>,
    pub(crate) resident: Option<Resident>,
}

#[derive(Default)]
struct Toll {
    so_far: PanicToll,
    /// The most that was resident by the end of the last hook, and what that would have been without any.
    peak: Option<[u64; 2]>,
}

static TOLL: Mutex<Option<Toll>> = Mutex::new(None);

/// Most processes need not lock anything.
static IS_ANY: AtomicBool = AtomicBool::new(false);

fn lock() -> Option<MutexGuard<'static, Option<Toll>>> {
    let is_any = IS_ANY.load(Ordering::Relaxed);
    is_any.then(|| TOLL.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A hook has been at work between two moments.
pub(crate) fn add(before: &ProcessState, after: &ProcessState) {
    IS_ANY.store(true, Ordering::Relaxed);
    let mut toll = TOLL.lock().unwrap_or_else(PoisonError::into_inner);
    let toll = toll.get_or_insert_default();
    let heaps = before.heap.zip(after.heap);
    if let Some((before, after)) = heaps {
        let grown = after.since(&before);
        toll.so_far.delta = combined(&toll.so_far.delta, &grown, i64::saturating_add);
    }
    let (before, after) = (&before.resident, &after.resident);
    let (Some(before), Some(after)) = (before, after) else {
        return;
    };
    if let Some((before, after)) = before.bytes.zip(after.bytes) {
        let grown = i64::try_from(i128::from(after) - i128::from(before)).unwrap_or(0);
        let rss = toll.so_far.rss_bytes.get_or_insert(0);
        *rss = rss.saturating_add(grown);
    }
    if let Some((before, after)) = before.peak_bytes.zip(after.peak_bytes) {
        let without = before.saturating_sub(toll.of_peak(before));
        toll.peak = Some([after, without]);
    }
}

impl Toll {
    fn of_rss(&self) -> u64 {
        u64::try_from(self.so_far.rss_bytes.unwrap_or(0)).unwrap_or(0)
    }

    /// What of a peak is the hooks'. One that is higher than after the last of them was reached since, with all
    /// that they have brought.
    fn of_peak(&self, peak: u64) -> u64 {
        match self.peak {
            Some([after, without]) if peak <= after => peak.saturating_sub(without),
            _ => self.of_rss(),
        }
    }
}

/// All of it up to now.
pub(crate) fn so_far() -> PanicToll {
    let toll = lock();
    let toll = toll.as_ref().and_then(|toll| toll.as_ref());
    toll.map_or_else(PanicToll::default, |toll| toll.so_far)
}

/// What has come to it. None where nothing has.
pub(crate) fn since(before: &PanicToll) -> Option<PanicToll> {
    let now = so_far();
    if now == *before {
        return None;
    }
    let mut toll = PanicToll::default();
    toll.delta = combined(&now.delta, &before.delta, i64::saturating_sub);
    let rss = now.rss_bytes;
    toll.rss_bytes = rss.map(|now| now.saturating_sub(before.rss_bytes.unwrap_or(0)));
    Some(toll)
}

/// What is the hooks' of what is resident now, and of the most that there has been.
pub(crate) fn of(rss: Option<u64>, peak: Option<u64>) -> [Option<u64>; 2] {
    let toll = lock();
    let Some(toll) = toll.as_ref().and_then(|toll| toll.as_ref()) else {
        return [None; 2];
    };
    [
        rss.map(|rss| toll.of_rss().min(rss)),
        peak.map(|peak| toll.of_peak(peak)),
    ]
}

/// What is missing on one side is the other's; what is missing on both is missing.
fn combined(a: &HeapDelta, b: &HeapDelta, by: fn(i64, i64) -> i64) -> HeapDelta {
    let part = |of: fn(&HeapDelta) -> Option<i64>| match (of(a), of(b)) {
        (None, None) => None,
        (a, b) => Some(by(a.unwrap_or(0), b.unwrap_or(0))),
    };
    let mut combined = HeapDelta::default();
    combined.active_bytes = part(|delta| delta.active_bytes);
    combined.allocated_bytes = part(|delta| delta.allocated_bytes);
    combined.resident_bytes = part(|delta| delta.resident_bytes);
    combined.mapped_bytes = part(|delta| delta.mapped_bytes);
    combined.narenas = part(|delta| delta.narenas);
    combined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_the_hooks_as_far_as_they_have_raised_it() {
        let mut toll = Toll::default();
        assert_eq!(toll.of_peak(100), 0);
        toll.so_far.rss_bytes = Some(60);
        // It rose from 40 to 100.
        toll.peak = Some([100, 40]);
        assert_eq!(toll.of_peak(100), 60);
        assert_eq!(toll.of_peak(130), 60);
        // It was higher before, and stays what it was.
        toll.peak = Some([200, 200]);
        assert_eq!(toll.of_peak(200), 0);
    }
}
