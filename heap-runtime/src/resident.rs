//! What of this process is resident, before a test and after it.
//!
//! That is a text of some fifty lines, which the kernel makes in some 10 µs, and most tests touch no new page
//! or two. So it is read only where the process has had page faults since it was read last: they are counted, and to ask for
//! the count is half a microsecond.

use std::sync::{Mutex, OnceLock, PoisonError};

use heap_sidecar::{Resident, ResidentSet, host};

use crate::kernel;

/// A reading, and how many page faults there had been.
#[derive(Clone, Copy)]
struct Reading {
    faults: u64,
    resident: Resident,
}

/// What was resident before a test.
#[derive(Clone, Copy)]
pub(crate) struct Before {
    resident: Resident,
    /// When the test began, which may be some faults after the reading.
    faults: u64,
}

/// With so much more, a reading no longer stands for what is resident.
const STALE_BYTES: u64 = 8 << 20;

/// A test whose process has no more than that for new is not looked at again at its end.
const MIN_TOUCHED_BYTES: u64 = 16 << 20;

static LAST: Mutex<Option<Reading>> = Mutex::new(None);

/// What is resident now. None where the kernel does not say, or this process may not ask.
pub(crate) fn before() -> Option<Before> {
    let faults = kernel::page_faults()?;
    let resident = reading(faults)?;
    Some(Before { resident, faults })
}

/// What was resident before and is after. None where hardly anything was touched meanwhile.
pub(crate) fn since(before: Before) -> Option<ResidentSet> {
    let faults = kernel::page_faults()?;
    let touched = faults.saturating_sub(before.faults);
    if touched.saturating_mul(most_of_a_fault()) < MIN_TOUCHED_BYTES {
        return None;
    }
    Some(ResidentSet::new(before.resident, reading(faults)?))
}

/// The last reading, or one that is made now, where it is too old for so many faults.
fn reading(faults: u64) -> Option<Resident> {
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(mut reading) = *last {
        let since = faults.saturating_sub(reading.faults);
        let unread = since.saturating_mul(most_of_a_fault());
        // What may have come since goes into the error, and no text is read for it: most tests touch hardly a page.
        if unread < STALE_BYTES {
            let error = reading.resident.error_bytes.unwrap_or(0) + unread;
            reading.resident.error_bytes = Some(error).filter(|error| *error > 0);
            return Some(reading.resident);
        }
    }
    let resident = host::resident()?;
    *last = Some(Reading { faults, resident });
    Some(resident)
}

/// What one fault makes resident at the most: a huge page, as large as a page full of entries maps.
fn most_of_a_fault() -> u64 {
    static BYTES: OnceLock<u64> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let page = kernel::page_bytes();
        page.saturating_mul(page / 8)
    })
}
