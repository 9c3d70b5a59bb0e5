//! Values that a test's threads sample, until they are put into its record.
//!
//! A test may have a million of them, from any of its threads. Each thread has one of a few stripes, so that threads
//! that sample at the same time mostly do not meet: a lock that nobody else holds is one atomic instruction. What is
//! in all stripes is added up when the record is written, as histograms can be.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use heap_sidecar::Samples;

use crate::warning::warn_once;

/// Of how many names a test may have samples. Each may take some 20 KiB of a sidecar, which has to stay one that its
/// reader takes.
const MAX_NAMES: usize = 64;

/// More than most machines run at once of one test, and a KiB in all.
const STRIPES: usize = 8;

/// On a cache line of its own, and on those that a CPU fetches together with it.
#[derive(Default)]
#[repr(align(128))]
struct Stripe(Mutex<BTreeMap<String, Samples>>);

/// What was sampled since it was last taken.
#[derive(Default)]
pub(crate) struct Sampled {
    stripes: [Stripe; STRIPES],
    /// Whether there is anything: most tests sample nothing, and look no further.
    any: AtomicBool,
}

thread_local! {
    /// Which stripe the thread has; none before its first value.
    static STRIPE: Cell<usize> = const { Cell::new(usize::MAX) };
}

fn stripe() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let stripe = STRIPE.get();
    if stripe < STRIPES {
        return stripe;
    }
    // Any will do: that two threads do not have the same is a matter of speed alone.
    let stripe = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
    STRIPE.set(stripe);
    stripe
}

impl Sampled {
    /// Takes in a value.
    pub(crate) fn record(&self, name: &str, value: f64) {
        let Stripe(samples) = &self.stripes[stripe()];
        // Read before it is written: else all threads would write the same line of the cache.
        if !self.any.load(Ordering::Relaxed) {
            self.any.store(true, Ordering::Release);
        }
        let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = samples.get_mut(name) {
            known.record(value);
        } else if samples.len() < MAX_NAMES {
            samples.entry(name.to_owned()).or_default().record(value);
        } else {
            say_full();
        }
    }

    /// Moves all that is in it to what there is already. Gives it too, if it is to be told by itself.
    pub(crate) fn take_into(
        &self,
        all: &mut BTreeMap<String, Samples>,
        untold: &mut BTreeMap<String, Samples>,
    ) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        for Stripe(samples) in &self.stripes {
            let mut samples = samples.lock().unwrap_or_else(PoisonError::into_inner);
            for (name, samples) in std::mem::take(&mut *samples) {
                if all.len() == MAX_NAMES && !all.contains_key(&name) {
                    say_full();
                    continue;
                }
                let untold = untold.entry(name.clone()).or_default();
                untold.merge(&samples);
                all.entry(name).or_default().merge(&samples);
            }
        }
    }

    /// Forgets what came too late.
    pub(crate) fn clear(&mut self) {
        if !std::mem::take(self.any.get_mut()) {
            return;
        }
        for Stripe(samples) in &mut self.stripes {
            let samples = samples.get_mut().unwrap_or_else(PoisonError::into_inner);
            samples.clear();
        }
    }
}

fn say_full() {
    warn_once(&format!(
        "a test has samples of more than {MAX_NAMES} names: the rest is skipped"
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::thread;

    fn taken(sampled: &Sampled) -> BTreeMap<String, Samples> {
        let (mut all, mut untold) = (BTreeMap::new(), BTreeMap::new());
        sampled.take_into(&mut all, &mut untold);
        assert_eq!(all, untold);
        all
    }

    #[test]
    fn no_value_of_any_thread_is_lost() {
        let sampled = Sampled::default();
        thread::scope(|scope| {
            for thread in 0..3 * STRIPES {
                let sampled = &sampled;
                scope.spawn(move || {
                    for value in 0..1000 {
                        sampled.record("all", f64::from(value));
                    }
                    sampled.record(&format!("own {thread}"), 1.0);
                });
            }
        });
        let all = taken(&sampled);
        assert_eq!(all["all"].count, 1000 * 3 * STRIPES as u64);
        assert_eq!((all["all"].min, all["all"].max), (Some(0.0), Some(999.0)));
        assert_eq!(all.len(), 1 + 3 * STRIPES);
        assert_eq!(taken(&sampled), BTreeMap::new());
    }

    #[test]
    fn names_are_bounded_however_many_threads_have_them() {
        let sampled = Sampled::default();
        thread::scope(|scope| {
            for thread in 0..STRIPES {
                let sampled = &sampled;
                scope.spawn(move || {
                    for name in 0..=MAX_NAMES {
                        sampled.record(&format!("{thread} {name}"), 1.0);
                    }
                });
            }
        });
        assert_eq!(taken(&sampled).len(), MAX_NAMES);
    }
}
