//! What the numbers of a test must be, by the log alone.

use std::collections::{BTreeMap, BTreeSet};

use heap_sidecar::{OwnTier, PeakSource};

use crate::witness::{Event, What};

/// What each event of a log is for.
pub(crate) struct Log {
    events: Vec<(Event, u64)>,
    /// When the record of each test was there.
    closed: BTreeMap<u64, u64>,
}

/// What a test has come to.
#[derive(Debug)]
pub(crate) struct Known {
    allocated: u64,
    deallocated: u64,
    /// What was live at once: at least, and at the most. What two threads do at the same time has no order.
    peak: [i64; 2],
    allocations: u64,
    threads: u32,
    threads_running: u32,
}

impl Log {
    /// The events in their order. `nodes` are the sizes of std's map of threads, which is nobody's.
    pub(crate) fn new(events: Vec<Event>, nodes: &[usize]) -> Self {
        let mut closed = BTreeMap::new();
        let mut sets = vec![0; events.len()];
        // Of each thread: what it is in, and its events from before that was known.
        let mut threads: BTreeMap<u32, (u64, Vec<usize>)> = BTreeMap::new();
        for (at, event) in events.iter().enumerate() {
            let (set, unknown) = threads.entry(event.thread).or_default();
            match event.what {
                What::Is(now) => *set = now,
                What::Was(now) => {
                    *set = now;
                    for before in unknown.drain(..) {
                        if !nodes.contains(&events[before].size) {
                            sets[before] = now;
                        }
                    }
                }
                What::Leaves | What::Closed(_) => {}
                What::Allocated(_) | What::Freed(_) | What::Resized { .. } => unknown.push(at),
            }
            if let What::Closed(test) = event.what {
                closed.insert(test, event.begun);
            }
            sets[at] = *set;
        }
        let mut has_left = BTreeSet::new();
        for (event, set) in events.iter().zip(&mut sets) {
            if event.what == What::Leaves {
                has_left.insert(event.thread);
            } else if has_left.contains(&event.thread) && nodes.contains(&event.size) {
                *set = 0;
            }
        }
        Self {
            events: events.into_iter().zip(sets).collect(),
            closed,
        }
    }

    /// The tests that there were.
    pub(crate) fn tests(&self) -> impl Iterator<Item = u64> {
        self.closed.keys().copied()
    }

    /// For people: what has happened in a test.
    pub(crate) fn show(&self, test: u64) {
        for (event, set) in &self.events {
            if set & (1 << test) != 0 && event.begun < self.closed[&test] {
                eprintln!("t{test}: {event:?}");
            }
        }
    }

    pub(crate) fn known(&self, test: u64) -> Known {
        let (bit, end) = (1 << test, self.closed[&test]);
        let until = self.events.iter().filter(|(event, _)| event.begun < end);
        let its = until.clone().filter(|(_, set)| set & bit != 0);
        let mut known = Known {
            allocated: 0,
            deallocated: 0,
            peak: peak(its.clone().map(|(event, _)| event)),
            allocations: 0,
            threads: 0,
            threads_running: 0,
        };
        for (event, _) in its.clone() {
            let (more, less) = match event.what {
                What::Allocated(bytes) => (bytes, 0),
                What::Freed(bytes) => (0, bytes),
                What::Resized { from, to, .. } => (to, from),
                _ => continue,
            };
            known.allocated += more;
            known.deallocated += less;
            known.allocations += u64::from(more > 0);
        }
        let threads: BTreeSet<u32> = its.map(|(event, _)| event.thread).collect();
        let is_there = |thread: &&u32| {
            let mut last = until.clone().filter(|(event, _)| event.thread == **thread);
            let mut left = last.clone().map(|(event, _)| event.what);
            last.next_back().is_some_and(|(_, set)| set & bit != 0)
                && !left.any(|what| what == What::Leaves)
        };
        let count = |threads: usize| u32::try_from(threads).expect("there are few");
        known.threads_running = count(threads.iter().filter(is_there).count());
        known.threads = count(threads.len());
        known
    }
}

/// What was live at once, at the least and at the most: an event has happened at some moment of the time that it
/// took.
fn peak<'a>(events: impl Iterator<Item = &'a Event> + Clone) -> [i64; 2] {
    let signed = |bytes: u64| i64::try_from(bytes).expect("there is not so much");
    // At a moment, by how much what is live at the least, and at the most, changes.
    let mut changes: Vec<(u64, i64, i64)> = Vec::new();
    let mut moves: Vec<(u64, u64, i64)> = Vec::new();
    for event in events {
        let (rise, fall) = match event.what {
            What::Allocated(bytes) => (signed(bytes), 0),
            What::Freed(bytes) => (0, signed(bytes)),
            What::Resized { from, to, in_place } => {
                let (from, to) = (signed(from), signed(to));
                if in_place {
                    ((to - from).max(0), (from - to).max(0))
                } else {
                    moves.push((event.begun, event.ended, from.max(to)));
                    // For what is live at the most, the two are there together.
                    changes.push((event.begun, 0, to.min(from)));
                    changes.push((event.ended, 0, -to.min(from)));
                    ((to - from).max(0), (from - to).max(0))
                }
            }
            _ => continue,
        };
        changes.push((event.begun, -fall, rise));
        changes.push((event.ended, rise, -fall));
    }
    changes.sort_unstable();
    let (mut least, mut most) = (0, 0);
    let (mut least_peak, mut most_peak) = (0, 0);
    let mut course = vec![(0, 0)];
    for (at, least_change, most_change) in changes {
        least += least_change;
        most += most_change;
        least_peak = least_peak.max(least);
        most_peak = most_peak.max(most);
        course.push((at, least));
    }
    for (begun, ended, at_once) in moves {
        let before = course
            .partition_point(|(at, _)| *at < begun)
            .saturating_sub(1);
        let meanwhile = course[before..].iter().take_while(|(at, _)| *at < ended);
        let lowest = meanwhile.map(|(_, least)| *least).min().unwrap_or(0);
        least_peak = least_peak.max(lowest + at_once);
    }
    [least_peak, most_peak]
}

impl Known {
    /// What the tracker says of it that is not so.
    pub(crate) fn difference(&self, own: &OwnTier) -> Option<String> {
        let retained = i128::from(self.allocated) - i128::from(self.deallocated);
        let totals = (self.allocated, self.deallocated, retained);
        let told = (
            own.allocated_bytes,
            own.deallocated_bytes,
            i128::from(own.retained_bytes),
        );
        let threads = (self.threads, self.threads_running);
        let (Some(peak), Some(error)) = (own.peak_bytes, own.peak_error_bytes) else {
            return Some("there is no peak".into());
        };
        let [least, most] = self.peak.map(|peak| peak.max(0).unsigned_abs());
        let is_exact = own.peak_source == Some(PeakSource::Exact);
        let within = peak.saturating_add(error) >= least && peak.saturating_sub(error) <= most;
        let what = if totals != told {
            "the totals"
        } else if threads != (own.threads, own.threads_running) {
            "the threads"
        } else if !within || is_exact && error != 0 {
            "the peak"
        } else if is_exact && own.allocations != Some(self.allocations) {
            "the allocations"
        } else {
            return None;
        };
        Some(format!("{what}: known {self:?}, told {own:?}"))
    }
}
